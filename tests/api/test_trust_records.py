"""TRUST's rows about records: another tenant's rows are never read, changed, or told from absent ones."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.test import Client as HttpClient
from psycopg import sql

from datasources import connect
from records.providers.postgres.provider import PostgresProvider
from records.recordset import RecordSet
from tests.api.descriptors import new_app, new_table
from tests.api.test_trust_values import NOTES, physical
from tests.cast import ANYBODY, Answer, Api, Tenant, acme, globex, new_tenant, new_user
from tests.public import clear_public

CANARY = "canary-7f3a91"

OTHER: dict[str, Any] = {"fields": [{"name": "mine", "type": "integer"}]}


class Twins:
    """Acme and globex each with an app and a table of the same names; only globex's rows hold the canary."""

    def __init__(self, ours: Tenant, theirs: Tenant) -> None:
        self.ours, self.theirs = ours, theirs
        self.data = self.make(ours.api, OTHER)
        assert self.make(theirs.api, NOTES) == self.data
        ours.api.post(self.data, [{"mine": number} for number in range(3)])
        theirs.api.post(self.data, [{"text": f"{CANARY} {number}"} for number in range(50)])

    def make(self, api: Api, schema: dict[str, Any]) -> str:
        """The rows' URL."""
        made = api.post("/api/apps/", {"name": "Twin", "slug": "twin"})
        assert made.status in (201, 409), made
        return new_table(api, "/api/apps/twin/", "notes", schema, materialize=True) + "data/"


@pytest.fixture(scope="module")
def twins(django_db_setup: None) -> Twins:
    """Made once."""
    return Twins(new_tenant("ours"), new_tenant("theirs"))


def everything(pg: "psycopg.Connection[Any]", place: sql.Identifier) -> list[Any]:
    """Every row of a table, seen past the service."""
    return pg.execute(sql.SQL("SELECT t.*::text FROM {} AS t ORDER BY 1").format(place)).fetchall()


Verb = Callable[[Api, str], Answer]
READS: list[Verb] = [
    lambda api, data: api.get(data),
    lambda api, data: api.get(f"{data}1/"),
    lambda api, data: api.get(f"{data}1/?populate=*&fields=id"),
    lambda api, data: api.get(f"{data}?cursor=&populate=*"),
    lambda api, data: api.get(f"{data}?_aggregate=count(*),json_agg(id)"),
    lambda api, data: api.get(data, accept="text/csv"),
    lambda api, data: api.get(f"{data}?ordering=-id", accept="application/x-ndjson"),
    lambda api, data: api.post(f"{data}query/", {}),
    lambda api, data: api.post(f"{data}query/", {"_group_by": "id"}, accept="text/csv"),
]
WRITES: list[Verb] = [
    lambda api, data: api.post(data, {"text": "x"}),
    lambda api, data: api.post(data, [{"text": "x"}]),
    lambda api, data: api.post(f"{data}upsert/", {"id": 1, "text": "x"}),
    lambda api, data: api.put(f"{data}1/", {"text": "x"}),
    lambda api, data: api.patch(f"{data}1/", {"text": "x"}),
    lambda api, data: api.patch(data, [{"id": 1, "text": "x"}]),
    lambda api, data: api.delete(f"{data}1/"),
    lambda api, data: api.delete(f"{data}?ids=1"),
    lambda api, data: api.delete(f"{data}?filter=%7B%22id__gte%22%3A0%7D"),
    lambda api, data: api.post(f"{data}?on_error=skip", [{"text": "x"}]),
    lambda api, data: api.patch(f"{data}1/", {"text": "x"}, if_match="*"),
]
VERBS = [*READS, *WRITES]

KEYS = ["unknown", "", " ", "x" * 10_000, "ünïcødé", "datar_" + "a" * 43, "' OR 1=1 --", "public"]


@pytest.mark.parametrize("key", KEYS)
def test_ti_04_a_key_that_opens_nothing(twins: Twins, pg: "psycopg.Connection[Any]", key: str) -> None:
    before = everything(pg, physical(pg, twins.theirs))
    for token in (twins.theirs.api.access, ""):
        headers = {"api_key": key, **({"authorization": f"Bearer {token}"} if token else {})}
        for method, path in (("GET", twins.data), ("POST", twins.data), ("DELETE", f"{twins.data}1/")):
            answer = ANYBODY.request(method, path, {} if method == "POST" else None, **headers)
            assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert everything(pg, physical(pg, twins.theirs)) == before


