"""Datatables over HTTP: names, schemas, physical names, materializing, updates, verdicts on rows."""

from copy import deepcopy
from typing import Any

import psycopg
import pytest

from tests.api.descriptors import PRODUCTS, new_app, new_table
from tests.api.test_apps import INJECTIONS, READ_ONLY, codes
from tests.cast import acme, new_tenant, new_user

PROBLEM = "application/problem+json"
FIELD = {"name": "a", "type": "string"}


def physical_tables(pg: "psycopg.Connection[Any]", schema: str) -> set[str]:
    """Every table of the schema, from the catalogue."""
    return {
        name for (name,) in pg.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
    }


@pytest.mark.parametrize("name", ["a", "A", "Users", "a-b", "a_b", "x" * 63, "data", "default", "schema", "a__b"])
def test_table_names_that_fit(name: str) -> None:
    api = acme().api
    app = new_app(api)
    assert api.get(new_table(api, app, name, materialize=True)).data["name"] == name


@pytest.mark.parametrize(
    "name", ["", "1a", "_a", "-a", "x" * 64, "a.b", "a b", "ä", "a\n", "stats", "create_schema", "a/b", *INJECTIONS]
)
def test_in_01_in_02_table_names_that_do_not_fit(name: str) -> None:
    api = acme().api
    app = new_app(api)
    answer = api.post(f"{app}datatables/", {"name": name, "json_schema": PRODUCTS}, Accept=PROBLEM)
    assert (answer.status, codes(answer)) == (400, {"name": "invalid_identifier"})
    assert api.get(f"{app}datatables/").data == []


@pytest.mark.parametrize("label", [*INJECTIONS, "id; DROP", "select", "ctid", "a" * 255, "é" * 32, "100%"])
def test_in_01_in_02_labels_become_generated_columns(label: str, pg: "psycopg.Connection[Any]") -> None:
    tenant = acme()
    app = new_app(tenant.api)
    before = physical_tables(pg, tenant.schema)
    schema = {"fields": [{"name": label, "type": "string", "constraints": {"unique": True}}]}
    table = new_table(tenant.api, app, "t", schema, materialize=True)
    detail = tenant.api.get(table).data
    assert label in detail["field_names"]
    assert tenant.api.get(f"{table}schema/").data["schema"] == schema
    physical = detail["physical_table_name"]
    assert physical_tables(pg, tenant.schema) - before == {physical}
    columns = pg.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        [f"{tenant.schema}.{physical}"],
    ).fetchall()
    assert all(set(column) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for (column,) in columns)


def test_sc_01_physical_names_never_meet(pg: "psycopg.Connection[Any]") -> None:
    tenant = new_tenant("physical")
    api = tenant.api
    before = physical_tables(pg, tenant.schema)
    wanted = [
        ("auth", "user"), ("django", "migrations"), ("datar", "app"), ("token", "blacklist_outstandingtoken"),
        ("a_b", "c"), ("a", "b_c"), ("a", "b-c"), ("my-app", "x"), ("my_app", "x"), ("A" * 60, "b" * 60),
        ("A" * 60, "b" * 61), ("2024", "t"), ("pg", "class"), ("dt1", "pk_0"), ("serial", "id_seq"),
    ]  # fmt: skip
    made = []
    for app_name, table_name in wanted:
        app = api.post("/api/apps/", {"name": app_name}).data["slug"]
        table = new_table(api, f"/api/apps/{app}/", table_name, materialize=True)
        made.append(api.get(table).data["physical_table_name"])
    assert len(set(made)) == len(wanted)
    assert max(map(len, made)) <= 57
    assert physical_tables(pg, tenant.schema) - before == set(made)
    assert not [name for name in made if name.startswith(("auth_", "django_", "datar_", "token_blacklist_", "pg_"))]
    assert made[:4] == ["t_auth_user", "t_django_migrations", "t_datar_app", "t_token_blacklist_outstandingtoken"]


def test_a_physical_name_is_not_given_again_after_a_delete() -> None:
    api = new_tenant("again").api
    first = api.post("/api/apps/", {"name": "a b"}).data["slug"]
    old = api.get(new_table(api, f"/api/apps/{first}/", "c")).data["physical_table_name"]
    assert api.delete(f"/api/apps/{first}/").status == 204
    second = api.post("/api/apps/", {"name": "a"}).data["slug"]
    new = api.get(new_table(api, f"/api/apps/{second}/", "b_c")).data["physical_table_name"]
    assert (old, new) == ("a_b_c", "a_b_c_2")


