"""A table with its rows to another datasource, whatever keeps it here and there."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from datasources import connect
from tenants.clients import delete
from tenants.context import use
from tenants.models import User
from tests.api.moves import DIRECTIONS, app_of, make, move, moved, rows_of, with_mongodb
from tests.cast import PASSWORD, Api, acme, globex, new_tenant, new_user
from tests.mongo import why_not_mongodb

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

EVERYTHING: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "text ✓", "type": "string", "constraints": {"unique": True}},
        {"name": "mail", "type": "string", "format": "email"},
        {"name": "link", "type": "string", "format": "uri"},
        {"name": "uuid", "type": "string", "format": "uuid"},
        {"name": "bytes", "type": "string", "format": "binary"},
        {"name": "whole", "type": "integer"},
        {"name": "number", "type": "number"},
        {"name": "flag", "type": "boolean"},
        {"name": "day", "type": "date"},
        {"name": "clock", "type": "time"},
        {"name": "at", "type": "datetime"},
        {"name": "year", "type": "year"},
        {"name": "month", "type": "yearmonth"},
        {"name": "span", "type": "duration"},
        {"name": "object", "type": "object"},
        {"name": "array", "type": "array"},
        {"name": "list", "type": "list"},
        {"name": "any", "type": "any"},
        {"name": "point", "type": "geopoint"},
        {"name": "shape", "type": "geojson"},
        {"name": "created_at", "type": "datetime"},
    ],
    "primaryKey": "id",
    "indexes": [{"name": "days", "fields": ["day", "whole"]}, {"name": "u", "fields": ["mail", "id"], "unique": True}],
    "search_fields": ["text ✓"],
}
FULL: dict[str, Any] = {
    "mail": "a@b.example",
    "link": "https://b.example/?q=1",
    "uuid": "0190a0b0-0000-7000-8000-00000000000a",
    "bytes": "AAECAwQ=",
    "whole": -(2**63),
    "number": "1.10",
    "flag": False,
    "day": "0001-02-03",
    "clock": "23:59:59.000001",
    "at": "2024-02-29T12:00:00.123456Z",
    "year": 2024,
    "month": "2024-02",
    "span": "P1Y2M3DT4H5M6.7S",
    "object": {"b": None, "aa": [1, 1.50, {"$x": "~", "": 12345678901234567890123}], "ü": "\U0001f600"},
    "array": [[], {}, None, "$where"],
    "list": ["a", "b,c"],
    "any": "any text",
    "point": [12.5, -0.25],
    "shape": {"type": "Point", "coordinates": [1.5, 2]},
}


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    """A client of a service that knows a MongoDB."""
    with with_mongodb(settings) as api:
        yield api


@pytest.fixture
def app(api: Api) -> str:
    """An app with a datasource of each kind; its URL."""
    return app_of(api)


def rows() -> list[dict[str, Any]]:
    """A thousand rows: full ones, and ones of nulls."""
    full = [{**FULL, "text ✓": f"ünï {n} \U0001f600", "number": n / 8} for n in range(500)]
    return [*full, *({"text ✓": f"empty {n}"} for n in range(500))]


@pytest.mark.parametrize(("here", "there"), DIRECTIONS)
def test_every_row_of_every_type_arrives_as_it_was(api: Api, app: str, here: str, there: str) -> None:
    table = make(api, app, here, "things", EVERYTHING)
    made = api.post(f"{table}data/", rows(), Prefer="return=minimal")
    assert made.status == 201, made
    assert api.patch(f"{table}data/7/", {"whole": 7}).status == 200
    assert api.delete(f"{table}data/1000/").status == 204
    before, physical = rows_of(api, table), api.get(table).data["physical_table_name"]
    assert moved(api, table, there)["physical_table_name"] != physical
    assert rows_of(api, table) == before
    assert api.get(f"{table}data/?page_size=1").data["total"] == 999
    assert api.get(f"{table}data/?day=0001-02-03&whole=7").data["total"] == 1
    assert api.get(f"{table}data/?search=empty%20498").data["total"] == 1
    assert api.post(f"{table}data/", {"text ✓": "empty 3"}).code == "conflict_unique"
    assert api.post(f"{table}data/", {"text ✓": "new"}).data["data"]["id"] > 1000
    assert api.patch(f"{table}data/1/", {"whole": 1}).status == 200
    assert api.get(f"{table}data/?page_size=1").data["total"] == 1000
    history = api.get(f"{table}operation-history/").data["data"]
    assert [each["operation_type"] for each in history] == ["CREATE", "MOVE"]
    assert history[-1]["sql"] and history[-1]["rollback_sql"]


PLAIN: dict[str, Any] = {"fields": [{"name": "n", "type": "number"}, {"name": "x", "type": "string"}]}


def test_to_where_it_is_and_to_what_keeps_rows_alike_no_row_moves(api: Api, app: str) -> None:
    table = make(api, app, "flat_table", "things", PLAIN)
    api.post(f"{table}data/", [{"n": 1}, {"n": 2}])
    here = api.get(table).data
    assert move(api, table, "flat_table").data == here
    there = moved(api, table, "flat2")
    assert there["physical_table_name"] == here["physical_table_name"]
    assert api.get(f"{app}datasources/flat2/datatables/things/").status == 200
    assert api.get(f"{app}datasources/flat-table/datatables/things/").status == 404
    assert api.get(f"{table}data/").data["total"] == 2
    assert api.post(f"{app}datasources/flat2/datatables/things/move/", {"datasource": "mongodb"}).status == 200
    assert moved(api, table, "mongo2")["physical_table_name"] == "".join(
        name for name in [api.get(table).data["physical_table_name"]] if name != here["physical_table_name"]
    )
    assert [row["n"] for row in rows_of(api, table)] == [1, 2]


def test_a_table_without_rows_of_its_own_yet_only_changes_its_datasource(api: Api, app: str) -> None:
    table = make(api, app, "flat_table", "things", PLAIN, materialize=False)
    assert moved(api, table, "mongodb")["is_materialized"] is False
    assert api.post(f"{table}materialize/").status == 200
    assert api.post(f"{table}data/", {"n": 1}).status == 201


def test_there_and_back_again(api: Api, app: str) -> None:
    table = make(api, app, "flat_table", "things", PLAIN)
    names = [api.get(table).data["physical_table_name"]]
    for place, kind in enumerate(["mongodb", "flat_table", "jsonb", "mongodb", "jsonb", "flat_table"], start=1):
        assert api.post(f"{table}data/", {"n": place}).data["data"]["id"] == place
        names.append(moved(api, table, kind)["physical_table_name"])
        assert [row["n"] for row in rows_of(api, table)] == list(range(1, place + 1))
        assert api.get(f"{table}data/").data["total"] == place
    assert len(set(names)) == len(names)


def test_composite_keys_and_keys_of_texts(api: Api, app: str) -> None:
    fields = [{"name": "at", "type": "datetime"}, {"name": "who", "type": "string"}, {"name": "n", "type": "integer"}]
    schema = {"fields": fields, "primaryKey": ["at", "who"]}
    table = make(api, app, "flat_table", "things", schema)
    rows = [{"at": f"2024-01-0{n}T00:00:00.000001Z", "who": "\u00e9,/~", "n": n} for n in (1, 2)]
    assert api.post(f"{table}data/", rows).status == 201
    before = api.get(f"{table}data/?_meta=true&ordering=n").data["data"]
    for kind in ("mongodb", "jsonb", "flat_table"):
        moved(api, table, kind)
        assert api.get(f"{table}data/?_meta=true&ordering=n").data["data"] == before
        assert api.post(f"{table}data/", rows[0]).code == "conflict_unique"


def test_what_the_target_cannot_hold_stays_where_it_is(api: Api, app: str) -> None:
    table = make(api, app, "flat_table", "things", PLAIN)
    long = [{"n": 0, "x": "short"}] * 3 + [{"x": "long"}] * 12
    assert api.post(f"{table}data/", long).status == 201
    body = b'{"n": 1.' + b"1" * 40 + b"}"
    for key in range(4, 16):
        assert api.patch(f"{table}data/{key}/", body).status == 200
    here = api.get(table).data
    answer = move(api, table, "mongodb")
    assert (answer.status, answer.code, answer.data["count"]) == (409, "migration_data_conflict", 12)
    assert answer.data["ids"] == [str(key) for key in range(4, 14)]
    assert api.get(table).data == here
    assert api.get(f"{table}data/").data["total"] == 15
    names = connect.mongodb_server().database(acme().schema).list_collection_names()
    assert f"{here['physical_table_name']}_2" not in names
    assert moved(api, table, "jsonb")["physical_table_name"].endswith("_3")


def test_where_it_cannot_go(api: Api, app: str, settings: Settings) -> None:
    table = make(api, app, "flat_table", "things", PLAIN)
    missing = move(api, table, "nowhere")
    assert (missing.status, "'nowhere'" in missing.data["detail"]) == (404, True)
    assert move(api, table, "No Slug").status == 404
    bodies: list[Any] = [{}, {"datasource": 1}, {"datasource": "flat2", "more": 1}, []]
    for body in bodies:
        assert api.post(f"{table}move/", body).status == 400, body
    assert api.post(f"{app}datatables/nothing/move/", {"datasource": "flat2"}).status == 404
    assert api.post(f"{app}datasources/flat2/datatables/things/move/", {"datasource": "mongodb"}).status == 404
    assert api.delete(f"{app}datasources/jsonb/").status == 204
    assert (move(api, table, "jsonb").status, move(api, table, "jsonb").code) == (409, "datasource_inactive")
    settings.DATAR_MONGODB_URL = None
    connect.close()
    assert (move(api, table, "mongodb").status, move(api, table, "mongodb").code) == (503, "provider_not_available")
    assert api.get(table).data["datasource_slug"] == "flat-table"


def test_who_may_not(api: Api, app: str) -> None:
    table = make(api, app, "flat_table", "things", PLAIN)
    other = globex().api
    theirs = app_of(other)
    assert move(other, table, "flat2").status == 404
    assert move(api, f"{theirs}datatables/things/", "flat2").status == 404
    tenant = new_tenant("movers")
    own = app_of(tenant.api)
    table = make(tenant.api, own, "flat_table", "things", PLAIN)
    viewer = tenant.api.with_token(new_user(tenant.schema))
    assert (move(viewer, table, "mongodb").status, move(tenant.api, table, "mongodb").status) == (403, 200)


def test_fields_that_the_schema_does_not_name_go_along_or_hold_the_table(api: Api, app: str) -> None:
    for slug in ("open", "closed"):
        body = {"name": slug, "provider_type": "jsonb", "provider_config": {"additional_fields": slug == "open"}}
        assert api.post(f"{app}datasources/", body).status == 201
    table = make(api, app, "open", "things", PLAIN)
    extra = {"n": 1.50, "more": [1, None, {"deep": 2.50}], "ünï": "✓"}
    assert api.post(f"{table}data/", [{"n": 0}, extra, {"n": 2, "less": False}]).status == 201
    before = rows_of(api, table)
    for kind in ("flat_table", "mongodb"):
        answer = move(api, table, kind)
        assert (answer.code, answer.data["count"]) == ("migration_data_conflict", 2), answer
        assert answer.data["ids"] == ["2", "3"]
    assert rows_of(api, table) == before
    moved(api, table, "closed")
    assert "more" not in rows_of(api, table)[1]
    assert move(api, table, "flat_table").code == "migration_data_conflict"
    moved(api, table, "open")
    assert rows_of(api, table) == before
    for key, names in ((2, ("more", "ünï")), (3, ("less",))):
        assert api.patch(f"{table}data/{key}/", dict.fromkeys(names)).status == 200
    moved(api, table, "flat_table")
    assert [row["n"] for row in rows_of(api, table)] == [0, 1.5, 2]


def test_what_is_kept_goes_with_its_tenant(api: Api) -> None:
    tenant = new_tenant("leaver")
    table = make(tenant.api, app_of(tenant.api), "mongodb", "things", PLAIN)
    assert move(tenant.api, table, "flat_table").status == 200
    database = connect.mongodb_server().database(tenant.schema).name
    assert database in connect.mongodb_server().client.list_database_names()
    with use(tenant.schema):
        owner = User.objects.get(email=tenant.email).pk
    delete(client_id=tenant.client_id, user_id=owner, password=PASSWORD)
    assert database not in connect.mongodb_server().client.list_database_names()
