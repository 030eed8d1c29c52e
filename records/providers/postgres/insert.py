"""Write plans that add rows → one statement each: a single row by values, many as one JSON array per column."""

from collections.abc import Hashable
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from records.plan import WritePlan
from records.providers.postgres.columns import (
    UPDATED,
    VERSION,
    VERSION_SEQUENCE,
    Column,
    columns_of,
    compared,
    qualified,
    rendering,
)
from records.providers.postgres.compile import Values
from records.providers.postgres.ddl import sequence_text
from records.providers.postgres.guard import guard
from records.providers.postgres.rowtext import row_text
from records.providers.postgres.values import columns_json, texts_of
from records.stamp import UPDATED_FIELD, stamped
from records.table import Field, Table

_TEMPLATE: Final = Placeholder("template")
_INSERT: Final = SQL("INSERT INTO {table} AS found ({columns}) SELECT {values} {source}WHERE {guard}{conflict}")
_ONE: Final = SQL("{insert} RETURNING {row}, {created}, {key}")
_MANY: Final = SQL(
    "WITH made AS ({insert} RETURNING {row} AS row, {created} AS created) "
    "SELECT count(*), count(*) FILTER (WHERE created), {rows} FROM made"
)
_COUNT: Final = SQL(
    "WITH made AS ({insert} RETURNING {created} AS created) "
    "SELECT count(*), count(*) FILTER (WHERE created), NULL FROM made"
)


def insert_shape(plan: WritePlan) -> Hashable:
    """What the statement depends on."""
    identity = plan.table.identity
    columns = tuple(field.column for field in plan.fields)
    key = _key_state(plan)
    form = ("one" if plan.single else "many", plan.minimal, plan.meta, key, plan.unique, _sent(plan))
    return ("insert", identity.namespace, identity.id, identity.revision, columns, form)


def insert_statement(plan: WritePlan) -> Composed:
    """Insert, or with ``plan.unique`` insert or update what these fields find."""
    table = plan.table
    insert = _INSERT.format(
        table=qualified(table),
        columns=SQL(", ").join(column.identifier for column in _columns(plan)),
        values=SQL(", ").join(_value(plan, column, place) for place, column in enumerate(_columns(plan))),
        source=_source(plan),
        guard=guard(table),
        conflict=_conflict(plan),
    )
    created = SQL("(xmax = 0)") if plan.unique else SQL("true")
    if plan.minimal:
        return _COUNT.format(insert=insert, created=created)
    row = row_text(table.fields, _TEMPLATE, meta=plan.meta)
    if plan.single:
        key = SQL(", ").join(rendering(field) for field in table.key_fields)
        return _ONE.format(insert=insert, row=row, created=created, key=key)
    # An upsert's rows may have to be put in order with those of other statements, so they come one by one.
    rows = SQL("array_agg(row)") if plan.unique else SQL("string_agg(row, ',')")
    return _MANY.format(insert=insert, row=row, created=created, rows=rows)


def insert_values(plan: WritePlan) -> Values:
    """The values of ``insert_statement``."""
    values: Values = {}
    if _key_state(plan) in ("sent", "mixed"):
        name = plan.table.primary_key[0]
        values["top"] = str(max(row[name] for row in plan.rows if row.get(name) is not None))
    if plan.single:
        row = plan.rows[0]
        texts = (text for field in plan.fields for text in texts_of(field, row.get(field.name)))
    else:
        texts = (text for field in plan.fields for text in columns_json(field, plan.rows))
    values.update((f"column{place}", text) for place, text in enumerate(texts))
    return values


def _columns(plan: WritePlan) -> list[Column]:
    return [column for field in plan.fields for column in columns_of(field)]


def _value(plan: WritePlan, column: Column, place: int) -> Composable:
    text: Composable = Placeholder(f"column{place}") if plan.single else Identifier("sent", f"s{place}")
    value = column.bound(text)
    if _key_state(plan) == "mixed" and column.name == plan.table.key_fields[0].column:
        return SQL("coalesce({value}, nextval({sequence}))").format(value=value, sequence=_key_sequence(plan.table))
    return value


