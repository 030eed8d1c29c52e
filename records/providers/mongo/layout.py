"""Where a row's values stand in MongoDB: names of databases and collections, paths inside a document.

Every name is made by us: a client's text is never the name of a database, a collection or a member.
"""

import hashlib
from typing import Final

from records.system import CREATED, UPDATED, VERSION
from records.table import Field, Table

KEY: Final = "_id"
SYSTEM_PATHS: Final = (CREATED, UPDATED, VERSION)
INSTANT: Final = "t"
"""The member of an instant that holds its milliseconds, as BSON's date."""
MICROSECONDS: Final = "u"
"""The member that holds the 0 to 999 microseconds beyond them."""
WORDS: Final = "_words"
"""The member of what a search finds the row by."""
_NAME_BYTES: Final = 63
_DIGEST_LETTERS: Final = 24


def database_name(prefix: str, namespace: str) -> str:
    """The database of a tenant; both are of safe characters. At most 63 bytes, another for each namespace."""
    name = f"{prefix}_{namespace}"
    if len(name) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(namespace.encode()).hexdigest()[:_DIGEST_LETTERS]
    return f"{name[: _NAME_BYTES - _DIGEST_LETTERS - 1]}-{digest}"


def collection_name(table: Table) -> str:
    """The collection of a table: its physical name, which is never used again."""
    return table.identity.physical_name


def is_in_key(table: Table, field: Field) -> bool:
    """Whether the field is the primary key or a part of it."""
    return field.name in table.primary_key


def path_of(table: Table, field: Field) -> str:
    """The path of a field's value in a document, as it is read."""
    if not is_in_key(table, field):
        return field.column
    return KEY if len(table.primary_key) == 1 else f"{KEY}.{field.column}"


def compared_path(table: Table, field: Field) -> str:
    """The path of what filters, orders and groups look at: of a duration its length, which stands beside it."""
    return field.beside if field.type == "duration" else path_of(table, field)
