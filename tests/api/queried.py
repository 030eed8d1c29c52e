"""A tenant's three tables of every kind of value, one above and one below the other, for questions over HTTP."""

from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from tests.api.descriptors import kept_table, new_app, new_source
from tests.cast import Answer, Api, Tenant, new_tenant

MAKERS: dict[str, Any] = {"fields": [{"name": "name", "type": "string"}, {"name": "country", "type": "string"}]}
THINGS: dict[str, Any] = {
    "fields": [
        {"name": "name", "type": "string"},
        {"name": "price", "type": "number"},
        {"name": "stock", "type": "integer"},
        {"name": "sold", "type": "boolean"},
        {"name": "day", "type": "date"},
        {"name": "at", "type": "datetime"},
        {"name": "meta", "type": "object"},
        {"name": "tags", "type": "array"},
        {"name": "span", "type": "duration"},
        {"name": "code", "type": "string", "format": "uuid"},
        {"name": "maker_id", "type": "integer"},
    ],
    "foreignKeys": [{"fields": "maker_id", "reference": {"resource": "makers", "fields": "id"}}],
    "search_fields": ["name"],
}
PARTS: dict[str, Any] = {
    "fields": [{"name": "label", "type": "string"}, {"name": "thing_id", "type": "integer"}],
    "foreignKeys": [{"fields": "thing_id", "reference": {"resource": "things", "fields": "id"}}],
}
ROWS: list[dict[str, Any]] = [
    {
        "name": "lamp",
        "price": 29.90,
        "stock": 3,
        "sold": True,
        "meta": {"color": "red"},
        "tags": ["new"],
        "maker_id": 1,
    },
    {"name": "desk", "price": 120, "stock": 1, "at": "2024-05-01T12:00:00Z", "meta": {"size": 5}, "maker_id": 2},
    {"name": "rug", "price": 75.5, "day": "2024-02-29", "span": "P1D", "tags": ["new"], "maker_id": 1},
    {"name": None, "stock": 0},
]

Pairs = tuple[tuple[str, str], ...]


class Stage:
    """A tenant of its own with makers, things and parts; all rows of a table are few."""

    def __init__(self, local: str = "queried", provider: str = "flat_table") -> None:
        self.tenant: Tenant = new_tenant(local)
        api = self.tenant.api
        self.app = new_app(api)
        self.source = new_source(api, self.app, provider)
        self.makers, self.things, self.parts = (
            self.table(name, schema) for name, schema in (("makers", MAKERS), ("things", THINGS), ("parts", PARTS))
        )
        for data, rows in (
            (self.makers, [{"name": "Ann", "country": "FR"}, {"name": "Bob", "country": "DE"}]),
            (self.things, ROWS),
            (self.parts, [{"label": "bulb", "thing_id": 1}, {"label": "leg", "thing_id": 2}]),
        ):
            made = api.post(data, rows)
            assert made.status == 201, made

    @property
    def api(self) -> Api:
        """The owner."""
        return self.tenant.api

    def table(self, name: str, schema: dict[str, Any]) -> str:
        """A new table of the stage's provider; the URL of its rows."""
        return kept_table(self.api, self.source, name, schema)

    def ask(self, *pairs: tuple[str, str], table: str = "") -> Answer:
        """A list of things, or of the table whose URL is given."""
        return self.api.get(url(table or self.things, pairs))

    def names(self, *pairs: tuple[str, str]) -> list[Any]:
        """The names of the things found."""
        answer = self.ask(*pairs)
        assert answer.status == 200, answer
        return [row["name"] for row in answer.data["data"]]

    def refusal(self, *pairs: tuple[str, str]) -> tuple[int, str]:
        """Status and code."""
        answer = self.ask(*pairs)
        return answer.status, answer.code

    def stored(self, pg: "psycopg.Connection[Any]") -> list[Any]:
        """Every row of the tenant's tables and the names of all its tables, seen past the service."""
        schema = self.tenant.schema
        relations = pg.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r' ORDER BY 1",
            [schema],
        ).fetchall()
        physical = sql.SQL("SELECT physical_table_name FROM {} ORDER BY 1").format(
            sql.Identifier(schema, "datar_datatable")
        )
        rows: list[Any] = []
        for (name,) in pg.execute(physical).fetchall():
            query = sql.SQL("SELECT t.*::text FROM {} AS t ORDER BY 1").format(sql.Identifier(schema, name))
            rows.append((name, pg.execute(query).fetchall()))
        return [relations, rows]


def url(data: str, pairs: "tuple[tuple[str, str], ...] | list[tuple[str, str]]") -> str:
    """A list's URL with these parameters, percent-encoded as UTF-8."""
    return f"{data}?{urlencode(pairs, quote_via=quote, safe='', errors='surrogatepass')}"
