"""Which fields of a document table have columns of their own: what the database itself must hold to or look up.

Keys, unique fields, foreign keys and declared indexes are enforced and served by the database exactly as in a flat
table, and instants that the service fills are filled by its triggers. Everything else stands in the document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from records.stamp import CREATED_FIELD, UPDATED_FIELD
from records.table import Field, Identity, Json

_ADDED_KEY: Final = "id"


def own_columns(descriptor: Json) -> frozenset[str]:
    """The labels with columns of their own, of a descriptor as it is stored; what is malformed in it is passed over.

    Read from the text and not from the parsed table: that may lack a foreign key whose target has gone.
    """
    return frozenset(_own_columns(descriptor)) if isinstance(descriptor, Mapping) else frozenset()


def placed(fields: tuple[Field, ...], identity: Identity) -> tuple[Field, ...]:
    """The fields, each in its place for a table there."""
    if identity.document is None:
        return fields
    document = identity.document
    own = document.columns
    return tuple(field if field.name in own else _member(field, document.place) for field in fields)


def _member(field: Field, place: str) -> Field:
    """The field inside the document, under the number of its column alone.

    PostgreSQL looks for a member by its name in every row that it reads, and every row repeats the names.
    """
    return replace(field, column=field.column.rpartition("_")[2], inside=place)


def _own_columns(descriptor: Mapping[str, Json]) -> Iterator[str]:
    yield from _labels(descriptor.get("primaryKey") or _ADDED_KEY)
    for field in _objects(descriptor.get("fields")):
        constraints = field.get("constraints")
        unique = isinstance(constraints, Mapping) and constraints.get("unique") is True
        if unique or (field.get("name") in (CREATED_FIELD, UPDATED_FIELD) and field.get("type") == "datetime"):
            yield from _labels(field.get("name"))
    unique_keys = descriptor.get("uniqueKeys")
    for key in unique_keys if isinstance(unique_keys, list) else ():
        yield from _labels(key)
    for word in ("foreignKeys", "indexes"):
        for each in _objects(descriptor.get(word)):
            yield from _labels(each.get("fields"))
            yield from _conditioned(each.get("where"), descriptor)


def _conditioned(tree: Json, descriptor: Mapping[str, Json]) -> Iterator[str]:
    """Labels that an index's condition may speak of, for it must not cast: every one that a text in it begins with."""
    texts = [quoted for text in _names_in(tree) for quoted in (text, text[1:].replace('""', '"'))]
    for field in _objects(descriptor.get("fields")):
        yield from (label for label in _labels(field.get("name")) if any(text.startswith(label) for text in texts))


def _names_in(tree: Json) -> Iterator[str]:
    """Every text of a filter tree that may be a name; one that is none does no harm."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield key
            yield from _names_in(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from _names_in(each)
    elif isinstance(tree, str):
        yield tree


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, Mapping))


def _labels(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))
