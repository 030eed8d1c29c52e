"""The columns that every row has beside its fields, whatever keeps it."""

from typing import Final

CREATED: Final = "_created_at"
UPDATED: Final = "_updated_at"
VERSION: Final = "_version"
SYSTEM_COLUMNS: Final = (CREATED, UPDATED, VERSION)
