"""Four related tables with every type, and worlds of rows for them: written by bulk create, emptied between examples.

The shapes are written out by hand beside the descriptors, so that the model shares no reading of them with the service.
What a provider is appears in ``Stand`` alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.records.engine import Engine, Layout, Rows
from tests.records.model import Row, Shape, Way, World
from tests.records.physical import emptied


def _fields(kinds: Mapping[str, str]) -> list[dict[str, str]]:
    split = {name: kind.partition("/") for name, kind in kinds.items()}
    return [
        {"name": name, "type": word, **({"format": variant} if variant else {})}
        for name, (word, _, variant) in split.items()
    ]


def _key(fields: Any, resource: str, to: Any, **more: Any) -> dict[str, Any]:
    return {"fields": fields, "reference": {"resource": resource, "fields": to}, **more}


REGIONS = {"country": "string", "code": "integer", "name": "string", "area": "number"}
PEOPLE = {
    "id": "integer",
    "name": "string",
    "manager_id": "integer",
    "mentor": "integer",
    "country": "string",
    "code": "integer",
    "born": "date",
    "height": "number",
    "meta": "object",
}
THINGS = {
    "sku": "string",
    "text": "string",
    "mail": "string/email",
    "link": "string/uri",
    "uid": "string/uuid",
    "raw": "string/binary",
    "whole": "integer",
    "num": "number",
    "flag": "boolean",
    "day": "date",
    "clock": "time",
    "at": "datetime",
    "yr": "year",
    "ym": "yearmonth",
    "dur": "duration",
    "obj": "object",
    "arr": "array",
    "lst": "list",
    "anything": "any",
    "geo": "geojson",
    "point": "geopoint",
    "owner_id": "integer",
    "maker_id": "integer",
}
NOTES = {
    "id": "integer",
    "Unit Price": "number",
    "a__b": "integer",
    "a": "object",
    "page": "string",
    "a.b": "string",
    "año": "date",
    "x,y": "string",
    'say "hi"': "integer",
    "year": "integer",
    "contains": "string",
    "title": "string",
    "body": "string",
    "thing_code": "string",
    "copy_of": "string",
}
DESCRIPTORS: dict[str, dict[str, Any]] = {
    "regions": {"fields": _fields(REGIONS), "primaryKey": ["country", "code"]},
    "people": {
        "fields": _fields(PEOPLE),
        "primaryKey": "id",
        "foreignKeys": [
            _key("manager_id", "", "id", **{"x-reverse-name": "reports"}),
            _key("mentor", "", "id", **{"x-reverse-name": "pupils", "x-enforced": False}),
            _key(["country", "code"], "regions", ["country", "code"]),
        ],
    },
    "things": {
        "fields": _fields(THINGS),
        "primaryKey": "sku",
        "foreignKeys": [
            _key("owner_id", "people", "id"),
            _key("maker_id", "people", "id", **{"x-name": "made by", "x-reverse-name": "makes"}),
        ],
    },
    "notes": {
        "fields": _fields(NOTES),
        "primaryKey": "id",
        "foreignKeys": [_key("thing_code", "things", "sku"), _key("copy_of", "things", "sku")],
        "search_fields": ["title", {"field": "body", "weight": "B"}],
    },
}
_PLACE = (("country", "country"), ("code", "code"))
SHAPES: dict[str, Shape] = {
    "regions": Shape(REGIONS, ("country", "code"), {"people": Way("people", _PLACE, many=True)}, ("country", "name")),
    "people": Shape(
        PEOPLE,
        ("id",),
        {
            "manager": Way("people", (("manager_id", "id"),)),
            "reports": Way("people", (("id", "manager_id"),), many=True),
            "mentor": Way("people", (("mentor", "id"),)),
            "pupils": Way("people", (("id", "mentor"),), many=True),
            "regions": Way("regions", _PLACE),
            "things": Way("things", (("id", "owner_id"),), many=True),
            "makes": Way("things", (("id", "maker_id"),), many=True),
        },
        ("name", "country"),
    ),
    "things": Shape(
        THINGS,
        ("sku",),
        {
            "owner": Way("people", (("owner_id", "id"),)),
            "made by": Way("people", (("maker_id", "id"),)),
            "notes.thing_code": Way("notes", (("sku", "thing_code"),), many=True),
            "notes.copy_of": Way("notes", (("sku", "copy_of"),), many=True),
        },
        ("sku", "text", "mail", "link"),
    ),
    "notes": Shape(
        NOTES,
        ("id",),
        {
            "thing_code": Way("things", (("thing_code", "sku"),)),
            "copy_of": Way("things", (("copy_of", "sku"),)),
        },
        ("title", "body"),
    ),
}
"""What the model knows of the tables above."""


class Stand:
    """The four tables on a server, and the world that is in them now."""

    def __init__(
        self,
        engine: Engine,
        connection: "psycopg.Connection[Any]",
        descriptors: Mapping[str, Mapping[str, Any]] = DESCRIPTORS,
    ) -> None:
        tables = [engine.define(name, descriptor) for name, descriptor in descriptors.items()]
        engine.make(*tables)
        self.engine, self._connection = engine, connection
        self._tables = {table.identity.name: table for table in tables}
        self.world = World(SHAPES, {name: [] for name in SHAPES})

    def write(self, rows: Mapping[str, list[Row]]) -> World:
        """The tables hold these rows and no others; the world as the service answered it."""
        self.empty([name for name in reversed(DESCRIPTORS) if self.world.rows[name]])
        made = {name: self.rows(name).create(rows[name]) if rows.get(name) else [] for name in DESCRIPTORS}
        self.world = World(SHAPES, made)
        return self.world

    def empty(self, names: Sequence[str] = tuple(reversed(DESCRIPTORS))) -> None:
        """These tables hold no rows."""
        self.engine.pool.check()  # other tests of this worker end backends of the same database
        emptied(self.engine, self._connection, *(self._tables[name] for name in names))

    def rows(self, name: str) -> Rows:
        """The rows of a table."""
        return self.engine.rows(name)


@contextmanager
def stand_on(url: str, layout: Layout, descriptors: Mapping[str, Mapping[str, Any]] = DESCRIPTORS) -> Iterator[Stand]:
    """A stand in a namespace of its own."""
    engine = Engine(url, layout)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        yield Stand(engine, connection, descriptors)
    engine.close()
