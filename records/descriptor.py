"""A Frictionless table descriptor to a ``Table``, or every mistake in it with its path. Opens nothing, runs no SQL.

Table Schema v1 and v2 with our extensions. What is wrong is refused here, at
definition, so that no row ever meets it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from records.columns import assign_columns
from records.descriptor_fields import Fields, parse_fields
from records.descriptor_indexes import check_index_conditions, parse_indexes, parse_search_fields
from records.descriptor_keys import parse_primary_key, parse_unique_keys
from records.descriptor_relations import Resolve, check_relation_names, parse_foreign_keys
from records.descriptor_size import check_size
from records.descriptor_text import exact
from records.documents import placed
from records.mistakes import InvalidDescriptor, Mistakes
from records.schemahash import schema_hash
from records.table import Field, Identity, Json, Table

__all__ = ["InvalidDescriptor", "Resolve", "assign_columns", "normalized", "parse_table", "schema_hash"]

_WORDS: Final = (
    "$schema",
    "fields",
    "fieldsMatch",
    "primaryKey",
    "uniqueKeys",
    "foreignKeys",
    "missingValues",
    "name",
    "title",
    "description",
    "version",
    "indexes",
    "search_fields",
    "graph",
)
_MATCHES: Final = ("exact", "equal", "subset", "superset", "partial")
_PROFILES: Final = ("https://datapackage.org/profiles/", "https://specs.frictionlessdata.io/schemas/")


def parse_table(descriptor: object, identity: Identity, resolve: Resolve) -> Table:
    """The table that ``descriptor`` describes at ``identity``.

    ``resolve(app, table)`` gives the table a foreign key points at, or None. A field without a column in
    ``identity.columns`` gets a provisional one; store those of ``assign_columns`` before any SQL is made.
    Raises ``InvalidDescriptor`` with every mistake.
    """
    mistakes = Mistakes()
    source = _object(descriptor, mistakes)
    _check_head(source, mistakes)
    fields = parse_fields(source, mistakes)
    key = parse_primary_key(source, fields, mistakes)
    fields = key.fields
    unique_keys = parse_unique_keys(source, fields, mistakes)
    own = Table(
        identity=identity,
        fields=placed(_with_columns(fields, identity.columns), identity),
        primary_key=key.names,
        generated_key=key.generated,
        unique_keys=unique_keys,
        descriptor=normalized(descriptor),
    )
    foreign_keys = parse_foreign_keys(source, own, fields, resolve, mistakes)
    check_relation_names(foreign_keys, own, mistakes)
    indexes = parse_indexes(source, fields, mistakes)
    search_fields = parse_search_fields(source, fields, mistakes)
    check_index_conditions(indexes, own, mistakes)
    check_size(own, mistakes)
    requires_if_match = mistakes.flag("", source, "x-require-if-match")
    mistakes.stop_if_any()
    return Table(
        identity=identity,
        fields=own.fields,
        primary_key=own.primary_key,
        generated_key=own.generated_key,
        unique_keys=unique_keys,
        foreign_keys=tuple(foreign_key for _, foreign_key in foreign_keys),
        indexes=indexes,
        search_fields=search_fields,
        requires_if_match=requires_if_match,
        descriptor=own.descriptor,
    )


def normalized(descriptor: object) -> Mapping[str, Json]:
    """The descriptor as it is stored and shown: exactly what the client sent."""
    return descriptor if isinstance(descriptor, dict) else {}


def _object(descriptor: object, mistakes: Mistakes) -> dict[str, Json]:
    if not isinstance(descriptor, dict):
        mistakes.add("", "schema_must_be_object", _NOT_AN_OBJECT)
        mistakes.stop_if_any()
    source = exact(descriptor, mistakes)
    assert isinstance(source, dict)
    if "$ref" in source or "profile" in source:
        mistakes.add("", "schema_must_be_object", _NOT_AN_OBJECT)
        mistakes.stop_if_any()
    return source


_NOT_AN_OBJECT: Final = (
    'must be a JSON object {"fields": [...]} written out here; paths, URLs, profiles and $ref are never opened.'
)


def _check_head(source: Mapping[str, Json], mistakes: Mistakes) -> None:
    mistakes.words("", source, _WORDS)
    for word in ("name", "title", "description", "version"):
        mistakes.text("", source, word)
    schema = mistakes.text("", source, "$schema")
    if schema and not schema.startswith(_PROFILES):
        mistakes.add("$schema", "invalid_schema", f"must begin with {' or '.join(_PROFILES)}; it is never opened.")
    if "graph" in source:
        mistakes.add("graph", "not_supported_yet", "edge types are not supported yet; leave it out.")
    missing = source.get("missingValues", [])
    if not isinstance(missing, list):
        mistakes.add("missingValues", "invalid_schema", "must be an array.")
    match = source.get("fieldsMatch", "exact")
    if not (match in _MATCHES if isinstance(match, str) else _is_one_match(match)):
        mistakes.add("fieldsMatch", "invalid_schema", f"must be one of {', '.join(_MATCHES)}.")


def _is_one_match(match: Json) -> bool:
    return isinstance(match, list) and len(match) == 1 and match[0] in _MATCHES


def _with_columns(fields: Fields, columns: Mapping[str, str]) -> tuple[Field, ...]:
    taken = max((int(column.rpartition("_")[2]) for column in columns.values()), default=0)
    assigned, _ = assign_columns((field.name for field in fields.good), columns, taken)
    return tuple(replace(field, column=assigned[field.name]) for field in fields.good)
