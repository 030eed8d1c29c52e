"""TRUST's rows about tenants, on each provider: names are never places, and no tenant's rows are another's."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from datatables.catalog import TableCatalog
from records.providers.mongo.layout import database_name
from tests.api.descriptors import new_table
from tests.api.kept import Kept, documents, places
from tests.api.test_trust_records import CANARY, PLACES, VERBS
from tests.api.test_trust_values import NOTES
from tests.cast import Api, globex
from tests.stores import PROVIDERS, mongodb_known

OTHER: dict[str, Any] = {"fields": [{"name": "mine", "type": "integer"}]}
LATER: dict[str, Any] = {"fields": [{"name": "later", "type": "string"}, *OTHER["fields"]]}


@pytest.fixture(scope="module", params=PROVIDERS)
def provider(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[str]:
    """Each provider, its server known to the service."""
    with mongodb_known():
        yield request.param


@pytest.fixture(scope="module")
def kept(provider: str) -> Kept:
    """Made once."""
    return Kept(provider)


class Twins:
    """Two tenants each with a table of the same app and name, another schema; only theirs holds the canary."""

    def __init__(self, provider: str) -> None:
        self.ours, self.theirs = Kept(provider, "ours"), Kept(provider, "theirs")
        self.data = self.ours.table("notes", OTHER)
        assert self.theirs.table("notes", NOTES) == self.data
        self.ours.api.post(self.data, [{"mine": number} for number in range(3)])
        assert self.theirs.api.post(self.data, [{"text": f"{CANARY} {number}"} for number in range(50)]).status == 201


@pytest.fixture(scope="module")
def twins(provider: str) -> Twins:
    """Made once."""
    return Twins(provider)


NAMES = ["system.users", "a.b", "$cmd", "../x", "a\x00b", "x" * 200, "system.indexes", "a/b", "a b", "é", "", ".", "1a"]


@pytest.mark.parametrize("name", [*NAMES, "{theirs}", "{theirs}.notes", "{schema}", "public"])
def test_ti_17_names_are_never_places(kept: Kept, name: str, pg: "psycopg.Connection[Any]") -> None:
    schema = globex().schema
    name = name.format(theirs=database_name("datar", schema), schema=schema) if "{" in name else name
    before = places(pg)
    known = {table["name"] for table in kept.api.get(f"{kept.app}datatables/").data}
    for url in (kept.source, f"{kept.app}datatables/"):
        body = {"name": name, "json_schema": OTHER, "materialize": True}
        answer = kept.api.post(url, body, accept="application/problem+json")
        if answer.status == 201:  # a name like any other: the place is made of our own words
            assert name.isidentifier() and name not in known
            assert kept.api.delete(f"{kept.app}datatables/{name}/").status == 204
            assert all(place.startswith(_own(kept)) for place in places(pg) - before)
            return
        assert answer.status == 400, answer
        assert {error["field"] for error in answer.data.get("errors", [{"field": "name"}])} == {"name"}
    assert places(pg) == before


def _own(kept: Kept) -> tuple[str, ...]:
    """What all places of the tenant begin with; and PostgreSQL's own for long values."""
    own = database_name("datar", kept.tenant.schema)
    return f"{kept.tenant.schema}/", f"{own}/", "pg_toast/"


@pytest.mark.parametrize("slug", [*NAMES[:-1], "{theirs}", "A", "-", "a--b", "admin.system"])
def test_ti_17_slugs_are_never_places(kept: Kept, slug: str, pg: "psycopg.Connection[Any]") -> None:
    before = places(pg)
    slug = slug.format(theirs=database_name("datar", globex().schema)) if "{" in slug else slug
    for url, body in (
        ("/api/apps/", {"name": "App", "slug": slug}),
        (f"{kept.app}datasources/", {"name": "Source", "slug": slug, "provider_type": kept.provider}),
    ):
        answer = kept.api.post(url, body, accept="application/problem+json")
        assert answer.status == 400, (url, answer)
    assert places(pg) == before


