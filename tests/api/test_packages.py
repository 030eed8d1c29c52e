"""Data packages: tables in any order, cycles too, all or nothing; nothing in a package is opened."""

from typing import Any

import psycopg
import pytest

from tests.api.descriptors import PRODUCTS, new_app, new_table, pointing
from tests.cast import acme


def package(**schemas: dict[str, Any]) -> dict[str, Any]:
    return {"name": "p", "resources": [{"name": name, "schema": schema} for name, schema in schemas.items()]}


def foreign_keys(pg: "psycopg.Connection[Any]", schema: str, app: str) -> list[tuple[str, str, bool]]:
    """(from table, to table, deferrable) of every foreign key of an app's physical tables."""
    return pg.execute(
        "SELECT c.relname, f.relname, condeferrable FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid"
        " JOIN pg_class f ON f.oid = confrelid JOIN pg_namespace n ON n.oid = k.connamespace"
        " WHERE contype = 'f' AND nspname = %s AND starts_with(c.relname, %s) ORDER BY 1, 2",
        [schema, app.split("/")[3].replace("-", "_")],
    ).fetchall()


def test_children_may_come_before_their_parents(pg: "psycopg.Connection[Any]") -> None:
    tenant = acme()
    api = tenant.api
    app = new_app(api)
    sent = package(grandchild=pointing("child"), child=pointing("parent"), parent=PRODUCTS)
    answer = api.post(f"{app}datatables/create_schema/", sent)
    assert (answer.status, answer.data) == (
        200,
        {"created": ["grandchild", "child", "parent"], "updated": [], "unchanged": []},
    )
    for name in ("grandchild", "child", "parent"):
        detail = api.get(f"{app}datatables/{name}/").data
        assert (detail["is_materialized"], detail["datasource_slug"]) == (True, "default")
        assert len(api.get(f"{app}datatables/{name}/operation-history/").data["data"]) == 1
    keys = foreign_keys(pg, tenant.schema, app)
    assert [deferrable for *_, deferrable in keys] == [False, False]


def test_cycles_and_tables_that_point_at_themselves(pg: "psycopg.Connection[Any]") -> None:
    tenant = acme()
    api = tenant.api
    app = new_app(api)
    sent = package(a=pointing("b"), b=pointing("c"), c=pointing("a"), tree=pointing(""))
    answer = api.post(f"{app}datatables/create_schema/", sent)
    assert answer.data["created"] == ["a", "b", "c", "tree"]
    keys = foreign_keys(pg, tenant.schema, app)
    assert len(keys) == 4
    assert sorted(deferrable for *_, deferrable in keys) == [False, False, False, True]
    histories = [api.get(f"{app}datatables/{name}/operation-history/").data["data"] for name in "abc"]
    assert sorted(entry["operation_type"] for history in histories for entry in history) == [
        "ALTER", "CREATE", "CREATE", "CREATE"
    ]  # fmt: skip


def test_a_package_of_a_hundred_tables() -> None:
    api = acme().api
    app = new_app(api)
    chain = {f"t{number}": pointing(f"t{number + 1}") for number in range(99)} | {"t99": PRODUCTS}
    answer = api.post(f"{app}datatables/create_schema/", package(**chain))
    assert answer.status == 200, answer
    assert answer.data["created"] == list(chain)
    assert api.get(f"{app}stats/").data["materialized_tables"] == 100
    again = api.post(f"{app}datatables/create_schema/", package(**chain))
    assert again.data == {"created": [], "updated": [], "unchanged": list(chain)}
    too_many = api.post(f"{app}datatables/create_schema/", package(**chain, more=PRODUCTS))
    assert (too_many.status, list(too_many.data)) == (400, ["resources"])


def test_what_is_there_already_is_left_alone_or_materialized() -> None:
    api = acme().api
    app = new_app(api)
    new_table(api, app, "done", materialize=True)
    new_table(api, app, "described")
    sent = package(fresh=pointing("done"), described=PRODUCTS, done=PRODUCTS)
    assert api.post(f"{app}datatables/create_schema/", sent).data == {
        "created": ["fresh"],
        "updated": ["described"],
        "unchanged": ["done"],
    }
    assert api.get(f"{app}datatables/described/").data["is_materialized"] is True
    changed = api.post(f"{app}datatables/create_schema/", package(more=PRODUCTS, done=pointing("fresh")))
    assert (changed.status, changed.code) == (400, "not_supported_yet")
    assert api.get(f"{app}datatables/more/").status == 404, "all or nothing"
    api.delete(f"{app}datatables/done/")
    hinted = api.post(f"{app}datatables/create_schema/", package(done=PRODUCTS))
    assert (hinted.status, hinted.code) == (409, "conflict_unique")
    assert f"{app}datatables/done/restore/" in hinted.data["detail"]


def test_the_datasource_can_be_named() -> None:
    api = acme().api
    app = new_app(api)
    api.post(f"{app}datasources/", {"name": "Here", "provider_type": "flat_table"})
    assert api.post(f"{app}datatables/create_schema/?datasource=here", package(t=PRODUCTS)).status == 200
    assert api.get(f"{app}datasources/here/datatables/t/").status == 200
    assert api.post(f"{app}datatables/create_schema/?datasource=gone", package(u=PRODUCTS)).status == 404
    assert api.post(f"{app}datatables/create_schema/?source=here", package(u=PRODUCTS)).code == "unknown_parameter"


