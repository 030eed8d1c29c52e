"""Write plans that add rows → one statement each: a single row by values, many as one JSON array per column."""

from collections.abc import Hashable, Sequence
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from records.additional import removed
from records.jsontext import dumps
from records.plan import WritePlan
from records.providers.postgres.columns import VERSION_SEQUENCE, Column, columns_of, compared, qualified, rendering
from records.providers.postgres.compile import Values
from records.providers.postgres.ddl import sequence_text
from records.providers.postgres.guard import guard
from records.providers.postgres.placing import (
    additional_in,
    document_change,
    document_text,
    documents_json,
    inside,
    names_text,
    own,
    written_columns,
)
from records.providers.postgres.rowtext import row_text
from records.providers.postgres.values import columns_arrays, texts_of
from records.stamp import UPDATED_FIELD, stamped
from records.system import UPDATED, VERSION
from records.table import ADDITIONAL_NAME, Field, Table

_TEMPLATE: Final = Placeholder("template")
_INSERT: Final = SQL("INSERT INTO {table} AS found ({columns}) SELECT {values} {source}WHERE {guard}{conflict}")
_ONE: Final = SQL("{insert} RETURNING {row}, {created}, {version}, {key}")
_ONE_ADVANCED: Final = SQL(
    "WITH made AS ({insert} RETURNING {row} AS row, {created} AS created, {version} AS version, {key} AS key{top}) "
    "SELECT row, created, version, key{advanced} FROM made"
)
# Rows stand in the order they were sent: nothing is joined, and an insert takes and gives back row by row.
_MANY: Final = SQL(
    "WITH made AS ({insert} RETURNING {row} AS row, {created} AS created{top}) "
    "SELECT count(*), count(*) FILTER (WHERE created), {rows}{advanced} FROM made"
)
_COUNT: Final = SQL(
    "WITH made AS ({insert} RETURNING {created} AS created{top}) "
    "SELECT count(*), count(*) FILTER (WHERE created), NULL{advanced} FROM made"
)
_ARRAY: Final = SQL("unnest({array}::{type}[]) AS {name}")
_DOCUMENTS: Final = SQL("jsonb_array_elements({array}::{type}) AS {name}")
_ADVANCE: Final = SQL("{function}({sequence}, {top})")
_STEP_BACK: Final = SQL(
    "SELECT setval({sequence}, greatest(top, 1), coalesce(top > 0, false)) "
    "FROM (SELECT max({column}) AS top FROM {table}) AS stored "
    "WHERE pg_sequence_last_value({sequence}) = {last} AND (top < {last}) IS NOT FALSE"
)


def insert_shape(plan: WritePlan) -> Hashable:
    """What the statement depends on."""
    identity = plan.table.identity
    columns = tuple(field.column for field in plan.fields)
    key = _key_state(plan)
    form = ("one" if plan.single else "many", plan.minimal, plan.meta, plan.each, key, plan.unique, _sent(plan))
    return ("insert", identity.namespace, identity.id, identity.revision, columns, form)


def insert_statement(plan: WritePlan) -> Composed:
    """Insert, or with ``plan.unique`` insert or update what these fields find."""
    table, columns = plan.table, written_columns(plan.fields)
    insert = _INSERT.format(
        table=qualified(table),
        columns=SQL(", ").join(column.identifier for column in columns),
        values=SQL(", ").join(_value(plan, column, place) for place, column in enumerate(columns)),
        source=_source(plan),
        guard=guard(table),
        conflict=_conflict(plan),
    )
    created = SQL("(xmax = 0)") if plan.unique else SQL("true")
    top, advanced = _advanced(plan)
    if plan.minimal:
        return _COUNT.format(insert=insert, created=created, top=top, advanced=advanced)
    row = row_text(table.shown, _TEMPLATE, meta=plan.meta)
    if plan.single:
        key = SQL(", ").join(rendering(field) for field in table.key_fields)
        form = _ONE_ADVANCED if _key_state(plan) == "sent" else _ONE
        version = Identifier(VERSION)
        return form.format(
            insert=insert, row=row, created=created, version=version, key=key, top=top, advanced=advanced
        )
    # Rows that may have to be put in order with those of other statements come one by one.
    rows = SQL("array_agg(row)") if plan.unique or plan.each else SQL("string_agg(row, ',')")
    return _MANY.format(insert=insert, row=row, created=created, rows=rows, top=top, advanced=advanced)


def insert_values(plan: WritePlan) -> Values:
    """The values of ``insert_statement``."""
    values: Values = {}
    if _key_state(plan) == "mixed":
        name = plan.table.primary_key[0]
        values["top"] = str(max((row[name] for row in plan.rows if row.get(name) is not None), default=0))
    if plan.single:
        row = plan.rows[0]
        texts = [text for field in own(plan.fields) for text in texts_of(field, row.get(field.name))]
        if members := inside(plan.fields):
            texts.append(document_text(members, row))
    else:
        texts = [text for field in own(plan.fields) for text in columns_arrays(field, plan.rows)]
        if members := inside(plan.fields):
            texts.append(documents_json(members, plan.rows))
    values.update((f"column{place}", text) for place, text in enumerate(texts))
    if plan.unique and plan.table.additional is not None:  # the same of all rows of a plan
        values["removed"] = dumps(dict.fromkeys(removed(plan.rows[0].get(ADDITIONAL_NAME)))).decode()
    return values


