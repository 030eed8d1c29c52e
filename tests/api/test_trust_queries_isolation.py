"""TI-08 and TI-12 for the query language: no question of ours, however it is put, reaches a row of theirs."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client as HttpClient

from tests.api.descriptors import new_table
from tests.api.queried import url
from tests.cast import Answer, Api, Tenant, new_tenant

CANARY = "canary-51c7d2"
VAULTS: dict[str, Any] = {"fields": [{"name": "name", "type": "string"}, {"name": "meta", "type": "object"}]}
SECRETS: dict[str, Any] = {
    "fields": [{"name": "text", "type": "string"}, {"name": "vault_id", "type": "integer"}],
    "foreignKeys": [{"fields": "vault_id", "reference": {"resource": "vaults", "fields": "id"}}],
}
APP = "/api/apps/bank/"
OURS, THEIRS = f"{APP}datatables/vaults/data/", f"{APP}datatables/secrets/data/"
TWINS = f"{APP}datatables/twins/data/"


class Neighbours:
    """Two tenants with an app, vaults and twins of the same names; only theirs has secrets, below its vaults."""

    def __init__(self, ours: Tenant, theirs: Tenant) -> None:
        self.ours, self.theirs = ours, theirs
        for tenant, word in ((ours, "ours"), (theirs, CANARY)):
            api = tenant.api
            assert api.post("/api/apps/", {"name": "Bank", "slug": "bank"}).status == 201
            new_table(api, APP, "vaults", VAULTS, materialize=True)
            made = api.post(OURS, [{"name": f"{word} {number}", "meta": {"word": word}} for number in range(3)])
            assert made.status == 201, made
            new_table(api, APP, "twins", SECRETS, materialize=True)
            made = api.post(TWINS, [{"text": f"{word} {number}", "vault_id": number % 3 + 1} for number in range(9)])
            assert made.status == 201, made
        new_table(theirs.api, APP, "secrets", SECRETS, materialize=True)
        theirs.api.post(THEIRS, [{"text": f"{CANARY} {number}", "vault_id": 1} for number in range(5)])


@pytest.fixture(scope="module")
def neighbours(django_db_setup: None) -> Neighbours:
    """Made once."""
    return Neighbours(new_tenant("ours"), new_tenant("theirs"))


def words_for(schema: str) -> list[str]:
    """Ways to write the name of a table of theirs."""
    return [
        *("secrets", "secrets.vault_id", "bank_secrets", "secret", "bank.secrets", "bank:secrets", '"secrets"'),
        *(f"{schema}.secrets", f"{schema}.bank_secrets", f'"{schema}"."bank_secrets"', f"{schema}:bank:secrets"),
        *("public.secrets", "public.bank_secrets", "datar_datatable", "datar_user", "public.datar_user"),
    ]


def questions(word: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """A word wherever a relation may be named."""
    yield (("populate", word),)
    yield (("populate", f"{word}.vault"),)
    yield ((f"{word}.text", "x"),)
    yield ((f"{word}.id__nnull", "true"),)
    yield (("filters", json.dumps({"or": [{"id": 1}, {f"{word}.text__contains": "c"}]})),)
    yield (("ordering", f"{word}.text"),)
    yield (("_group_by", f"{word}.text"),)
    yield (("_aggregate", f"string_agg({word}.text)"),)
    yield (("_aggregate", "count(*)"), (f"{word}.text__ne", ""))
    yield (("fields", f"{word}.text"),)


def test_ti_08_a_table_of_theirs_is_no_relation_of_ours(neighbours: Neighbours) -> None:
    """Named in any way, it is refused in the words for what is nowhere, and never populated or filtered through."""
    ours = neighbours.ours.api
    for word in words_for(neighbours.theirs.schema):
        for pairs in questions(word):
            answer = ours.get(url(OURS, pairs))
            assert answer.status == 400, (pairs, answer)
            assert answer.code in ("unknown_field", "invalid_ordering", "invalid_aggregate"), (pairs, answer)
            assert CANARY not in answer.content.decode()
            assert "inactive" not in answer.data["detail"], "that would say it is there"
        body = ours.post(f"{OURS}query/", {"populate": [word], "filters": {f"{word}.id__nnull": True}})
        assert (body.status, body.code) == (400, "unknown_field")
        gone = ours.delete(url(OURS, [("filter", json.dumps({f"{word}.id__isnull": True}))]))
        assert (gone.status, gone.code) == (400, "unknown_field")
    found = neighbours.theirs.api.get(url(OURS, [("secrets.text__contains", CANARY), ("populate", "secrets")]))
    assert (found.data["total"], len(found.data["data"][0]["secrets"])) == (1, 5), "it is one of theirs"


def test_ti_08_refusals_name_nothing_of_theirs(neighbours: Neighbours) -> None:
    """The nearest name that a refusal offers is one of ours: a guess one letter away learns nothing."""
    for word in ("secret", "secrts", "secrets"):
        answer = neighbours.ours.api.get(url(OURS, [("populate", word)]))
        assert "secrets'?" not in answer.data["detail"]
    told = neighbours.theirs.api.get(url(OURS, [("populate", "secrts")]))
    assert "Did you mean 'secrets'" in told.data["detail"]


READS: list[tuple[tuple[str, str], ...]] = [
    (("populate", "vault"),),
    (("populate", "vault.twins"),),
    (("populate", "*"), ("cursor", "")),
    (("vault.name__contains", CANARY),),
    (("text__icontains", CANARY),),
    (("filters", json.dumps({"not": {"vault.name": "ours 1"}})), ("populate", "vault")),
    (("vault.meta__word__nnull", "true"), ("ordering", "-vault.name")),
    (("search", "canary"),),
    (("search", "ours OR canary"), ("ordering", "-rank")),
    (("_aggregate", "string_agg(text),min(vault.name),json_agg(id)"),),
    (("_group_by", "vault.name"), ("_aggregate", "array_agg(text)")),
    (("_group_by", "vault.meta__word"),),
    (("_count", "estimated"),),
]
"""Asked of the twins."""
FORMS = ["application/json", "text/csv", "application/x-ndjson"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", range(len(READS)))
def test_ti_12_the_same_question_finds_each_tenants_own(neighbours: Neighbours, place: int, form: str) -> None:
    pairs = READS[place]
    if form != "application/json":
        pairs = tuple(pair for pair in pairs if pair[0] not in ("cursor", "_count"))
    for _ in range(2):  # from what is kept of the other tenant's question, if anything were
        theirs = neighbours.theirs.api.get(url(TWINS, pairs), accept=form)
        ours = neighbours.ours.api.get(url(TWINS, pairs), accept=form)
        assert (theirs.status, ours.status) == (200, 200), (theirs, ours)
        assert CANARY.encode() not in ours.content
        assert b"ours" not in theirs.content
    if form == "application/json":
        asked = {name: value for name, value in pairs if "__" not in name and "." not in name and name != "filters"}
        body = neighbours.ours.api.post(f"{TWINS}query/", asked)
        assert body.status == 200 and CANARY.encode() not in body.content


def test_ti_08_a_removal_by_filter_removes_our_rows_alone(
    neighbours: Neighbours, pg: "psycopg.Connection[Any]"
) -> None:
    theirs = neighbours.theirs.api
    before = [theirs.get(url(data, [("page_size", "1000")])).content for data in (OURS, TWINS, THEIRS)]
    ours = new_tenant("removing").api
    assert ours.post("/api/apps/", {"name": "Bank", "slug": "bank"}).status == 201
    new_table(ours, APP, "vaults", VAULTS, materialize=True)
    new_table(ours, APP, "twins", SECRETS, materialize=True)
    ours.post(OURS, {"name": "x"})
    ours.post(TWINS, [{"text": "x", "vault_id": 1}, {"text": "y"}])
    for tree in ({"vault.id": 1}, {"id__gte": 0}):
        gone = ours.delete(url(TWINS, [("filter", json.dumps(tree))]))
        assert (gone.status, gone.data) == (200, {"deleted": 1})
    nobody = ours.delete(url(THEIRS, [("filter", '{"id__gte":0}')]))
    assert (nobody.status, nobody.code) == (404, "not_found")
    assert [theirs.get(url(data, [("page_size", "1000")])).content for data in (OURS, TWINS, THEIRS)] == before


def test_ti_08_a_cursor_of_theirs_opens_nothing(neighbours: Neighbours) -> None:
    ours, theirs = neighbours.ours.api, neighbours.theirs.api
    for pairs in ((), (("ordering", "-text"),), (("vault.id__gte", "0"), ("ordering", "vault.name"))):
        start = (("cursor", ""), ("page_size", "2"), *pairs)
        cursor = theirs.get(url(TWINS, start)).data["next_cursor"]
        assert theirs.get(url(TWINS, (("cursor", cursor), *start[1:]))).status == 200
        for form in FORMS:
            answer = ours.get(url(TWINS, (("cursor", cursor), *start[1:])), accept=form)
            assert (answer.status, answer.code) == (400, "invalid_cursor")
            assert CANARY not in answer.content.decode()


def test_ti_11_threads_of_two_tenants_ask_the_same_and_see_their_own(neighbours: Neighbours) -> None:
    def ask(api: Api, canary: bool) -> None:
        try:
            for turn in range(60):
                seen: Answer = api.get(url(TWINS, READS[turn % len(READS)]))
                assert seen.status == 200, seen
                assert (b"ours" if canary else CANARY.encode()) not in seen.content
                seen = api.post(f"{TWINS}query/", {"populate": ["vault"], "page_size": 3})
                assert (CANARY.encode() in seen.content) == canary
        finally:
            connections.close_all()

    tenants = [(neighbours.ours, False), (neighbours.theirs, True)] * 2
    clients = [(replace(each.api, http=HttpClient(raise_request_exception=False)), own) for each, own in tenants]
    with ThreadPoolExecutor(len(clients)) as pool:
        for future in [pool.submit(ask, *client) for client in clients]:
            future.result()
