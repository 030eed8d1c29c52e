"""Datasources over HTTP: providers, their configuration, slugs, read-only fields."""

from typing import Any

import pytest
from pytest_django import Settings

from datasources.providers import compressions
from tests.api.descriptors import PRODUCTS, new_app
from tests.api.test_apps import READ_ONLY, codes
from tests.cast import acme

PROBLEM = "application/problem+json"


def test_a_datasource_of_each_provider_can_be_declared() -> None:
    api = acme().api
    app = new_app(api)
    for provider in ("flat_table", "jsonb", "mongodb"):
        made = api.post(f"{app}datasources/", {"name": provider, "provider_type": provider})
        assert made.status == 201, made
        assert made.headers["Location"] == f"{app}datasources/{provider.replace('_', '-')}/"
        assert made.data["provider_config"] == {}
        assert api.get(made.headers["Location"]).data == made.data


@pytest.mark.parametrize(
    ("provider", "config", "code"),
    [
        ("flat_table", {"indexing": "gin"}, "unknown_field"),
        ("mongodb", {"host": "evil"}, "unknown_field"),
        ("jsonb", {"compresion": "pglz"}, "unknown_field"),
        ("jsonb", {"indexing": "btree"}, "invalid_config"),
        ("jsonb", {"indexing": None}, "invalid_config"),
        ("jsonb", {"additional_fields": 1}, "invalid_config"),
        ("jsonb", {"additional_fields": "true"}, "invalid_config"),
        ("jsonb", {"compression": ["lz4"]}, "invalid_config"),
        ("jsonb", "gin", "invalid_type"),
        ("jsonb", [], "invalid_type"),
        ("jsonb", None, "invalid_type"),
    ],
)
def test_provider_config_is_checked(provider: str, config: Any, code: str) -> None:
    api = acme().api
    app = new_app(api)
    body = {"name": "x", "provider_type": provider, "provider_config": config}
    answer = api.post(f"{app}datasources/", body, Accept=PROBLEM)
    assert (answer.status, codes(answer)) == (400, {"provider_config": code})
    assert api.get(f"{app}datasources/").data == []


def test_provider_config_is_kept_as_sent() -> None:
    api = acme().api
    app = new_app(api)
    config = {"indexing": "gin", "compression": "pglz", "additional_fields": False}
    made = api.post(f"{app}datasources/", {"name": "Docs", "provider_type": "jsonb", "provider_config": config})
    assert list(made.data["provider_config"].items()) == list(config.items())
    source = made.headers["Location"]
    assert api.patch(source, {"provider_config": {"indexing": "none"}}).data["provider_config"] == {"indexing": "none"}
    assert api.patch(source, {"provider_config": {"indexing": "some"}}).status == 400
    assert api.get(source).data["provider_config"] == {"indexing": "none"}


def test_the_seeds_own_example_is_taken_where_the_server_can_and_refused_on_that_field_where_it_cannot() -> None:
    api = acme().api
    app = new_app(api)
    body = {
        "name": "Analytics DB",
        "slug": "analytics-db",
        "provider_type": "jsonb",
        "provider_config": {"compression": "lz4", "indexing": "gin"},
        "description": "Analytics data storage",
    }
    answer = api.post(f"{app}datasources/", body, Accept=PROBLEM)
    if "lz4" in compressions():
        assert answer.data["provider_config"] == body["provider_config"]
    else:
        assert (answer.status, codes(answer)) == (400, {"provider_config": "not_available"})
        assert "pglz" in answer.data["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"provider_type": "flat_table"}, "name", "required"),
        ({"name": "x"}, "provider_type", "required"),
        ({"name": "x", "provider_type": "mysql"}, "provider_type", "invalid_choice"),
        ({"name": "x", "provider_type": None}, "provider_type", "invalid_type"),
        ({"name": "x", "provider_type": ["jsonb"]}, "provider_type", "invalid_type"),
        ({"name": "x", "provider_type": "jsonb", "slug": "A"}, "slug", "invalid_slug"),
        ({"name": "x", "provider_type": "jsonb", "providerconfig": {}}, "providerconfig", "unknown_field"),
        ({"name": "x", "provider_type": "jsonb", "app": 1}, "app", "read_only_field"),
        ({"name": "x", "provider_type": "jsonb", "table_count": 0}, "table_count", "read_only_field"),
    ],
)
def test_bi_06_bodies_of_datasources_are_strict(body: dict[str, Any], field: str, code: str) -> None:
    api = acme().api
    answer = api.post(f"{new_app(api)}datasources/", body, Accept=PROBLEM)
    assert (answer.status, codes(answer)) == (400, {field: code})