def _value(plan: WritePlan, column: Column, place: int) -> Composable:
    value = (
        column.bound(Placeholder(f"column{place}")) if plan.single else column.element(Identifier("sent", f"s{place}"))
    )
    if _key_state(plan) == "mixed" and column.name == plan.table.key_fields[0].column:
        return SQL("coalesce({value}, nextval({sequence}))").format(value=value, sequence=_key_sequence(plan.table))
    return value


def _source(plan: WritePlan) -> Composable:
    sources: list[Composable] = []
    if _key_state(plan) == "mixed":  # the keys to be generated must not meet those that are sent beside them
        advance = _advance(plan.table, SQL("{top}::bigint").format(top=Placeholder("top")))
        sources.append(SQL("(SELECT {advance}) AS advanced").format(advance=advance))
    if not plan.single:
        sources.append(_sent_arrays(plan.fields))
    return SQL("FROM {sources} ").format(sources=SQL(", ").join(sources)) if sources else SQL("")


def _sent_arrays(fields: Sequence[Field]) -> Composed:
    """Bound arrays, one per column that holds these fields, as the rows ``sent(s0, s1, …)`` in their order.

    Unnested side by side in a select list they are streamed; in FROM each would be written out first.
    """
    documents = {field.inside for field in fields}
    each = [
        (_DOCUMENTS if column.name in documents else _ARRAY).format(
            array=Placeholder(f"column{place}"), type=column.sent_as, name=Identifier(f"s{place}")
        )
        for place, column in enumerate(written_columns(fields))
    ]
    return SQL("(SELECT {each}) AS sent").format(each=SQL(", ").join(each))


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


def _advanced(plan: WritePlan) -> tuple[Composable, Composable]:
    """Where every key was sent: what the insert gives back for it, and the sequence's move, once the rows are in.

    The move is computed from the inserted rows, so that an insert that fails moves nothing.
    """
    if _key_state(plan) != "sent":
        return SQL(""), SQL("")
    top = SQL(", {column} AS top").format(column=Identifier(plan.table.key_fields[0].column))
    moved = _advance(plan.table, SQL("top") if plan.single and not plan.minimal else SQL("max(top)"))
    return top, SQL(", {moved}").format(moved=moved)


def _advance(table: Table, top: Composable) -> Composed:
    function = Identifier(table.identity.namespace, "datar_advance")
    return _ADVANCE.format(function=function, sequence=_key_sequence(table), top=top)


def key_repair(table: Table) -> Composed:
    """Move the key's sequence beyond every stored key. It lies behind when a key was taken while it was being moved."""
    top = SQL("(SELECT max({column}) FROM {table})").format(
        column=Identifier(table.key_fields[0].column), table=qualified(table)
    )
    return SQL("SELECT {advance}").format(advance=_advance(table, top))


def key_step_back(table: Table) -> tuple[Composed, Composed]:
    """Move a used-up sequence back to the greatest stored key, if there is room beyond it; in one transaction.

    It stands at the end when the very last key was refused or deleted. The first statement takes the lock that
    ``datar_advance`` takes.
    """
    sequence = _key_sequence(table)
    return (
        SQL("SELECT pg_advisory_xact_lock({sequence}::oid::bigint)").format(sequence=sequence),
        _STEP_BACK.format(
            sequence=sequence,
            column=Identifier(table.key_fields[0].column),
            table=qualified(table),
            last=SQL("9223372036854775807"),
        ),
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
    if plan.unique == plan.table.primary_key and _key_state(plan) == "absent":
        return SQL("")  # a key that was not sent finds nothing; one that is taken all the same must not change its row
    changes: list[Composable] = [
        SQL("{column} = excluded.{column}").format(column=column.identifier)
        for field in own(_updated(plan))
        for column in columns_of(field)
    ]
    changes += _document_changes(plan)
    changes += touched(plan.table, {field.name for field in _updated(plan)})
    return SQL(" ON CONFLICT ({unique}) DO UPDATE SET {changes}{same_key}").format(
        unique=SQL(", ").join(compared(plan.table.by_name[name]).identifier for name in plan.unique),
        changes=SQL(", ").join(changes),
        same_key=_same_key(plan),
    )


def _document_changes(plan: WritePlan) -> list[Composable]:
    """What an upsert changes inside a document: the sent members, not the others that a new row would be given."""
    updated = inside(_updated(plan))
    if not updated:
        return []
    names = [field.name for field in updated]
    filled = names_text(field for field in inside(plan.fields) if field.name not in names)
    place = Identifier("excluded", updated[0].inside)
    patch = SQL("({document} - {filled}::text[])").format(document=place, filled=filled)
    sent = SQL("coalesce({come}, '{{}}') || {removed}::jsonb").format(
        come=additional_in(place), removed=Placeholder("removed")
    )
    return [document_change(updated, "found", names_text(updated), patch, sent)]


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
