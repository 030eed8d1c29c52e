"""Datatables become physical tables: once, with what they point at, without holding anybody else up."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tests.api.descriptors import new_app, new_table, pointing
from tests.cast import acme


def test_materializing_again_changes_nothing() -> None:
    api = acme().api
    table = new_table(api, new_app(api), "t", materialize=True)
    first = api.get(table).data
    assert first["is_materialized"] is True
    assert api.post(f"{table}materialize/").data == first
    assert len(api.get(f"{table}operation-history/").data["data"]) == 1


def test_sc_03_materializing_twice_at_once() -> None:
    from django.db import connection

    api = acme().api
    table = new_table(api, new_app(api), "t")

    def ask(_: int) -> int:
        try:
            return api.post(f"{table}materialize/").status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [200] * 4
    assert len(api.get(f"{table}operation-history/").data["data"]) == 1


def test_an_enforced_foreign_key_needs_its_target_materialized() -> None:
    api = acme().api
    app = new_app(api)
    new_table(api, app, "parent")
    child = new_table(api, app, "child", pointing("parent"))
    answer = api.post(f"{child}materialize/")
    assert (answer.status, answer.code) == (409, "not_materialized")
    assert "parent" in answer.data["detail"]
    assert api.post(f"{app}datatables/parent/materialize/").status == 200
    assert api.post(f"{child}materialize/").status == 200
    answer = api.post(f"{app}datatables/", {"name": "late", "json_schema": pointing("nobody"), "materialize": True})
    assert list(answer.data) == ["json_schema"]


def test_sc_04_a_busy_parent_delays_its_child_and_nobody_else(pg: "psycopg.Connection[Any]") -> None:
    tenant = acme()
    api = tenant.api
    app = new_app(api)
    parent = new_table(api, app, "parent", materialize=True)
    child = new_table(api, app, "child", pointing("parent"))
    physical = Identifier(tenant.schema, api.get(parent).data["physical_table_name"])
    with pg.transaction():
        pg.execute(SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(physical))
        began = time.monotonic()
        answer = api.post(f"{child}materialize/")
        assert (answer.status, answer.code) == (503, "schema_locked")
        assert int(answer.headers["Retry-After"]) > 0
        assert 2 < time.monotonic() - began < 5
    assert api.get(child).data["is_materialized"] is False
    assert api.get(f"{child}operation-history/").data == {"data": []}
    assert api.post(f"{child}materialize/").status == 200


def test_foreign_keys_reach_other_apps_of_the_tenant() -> None:
    api = acme().api
    one, two = new_app(api), new_app(api)
    new_table(api, one, "parent", materialize=True)
    reference = f"{one.split('/')[3]}:parent"
    child = new_table(api, two, "child", pointing(reference), materialize=True)
    assert api.get(child).data["is_materialized"] is True
    own = new_table(api, two, "tree", pointing(""), materialize=True)
    assert api.get(own).data["is_materialized"] is True
