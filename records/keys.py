"""A record's key: from a path's id to canonical texts, from a row to its id."""

from datar.errors import Invalid, NotFound
from records.coerce import coerce
from records.recordid import decode_id, encode_id, join_id
from records.table import Json, Table


def read_key(table: Table, record_id: str) -> tuple[str, ...]:
    """The key of an id, canonical. Raises NotFound for an id that cannot exist, or is not written as we write it."""
    parts = decode_id(record_id, len(table.primary_key))
    if parts is None:
        raise NotFound
    try:
        key = tuple(coerce(field, part) for field, part in zip(table.key_fields, parts, strict=True))
    except Invalid:
        raise NotFound from None
    if key != parts and any(field.type in ("integer", "year") for field in table.key_fields):
        raise NotFound
    return key


def key_row(table: Table, key: tuple[str, ...]) -> dict[str, Json]:
    """A key's canonical texts as a row of its key fields (integers as integers)."""
    return {
        field.name: int(part) if field.type in ("integer", "year") else part
        for field, part in zip(table.key_fields, key, strict=True)
    }


def row_id(table: Table, row: dict[str, Json]) -> str:
    """The path segment of a row that holds its key fields."""
    return encode_id(tuple(str(row[name]) for name in table.primary_key))


def shown_key(table: Table, row: dict[str, Json]) -> Json:
    """How answers name a row: the key's own value, of a composite key its parts joined as in ``ids``."""
    if len(table.primary_key) == 1:
        return row[table.primary_key[0]]
    return join_id(tuple(str(row[name]) for name in table.primary_key))