def test_ti_01_a_token_of_another_tenant_reaches_no_row(twins: Twins, pg: "psycopg.Connection[Any]") -> None:
    before = everything(pg, physical(pg, twins.theirs))
    mixed = Api(twins.theirs.key, twins.ours.api.access)
    for verb in VERBS:
        answer = verb(mixed, twins.data)
        assert (answer.status, answer.code) == (401, "token_tenant_mismatch")
    assert everything(pg, physical(pg, twins.theirs)) == before


@pytest.mark.parametrize("reader", ["a viewer", "a key that reads"])
def test_who_reads_only_asks_every_question_and_changes_nothing(
    twins: Twins, pg: "psycopg.Connection[Any]", reader: str
) -> None:
    theirs = twins.theirs.api
    if reader == "a viewer":
        api = theirs.with_token(new_user(twins.theirs.schema))
    else:
        api = theirs.with_key(theirs.post("/api/auth/api-keys/", {"label": "r", "scope": "read"}).data["api_key"])
    before = everything(pg, physical(pg, twins.theirs))
    assert [verb(api, twins.data).status for verb in READS] == [200] * len(READS)
    for verb in WRITES:
        answer = verb(api, twins.data)
        assert (answer.status, answer.code) == (403, "permission_denied"), answer
    assert everything(pg, physical(pg, twins.theirs)) == before


@pytest.fixture(scope="module")
def operator(django_db_setup: None) -> Api:
    """An operator of public."""
    return Api("", new_user("public", "admin"))


@pytest.fixture(scope="module")
def public_data(operator: Api) -> Iterator[str]:
    """Rows in public, while these tests run."""
    data = new_table(operator, new_app(operator, "Public shop"), "shared", NOTES, materialize=True) + "data/"
    assert operator.post(data, [{"text": "everybody's"}]).status == 201
    yield data
    clear_public()


def test_ti_05_without_a_key_public_is_read_only(operator: Api, public_data: str) -> None:
    reader = acme().api.without_key()
    assert reader.get(public_data).data["data"][0]["text"] == "everybody's"
    for verb in READS:
        assert verb(reader, public_data).status == 200
    for verb in WRITES:
        answer = verb(reader, public_data)
        assert (answer.status, answer.code) == (403, "public_read_only")
    query = reader.post(f"{public_data}query/", {})
    assert (query.status, query.data["total"]) == (200, 1)
    for verb in VERBS:
        assert verb(ANYBODY, public_data).status == 401
    assert operator.get(public_data).data["total"] == 1


def test_ti_07_a_table_that_is_gone_is_not_read_elsewhere(
    operator: Api, public_data: str, pg: "psycopg.Connection[Any]"
) -> None:
    tenant = new_tenant("gone")  # a clone of public, so it has the very same physical names
    api = tenant.api
    assert api.get(public_data).data["total"] == 1
    before = everything(pg, physical(pg, _as_public(), "shared"))
    pg.execute(sql.SQL("DROP TABLE {}").format(physical(pg, tenant, "shared")))
    for verb in VERBS:
        answer = verb(api, public_data)
        assert (answer.status, answer.code) in ((409, "not_materialized"), (404, "not_found")), answer
        assert b"everybody" not in answer.content
    assert everything(pg, physical(pg, _as_public(), "shared")) == before
    assert operator.get(public_data).data["total"] == 1


def _as_public() -> Tenant:
    return Tenant(0, "public", "", "", "", "")


PLACES = [
    *("{data}", "{data}40/", "{data}?ids=40,41", "{data}upsert/", "{data}query/", "{data}?cursor=", "{data}?cursor=x"),
    *(
        "{data}?filter=%7B%22id%22%3A40%7D",
        "{data}?populate=*",
        "{data}40/?populate=*&fields=id",
        "{data}?search=canary",
    ),
    *("{data}?text=x&nope=1", "{data}?_aggregate=count(*)", "{data}?_group_by=text", "{data}?on_error=skip"),
]
FORMS = ["application/json", "text/csv", "application/x-ndjson"]


def test_ti_08_anothers_rows_are_404_like_absent_ones(pg: "psycopg.Connection[Any]") -> None:
    ours, theirs = acme(), globex()
    app = new_app(theirs.api, "Only theirs")
    data = new_table(theirs.api, app, "secrets", NOTES, materialize=True) + "data/"
    theirs.api.post(data, [{"text": f"{CANARY} {number}"} for number in range(50)])
    before = everything(pg, physical(pg, theirs, "secrets"))
    absent = data.replace("secrets", "nothing").replace("only-theirs", "only-nobody")
    for place in PLACES:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            body = {"text": "x"} if method in ("POST", "PUT", "PATCH") else None
            for form in FORMS:
                words = {"x_request_id": "same", "accept": form}
                mine = ours.api.request(method, place.format(data=data), body, **words)
                nobodys = ours.api.request(method, place.format(data=absent), body, **words)
                assert mine.status in (404, 405, 406)
                assert (mine.status, mine.content, _stable(mine)) == (nobodys.status, nobodys.content, _stable(nobodys))
    assert everything(pg, physical(pg, theirs, "secrets")) == before


