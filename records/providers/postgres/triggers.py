"""What a physical table does by itself: versions of rows that others change, and the count of its rows.

The functions lie in the namespace (``support``); the triggers are named from the table's id.
"""

from collections.abc import Iterator
from typing import Final

from psycopg.sql import SQL, Composed, Identifier, Literal

from records.providers.postgres.columns import qualified
from records.stamp import UPDATED_FIELD, stamped
from records.system import VERSION
from records.table import Table

ROW_COUNT_TABLE: Final = "datar_rowcount"
_COUNT: Final = SQL(
    "CREATE TRIGGER {name} AFTER {event} ON {table}{rows} FOR EACH STATEMENT EXECUTE FUNCTION {function}({id})"
)
_EVENTS: Final = (
    ("insert", SQL("INSERT"), SQL(" REFERENCING NEW TABLE AS changed_rows")),
    ("delete", SQL("DELETE"), SQL(" REFERENCING OLD TABLE AS changed_rows")),
    ("truncate", SQL("TRUNCATE"), SQL("")),
)


def triggers_of(table: Table) -> Iterator[Composed]:
    """Every trigger of a new table."""
    yield touch_trigger(table)
    yield from count_triggers(table)


def touch_trigger(table: Table) -> Composed:
    """Changes that did not come through us (a foreign key's action) get their version and instants here.

    Our own statements set ``_version`` themselves, so the trigger's condition is all they pay.
    """
    updated = stamped(table, UPDATED_FIELD)
    argument = Literal(updated.column) if updated is not None else SQL("")
    return SQL(
        "CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW "
        "WHEN (NEW.{version} = OLD.{version}) EXECUTE FUNCTION {function}({argument})"
    ).format(
        name=Identifier(f"dt{table.identity.id}_touch"),
        table=qualified(table),
        version=Identifier(VERSION),
        function=Identifier(table.identity.namespace, "datar_touch"),
        argument=argument,
    )


def count_triggers(table: Table) -> Iterator[Composed]:
    """Whoever adds or removes rows, a foreign key's action too, says how many; the sum is the table's exact count."""
    for word, event, rows in _EVENTS:
        yield _COUNT.format(
            name=Identifier(f"dt{table.identity.id}_count_{word}"),
            event=event,
            table=qualified(table),
            rows=rows,
            function=Identifier(table.identity.namespace, "datar_count"),
            id=Literal(str(table.identity.id)),
        )


def row_count(table: Table) -> Composed:
    """The number of the table's rows in the statement's own snapshot, without looking at them."""
    return SQL("(SELECT coalesce(sum(delta), 0)::bigint FROM {counts} WHERE datatable_id = {id})").format(
        counts=Identifier(table.identity.namespace, ROW_COUNT_TABLE), id=Literal(table.identity.id)
    )


def forget_count(table: Table) -> Composed:
    """Forget the count of a table that is dropped."""
    return SQL("DELETE FROM {counts} WHERE datatable_id = {id}").format(
        counts=Identifier(table.identity.namespace, ROW_COUNT_TABLE), id=Literal(table.identity.id)
    )
