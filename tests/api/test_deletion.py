"""Soft delete and restore: what a delete took away comes back exactly, and nothing that was gone before."""

import time

import pytest

from datatables.catalog import SECONDS
from tests.api.descriptors import PRODUCTS, new_app, new_table
from tests.cast import Api, acme


def make_tree(api: Api) -> str:
    """An app with a materialized table of a row, a second datasource, and tables in each."""
    app = new_app(api)
    new_table(api, app, "kept", materialize=True)
    api.post(f"{app}datatables/kept/data/", {"id": 1, "name": "x", "price": 2})
    new_table(api, app, "gone_before")
    for name in ("left", "right"):
        api.post(f"{app}datasources/", {"name": name, "provider_type": "flat_table"})
        api.post(f"{app}datasources/{name}/datatables/", {"name": f"in_{name}", "json_schema": PRODUCTS})
    return app


def settle() -> None:
    """Wait as long as a read of rows may be behind a change of their table."""
    time.sleep(SECONDS + 0.05)


def below(app: str) -> list[str]:
    """Every URL below an app that can be read."""
    table, source = f"{app}datatables/kept/", f"{app}datasources/left/"
    return [
        app, f"{app}stats/", f"{app}datasources/", source, f"{source}stats/", f"{source}tables/",
        f"{source}datatables/", f"{source}datatables/in_left/", f"{app}datatables/", f"{app}datatables/stats/",
        table, f"{table}schema/", f"{table}operation-history/", f"{table}data/", f"{table}data/1/",
    ]  # fmt: skip


def test_az_04_an_app_and_all_below_it_go_and_come_back() -> None:
    api = acme().api
    app = make_tree(api)
    assert api.delete(f"{app}datatables/gone_before/").status == 204
    assert api.delete(f"{app}datasources/right/").status == 204
    before = {path: api.get(path).data for path in below(app)}
    assert api.delete(app).status == 204
    settle()
    for path in below(app):
        answer = api.get(path)
        assert (answer.status, answer.code) == (404, "not_found"), path
    for method, path, body in (
        ("PATCH", app, {"name": "x"}),
        ("DELETE", app, None),
        ("POST", f"{app}datasources/", {"name": "x", "provider_type": "jsonb"}),
        ("POST", f"{app}datatables/", {"name": "x", "json_schema": PRODUCTS}),
        ("POST", f"{app}datatables/kept/materialize/", None),
        ("POST", f"{app}datatables/kept/restore/", None),
        ("POST", f"{app}datasources/left/restore/", None),
        ("POST", f"{app}datatables/kept/validate_data/", {"data": []}),
        ("POST", f"{app}datatables/kept/data/", {"id": 2, "name": "x", "price": 2}),
        ("POST", f"{app}datatables/create_schema/", {"resources": [{"name": "x", "schema": PRODUCTS}]}),
    ):
        assert api.request(method, path, body).status == 404, path
    slug = app.split("/")[3]
    assert slug not in [row["slug"] for row in api.get("/api/apps/").data]
    assert slug in [row["slug"] for row in api.get("/api/apps/?is_active=false").data]
    restored = api.post(f"{app}restore/")
    settle()
    assert (restored.status, restored.data) == (200, {"message": "App restored successfully"})
    after = {path: api.get(path).data for path in below(app)}
    for shown in (before[app], after[app]):
        shown.pop("updated_at")
        shown.pop("modified_by")
    assert after == before
    assert [row["name"] for row in api.get(f"{app}datatables/?is_active=false").data] == ["gone_before", "in_right"]
    assert [row["slug"] for row in api.get(f"{app}datasources/?is_active=false").data] == ["right"]


def test_a_datasource_brings_back_exactly_its_tables() -> None:
    api = acme().api
    app = make_tree(api)
    source = f"{app}datasources/left/"
    api.post(f"{source}datatables/", {"name": "gone", "json_schema": PRODUCTS})
    api.delete(f"{source}datatables/gone/")
    before = api.get(f"{source}datatables/in_left/").data
    assert api.delete(source).status == 204
    for path in (source, f"{source}stats/", f"{source}datatables/in_left/", f"{app}datatables/in_left/"):
        assert api.get(path).status == 404
    answer = api.post(f"{app}datatables/in_left/restore/")
    assert (answer.status, answer.code) == (409, "datasource_inactive")
    assert f"{source}restore/" in answer.data["detail"]
    assert api.post(f"{source}datatables/in_left/restore/").status == 404
    assert api.get(f"{app}stats/").data["total_datasources"] == 2
    assert api.post(f"{source}restore/").data == {"message": "DataSource restored successfully"}
    assert api.get(f"{source}datatables/in_left/").data == before
    assert api.get(f"{source}datatables/gone/").status == 404


def test_a_table_comes_back_with_its_rows() -> None:
    api = acme().api
    app = make_tree(api)
    table = f"{app}datatables/kept/"
    rows = api.get(f"{table}data/").data
    assert rows["total"] == 1
    assert api.delete(table).status == 204
    settle()
    assert api.get(table).status == 404
    assert api.get(f"{table}data/").status == 404
    assert api.delete(table).status == 404
    assert api.get(f"{app}stats/").data["total_tables"] == 3
    assert api.post(f"{table}restore/").data == {"message": "DataTable restored successfully"}
    settle()
    assert api.get(f"{table}data/").data == rows


@pytest.mark.parametrize("what", ["", "datasources/left/", "datatables/kept/", "datasources/left/datatables/in_left/"])
def test_restoring_what_is_active_changes_nothing(what: str) -> None:
    api = acme().api
    app = make_tree(api)
    before = api.get(f"{app}{what}").data
    assert api.post(f"{app}{what}restore/").status == 200
    assert api.get(f"{app}{what}").data == before


def test_two_deletes_one_after_the_other_are_told_apart() -> None:
    api = acme().api
    app = make_tree(api)
    api.delete(f"{app}datasources/left/")
    api.delete(app)
    api.post(f"{app}restore/")
    assert api.get(f"{app}datasources/left/").status == 404
    assert api.get(f"{app}datasources/right/").status == 200
    api.post(f"{app}datasources/left/restore/")
    assert api.get(f"{app}datatables/in_left/").status == 200
