"""Short ways to a table and to the codes of a refusal, for the tests of the engine that need no database."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from datar.errors import DatarError, InvalidFields, InvalidRows
from records.descriptor import InvalidDescriptor, parse_table
from records.payload import Purpose, check_rows
from records.table import Table
from tests.records.strategies import IDENTITY


def table_of(*fields: dict[str, Any], tables: tuple[Table, ...] = (), **more: Any) -> Table:
    """The table with these fields; ``more`` are further properties of the descriptor."""
    return described({"fields": list(fields), **more}, tables=tables)


def described(descriptor: Any, *, name: str = "orders", tables: tuple[Table, ...] = ()) -> Table:
    """The table of a whole descriptor; foreign keys may point at ``tables``."""
    known = {(table.identity.app, table.identity.name): table for table in tables}
    return parse_table(descriptor, replace(IDENTITY, name=name), lambda app, table: known.get((app, table)))


def mistakes(descriptor: Any, *, tables: tuple[Table, ...] = ()) -> list[tuple[str, str]]:
    """(code, path) of every mistake in a descriptor, which must have one."""
    with pytest.raises(InvalidDescriptor) as caught:
        described(descriptor, tables=tables)
    assert {error.field for error in caught.value.errors} == {"json_schema"}
    return [(error.code, error.message.partition(": ")[0]) for error in caught.value.errors]


def mistake_codes(descriptor: Any, *, tables: tuple[Table, ...] = ()) -> set[str]:
    """The codes of the mistakes in a descriptor, which must have one."""
    return {code for code, _ in mistakes(descriptor, tables=tables)}


def row_codes(table: Table, row: Any, purpose: Purpose = Purpose.CREATE) -> set[tuple[str, str]]:
    """(field, code) of everything wrong with one row, alone and in a batch alike; empty when nothing is."""
    alone = _refused(lambda: check_rows(table, [_copy(row)], purpose, single=True))
    assert not isinstance(alone, InvalidRows)
    batch = _refused(lambda: check_rows(table, [_copy(row)], purpose))
    assert not isinstance(batch, InvalidFields)
    found = {(error.field, error.code) for error in alone.errors} if isinstance(alone, InvalidFields) else set()
    assert found == ({(error.field, error.code) for error in batch.errors} if isinstance(batch, InvalidRows) else set())
    return found


def refusal_code(action: Callable[[], object]) -> str:
    """The code of the refusal that ``action`` must end in."""
    with pytest.raises(DatarError) as caught:
        action()
    return caught.value.code


def _refused(action: Callable[[], object]) -> DatarError | None:
    try:
        action()
    except DatarError as error:
        return error
    return None


def _copy(row: Any) -> Any:
    return dict(row) if isinstance(row, dict) else row