def test_names_are_unique_within_the_app_whatever_the_datasource() -> None:
    api = acme().api
    app = new_app(api)
    new_table(api, app, "t")
    api.post(f"{app}datasources/", {"name": "Other", "provider_type": "flat_table"})
    body = {"name": "t", "json_schema": PRODUCTS}
    answer = api.post(f"{app}datasources/other/datatables/", body)
    assert (answer.status, answer.code, answer.data["fields"]) == (409, "conflict_unique", ["name"])
    assert api.get(f"{app}datasources/other/datatables/t/").status == 404
    assert api.delete(f"{app}datasources/other/datatables/t/").status == 404
    assert api.post(f"{app}datasources/other/datatables/t/materialize/").status == 404
    api.delete(f"{app}datatables/t/")
    assert f"{app}datatables/t/restore/" in api.post(f"{app}datatables/", body).data["detail"]


def test_sc_13_the_hash_sees_meaning_and_not_spelling() -> None:
    api = acme().api
    app = new_app(api)

    def hash_of(number: int, schema: dict[str, Any]) -> str:
        table = new_table(api, app, f"t{number}", schema)
        assert api.get(f"{table}schema/").data["schema"] == schema, "kept as sent"
        return str(api.get(table).data["schema_hash"])

    turned = {"primaryKey": ["id"], "fields": [dict(reversed(field.items())) for field in PRODUCTS["fields"]]}
    spelled = deepcopy(PRODUCTS)
    spelled["fields"][1]["format"] = "default"
    spelled["missingValues"] = [""]
    moved = {**PRODUCTS, "fields": PRODUCTS["fields"][::-1]}
    changed = deepcopy(PRODUCTS)
    changed["fields"][2]["constraints"]["minimum"] = 1
    hashes = [hash_of(number, schema) for number, schema in enumerate((PRODUCTS, turned, spelled, moved, changed))]
    assert hashes[0] == hashes[1] == hashes[2]
    assert len({hashes[0], hashes[3], hashes[4]}) == 3


def test_a_schema_keeps_its_digits_and_the_order_of_its_keys() -> None:
    api = acme().api
    app = new_app(api)
    sent = (
        b'{"name":"t","json_schema":{"x-b":1.50,"x-a":[12345678901234567890.12,1E+2],'
        b'"fields":[{"type":"number","name":"n","constraints":{"minimum":0.10}}]}}'
    )
    assert api.post(f"{app}datatables/", sent).status == 201
    shown = api.get(f"{app}datatables/t/schema/").content
    assert b'{"x-b":1.50,"x-a":[12345678901234567890.12,1E+2],"fields":[{"type":"number","name":"n"' in shown
    assert b'"minimum":0.10' in shown


@pytest.mark.parametrize(
    "schema",
    [
        None, 5, [], "{}", "", "/etc/passwd", "http://169.254.169.254/", {}, {"fields": []}, {"fields": {}},
        {"fields": [{"type": "string"}]}, {"fields": [{"name": "", "type": "string"}]}, {"fields": [FIELD, FIELD]},
        {"fields": [{"name": "a", "type": "strng"}]}, {"fields": [{"name": "a", "type": "string", "required": True}]},
        {"fields": [{"name": "a", "type": "integer", "constraints": {"minimum": "abc"}}]},
        {"fields": [{"name": "a", "type": "integer", "constraints": {"minimum": 5, "maximum": 1}}]},
        {"fields": [{"name": "a", "type": "integer", "constraints": {"minLength": 5}}]},
        {"fields": [{"name": "a", "type": "integer", "constraints": {"enum": ["x"]}}]},
        {"fields": [{"name": "a", "type": "string", "constraints": {"pattern": "("}}]},
        {"fields": [FIELD], "primaryKey": ["b"]}, {"fields": [FIELD], "primaryKey": "b"},
        {"fields": [FIELD], "foreignKeys": [{"fields": "a", "reference": {"resource": "none", "fields": "b"}}]},
        {"fields": [FIELD], "$ref": "http://x"}, {"fields": [{"$ref": "file:///etc/passwd"}]},
        {"fields": [{"name": "a\u0000", "type": "string"}]}, {"fields": [{"name": "_version", "type": "string"}]},
        {"fields": [FIELD], "feilds": []},
    ],
)  # fmt: skip
def test_bi_07_in_11_schemas_that_make_no_table(schema: Any) -> None:
    api = acme().api
    app = new_app(api)
    answer = api.post(f"{app}datatables/", {"name": "t", "json_schema": schema})
    assert (answer.status, list(answer.data), answer.code) == (400, ["json_schema"], "validation_error")
    assert all(isinstance(message, str) and message for message in answer.data["json_schema"])
    assert api.get(f"{app}datatables/").data == []
    table = new_table(api, app, "t")
    assert list(api.patch(table, {"json_schema": schema}).data) == ["json_schema"]
    assert api.get(f"{table}schema/").data["schema"] == PRODUCTS


def test_bi_07_every_mistake_is_told_with_its_path() -> None:
    api = acme().api
    schema = {"fields": [{"name": "a", "type": "strng"}, {"name": "b", "type": "date"}, {"name": "b"}]}
    messages = api.post(f"{new_app(api)}datatables/", {"name": "t", "json_schema": schema}).data["json_schema"]
    assert len(messages) >= 2
    assert any(message.startswith("fields[0]") for message in messages)
    assert any(message.startswith("fields[2]") for message in messages)


