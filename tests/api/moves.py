"""What tests of moves say to the service."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_django.fixtures import Settings

from datar.env import SecretUrl
from datasources import connect
from datatables.catalog import TableCatalog
from tests.api.descriptors import new_app
from tests.cast import Answer, Api, acme
from tests.mongo import mongodb_url

KINDS = ("flat_table", "jsonb", "mongodb")
DIRECTIONS = [(one, other) for one in KINDS for other in KINDS if one != other]


@contextmanager
def with_mongodb(settings: Settings, url: str = "") -> Iterator[Api]:
    """A client of a service that knows a MongoDB: this one, or that of the process."""
    settings.DATAR_MONGODB_URL = SecretUrl(url or mongodb_url())
    connect.close()
    try:
        yield acme().api
    finally:
        connect.close()


def app_of(api: Api) -> str:
    """An app with a datasource of each kind, and of a second of each of two."""
    app = new_app(api, "Moves")
    for slug, kind in [*((kind, kind) for kind in KINDS), ("flat2", "flat_table"), ("mongo2", "mongodb")]:
        body = {"name": slug, "slug": slug.replace("_", "-"), "provider_type": kind}
        assert api.post(f"{app}datasources/", body).status == 201
    return app


def make(api: Api, app: str, kind: str, name: str, schema: dict[str, Any], *, materialize: bool = True) -> str:
    """A table of a datasource; its URL."""
    body = {"name": name, "json_schema": schema, "materialize": materialize}
    made = api.post(f"{app}datasources/{kind.replace('_', '-')}/datatables/", body)
    assert made.status == 201, made
    return f"{app}datatables/{name}/"


def move(api: Api, table: str, kind: str) -> Answer:
    """The answer."""
    return api.post(f"{table}move/", {"datasource": kind.replace("_", "-")}, Accept="application/problem+json")


def moved(api: Api, table: str, kind: str) -> dict[str, Any]:
    """The table where it is now."""
    answer = move(api, table, kind)
    assert answer.status == 200, answer
    assert answer.data["datasource_slug"] == kind.replace("_", "-")
    TableCatalog(acme().schema).forget()
    shown: dict[str, Any] = answer.data
    return shown


def rows_of(api: Api, table: str) -> list[dict[str, Any]]:
    """Every row with what the service keeps of it."""
    answer = api.get(f"{table}data/?_meta=true&ordering=id", Accept="application/x-ndjson")
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.content.splitlines()]