def _stable(answer: Answer) -> dict[str, str]:
    return dict(answer.headers)


def test_ti_08_the_time_tells_nothing(twins: Twins) -> None:
    api = twins.ours.api
    theirs = new_app(twins.theirs.api, "Timed")
    data = new_table(twins.theirs.api, theirs, "timed", NOTES, materialize=True) + "data/1/"
    absent = data.replace("timed", "tamed")
    times: dict[str, list[float]] = {data: [], absent: []}
    for _ in range(200):
        for path, taken in times.items():  # in turn, so that what slows the machine slows both
            began = time.perf_counter()
            assert api.get(path).status == 404
            taken.append(time.perf_counter() - began)
    first, second = (statistics.median(taken) for taken in times.values())
    assert abs(first - second) < 0.005


def test_ti_08_rows_of_a_table_of_the_same_name_are_ours(twins: Twins, pg: "psycopg.Connection[Any]") -> None:
    before = everything(pg, physical(pg, twins.theirs))
    api = twins.ours.api
    for path in (f"{twins.data}40/", f"{twins.data}50/"):
        for answer in (api.get(path), api.patch(path, {"mine": 1}), api.put(path, {"mine": 1}), api.delete(path)):
            assert (answer.status, answer.code) == (404, "not_found")
    assert api.get(twins.data).data["total"] == 3
    assert everything(pg, physical(pg, twins.theirs)) == before


def test_az_07_one_id_of_a_hundred_is_not_ours(twins: Twins, pg: "psycopg.Connection[Any]") -> None:
    api = twins.theirs.api
    place = physical(pg, twins.theirs)
    before = everything(pg, place)
    ids = [row["id"] for row in api.get(f"{twins.data}?page_size=49").data["data"]]
    patched = api.patch(twins.data, [{"id": number, "number": 1} for number in [*ids, 4711]])
    assert (patched.status, patched.code, patched.data["ids"]) == (404, "not_found", [4711])
    deleted = api.delete(f"{twins.data}?ids={','.join(map(str, [*ids, 4711]))}")
    assert (deleted.status, deleted.code, deleted.data["ids"]) == (404, "not_found", [4711])
    assert everything(pg, place) == before


def test_ti_11_a_crash_in_the_middle_leaves_nothing_behind(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = twins.ours.api, twins.theirs.api

    def crash(*args: Any, **words: Any) -> Any:
        raise RuntimeError(CANARY)

    points: list[tuple[Any, str]] = [(RecordSet, "list"), (PostgresProvider, "read"), (PostgresProvider, "_write")]
    points += [(PostgresProvider, "_read"), (connect, "provider_for")]
    for owner, name in points:
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, crash)
            for answer in (theirs.get(twins.data), theirs.post(twins.data, {"number": 1})):
                assert answer.status in (200, 201, 500)
                if answer.status == 500:
                    assert (answer.code, CANARY in answer.content.decode()) == ("internal_error", False)
        seen = ours.get(twins.data)
        assert (seen.status, [list(row) for row in seen.data["data"]]) == (200, [["id", "mine"]] * 3)


def test_ti_11_threads_of_two_tenants_see_their_own(twins: Twins) -> None:
    def work(place: int) -> None:
        tenant = (twins.ours, twins.theirs)[place % 2]
        api = Api(tenant.key, tenant.api.access, HttpClient(raise_request_exception=False))
        for number in range(40):
            answer = api.get(f"{twins.data}?page_size=5") if number % 3 else api.get(f"{twins.data}9999/")
            assert (CANARY in answer.content.decode()) == (bool(place % 2) and bool(number % 3))
            assert api.post(twins.data, {"nope": 1}).status == 400

    def closing(place: int) -> None:
        from django.db import connections

        try:
            work(place)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(closing, place) for place in range(4)]:
            future.result()


def test_ti_12_the_same_names_with_different_schemas(twins: Twins) -> None:
    for _ in range(3):
        ours, theirs = twins.ours.api.get(twins.data).data, twins.theirs.api.get(twins.data).data
        assert list(ours["data"][0]) == ["id", "mine"]
        assert list(theirs["data"][0]) == ["id", "text", "number", "at"]
    assert twins.ours.api.post(twins.data, {"text": "x"}).data.keys() == {"text"}
    assert twins.theirs.api.post(twins.data, {"mine": 1}).data.keys() == {"mine"}