def test_slugs_are_unique_within_their_app_alone() -> None:
    api = acme().api
    one, two = new_app(api), new_app(api)
    body = {"name": "Main", "slug": "main", "provider_type": "flat_table"}
    assert api.post(f"{one}datasources/", body).status == 201
    assert api.post(f"{two}datasources/", body).status == 201
    again = api.post(f"{one}datasources/", body)
    assert (again.status, again.code, again.data["fields"]) == (409, "conflict_unique", ["slug"])
    made = api.post(f"{one}datasources/", {"name": "Main", "provider_type": "flat_table"})
    assert made.data["slug"] == "main-2"
    assert api.delete(f"{one}datasources/main/").status == 204
    hinted = api.post(f"{one}datasources/", body)
    assert hinted.status == 409
    assert f"{one}datasources/main/restore/" in hinted.data["detail"]


def test_az_02_read_only_fields_of_a_datasource() -> None:
    api = acme().api
    app = new_app(api)
    source = f"{app}datasources/main/"
    body = {"name": "Main", "slug": "main", "provider_type": "flat_table"}
    before = api.post(f"{app}datasources/", body).data
    for name, value in {**READ_ONLY, "app_slug": "x", "materialized_count": 1}.items():
        for answer in (
            api.post(f"{app}datasources/", {"name": "x", "provider_type": "jsonb", name: value}, Accept=PROBLEM),
            api.patch(source, {name: value}, Accept=PROBLEM),
            api.put(source, {"name": "x", name: value}, Accept=PROBLEM),
        ):
            assert (answer.status, codes(answer)) == (400, {name: "read_only_field"}), name
    for name, value in (("slug", "other"), ("provider_type", "jsonb")):
        assert codes(api.patch(source, {name: value}, Accept=PROBLEM)) == {name: "read_only_field"}
    assert api.get(source).data == before
    assert api.put(source, before).status == 200, "what was got can be put back"


def test_put_changes_what_is_sent() -> None:
    api = acme().api
    app = new_app(api)
    api.post(f"{app}datasources/", {"name": "Main", "provider_type": "flat_table"})
    source = f"{app}datasources/main/"
    assert api.put(source, {"description": "x"}).data == {"name": ["This field is required."]}
    changed = api.put(source, {"name": "New", "description": "x"}).data
    assert (changed["name"], changed["description"], changed["slug"]) == ("New", "x", "main")


def test_tables_of_what_is_not_there_are_described_and_not_materialized(settings: Settings) -> None:
    api = acme().api
    app = new_app(api)
    settings.DATAR_MONGODB_URL = None
    refused = (503, "provider_not_available")
    tables = f"{app}datasources/mongodb/datatables/"
    api.post(f"{app}datasources/", {"name": "mongodb", "provider_type": "mongodb"})
    body = {"name": "in_mongodb", "json_schema": PRODUCTS}
    answer = api.post(tables, {**body, "materialize": True})
    assert (answer.status, answer.code) == refused
    assert "DATAR_MONGODB_URL" in answer.data["detail"]
    assert api.get(tables).data == [], "all or nothing"
    assert api.post(tables, body).status == 201
    answer = api.post(f"{tables}in_mongodb/materialize/")
    assert (answer.status, answer.code) == refused
    package = {"resources": [{"name": "x", "schema": PRODUCTS}]}
    answer = api.post(f"{app}datatables/create_schema/?datasource=mongodb", package)
    assert (answer.status, answer.code) == refused


def test_an_explicit_default_datasource_is_used_for_tables_without_one() -> None:
    api = acme().api
    app = new_app(api)
    api.post(f"{app}datasources/", {"name": "Mine", "slug": "default", "provider_type": "jsonb"})
    made = api.post(f"{app}datatables/", {"name": "t", "json_schema": PRODUCTS})
    assert (made.data["datasource_name"], made.data["datasource_slug"]) == ("Mine", "default")
    api.delete(f"{app}datasources/default/")
    answer = api.post(f"{app}datatables/", {"name": "u", "json_schema": PRODUCTS})
    assert (answer.status, answer.code) == (409, "datasource_inactive")
    assert f"{app}datasources/default/restore/" in answer.data["detail"]
