"""Tables that others point at: their description changes only where no foreign key is left in the air."""

from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from tests.api.descriptors import PRODUCTS, new_app, new_table, pointing
from tests.api.test_deletion import settle
from tests.cast import acme

LOOSE: dict[str, Any] = pointing("parent")
LOOSE["foreignKeys"][0]["x-enforced"] = False
OTHER_KEY = {"fields": [{"name": "code", "type": "string"}], "primaryKey": ["code"]}


def test_a_schema_that_others_point_at_keeps_what_they_point_at() -> None:
    api = acme().api
    app = new_app(api)
    parent = new_table(api, app, "parent")
    child = new_table(api, app, "child", LOOSE, materialize=True)
    rows = [{"id": 1, "other_id": 2}]
    assert api.post(f"{child}data/", rows).status == 201
    answer = api.patch(parent, {"json_schema": OTHER_KEY})
    assert (answer.status, answer.code) == (409, "has_dependents")
    assert answer.data["dependents"] == [f"{app.split('/')[3]}:child"]
    assert api.get(parent).data["json_schema"] == PRODUCTS
    wider = {**PRODUCTS, "fields": [*PRODUCTS["fields"], {"name": "more", "type": "string"}]}
    assert api.patch(parent, {"json_schema": wider}).status == 200
    assert api.delete(child).status == 204
    assert api.patch(parent, {"json_schema": OTHER_KEY}).status == 200


def test_rows_are_served_whatever_became_of_the_target(pg: "psycopg.Connection[Any]") -> None:
    tenant = acme()
    api = tenant.api
    app = new_app(api)
    parent = new_table(api, app, "parent")
    child = new_table(api, app, "child", LOOSE, materialize=True)
    update = SQL("UPDATE {} SET json_schema = {}, revision = revision + 1 WHERE id = {}")
    table = Identifier(tenant.schema, "datar_datatable")
    other = '{"fields":[{"name":"code","type":"string"}],"primaryKey":["code"]}'
    pg.execute(update.format(table, Literal(other), Literal(api.get(parent).data["id"])))
    pg.execute(SQL("UPDATE {} SET revision = revision + 1").format(table))
    settle()
    made = api.post(f"{child}data/", {"id": 1, "other_id": 2})
    assert made.status == 201, made
    assert api.get(f"{child}data/?other_id=2").data["data"][0]["id"] == 1


def test_an_unchanged_schema_is_no_new_revision(pg: "psycopg.Connection[Any]") -> None:
    tenant = acme()
    api = tenant.api
    table = new_table(api, new_app(api), "t", materialize=True)
    name = api.get(table).data["physical_table_name"]
    ask = SQL("SELECT revision FROM {} WHERE physical_table_name = {}").format(
        Identifier(tenant.schema, "datar_datatable"), Literal(name)
    )
    before = pg.execute(ask).fetchone()
    assert api.put(table, {"json_schema": PRODUCTS, "description": "anew"}).status == 200
    assert pg.execute(ask).fetchone() == before
    assert api.patch(table, {"json_schema": {**PRODUCTS, "title": "T"}}).status in (200, 400)
