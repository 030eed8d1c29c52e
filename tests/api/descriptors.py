"""Table schemas, apps and tables that many tests need."""

import itertools
from typing import Any

from tests.cast import Api

PRODUCTS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "price", "type": "number", "constraints": {"required": True, "minimum": 0}},
        {"name": "in_stock", "type": "boolean"},
    ],
    "primaryKey": ["id"],
}
USERS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "email", "type": "string", "format": "email", "constraints": {"required": True, "unique": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "is_active", "type": "boolean"},
        {"name": "created_at", "type": "datetime"},
    ],
    "primaryKey": ["id"],
}


def pointing(to: str, *, field: str = "other_id") -> dict[str, Any]:
    """A table of a key and a foreign key to ``to``'s id."""
    return {
        "fields": [{"name": "id", "type": "integer"}, {"name": field, "type": "integer"}],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": [field], "reference": {"resource": to, "fields": ["id"]}}],
    }


_numbers = itertools.count(1)


def new_app(api: Api, name: str = "Shop") -> str:
    """An app nobody else uses; its URL."""
    made = api.post("/api/apps/", {"name": f"{name} {next(_numbers)}"})
    assert made.status == 201, made
    return f"/api/apps/{made.data['slug']}/"


def new_table(api: Api, app: str, name: str, schema: dict[str, Any] = PRODUCTS, **more: Any) -> str:
    """A table in the app's default datasource; its URL."""
    made = api.post(f"{app}datatables/", {"name": name, "json_schema": schema, **more})
    assert made.status == 201, made
    return f"{app}datatables/{name}/"


def new_source(api: Api, app: str, provider: str) -> str:
    """A datasource of the app, of a provider and called like it; the URL of its tables."""
    slug = provider.replace("_", "-")
    made = api.post(f"{app}datasources/", {"name": provider, "slug": slug, "provider_type": provider})
    assert made.status == 201, made
    return f"{app}datasources/{slug}/datatables/"


def kept_table(api: Api, source: str, name: str, schema: dict[str, Any]) -> str:
    """A materialized table of a datasource, whose tables' URL is given; the URL of its rows."""
    made = api.post(source, {"name": name, "json_schema": schema, "materialize": True})
    assert made.status == 201, made
    return f"{source.partition('datasources/')[0]}datatables/{name}/data/"