def test_every_standard_property_is_taken_and_none_is_opened() -> None:
    api = acme().api
    resource = {
        "name": "t",
        "path": "http://169.254.169.254/latest/meta-data.csv",
        "title": "T",
        "description": "Rows",
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "dialect": {"delimiter": ";"},
        "bytes": 5,
        "x-own": 1,
        "schema": PRODUCTS,
    }
    sent = {
        "name": "p",
        "profile": "data-package",
        "title": "P",
        "licenses": [{"name": "ODC-PDDL-1.0"}],
        "resources": [resource],
    }
    app = new_app(api)
    assert api.post(f"{app}datatables/create_schema/", sent).status == 200
    assert api.get(f"{app}datatables/t/").data["description"] == "Rows"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "resources"),
        ({"resources": []}, "resources"),
        ({"resources": {}}, "resources"),
        ({"resources": [5]}, "resources[0]"),
        ({"resources": [{"schema": PRODUCTS}]}, "resources[0].name"),
        ({"resources": [{"name": "a.b", "schema": PRODUCTS}]}, "resources[0].name"),
        ({"resources": [{"name": "stats", "schema": PRODUCTS}]}, "resources[0].name"),
        ({"resources": [{"name": "t"}]}, "resources[0].schema"),
        ({"resources": [{"name": "t", "schema": "schema.json"}]}, "resources[0].schema"),
        ({"resources": [{"name": "t", "schema": {"fields": []}}]}, "resources[0].schema"),
        ({"resources": [{"name": "t", "schema": PRODUCTS, "description": 5}]}, "resources[0].description"),
        ({"resources": [{"name": "t", "schema": PRODUCTS, "pth": "x"}]}, "resources[0].pth"),
        ({"resources": [{"name": "t", "schema": PRODUCTS}] * 2}, "resources[1].name"),
        ({"resources": [{"name": "t", "schema": pointing("nobody")}]}, "resources[0].schema"),
        ({"resources": [{"name": "t", "schema": PRODUCTS}], "resorces": []}, "resorces"),
    ],
)
def test_packages_that_make_no_tables(sent: dict[str, Any], field: str) -> None:
    api = acme().api
    app = new_app(api)
    answer = api.post(f"{app}datatables/create_schema/", sent)
    assert (answer.status, list(answer.data)) == (400, [field]), answer
    assert api.get(f"{app}datatables/").data == []
    assert api.get(f"{app}datasources/").data == [], "not even the default datasource"


def test_one_wrong_table_of_many_stops_all() -> None:
    api = acme().api
    app = new_app(api)
    sent = package(good=PRODUCTS, bad={"fields": [{"name": "a", "type": "strng"}]}, worse={"fields": 5})
    answer = api.post(f"{app}datatables/create_schema/", sent)
    assert list(answer.data) == ["resources[1].schema", "resources[2].schema"]
    assert api.get(f"{app}datatables/").data == []


@pytest.mark.parametrize(
    "schema",
    [
        {"fields": [1]},
        {"fields": 5},
        {**PRODUCTS, "foreignKeys": ["x"]},
        {"fields": [{"name": "id", "constraints": [1]}]},
    ],
)
@pytest.mark.parametrize("exists", [False, True])
def test_a_schema_of_another_shape_is_refused_also_where_a_table_is(schema: dict[str, Any], exists: bool) -> None:
    api = acme().api
    app = new_app(api)
    if exists:
        new_table(api, app, "t")
    answer = api.post(f"{app}datatables/create_schema/", package(t=schema))
    assert (answer.status, list(answer.data)) == (400, ["resources[0].schema"]), answer


def test_the_mistakes_of_all_resources_are_told_at_once() -> None:
    api = acme().api
    app = new_app(api)
    wrong_type = {"fields": [{"name": "id", "type": "int"}]}
    sent = package(a=wrong_type, b=PRODUCTS, c=pointing("a"), d=pointing("b"), e=pointing("b", field="id"))
    sent["resources"][4]["schema"]["foreignKeys"] = 5
    sent["resources"].append({"name": "f"})
    answer = api.post(f"{app}datatables/create_schema/", sent)
    assert answer.status == 400
    assert sorted(answer.data) == ["resources[0].schema", "resources[4].schema", "resources[5].schema"]
    late = api.post(f"{app}datatables/create_schema/", package(b=PRODUCTS, c=pointing("a")))
    assert (late.status, list(late.data)) == (400, ["resources[1].schema"])


def test_what_is_wrong_with_a_package_says_where() -> None:
    api = acme().api
    app = new_app(api)
    new_table(api, app, "t")
    answer = api.post(f"{app}datatables/create_schema/", package(new=PRODUCTS, t=pointing("new")))
    assert (answer.status, answer.code) == (400, "not_supported_yet")
    assert answer.data["detail"].startswith("resources[1].schema: table 't'")
    answer = api.post(f"{app}datatables/create_schema/?datasource=nope", package(new=PRODUCTS))
    assert (answer.status, answer.code) == (404, "not_found")
    assert "'nope'" in answer.data["detail"]
    flood = {**package(t=PRODUCTS), **{f"word{number}": 1 for number in range(500)}}
    assert len(api.post(f"{app}datatables/create_schema/", flood).data) == 100
