"""Whether a table of this shape fits PostgreSQL. Knows widths, not names."""

from typing import Final

from records.fieldtypes import field_type
from records.limits import COLUMNS_PER_TABLE, FIXED_ROW_BYTES
from records.mistakes import Mistakes
from records.table import Table

_SYSTEM_COLUMNS: Final = 3
_SYSTEM_BYTES: Final = 24
_HEADER_BYTES: Final = 24


def check_size(table: Table, mistakes: Mistakes) -> None:
    """The fixed part of a row, and the number of columns."""
    kinds = [field_type(field) for field in table.fields]
    columns = sum(len(kind.postgres) for kind in kinds) + _SYSTEM_COLUMNS + bool(table.search_fields)
    if columns > COLUMNS_PER_TABLE:
        message = f"need {columns} columns; at most {COLUMNS_PER_TABLE} are possible. Split the table."
        mistakes.add("fields", "schema_too_large", message)
    row_bytes = _HEADER_BYTES + _SYSTEM_BYTES + columns // 8 + sum(kind.width for kind in kinds)
    if row_bytes > FIXED_ROW_BYTES:
        message = f"take {row_bytes} bytes in every row; at most {FIXED_ROW_BYTES} fit. Split the table."
        mistakes.add("fields", "schema_too_large", message)
