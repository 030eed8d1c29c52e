"""Apps over HTTP: slugs, strict bodies, read-only fields, lists, names of every kind."""

from typing import Any

import pytest

from tests.api.descriptors import new_app, new_table
from tests.cast import Answer, acme, new_tenant

READ_ONLY = {
    "id": 999_999,
    "created_by": 999,
    "created_at": "2020-01-01T00:00:00Z",
    "tenant": "globex",
    "schema_hash": "a" * 64,
    "physical_table_name": "datar_app",
    "is_materialized": True,
    "is_active": False,
    "is_staff": True,
    "is_superuser": True,
    "role": "owner",
}
INJECTIONS = [
    'a"); drop table t; --', 'x"."y', '"x"', "a;b", "--", "/*", "back\\slash", "$$", "%s", "%(x)s", "%", "{0}",
    "{x.__class__}", "${x}", "Ünï çödé", "😀",
]  # fmt: skip


def codes(answer: Answer) -> dict[str, str]:
    """Field → code of an answer asked for as problem+json."""
    assert "errors" in answer.data, answer
    return {error["field"]: error["code"] for error in answer.data["errors"]}


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Application", "my-application"),
        ("  CRM -- 2nd  edition!", "crm-2nd-edition"),
        ("Ünï", "n"),
        ("日本", "app"),
        ("a" * 60, "a" * 50),
        ("x" * 49 + " y", "x" * 49),
    ],
)
def test_a_slug_is_made_from_the_name(name: str, slug: str) -> None:
    api = new_tenant("slugs").api
    assert api.post("/api/apps/", {"name": name}).data["slug"] == slug
    again = api.post("/api/apps/", {"name": name}).data["slug"]
    assert again == f"{slug[:48]}-2"
    assert api.post("/api/apps/", {"name": name}).data["slug"] == f"{slug[:48]}-3"


@pytest.mark.parametrize("slug", ["", "A", "a_b", "-a", "a-", "a--b", "a" * 51, "ä", "a\n", " a", "a/b"])
def test_a_slug_that_does_not_fit_is_refused(slug: str) -> None:
    answer = acme().api.post("/api/apps/", {"name": "x", "slug": slug})
    assert (answer.status, list(answer.data)) == (400, ["slug"])


def test_a_taken_slug_is_a_conflict_and_points_at_restore_when_its_app_is_deleted() -> None:
    api = new_tenant("taken").api
    api.post("/api/apps/", {"name": "Shop", "slug": "shop"})
    answer = api.post("/api/apps/", {"name": "Other", "slug": "shop"})
    assert (answer.status, answer.code, answer.data["fields"]) == (409, "conflict_unique", ["slug"])
    assert "restore" not in answer.data["detail"]
    assert api.delete("/api/apps/shop/").status == 204
    answer = api.post("/api/apps/", {"name": "Other", "slug": "shop"})
    assert (answer.status, answer.code) == (409, "conflict_unique")
    assert "/api/apps/shop/restore/" in answer.data["detail"]


def test_put_needs_the_name_and_patch_needs_nothing() -> None:
    api = acme().api
    app = new_app(api)
    answer = api.put(app, {"description": "x"})
    assert (answer.status, answer.data) == (400, {"name": ["This field is required."]})
    changed = api.put(app, {"name": "Updated Name", "description": "Updated description"})
    assert changed.status == 200
    assert (changed.data["name"], changed.data["description"]) == ("Updated Name", "Updated description")
    patched = api.patch(app, {"description": "two\nlines"})
    assert (patched.data["name"], patched.data["description"]) == ("Updated Name", "two\nlines")
    assert patched.data["modified_by"] == patched.data["created_by"] is not None
    assert patched.data["updated_at"] > changed.data["updated_at"]
    assert api.get(app).data == patched.data


def test_az_02_read_only_fields_of_an_app() -> None:
    api = acme().api
    app = new_app(api)
    before = api.get(app).data
    for name, value in READ_ONLY.items():
        for answer in (
            api.post("/api/apps/", {"name": "x", name: value}, Accept="application/problem+json"),
            api.patch(app, {name: value}, Accept="application/problem+json"),
            api.put(app, {"name": "x", name: value}, Accept="application/problem+json"),
        ):
            assert (answer.status, codes(answer)) == (400, {name: "read_only_field"}), name
    assert api.get(app).data == before