def test_ti_12_the_same_names_with_different_schemas_on_each_provider(twins: Twins) -> None:
    ours, theirs = twins.ours.api, twins.theirs.api
    table = twins.data.removesuffix("data/")
    tag, described = theirs.get(f"{twins.data}1/").headers["ETag"], theirs.get(table).data
    for _ in range(3):
        assert list(ours.get(twins.data).data["data"][0]) == ["id", "mine"]
        assert list(theirs.get(twins.data).data["data"][0]) == ["id", "text", "number", "at"]
    assert ours.post(twins.data, {"text": "x"}).data.keys() == {"text"}
    assert theirs.post(twins.data, {"mine": 1}).data.keys() == {"mine"}
    other = twins.ours.source
    assert ours.post(other, {"name": "later", "json_schema": OTHER}).status == 201
    assert twins.theirs.table("later", NOTES) == f"{twins.ours.app}datatables/later/data/"
    theirs.post(f"{twins.ours.app}datatables/later/data/", {"text": CANARY})
    place = f"{twins.ours.app}datatables/later/"
    assert ours.patch(place, {"json_schema": LATER}).status == 200
    assert ours.post(f"{place}materialize/").status == 200
    assert ours.post(f"{place}data/", {"later": "x", "mine": 1}).status == 201
    assert theirs.get(f"{place}data/").data["data"] == [{"id": 1, "text": CANARY, "number": None, "at": None}]
    assert ours.get(f"{place}data/").data["data"] == [{"id": 1, "later": "x", "mine": 1}]
    assert ours.delete(table).status == 204
    TableCatalog(twins.ours.tenant.schema).forget()
    for _ in range(2):
        assert ours.get(twins.data).status == 404
        assert theirs.get(f"{twins.data}1/").headers["ETag"] == tag
        assert theirs.get(f"{twins.data}1/", if_none_match=tag).status == 304
    assert theirs.get(table).data == described
    assert ours.post(f"{table}restore/").status == 200
    TableCatalog(twins.ours.tenant.schema).forget()
    assert ours.get(twins.data).data["total"] == 3
    assert theirs.get(f"{twins.data}?search={CANARY}").data["total"] == 50


def test_ti_08_anothers_rows_are_404_like_absent_ones_on_each_provider(
    kept: Kept, twins: Twins, pg: "psycopg.Connection[Any]"
) -> None:
    theirs = twins.theirs
    data = theirs.table("secrets", NOTES)
    theirs.api.post(data, [{"text": f"{CANARY} {number}"} for number in range(50)])
    absent, before = data.replace("secrets", "nothing"), (documents(), theirs.api.get(f"{data}?page_size=99").data)
    for place in PLACES:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            body = {"text": "x"} if method in ("POST", "PUT", "PATCH") else None
            answers = [
                kept.api.request(method, place.format(data=where), body, x_request_id="same")
                for where in (data, absent)
            ]
            assert answers[0].status in (404, 405, 406)
            assert len({(answer.status, answer.content, *sorted(answer.headers.items())) for answer in answers}) == 1
    assert (documents(), theirs.api.get(f"{data}?page_size=99").data) == before


def test_ti_08_rows_of_a_table_of_the_same_name_are_ours_on_each_provider(twins: Twins) -> None:
    ours, theirs = twins.ours.api, twins.theirs.api
    before = theirs.get(f"{twins.data}?page_size=99&_meta=true").data
    for path in (f"{twins.data}40/", f"{twins.data}50/"):
        for answer in (ours.get(path), ours.patch(path, {"mine": 1}), ours.put(path, {"mine": 1}), ours.delete(path)):
            assert (answer.status, answer.code) == (404, "not_found")
    assert ours.delete(f"{twins.data}?ids=1,40").status == 404
    assert ours.delete(f"{twins.data}?filter=%7B%22id__gte%22%3A40%7D").data == {"deleted": 0}
    assert CANARY not in ours.get(f"{twins.data}?page_size=99").content.decode()
    assert theirs.get(f"{twins.data}?page_size=99&_meta=true").data == before


def test_ti_01_a_token_of_another_tenant_reaches_no_row_on_each_provider(twins: Twins) -> None:
    before = documents(), twins.theirs.api.get(f"{twins.data}?page_size=99").data
    mixed = Api(twins.theirs.tenant.key, twins.ours.api.access)
    for verb in VERBS:
        answer = verb(mixed, twins.data)
        assert (answer.status, answer.code) == (401, "token_tenant_mismatch")
    assert (documents(), twins.theirs.api.get(f"{twins.data}?page_size=99").data) == before


def test_ti_12_a_tables_provider_is_each_tenants_own(kept: Kept, twins: Twins) -> None:
    """The same names in PostgreSQL here and on the provider there."""
    name = "crossed"
    new_table(twins.ours.api, twins.ours.app, name, OTHER, materialize=True)
    data = twins.theirs.table(name, OTHER)
    twins.ours.api.post(data, [{"mine": 1}, {"mine": 2}])
    twins.theirs.api.post(data, {"mine": 3})
    for _ in range(2):
        assert [row["mine"] for row in twins.ours.api.get(data).data["data"]] == [1, 2]
        assert [row["mine"] for row in twins.theirs.api.get(data).data["data"]] == [3]
    assert kept.api.get(data).status == 404
