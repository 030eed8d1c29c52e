"""Tables of ``jsonb`` datasources over HTTP: the same requests, the same answers, whatever keeps the rows."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from datatables.catalog import TableCatalog
from tests.api.descriptors import PRODUCTS, new_app, new_table
from tests.api.test_load_package import data, load, refusal, write_package
from tests.cast import Api, acme, globex, new_tenant
from tests.public import clear_public

CUSTOMERS = {"fields": [{"name": "name", "type": "string"}, {"name": "rank", "type": "integer"}]}
ORDERS = {
    "fields": [
        {"name": "customer_id", "type": "integer"},
        {"name": "total", "type": "number"},
        {"name": "note", "type": "string"},
        {"name": "at", "type": "datetime"},
    ],
    "foreignKeys": [
        {
            "fields": "customer_id",
            "reference": {"resource": "customers", "fields": "id"},
            "x-actions": {"onDelete": "SET NULL"},
        }
    ],
}


def new_documents(api: Api, app: str, **config: Any) -> str:
    """A jsonb datasource of the app; the URL of its tables."""
    body = {"name": "Documents", "slug": "documents", "provider_type": "jsonb", "provider_config": config}
    made = api.post(f"{app}datasources/", body)
    assert made.status == 201, made
    return f"{app}datasources/documents/datatables/"


def make(api: Api, tables: str, name: str, schema: dict[str, Any] = PRODUCTS) -> str:
    """A materialized table of the datasource; the URL of its rows."""
    made = api.post(tables, {"name": name, "json_schema": schema, "materialize": True})
    assert (made.status, made.data["is_materialized"]) == (201, True), made
    return f"{tables.partition('datasources/')[0]}datatables/{name}/data/"


def conversation(api: Api, rows: str) -> list[tuple[int, Any]]:
    """The answers to one request of every kind, without what differs from table to table."""
    answers = [
        api.post(rows, {"name": "Pen", "price": 1.10, "in_stock": True}),
        api.post(rows, [{"id": 5, "name": "Ink", "price": 2}, {"name": "Nib", "price": 0.5, "in_stock": False}]),
        api.post(rows, {"name": "No price"}),
        api.post(rows, {"name": "Below", "price": -1}),
        api.post(rows, {"id": 5, "name": "Again", "price": 1}),
        api.post(rows, {"name": "x", "price": 1, "unknown": 1}),
        api.get(f"{rows}1/"),
        api.patch(f"{rows}1/", {"in_stock": None}),
        api.patch(f"{rows}5/", {"price": 3}),
        api.put(f"{rows}5/", {"name": "Ink", "price": 4}),
        api.patch(rows, [{"id": 1, "price": 7}, {"id": 6, "name": "Nibs"}]),
        api.post(f"{rows}upsert/", [{"id": 6, "name": "Nib", "price": 1}, {"id": 7, "name": "Cap", "price": 2}]),
        api.get(f"{rows}?price__gt=1&ordering=-price,name"),
        api.get(f"{rows}?in_stock__isnull=true&fields=name"),
        api.get(f"{rows}?search=nib&ordering=-rank"),
        api.get(f"{rows}?_group_by=in_stock&_aggregate=count(*),sum(price)"),
        api.post(f"{rows}query/", {"filters": {"or": [{"name": "Cap"}, {"not": {"price__lt": 4}}]}}),
        api.post(f"{rows}?on_error=skip", [{"id": 7, "name": "Cap", "price": 2}, {"name": "Box", "price": 9}]),
        api.get(rows, Accept="text/csv"),
        api.delete(f"{rows}7/"),
        api.delete(f"{rows}?ids=5,99"),
        api.delete(rows + "?filter=%7B%22price__lt%22%3A%202%7D"),
        api.get(rows),
    ]
    return [(answer.status, _told(answer)) for answer in answers]


def _told(answer: Any) -> Any:
    if isinstance(answer.data, dict):
        return {name: value for name, value in answer.data.items() if name != "request_id"}
    return answer.content


def test_every_answer_is_that_of_a_flat_table() -> None:
    api = acme().api
    app = new_app(api)
    new_table(api, app, "flat", materialize=True)
    tables = new_documents(api, app, indexing="gin", compression="pglz")
    assert conversation(api, make(api, tables, "documents")) == conversation(api, f"{app}datatables/flat/data/")


def test_fields_that_the_schema_does_not_name() -> None:
    api = acme().api
    rows = make(api, new_documents(api, new_app(api), additional_fields=True), "open")
    size = {"mm": 140, "é": [None]}
    whole = {"id": 1, "name": "Pen", "price": 1, "in_stock": None, "colour": "red", "size": size}
    made = api.post(rows, {"name": "Pen", "price": 1, "colour": "red", "size": size, "gone": None})
    assert (made.status, made.data["data"]) == (201, whole)
    assert api.get(f"{rows}1/").data["data"] == whole
    without = {name: value for name, value in whole.items() if name != "colour"}
    assert api.patch(f"{rows}1/", {"colour": None}).data["data"] == without
    assert [row["id"] for row in api.get(f"{rows}?%22size%22__mm__gt=100").data["data"]] == [1]
    asked = api.post(f"{rows}query/", {"filters": {'"size"__mm': 140}, "fields": ["name"]})
    assert asked.data["data"] == [{"name": "Pen"}]
    assert api.get(f"{rows}?size=140").code == "unknown_field"
    assert api.get(rows, Accept="text/csv").content.splitlines()[0].endswith(b",_additional")
    assert api.put(f"{rows}1/", {"name": "Ink", "price": 2, "x": 1}).data["data"] == {
        "id": 1, "name": "Ink", "price": 2, "in_stock": None, "x": 1,
    }  # fmt: skip
    many = [{"name": "a", "price": 1, "x": {}}, {"name": "b", "price": "no", "y": 2}, {"name": "c", "price": 3}]
    left = api.post(f"{rows}?on_error=skip", many)
    assert [(row["name"], row.get("x")) for row in left.data["data"]] == [("a", {}), ("c", None)]
    assert api.patch(f"{rows}1/", {"_version": 5, "a\nb": 1}).status == 400


def test_a_datasource_is_opened_and_closed_to_additional_fields() -> None:
    """At once, and what was stored comes back."""
    api = acme().api
    app = new_app(api)
    rows = make(api, new_documents(api, app), "door")
    source = f"{app}datasources/documents/"
    pen = {"name": "Pen", "price": 1}
    assert api.post(rows, {**pen, "x": 1}).status == 400
    for opened in (True, False, True):
        assert api.patch(source, {"provider_config": {"additional_fields": opened}}).status == 200
        TableCatalog(acme().schema).forget()
        answer = api.post(f"{rows}upsert/", {"id": 1, **pen, "x": 1})
        assert answer.status == (400 if not opened else 201 if answer.data["created"] else 200)
        assert api.put(f"{rows}1/", {**pen, "x": 2} if opened else pen).status == 200
        shown = {"id": 1, **pen, "in_stock": None}
        assert api.get(f"{rows}1/").data["data"] == ({**shown, "x": 2} if opened else shown)
    TableCatalog(acme().schema).forget()
    assert api.patch(source, {"provider_config": {}}).status == 200
    TableCatalog(acme().schema).forget()
    assert api.patch(source, {"provider_config": {"additional_fields": True}}).status == 200
    TableCatalog(acme().schema).forget()
    assert api.get(f"{rows}1/").data["data"]["x"] == 2


def test_tags_of_rows() -> None:
    api = acme().api
    rows = make(api, new_documents(api, new_app(api)), "notes")
    made = api.post(rows, {"name": "Pen", "price": 1})
    tag = made.headers["ETag"]
    assert api.get(f"{rows}1/", If_None_Match=tag).status == 304
    changed = api.patch(f"{rows}1/", {"price": 2}, If_Match=tag)
    assert (changed.status, changed.headers["ETag"] != tag) == (200, True)
    assert api.patch(f"{rows}1/", {"price": 3}, If_Match=tag).status == 412


@pytest.mark.parametrize("documents", ["customers", "orders"])
def test_relations_between_flat_tables_and_documents(documents: str) -> None:
    api = acme().api
    app = new_app(api)
    inside = new_documents(api, app)
    schemas = {"customers": CUSTOMERS, "orders": ORDERS}
    for name, schema in schemas.items():
        tables = inside if name == documents else f"{app}datatables/"
        assert api.post(tables, {"name": name, "json_schema": schema, "materialize": True}).status == 201
    customers, orders = (f"{app}datatables/{name}/data/" for name in schemas)
    api.post(customers, [{"name": "Ann", "rank": 2}, {"name": "Bob", "rank": 1}])
    api.post(orders, [{"customer_id": 1, "total": 5, "note": "a"}, {"customer_id": 2, "total": 7.5}, {"total": 1}])
    refused = api.post(orders, {"customer_id": 3})
    assert (refused.status, refused.code) == (409, "conflict_foreign_key")
    assert [row["id"] for row in api.get(f"{orders}?customer.name=Ann").data["data"]] == [1]
    TableCatalog(acme().schema).forget()
    found = api.get(f"{customers}?orders.total__gt=6")
    assert found.status == 200, found.data
    assert [row["name"] for row in found.data["data"]] == ["Bob"]
    assert [row["id"] for row in api.get(f"{orders}?ordering=customer.rank").data["data"]] == [2, 1, 3]
    one = api.get(f"{orders}1/?populate=customer").data["data"]
    assert one["customer"] == {"id": 1, "name": "Ann", "rank": 2}
    many = api.get(f"{customers}?populate=orders&ordering=-name").data["data"]
    assert [[order["total"] for order in row["orders"]] for row in many] == [[7.5], [5]]
    groups = api.get(f"{orders}?_group_by=customer.name&_aggregate=sum(total) as paid").data["data"]
    assert groups == [
        {"customer.name": "Ann", "paid": 5},
        {"customer.name": "Bob", "paid": 7.5},
        {"customer.name": None, "paid": 1},
    ]
    assert api.delete(f"{customers}1/").status == 204
    assert api.get(f"{orders}1/").data["data"] == {"id": 1, "customer_id": None, "total": 5, "note": "a", "at": None}


def test_rows_of_one_tenant_are_nobody_elses() -> None:
    ours, theirs = acme().api, globex().api
    app = new_app(ours)
    rows = make(ours, new_documents(ours, app), "secrets")
    ours.post(rows, {"name": "Ours", "price": 1})
    for answer in (theirs.get(rows), theirs.get(f"{rows}1/"), theirs.patch(f"{rows}1/", {"price": 2})):
        assert answer.status == 404
    assert ours.get(rows).data["total"] == 1


def test_documents_are_cloned(pg: "psycopg.Connection[Any]", tmp_path: Path) -> None:
    """A new client has the rows of ``public``, its own sequences, and owes nothing to the source."""

    class Public:
        schema = "public"

    try:
        load(write_package(tmp_path), Public(), "portugal", "--provider", "jsonb")  # type: ignore[arg-type]
        tenant = new_tenant()
    finally:
        clear_public()
    rows = "/api/apps/portugal/datatables/cities/data/"
    assert [row["name"] for row in tenant.api.get(rows).data["data"]] == ["Lisbon", "Évora"]
    assert tenant.api.post(rows, {"name": "Faro", "area": 202}).data["data"]["id"] == 10
    assert tenant.api.get(f"{rows}?area__gt=100&ordering=area").data["total"] == 3
    physical = tenant.api.get("/api/apps/portugal/datatables/cities/").data["physical_table_name"]
    kept = pg.execute(SQL("SELECT count(data) FROM {}").format(Identifier(tenant.schema, physical))).fetchone()
    assert kept == (3,)


def test_a_package_is_loaded_into_documents(tmp_path: Path) -> None:
    load(write_package(tmp_path), acme(), "flat-portugal")
    out, _ = load(write_package(tmp_path), acme(), "documents", "--provider", "jsonb")
    assert out.splitlines() == ["cities: 2 rows", "streets: 4 rows"]
    assert acme().api.get("/api/apps/documents/datasources/default/").data["provider_type"] == "jsonb"
    for name in ("cities", "streets"):
        loaded, flat = (data(acme(), app, name)["data"] for app in ("documents", "flat-portugal"))
        for row in [*loaded, *flat]:
            row.pop("created_at", None)
            row.pop("id") if name == "streets" else None
        assert loaded == flat
    assert "is jsonb, not flat_table" in refusal(tmp_path, acme(), "documents", "--provider", "flat_table")
