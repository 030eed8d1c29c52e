"""Descriptions of tables across tenants: another tenant's are absent, the same names mean each tenant's own."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api.descriptors import PRODUCTS, USERS, new_app, new_table, pointing
from tests.cast import PASSWORD, Answer, Api, acme, globex, new_tenant

Ask = Callable[[Api, str], Answer]
BODIES: dict[str, Any] = {
    "": {"name": "x"},
    "datasources/": {"name": "x", "provider_type": "jsonb"},
    "datatables/": {"name": "x", "json_schema": PRODUCTS},
    "datatables/create_schema/": {"resources": [{"name": "x", "schema": PRODUCTS}]},
}
ROUTES = {
    "{app}": ("GET", "PUT", "PATCH", "DELETE"),
    "{app}stats/": ("GET",),
    "{app}restore/": ("POST",),
    "{app}datasources/": ("GET", "POST"),
    "{app}datasources/theirs/": ("GET", "PUT", "PATCH", "DELETE"),
    "{app}datasources/theirs/stats/": ("GET",),
    "{app}datasources/theirs/tables/": ("GET",),
    "{app}datasources/theirs/restore/": ("POST",),
    "{app}datasources/theirs/datatables/": ("GET", "POST"),
    "{app}datasources/theirs/datatables/secret/": ("GET", "PUT", "PATCH", "DELETE"),
    "{app}datasources/theirs/datatables/secret/schema/": ("GET",),
    "{app}datasources/theirs/datatables/secret/materialize/": ("POST",),
    "{app}datasources/theirs/datatables/secret/restore/": ("POST",),
    "{app}datasources/theirs/datatables/secret/validate_data/": ("POST",),
    "{app}datatables/": ("GET", "POST"),
    "{app}datatables/stats/": ("GET",),
    "{app}datatables/create_schema/": ("POST",),
    "{app}datatables/secret/": ("GET", "PUT", "PATCH", "DELETE"),
    "{app}datatables/secret/schema/": ("GET",),
    "{app}datatables/secret/materialize/": ("POST",),
    "{app}datatables/secret/restore/": ("POST",),
    "{app}datatables/secret/validate_data/": ("POST",),
    "{app}datatables/secret/operation-history/": ("GET",),
}


def make_secret(api: Api, slug: str) -> str:
    app = f"/api/apps/{slug}/"
    assert api.post("/api/apps/", {"name": "Secret", "slug": slug}).status == 201
    assert api.post(f"{app}datasources/", {"name": "theirs", "provider_type": "flat_table"}).status == 201
    made = api.post(
        f"{app}datasources/theirs/datatables/", {"name": "secret", "json_schema": PRODUCTS, "materialize": True}
    )
    assert made.status == 201, made
    return app


def body_for(route: str, app: str) -> Any:
    if "restore" in route or "materialize" in route:
        return None
    if "validate_data" in route:
        return {"data": []}
    if route.endswith("secret/"):
        return {"json_schema": PRODUCTS}
    if route.endswith("theirs/datatables/"):
        return BODIES["datatables/"]
    return BODIES.get(route.removeprefix("{app}"), BODIES[""])


def test_ti_08_another_tenants_ids_are_absent_ids() -> None:
    theirs, ours = globex().api, acme().api
    app = make_secret(theirs, "globex-only")
    absent = "/api/apps/nobody-only/"
    before = {route: theirs.get(route.format(app=app)).data for route, methods in ROUTES.items() if "GET" in methods}
    for route, methods in ROUTES.items():
        for method in methods:
            body = None if method in ("GET", "DELETE") else body_for(route, app)
            got, expected = (
                ours.request(method, route.format(app=where), body, X_Request_Id="same") for where in (app, absent)
            )
            assert (got.status, got.content) == (404, expected.content), (method, route)
            kept = {k: v for k, v in got.headers.items() if k != "Date"}
            assert kept == {k: v for k, v in expected.headers.items() if k != "Date"}
    after = {route: theirs.get(route.format(app=app)).data for route in before}
    assert after == before
    assert [row for row in ours.get("/api/apps/").data if row["slug"] == "globex-only"] == []


@pytest.mark.parametrize(
    "reference",
    ["secret", "globex-fk:secret", "{schema}.globex_fk_secret", "{schema}:secret", "public.datar_user", "datar_user",
     "pg_catalog:pg_class", "Secret", "globex-fk:secret ", 'x"."y'],
)  # fmt: skip
def test_ti_09_a_foreign_key_cannot_name_anothers_table(reference: str, pg: "psycopg.Connection[Any]") -> None:
    ours = acme().api
    if globex().api.get("/api/apps/globex-fk/").status == 404:
        make_secret(globex().api, "globex-fk")
    ours.post("/api/apps/", {"name": "Ours", "slug": "ours-fk"})
    target = reference.format(schema=globex().schema)
    answer = ours.post(
        "/api/apps/ours-fk/datatables/",
        {"name": "child", "json_schema": pointing(target), "materialize": True},
        Accept="application/problem+json",
    )
    assert answer.status == 400
    assert {(error["field"], error["code"]) for error in answer.data["errors"]} == {
        ("json_schema", "fk_target_unknown")
    }
    crossing = pg.execute(
        "SELECT count(*) FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_class f ON f.oid = confrelid"
        " WHERE contype = 'f' AND c.relnamespace <> f.relnamespace AND c.relnamespace = %s::regnamespace",
        [acme().schema],
    ).fetchone()
    assert crossing == (0,)


def test_ti_12_the_same_names_mean_each_tenants_own() -> None:
    ours, theirs = new_tenant("twin").api, new_tenant("twin").api
    for api, schema in ((ours, PRODUCTS), (theirs, USERS)):
        api.post("/api/apps/", {"name": "Same"})
        new_table(api, "/api/apps/same/", "same", schema, materialize=True)
    table = "/api/apps/same/datatables/same/"
    before = theirs.get(table).data
    assert before["json_schema"] == USERS
    assert ours.get(table).data["json_schema"] == PRODUCTS
    assert ours.patch(table, {"description": "ours"}).status == 200
    assert theirs.get(table).data == before
    row = {"data": [{"id": 1, "name": "x", "price": 1}]}
    for _ in range(3):
        assert ours.post(f"{table}validate_data/", row).data["is_valid"] is True
        assert theirs.post(f"{table}validate_data/", row).data["is_valid"] is False
    assert ours.delete("/api/apps/same/").status == 204
    assert theirs.get(table).data == before
    assert theirs.get(f"{table}data/").status == 200


def test_ti_05_without_a_key_descriptions_of_public_are_read_and_never_written() -> None:
    reader = acme().api.without_key()
    assert reader.get("/api/apps/").status == 200
    for method, path, body in (
        ("POST", "/api/apps/", {"name": "x"}),
        ("PATCH", "/api/apps/x/", {"name": "x"}),
        ("PUT", "/api/apps/x/", {"name": "x"}),
        ("DELETE", "/api/apps/x/", None),
        ("POST", "/api/apps/x/restore/", None),
        ("POST", "/api/apps/x/datasources/", {"name": "x", "provider_type": "jsonb"}),
        ("POST", "/api/apps/x/datatables/", {"name": "x", "json_schema": PRODUCTS}),
        ("POST", "/api/apps/x/datatables/x/materialize/", None),
        ("POST", "/api/apps/x/datatables/create_schema/", {"resources": []}),
    ):
        answer = reader.request(method, path, body)
        assert (answer.status, answer.code) == (403, "public_read_only"), (method, path)
    assert reader.post("/api/apps/x/datatables/x/validate_data/", {"data": []}).status == 404
    assert [row for row in reader.get("/api/apps/").data if row["name"] == "x"] == []


def test_who_forgot_the_key_is_told_what_is_shown_without_it() -> None:
    tenant = acme()
    app = new_app(tenant.api)
    table = new_table(tenant.api, app, "t", materialize=True)
    for path in (app, f"{app}datatables/", table, f"{table}data/"):
        answer = tenant.api.without_key().get(path)
        assert (answer.status, answer.code) == (404, "not_found")
        assert "Api-Key" in answer.data["detail"]
        assert tenant.api.get(path.replace(app, "/api/apps/nobody-has-this/")).data["detail"] == "Not found."
    body = {"email": tenant.email, "password": PASSWORD}
    answer = Api().post("/api/auth/token/", body)
    assert (answer.status, answer.code) == (401, "invalid_credentials")
    assert "send your tenant's Api-Key" in answer.data["detail"]
    wrong = Api(tenant.key).post("/api/auth/token/", {**body, "password": "wrong"})
    assert wrong.data["detail"] == "No active account has these credentials."
