"""A place of each provider for tests over HTTP: an app of a tenant of its own, with a datasource; and what is there."""

from functools import cache
from typing import Any

import psycopg
from pymongo import MongoClient
from pymongo.collection import Collection

from tests.api.descriptors import kept_table, new_source
from tests.cast import Api, new_tenant
from tests.mongo import mongodb_url, why_not_mongodb


class Kept:
    """An app called ``kept`` of a new tenant, whose tables one provider keeps."""

    def __init__(self, provider: str, local: str = "kept") -> None:
        self.provider, self.tenant = provider, new_tenant(local)
        self.app = "/api/apps/kept/"
        assert self.api.post("/api/apps/", {"name": "Kept", "slug": "kept"}).status == 201
        self.source = new_source(self.api, self.app, provider)

    @property
    def api(self) -> Api:
        """The owner."""
        return self.tenant.api

    def table(self, name: str, schema: dict[str, Any]) -> str:
        """A new table; the URL of its rows."""
        return kept_table(self.api, self.source, name, schema)


def places(pg: "psycopg.Connection[Any]") -> set[str]:
    """Every schema and relation of PostgreSQL, every database and collection of MongoDB."""
    query = "SELECT nspname::text, relname::text FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid"
    return {f"{space}/{name}" for space, name in pg.execute(query).fetchall()} | set(_collections())


def documents() -> dict[str, list[Any]]:
    """Every document of MongoDB, by database and collection."""
    return {name: sorted(collection.find(), key=repr) for name, collection in _collections().items()}


def _collections() -> dict[str, Collection[dict[str, Any]]]:
    """Every collection by its name, but for those the server keeps for itself."""
    if why_not_mongodb() is not None:
        return {}
    client = _client()
    own = [name for name in client.list_database_names() if name not in ("admin", "config", "local")]
    return {
        f"{name}/{collection}": client[name][collection]
        for name in own
        for collection in client[name].list_collection_names()
    }


@cache
def _client() -> MongoClient[dict[str, Any]]:
    return MongoClient(mongodb_url())