def test_az_02_what_was_got_can_be_put_back() -> None:
    api = acme().api
    app = new_app(api)
    new_table(api, app, "things")
    before = api.get(app).data
    answer = api.put(app, before)
    assert answer.status == 200, answer
    assert {name: value for name, value in answer.data.items() if name not in ("updated_at", "modified_by")} == {
        name: value for name, value in before.items() if name not in ("updated_at", "modified_by")
    }
    assert api.patch(app, {**before, "datasource_count": True}).status == 400, "true is not 1"
    assert api.patch(app, {"slug": "another"}).data == {
        "slug": ["This field is read-only; leave it out or send it unchanged."]
    }


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"name": "x", "descripton": "y"}, "descripton", "unknown_field"),
        ({"name": "x", "Name": "y"}, "Name", "unknown_field"),
        ({}, "name", "required"),
        ({"name": ""}, "name", "required"),
        ({"name": " \u00a0"}, "name", "required"),
        ({"name": None}, "name", "invalid_type"),
        ({"name": 5}, "name", "invalid_type"),
        ({"name": ["x"]}, "name", "invalid_type"),
        ({"name": True}, "name", "invalid_type"),
        ({"name": "x" * 201}, "name", "too_long"),
        ({"name": "a\tb"}, "name", "invalid_text"),
        ({"name": "x", "description": None}, "description", "invalid_type"),
        ({"name": "x", "description": "y" * 10_001}, "description", "too_long"),
        ({"name": "x", "description": "a\x01"}, "description", "invalid_text"),
        ({"name": "x", "slug": 5}, "slug", "invalid_type"),
    ],
)
def test_bi_06_bodies_of_apps_are_strict(body: dict[str, Any], field: str, code: str) -> None:
    answer = acme().api.post("/api/apps/", body, Accept="application/problem+json")
    assert (answer.status, codes(answer)) == (400, {field: code})
    plain = acme().api.post("/api/apps/", body)
    assert list(plain.data) == [field]
    assert isinstance(plain.data[field][0], str)
    assert plain.code == "validation_error"


def test_bi_06_an_unknown_field_names_the_nearest_known() -> None:
    answer = acme().api.post("/api/apps/", {"name": "x", "descripton": "y"})
    assert "Did you mean 'description'?" in answer.data["descripton"][0]


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"5", b"{", b'{"name":"a\\u0000b"}'])
def test_bodies_that_are_no_json_object_are_refused(body: bytes) -> None:
    assert acme().api.post("/api/apps/", body).status == 400


def test_requests_that_take_no_body_refuse_one() -> None:
    api = acme().api
    app = new_app(api)
    assert api.post(f"{app}restore/", {}).status == 200
    answer = api.post(f"{app}restore/", {"name": "x"})
    assert (answer.status, answer.code) == (400, "unexpected_body")


@pytest.mark.parametrize("name", INJECTIONS)
def test_in_01_in_02_app_names_are_text_and_nothing_else(name: str, pg: Any) -> None:
    tenant = acme()
    api = tenant.api
    made = api.post("/api/apps/", {"name": name, "description": name})
    assert made.status == 201, made
    app = f"/api/apps/{made.data['slug']}/"
    assert made.data["name"] == api.get(app).data["name"] == name
    source = api.post(f"{app}datasources/", {"name": name, "provider_type": "flat_table", "description": name})
    assert source.data["name"] == name
    table = new_table(api, app, "t", materialize=True)
    physical = api.get(table).data["physical_table_name"]
    found = pg.execute(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = %s AND relname = %s AND relkind = 'r'",
        [tenant.schema, physical],
    ).fetchone()
    assert found == (1,)
    assert set(physical) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


@pytest.mark.parametrize("slug", ["A", "no-such-app", "a%00b", "%27", "a" * 5000, "..%2f", "%E0%A4%A", "a%0a"])
def test_slugs_that_do_not_exist_are_not_found(slug: str) -> None:
    api = acme().api
    for answer in (
        api.get(f"/api/apps/{slug}/"),
        api.delete(f"/api/apps/{slug}/"),
        api.patch(f"/api/apps/{slug}/", {"name": "x"}),
        api.post(f"/api/apps/{slug}/restore/"),
        api.get(f"/api/apps/{slug}/datasources/"),
        api.get(f"/api/apps/{slug}/datatables/"),
        api.get(f"/api/apps/{slug}/stats/"),
    ):
        assert (answer.status, answer.data["detail"]) == (404, "Not found.")


def test_the_index_lists_links_that_lead_somewhere() -> None:
    api = acme().api
    links = api.get("/api/").data
    assert {"apps", "schema", "docs", "token"} <= set(links)
    assert api.get(links["apps"].removeprefix("http://testserver")).status == 200


@pytest.mark.parametrize("method", ["POST", "TRACE", "PURGE", "CONNECT"])
def test_methods_that_are_not_for_an_app_are_refused(method: str) -> None:
    api = acme().api
    answer = api.request(method, new_app(api))
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
