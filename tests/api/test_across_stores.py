"""Tables of one app in PostgreSQL and in MongoDB, over HTTP: they refer to each other as if one database kept both."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from pytest_django.fixtures import Settings

from datar.env import SecretUrl
from datasources import connect
from datatables.catalog import TableCatalog
from tests.api.descriptors import new_app, pointing
from tests.cast import Api, acme, globex
from tests.mongo import mongodb_url, why_not_mongodb

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

ID = {"name": "id", "type": "integer"}
CUSTOMERS = {"fields": [ID, {"name": "name", "type": "string"}], "primaryKey": "id"}


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    """A client of a service that knows a MongoDB."""
    settings.DATAR_MONGODB_URL = SecretUrl(mongodb_url())
    connect.close()
    yield acme().api
    connect.close()


@pytest.fixture
def app(api: Api) -> str:
    """An app with a datasource of each kind; its URL."""
    app = new_app(api)
    for kind in ("flat_table", "jsonb", "mongodb"):
        made = api.post(f"{app}datasources/", {"name": kind, "slug": kind.replace("_", "-"), "provider_type": kind})
        assert made.status == 201, made
    return app


def make(api: Api, app: str, source: str, name: str, schema: dict[str, Any]) -> str:
    """A materialized table of a datasource; the URL of its rows."""
    tables = f"{app}datasources/{source}/datatables/"
    made = api.post(tables, {"name": name, "json_schema": schema, "materialize": True})
    assert made.status == 201, made
    return f"{app}datatables/{name}/data/"


def orders(action: str = "NO ACTION") -> dict[str, Any]:
    """A table that refers to customers."""
    foreign = {
        "fields": "customer_id",
        "reference": {"resource": "customers", "fields": "id"},
        "x-actions": {"onDelete": action},
    }
    return {"fields": [ID, {"name": "customer_id", "type": "integer"}], "primaryKey": "id", "foreignKeys": [foreign]}


@pytest.mark.parametrize(
    ("parents", "children"),
    [("mongodb", "flat-table"), ("flat-table", "mongodb"), ("mongodb", "jsonb"), ("jsonb", "mongodb")],
)
def test_from_any_provider_to_any_other(api: Api, app: str, parents: str, children: str) -> None:
    customers = make(api, app, parents, "customers", CUSTOMERS)
    rows = make(api, app, children, "orders", orders("CASCADE"))
    TableCatalog(acme().schema).forget()
    api.post(customers, [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}])
    assert api.post(rows, [{"id": 1, "customer_id": 1}, {"id": 2}, {"id": 3, "customer_id": 2}]).status == 201
    refused = api.post(rows, {"customer_id": 9}, Accept="application/problem+json")
    assert (refused.status, refused.data["code"], refused.data["fields"]) == (
        409,
        "conflict_foreign_key",
        ["customer_id"],
    )
    found = api.get(f"{rows}?populate=customer&fields=id").data["data"]
    assert [row["customer"] and row["customer"]["name"] for row in found] == ["Ann", None, "Bob"]
    assert [row["id"] for row in api.get(f"{rows}?customer.name__ne=Ann").data["data"]] == [3]
    assert [row["id"] for row in api.get(f"{customers}?populate=orders&orders.id=3").data["data"]] == [2]
    refused = api.get(f"{rows}?ordering=customer.name", Accept="application/problem+json")
    assert (refused.status, refused.data["code"]) == (400, "relation_not_local")
    assert api.delete(f"{customers}1/").status == 204
    assert [row["id"] for row in api.get(rows).data["data"]] == [2, 3]


def test_a_delete_knows_of_a_key_that_came_a_moment_ago(api: Api, app: str) -> None:
    customers = make(api, app, "flat-table", "customers", CUSTOMERS)
    api.post(customers, [{"id": 1}, {"id": 2}])
    assert api.delete(f"{customers}2/").status == 204  # what is known of the tables is fresh now
    rows = make(api, app, "mongodb", "orders", orders())
    api.post(rows, {"id": 1, "customer_id": 1})
    refused = api.delete(f"{customers}1/", Accept="application/problem+json")
    assert (refused.status, refused.data["code"], refused.data["table"]) == (409, "conflict_foreign_key", "orders")
    assert api.delete(f"{app}datatables/orders/").status == 204
    TableCatalog(acme().schema).forget()
    refused = api.delete(f"{customers}1/", Accept="application/problem+json")
    assert refused.status == 409 and "'orders', which was deleted" in refused.data["detail"]


@pytest.mark.parametrize("source", ["flat-table", "mongodb"])
@pytest.mark.parametrize(
    "reference",
    [
        "theirs",
        "{app}:theirs",
        "{schema}.{app}_theirs",
        "{schema}:theirs",
        "public.auth_user",
        "public.datar_user",
        "b_schema.table",
    ],
)
def test_ti_09_no_relation_leads_to_anothers_rows(
    api: Api, app: str, source: str, reference: str, pg: "psycopg.Connection[Any]"
) -> None:
    other = globex()
    theirs = new_app(other.api, "Theirs")
    make_theirs = {"name": "theirs", "json_schema": CUSTOMERS, "materialize": True}
    assert other.api.post(f"{theirs}datatables/", make_theirs).status == 201
    named = reference.format(app=theirs.split("/")[3], schema=other.schema)
    wrong = {"name": "child", "json_schema": pointing(named), "materialize": True}
    answer = api.post(f"{app}datasources/{source}/datatables/", wrong, Accept="application/problem+json")
    assert (answer.status, [error["code"] for error in answer.data["errors"]]) == (400, ["fk_target_unknown"])
    rows = make(api, app, source, "customers", CUSTOMERS)
    api.post(rows, {"id": 1, "name": "Ann"})
    for asked in (f"populate={named}", f"{named}.id=1", f"populate={named}.customers"):
        answer = api.get(f"{rows}?{asked}", Accept="application/problem+json")
        assert (answer.status, answer.data["code"]) == (400, "unknown_field"), asked
    crossing = pg.execute(
        "SELECT count(*) FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_class f ON f.oid = confrelid"
        " WHERE contype = 'f' AND c.relnamespace <> f.relnamespace AND c.relnamespace = %s::regnamespace",
        [acme().schema],
    ).fetchone()
    assert crossing == (0,)


def test_rows_of_nobody_in_a_tables_place_are_named_and_stay(api: Api, app: str) -> None:
    slug = app.rstrip("/").rpartition("/")[2].replace("-", "_")
    left = connect.mongodb_server().database(acme().schema)[f"{slug}_left"]
    left.insert_one({"_id": 1})
    table = {"name": "left", "json_schema": CUSTOMERS, "materialize": True}
    refused = api.post(f"{app}datasources/mongodb/datatables/", table)
    assert (refused.status, refused.code) == (503, "provider_not_available")
    assert left.full_name in refused.data["detail"]
    assert left.count_documents({}) == 1
    left.drop()
    assert api.post(f"{app}datasources/mongodb/datatables/", table).status == 201
