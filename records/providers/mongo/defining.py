"""Tables → collections with a validator and indexes, and what undoes them. Computes first, runs afterwards.

The validator holds what the service holds anyway: the types of the document's members and which must be there. It is
for those who write past the service; it refuses nothing that the service accepts.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from bson.json_util import RELAXED_JSON_OPTIONS, dumps
from psycopg.sql import SQL, Composed, Identifier, Literal
from pymongo.errors import PyMongoError

from datar.errors import DatarError, Unavailable
from records.fieldtypes import field_type
from records.jsonschema import is_nullable
from records.provider import Applied, Change, Resolve
from records.providers.mongo.indexes import indexes_of
from records.providers.mongo.layout import INSTANT, KEY, MICROSECONDS, WORDS, collection_name, is_in_key
from records.providers.mongo.ledger import key_sequence
from records.providers.mongo.references import held_keys
from records.providers.mongo.server import Document, Server
from records.providers.postgres.guard import CATALOG_TABLE
from records.system import CREATED, UPDATED, VERSION
from records.table import Field, Table

_MAJORITY: Final = {"w": "majority"}
_OCCUPIED_SECONDS: Final = 60
"""Somebody has to do something about it first."""
_HELD: Final = SQL("SELECT id FROM {catalog} WHERE id = ANY({ids}::bigint[]) ORDER BY id FOR UPDATE")
_WHOLE: Final = {"bsonType": ["int", "long"]}
_DECIMAL: Final = {"bsonType": "decimal"}
_MOMENT: Final = {
    "bsonType": "object",
    "required": [INSTANT, MICROSECONDS],
    "properties": {INSTANT: {"bsonType": "date"}, MICROSECONDS: _WHOLE},
}
_SCHEMAS: Final[Mapping[str, Document]] = {
    "string": {"bsonType": "string"},
    "string/binary": {"bsonType": "binData"},
    "integer": _WHOLE,
    "year": _WHOLE,
    "number": _DECIMAL,
    "boolean": {"bsonType": "bool"},
    "date": {"bsonType": "date"},
    "time": {"bsonType": "string"},
    "datetime": _MOMENT,
    "yearmonth": {"bsonType": "string"},
    "duration": {"bsonType": "string"},
    "object": {"bsonType": "object"},
    "array": {"bsonType": "array"},
    "list": {"bsonType": "array"},
    "any": {},
    "geojson": {"bsonType": "object"},
    "geopoint": {"bsonType": "array", "items": _DECIMAL, "minItems": 2, "maxItems": 2},
}


@dataclass(frozen=True, slots=True)
class Command:
    """One step: a command to the tenant's database, or a statement for PostgreSQL, within the caller's transaction."""

    namespace: str
    command: Document | Composed


def create(tables: Sequence[Table], resolve: Resolve) -> tuple[Change[Command], ...]:
    """The changes that make these tables; MongoDB knows no foreign keys, so they have no order.

    Raises Invalid where MongoDB cannot keep such a table (``indexes.indexes_of``).
    """
    made = {(table.identity.app, table.identity.name) for table in tables}
    changes = []
    for table in tables:
        places = {(key.target_app, key.target_table) for key in held_keys(table)} - made
        parents = [parent for place in sorted(places) if (parent := resolve(*place)) is not None]
        changes.append(_create_one(table, parents))
    return tuple(changes)


def apply(server: Server, changes: Sequence[Change[Command]], transaction: Any) -> tuple[Applied, ...]:
    """Make the changes. Where one fails, what was made of them in MongoDB is taken back; PostgreSQL's part is the
    caller's to take back, with the transaction."""
    made: list[Command] = []
    done: list[Applied] = []
    try:
        for change in changes:
            done.append(_apply_one(server, change, transaction, made))
    except BaseException:
        for step in reversed(made):
            with suppress(PyMongoError, DatarError):
                _run(server, step.namespace, {"drop": _created(step), "writeConcern": _MAJORITY})
        raise
    return tuple(done)


def value_schema(field: Field) -> Document:
    """What the validator holds of a value of this field, which is absent where it is null."""
    return _SCHEMAS.get(field_type(field).name) or _SCHEMAS[field.type]