def test_bi_06_bodies_of_tables_are_strict() -> None:
    api = acme().api
    app = new_app(api)
    for body, field, code in (
        ({"json_schema": PRODUCTS}, "name", "required"),
        ({"name": "t"}, "json_schema", "required"),
        ({"name": 5, "json_schema": PRODUCTS}, "name", "invalid_type"),
        ({"name": "t", "json_schema": PRODUCTS, "materialize": "true"}, "materialize", "invalid_type"),
        ({"name": "t", "json_schema": PRODUCTS, "materialise": True}, "materialise", "unknown_field"),
        ({"name": "t", "jsonSchema": PRODUCTS, "json_schema": PRODUCTS}, "jsonSchema", "unknown_field"),
        ({"name": "t", "json_schema": PRODUCTS, "description": 1}, "description", "invalid_type"),
    ):
        answer = api.post(f"{app}datatables/", body, Accept=PROBLEM)
        assert (answer.status, codes(answer)) == (400, {field: code})


def test_az_02_read_only_fields_of_a_table() -> None:
    api = acme().api
    app = new_app(api)
    table = new_table(api, app, "t")
    before = api.get(table).data
    for name, value in {**READ_ONLY, "data_source": 99, "field_names": ["x"], "primary_key": []}.items():
        body = {"json_schema": PRODUCTS, name: value}
        for answer in (
            api.post(f"{app}datatables/", {**body, "name": "u"}, Accept=PROBLEM),
            api.patch(table, {name: value}, Accept=PROBLEM),
            api.put(table, body, Accept=PROBLEM),
        ):
            assert (answer.status, codes(answer)) == (400, {name: "read_only_field"}), name
    assert codes(api.patch(table, {"name": "other"}, Accept=PROBLEM)) == {"name": "read_only_field"}
    assert api.get(table).data == before
    put = api.put(table, before)
    assert put.status == 200, put
    ignored = ("updated_at", "modified_by")
    assert {k: v for k, v in put.data.items() if k not in ignored} == {
        k: v for k, v in before.items() if k not in ignored
    }


def test_a_schema_can_be_changed_until_it_is_materialized() -> None:
    api = acme().api
    table = new_table(api, new_app(api), "t")
    before = api.get(table).data
    schema = {"fields": [FIELD]}
    assert api.put(table, {"description": "x"}).data == {"json_schema": ["This field is required."]}
    after = api.put(table, {"json_schema": schema, "description": "x"}).data
    assert after["schema_hash"] != before["schema_hash"]
    assert (after["json_schema"], after["description"]) == (schema, "x")
    assert (after["field_count"], after["primary_key"]) == (2, ["id"]), "an id is added where there is no key"
    assert api.post(f"{table}materialize/").data["is_materialized"] is True
    answer = api.patch(table, {"json_schema": PRODUCTS})
    assert (answer.status, answer.code) == (400, "not_supported_yet")
    assert api.get(table).data["json_schema"] == schema
    same = {"fields": [{"type": "string", "name": "a", "format": "default"}]}
    assert api.patch(table, {"json_schema": same, "description": "y"}).data["json_schema"] == same


def test_the_history_is_not_for_readers() -> None:
    tenant = new_tenant("viewers")
    api = tenant.api
    table = new_table(api, new_app(api), "t", materialize=True)
    viewer = api.with_token(new_user(tenant.schema))
    assert viewer.get(table).status == 200
    answer = viewer.get(f"{table}operation-history/")
    assert (answer.status, answer.code) == (403, "permission_denied")


def test_validate_data_needs_neither_rows_nor_the_right_to_write() -> None:
    tenant = new_tenant("verdicts")
    api = tenant.api
    table = new_table(api, new_app(api), "t")
    viewer = api.with_token(new_user(tenant.schema))
    good = {"id": 1, "name": "x", "price": 1}
    assert viewer.post(f"{table}validate_data/", {"data": [good]}).data == {
        "is_valid": True,
        "errors": [],
        "validated_rows": 1,
        "error_details": [],
    }
    assert viewer.post(f"{table}validate_data/", {"data": []}).data["is_valid"] is True
    twice = viewer.post(f"{table}validate_data/", {"data": [good, {**good, "price": -1}, good]}).data
    assert (twice["is_valid"], twice["validated_rows"]) == (False, 3)
    assert twice["error_details"][0]["row"] == 1
    repeated = viewer.post(f"{table}validate_data/", {"data": [good, good]}).data
    assert (repeated["is_valid"], repeated["error_details"][0]["row"]) == (False, 1)
    for body, field in (({}, "data"), ({"data": good}, "data"), ({"data": [], "rows": []}, "rows")):
        assert list(viewer.post(f"{table}validate_data/", body).data) == [field]
    answer = viewer.post(f"{table}validate_data/", {"data": [{}] * 10_001})
    assert (answer.status, answer.code) == (413, "too_many_items")