def _source(plan: WritePlan) -> Composable:
    sources: list[Composable] = []
    if _key_state(plan) in ("sent", "mixed"):
        sources.append(
            SQL("(SELECT {advance}({sequence}, {top}::bigint)) AS advanced").format(
                advance=Identifier(plan.table.identity.namespace, "datar_advance"),
                sequence=_key_sequence(plan.table),
                top=Placeholder("top"),
            )
        )
    if not plan.single:
        sources.append(sent_rows(len(_columns(plan))))
    return SQL("FROM {sources} ").format(sources=SQL(", ").join(sources)) if sources else SQL("")


def sent_rows(columns: int) -> Composed:
    """Bound JSON arrays, one per column, as the rows ``sent(s0, s1, …, n)``; ``n`` counts from 1."""
    each = SQL("json_array_elements_text({array}::json)")
    arrays = [each.format(array=Placeholder(f"column{place}")) for place in range(columns)]
    names = [Identifier(f"s{place}") for place in range(columns)]
    return SQL("ROWS FROM ({arrays}) WITH ORDINALITY AS sent ({names})").format(
        arrays=SQL(", ").join(arrays), names=SQL(", ").join([*names, Identifier("n")])
    )


def _key_sequence(table: Table) -> Composed:
    place = sequence_text(table.identity.namespace, table.identity.physical_name)
    return SQL("pg_get_serial_sequence({table}, {column})::regclass").format(
        table=Literal(place), column=Literal(table.key_fields[0].column)
    )


def generates_key(plan: WritePlan) -> bool:
    """Whether the statement takes a key from the table's sequence."""
    return _key_state(plan) in ("absent", "mixed")


def key_repair(table: Table) -> Composed:
    """Move the key's sequence beyond every stored key. It lies behind when a key was taken while it was being moved."""
    return SQL("SELECT {advance}({sequence}, (SELECT max({column}) FROM {table}))").format(
        advance=Identifier(table.identity.namespace, "datar_advance"),
        sequence=_key_sequence(table),
        column=Identifier(table.key_fields[0].column),
        table=qualified(table),
    )


def _key_state(plan: WritePlan) -> str:
    """For a generated integer key: ``absent`` in every row, ``sent`` in every row, or ``mixed``; else ``given``."""
    if plan.table.generated_key != "integer":
        return "given"
    name = plan.table.primary_key[0]
    if all(field.name != name for field in plan.fields):
        return "absent"
    return "sent" if all(row.get(name) is not None for row in plan.rows) else "mixed"


def _sent(plan: WritePlan) -> Hashable:
    return tuple(field.column for field in _updated(plan)) if plan.unique else None


def _updated(plan: WritePlan) -> list[Field]:
    """What an upsert changes in a row that is there: what was sent, but no part of a key."""
    sent = plan.sent if plan.sent is not None else plan.fields
    return [field for field in sent if field.name not in plan.unique and field.name not in plan.table.primary_key]


def _conflict(plan: WritePlan) -> Composable:
    if not plan.unique:
        return SQL("")
    changes: list[Composable] = [
        SQL("{column} = excluded.{column}").format(column=column.identifier)
        for field in _updated(plan)
        for column in columns_of(field)
    ]
    changes += touched(plan.table, {field.name for field in _updated(plan)})
    return SQL(" ON CONFLICT ({unique}) DO UPDATE SET {changes}{same_key}").format(
        unique=SQL(", ").join(compared(plan.table.by_name[name]).identifier for name in plan.unique),
        changes=SQL(", ").join(changes),
        same_key=_same_key(plan),
    )


def _same_key(plan: WritePlan) -> Composable:
    """A key that was sent and is another than the found row's leaves the row out, and so refuses the whole."""
    if not plan.pins_key:
        return SQL("")
    parts = [
        SQL("found.{column} = excluded.{column}").format(column=compared(field).identifier)
        for field in plan.table.key_fields
    ]
    return SQL(" WHERE {parts}").format(parts=SQL(" AND ").join(parts))


def touched(table: Table, sent: set[str]) -> list[Composable]:
    """What every change of a row sets: version, instant, and a declared ``updated_at`` that was not sent."""
    version = Literal(sequence_text(table.identity.namespace, VERSION_SEQUENCE))
    changes: list[Composable] = [
        SQL("{column} = nextval({sequence}::regclass)").format(column=Identifier(VERSION), sequence=version),
        SQL("{column} = now()").format(column=Identifier(UPDATED)),
    ]
    declared = stamped(table, UPDATED_FIELD)
    if declared is not None and declared.name not in sent:
        changes.append(SQL("{column} = now()").format(column=Identifier(declared.column)))
    return changes