def validator_of(table: Table) -> Document:
    """The ``$jsonSchema`` of the table's documents."""
    members: Document = {CREATED: _MOMENT, UPDATED: _MOMENT, VERSION: _WHOLE, KEY: _key_schema(table)}
    required = [KEY, CREATED, UPDATED, VERSION]
    for field in table.fields:
        if is_in_key(table, field):
            continue
        members[field.column] = value_schema(field)
        if field.type == "duration":
            members[field.beside] = _DECIMAL
        if not is_nullable(table, field):
            required.append(field.column)
    if table.search_fields:
        members[WORDS] = {"bsonType": "array"}
    return {"$jsonSchema": {"bsonType": "object", "required": required, "properties": members}}


def _key_schema(table: Table) -> Document:
    if len(table.key_fields) == 1:
        return value_schema(table.key_fields[0])
    parts = {field.column: value_schema(field) for field in table.key_fields}
    return {"bsonType": "object", "required": list(parts), "properties": parts}


def _create_one(table: Table, parents: Sequence[Table]) -> Change[Command]:
    steps: list[Document | Composed] = []
    if parents:
        # Who removes rows of a parent looks who refers to it: none may come while that goes on.
        ids = sorted(parent.identity.id for parent in parents)
        steps.append(_HELD.format(catalog=Identifier(table.identity.namespace, CATALOG_TABLE), ids=Literal(ids)))
    undo: list[Document | Composed] = []
    if table.generated_key == "integer":
        sequence = Identifier(table.identity.namespace, key_sequence(table))
        steps.append(SQL("CREATE SEQUENCE {name} AS bigint").format(name=sequence))
        undo.append(SQL("DROP SEQUENCE {name}").format(name=sequence))
    name = collection_name(table)
    steps.append(_collection(table, name))
    indexes = [index.document for index in indexes_of(table)]
    if indexes:
        steps.append({"createIndexes": name, "indexes": indexes, "writeConcern": _MAJORITY})
    undo.insert(0, {"drop": name, "writeConcern": _MAJORITY})
    namespace = table.identity.namespace
    return Change(
        table_id=table.identity.id,
        operation="CREATE",
        description=f"Create table '{table.identity.name}'",
        statements=tuple(Command(namespace, step) for step in steps),
        rollback=tuple(Command(namespace, step) for step in undo),
    )


def _collection(table: Table, name: str) -> Document:
    return {
        "create": name,
        "validator": validator_of(table),
        "validationLevel": "strict",
        "validationAction": "error",
        "writeConcern": _MAJORITY,
    }


def _apply_one(server: Server, change: Change[Command], transaction: Any, made: list[Command]) -> Applied:
    """Make one change; each collection is noted in ``made`` once it is there, and it is ours."""
    began = time.perf_counter()
    for step in change.statements:
        if isinstance(step.command, Composed):
            transaction.execute(step.command)
            continue
        _clear(server, step)
        _run(server, step.namespace, step.command)
        if _created(step):
            made.append(step)
    milliseconds = round((time.perf_counter() - began) * 1000)
    return Applied(
        table_id=change.table_id,
        operation=change.operation,
        description=change.description,
        sql=_text(server, change.statements, transaction),
        rollback_sql=_text(server, change.rollback, transaction),
        milliseconds=milliseconds,
    )


def _clear(server: Server, step: Command) -> None:
    """Drop the empty collection that a try left behind whose transaction PostgreSQL did not keep.

    Raises Unavailable for one that has rows: a load that was killed left them, or they are another installation's.
    """
    name = _created(step)
    if not name:
        return
    database = server.database(step.namespace)
    if name not in database.list_collection_names(filter={"name": name}):
        return
    if database[name].find_one({}, {}) is not None:
        raise Unavailable(
            f"Collection {database.name}.{name} is in the place of this table and holds rows of no table that is known"
            " here; the operator of the service has to move it away.",
            code="provider_not_available",
            retry_after=_OCCUPIED_SECONDS,
        )
    database.drop_collection(name)


def _created(step: Command) -> str:
    """The collection that a step makes; empty when it makes none."""
    return "" if isinstance(step.command, Composed) else str(step.command.get("create", ""))


def _run(server: Server, namespace: str, command: Document) -> None:
    server.database(namespace).command(command)


def _text(server: Server, steps: Sequence[Command], transaction: Any) -> str:
    """The steps as somebody would type them: statements for psql, commands for mongosh."""
    return "\n".join(_step_text(server, step, transaction) for step in steps)


def _step_text(server: Server, step: Command, transaction: Any) -> str:
    if isinstance(step.command, Composed):
        return step.command.as_string(transaction) + ";"
    place = server.database(step.namespace).name
    return f'db.getSiblingDB("{place}").runCommand({dumps(step.command, json_options=RELAXED_JSON_OPTIONS)});'
