"""Foreign keys of a table that moves: held by PostgreSQL where it keeps both sides, by the engine elsewhere."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client as HttpClient
from pytest_django.fixtures import Settings

from datatables.catalog import TableCatalog
from tests.api.moves import KINDS, app_of, make, move, moved, rows_of, with_mongodb
from tests.cast import Answer, Api, acme
from tests.mongo import why_not_mongodb

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

ID = {"name": "id", "type": "integer"}
COUNTRIES = {"fields": [ID, {"name": "name", "type": "string"}], "primaryKey": "id"}


def referring(to: str, field: str, action: str = "NO ACTION") -> dict[str, Any]:
    """A foreign key to the id of ``to``."""
    return {
        "fields": field,
        "reference": {"resource": to, "fields": "id"},
        "x-actions": {"onDelete": action},
    }


CITIES = {
    "fields": [ID, {"name": "country_id", "type": "integer"}, {"name": "near_id", "type": "integer"}],
    "primaryKey": "id",
    "foreignKeys": [referring("countries", "country_id", "CASCADE"), referring("", "near_id", "SET NULL")],
}
PEOPLE = {
    "fields": [ID, {"name": "city_id", "type": "integer"}, {"name": "born_id", "type": "integer"}],
    "primaryKey": "id",
    "foreignKeys": [referring("cities", "city_id", "CASCADE"), referring("cities", "born_id")],
}


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    """A client of a service that knows a MongoDB."""
    with with_mongodb(settings) as api:
        yield api


@pytest.fixture
def app(api: Api) -> str:
    """An app with datasources; its URL."""
    return app_of(api)


def held_keys(pg: "psycopg.Connection[Any]", physical: str) -> tuple[int, int]:
    """How many foreign keys PostgreSQL holds from a table, and from others to it."""
    found = pg.execute(
        "SELECT count(*) FILTER (WHERE a.relname = %(name)s),"
        " count(*) FILTER (WHERE b.relname = %(name)s AND a.relname <> %(name)s)"
        " FROM pg_constraint k JOIN pg_class a ON a.oid = conrelid JOIN pg_class b ON b.oid = confrelid"
        " WHERE contype = 'f' AND a.relnamespace = %(space)s::regnamespace",
        {"name": physical, "space": acme().schema},
    ).fetchone()
    assert found is not None
    return found[0], found[1]


@pytest.mark.parametrize("others", KINDS)
def test_foreign_keys_in_and_out_hold_wherever_the_table_goes(
    api: Api, app: str, others: str, pg: "psycopg.Connection[Any]"
) -> None:
    countries = make(api, app, others, "countries", COUNTRIES)
    cities = make(api, app, "flat_table", "cities", CITIES)
    people = make(api, app, others, "people", PEOPLE)
    api.post(f"{countries}data/", [{"id": n} for n in range(1, 9)])
    assert api.post(f"{cities}data/", [{"id": n, "country_id": n, "near_id": 1} for n in range(1, 9)]).status == 201
    assert api.post(f"{people}data/", [{"id": n, "city_id": n} for n in range(1, 9)]).status == 201
    gone = [8]
    for kind in ("mongodb", "flat_table", "jsonb", "mongodb", "jsonb"):
        physical = api.get(cities).data["physical_table_name"]
        there = moved(api, cities, kind)["physical_table_name"]
        assert held_keys(pg, physical)[1] == 0
        if kind != "mongodb":
            assert held_keys(pg, there) == ((1, 0) if others == "mongodb" else (2, 2))
        assert api.post(f"{cities}data/", {"country_id": 99}).code == "conflict_foreign_key"
        assert api.post(f"{cities}data/", {"near_id": 99}).code == "conflict_foreign_key"
        assert api.post(f"{people}data/", {"city_id": 99}).code == "conflict_foreign_key"
        assert api.patch(f"{people}data/1/", {"born_id": 2}).status == 200
        assert api.delete(f"{cities}data/2/").code == "conflict_foreign_key"
        last = gone[-1]
        assert api.delete(f"{countries}data/{last}/").status == 204
        gone.append(last - 1)
        for table in (cities, people):
            ids = [row["id"] for row in api.get(f"{table}data/?ordering=id").data["data"]]
            assert ids == list(range(1, last)), (kind, table)
    assert api.get(f"{people}data/?populate=city&fields=id&id=2").data["data"][0]["city"]["id"] == 2


def test_tables_that_refer_to_each_other(api: Api, app: str) -> None:
    one = {
        "fields": [ID, {"name": "b_id", "type": "integer"}],
        "primaryKey": "id",
        "foreignKeys": [referring("b", "b_id")],
    }
    other = {
        "fields": [ID, {"name": "a_id", "type": "integer"}],
        "primaryKey": "id",
        "foreignKeys": [referring("a", "a_id")],
    }
    package = {"resources": [{"name": "a", "schema": one}, {"name": "b", "schema": other}]}
    assert api.post(f"{app}datatables/create_schema/?datasource=flat-table", package).status == 200
    a, b = f"{app}datatables/a/", f"{app}datatables/b/"
    for number, (table, kind) in enumerate(
        [(a, "jsonb"), (b, "mongodb"), (a, "mongodb"), (b, "jsonb"), (a, "jsonb")], start=1
    ):
        api.post(f"{a}data/", {"id": number})
        assert api.post(f"{b}data/", {"id": number, "a_id": number}).status == 201
        assert api.patch(f"{a}data/{number}/", {"b_id": number}).status == 200
        moved(api, table, kind)
        assert api.patch(f"{a}data/1/", {"b_id": 99}).code == "conflict_foreign_key"
        assert api.patch(f"{b}data/1/", {"a_id": 99}).code == "conflict_foreign_key"
        assert api.delete(f"{a}data/1/").code == "conflict_foreign_key"


def test_a_target_that_moves_while_a_key_to_it_is_made(api: Api, app: str) -> None:
    countries = make(api, app, "flat_table", "countries", COUNTRIES)
    moved(api, countries, "jsonb")
    cities = make(api, app, "flat_table", "cities", CITIES)
    assert api.post(f"{cities}data/", {"country_id": 1}).code == "conflict_foreign_key"
    api.post(f"{countries}data/", {"id": 1})
    assert api.post(f"{cities}data/", {"country_id": 1}).status == 201


BUSY = {"schema_locked", "conflict_retry", "overloaded", "query_timeout", "conflict_foreign_key", "not_found"}


@pytest.mark.parametrize(("parents", "children"), [("mongodb", "flat_table"), ("jsonb", "mongodb")])
@pytest.mark.parametrize("goes", ["countries", "cities"])
def test_no_row_is_left_without_its_parent_while_one_of_them_moves(
    api: Api, app: str, parents: str, children: str, goes: str
) -> None:
    countries = make(api, app, parents, "countries", COUNTRIES)
    cities = make(api, app, children, "cities", CITIES)
    over, wrong, numbers = threading.Event(), list[Answer](), itertools.count(1)

    def busy() -> None:
        own = replace(api, http=HttpClient(raise_request_exception=False))
        while not over.is_set():
            number = next(numbers)
            answers = [
                own.post(f"{countries}data/", {"id": number}),
                own.post(f"{cities}data/", {"country_id": number, "near_id": None}),
                own.post(f"{cities}data/", {"country_id": max(1, number - 3)}),
                own.delete(f"{countries}data/{max(1, number - 3)}/"),
            ]
            wrong.extend(each for each in answers if each.status >= 400 and each.code not in BUSY)
        connections.close_all()

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    moves = Counter[str]()
    try:
        for kind in ("jsonb", "mongodb", "flat_table", "mongodb", "jsonb", "flat_table") * 2:
            answer = move(api, f"{app}datatables/{goes}/", kind)
            moves[answer.code or "done"] += 1
            assert answer.status in (200, 503), answer
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[:3]
    assert moves["done"] > 2, moves
    TableCatalog(acme().schema).forget()
    there = {row["id"] for row in rows_of(api, countries)}
    assert {row["country_id"] for row in rows_of(api, cities)} <= there | {None}
