"""The fingerprint of a table schema: equal for equal meaning. Knows which properties are defaults, nothing else."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from records.table import Json

_Defaults = Mapping[str, tuple[Json, ...]]

_NUMBER: Final = "\x00number"
"""Marks a number; no client can send this key."""
# Which values of a property say the same as its absence.
_SCHEMA_DEFAULTS: Final[_Defaults] = {
    "missingValues": ([""],),
    "fieldsMatch": ("exact", ["exact"]),
    "primaryKey": ([], None),
    "uniqueKeys": ([],),
    "foreignKeys": ([],),
    "indexes": ([],),
    "search_fields": ([],),
    "x-require-if-match": (False,),
    "name": ("",),
    "title": ("",),
    "description": ("",),
    "version": ("",),
    "$schema": ("",),
}
_FIELD_DEFAULTS: Final[_Defaults] = {
    "format": ("default",),
    "title": ("",),
    "description": ("",),
    "constraints": ({},),
    "default": (None,),
    "bareNumber": (True,),
    "decimalChar": (".",),
    "delimiter": (",",),
    "categoriesOrdered": (False,),
    "trueValues": (["true", "True", "TRUE", "1"],),
    "falseValues": (["false", "False", "FALSE", "0"],),
}
_CONSTRAINT_DEFAULTS: Final[_Defaults] = {"required": (False,), "unique": (False,)}
_REFERENCE_DEFAULTS: Final[_Defaults] = {"resource": ("",)}
_FOREIGN_KEY_DEFAULTS: Final[_Defaults] = {"x-enforced": (True,), "x-actions": ({}, {"onDelete": "NO ACTION"})}
_INDEX_DEFAULTS: Final[_Defaults] = {"unique": (False,), "method": ("btree",), "where": (None,)}


def schema_hash(descriptor: Mapping[str, Json]) -> str:
    """SHA-256 (hexadecimal) of the canonical form of a descriptor that ``parse_table`` takes.

    Key order, white space and properties with their default value make no difference; the order of fields does.
    """
    text = json.dumps(_plain(_canonical(descriptor)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _canonical(descriptor: Mapping[str, Json]) -> dict[str, Json]:
    version_2 = str(descriptor.get("$schema", "")).startswith("https://datapackage.org/profiles/2")
    default_type = "any" if version_2 else "string"
    schema = _without_defaults(descriptor, _SCHEMA_DEFAULTS)
    if "fields" in schema:
        schema["fields"] = [_field(field, default_type) for field in schema["fields"]]
    if "primaryKey" in schema:
        schema["primaryKey"] = _names(schema["primaryKey"])
    if "uniqueKeys" in schema:
        schema["uniqueKeys"] = [_names(key) for key in schema["uniqueKeys"]]
    if "foreignKeys" in schema:
        schema["foreignKeys"] = [_foreign_key(each) for each in schema["foreignKeys"]]
    if "indexes" in schema:
        schema["indexes"] = [_index(each) for each in schema["indexes"]]
    if "search_fields" in schema:
        schema["search_fields"] = [_search_field(each) for each in schema["search_fields"]]
    return schema


def _without_defaults(given: Mapping[str, Json], defaults: _Defaults) -> dict[str, Json]:
    return {word: value for word, value in given.items() if value not in defaults.get(word, ())}


def _field(given: Mapping[str, Json], default_type: str) -> dict[str, Json]:
    constraints = _without_defaults(given.get("constraints") or {}, _CONSTRAINT_DEFAULTS)
    return {"type": default_type, **_without_defaults({**given, "constraints": constraints}, _FIELD_DEFAULTS)}


def _foreign_key(given: Mapping[str, Json]) -> dict[str, Json]:
    reference = _without_defaults(given["reference"], _REFERENCE_DEFAULTS)
    reference["fields"] = _names(reference["fields"])
    foreign_key = _without_defaults({**given, "reference": reference}, _FOREIGN_KEY_DEFAULTS)
    return {**foreign_key, "fields": _names(foreign_key["fields"])}


def _index(given: Mapping[str, Json]) -> dict[str, Json]:
    index = _without_defaults(given, _INDEX_DEFAULTS)
    return {**index, "fields": _names(index["fields"])}


def _search_field(given: Json) -> Json:
    entry = {"field": given} if isinstance(given, str) else given
    return {"weight": "A", **entry}


def _names(given: Json) -> Json:
    return [given] if isinstance(given, str) else given


def _plain(value: Json) -> Json:
    """Numbers as text that is equal for equal numbers."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    sign, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    significant = written.rstrip("0")
    if not significant:
        return {_NUMBER: "0"}
    power = int(exponent) + len(written) - len(significant)
    return {_NUMBER: f"{'-' if sign else ''}{significant}e{power}"}
