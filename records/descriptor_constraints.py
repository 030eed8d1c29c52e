"""The constraints of one field: which fit its type, whether their values do, whether any value can satisfy them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from records.canonical import RefusedError
from records.fieldtypes import field_type
from records.limits import ENUM_VALUES
from records.mistakes import CONSTRAINT_WORDS, Mistakes, join
from records.patterns import pattern_mistake
from records.rules import canonical_value
from records.table import Constraints, Field, Json
from records.typerow import FieldType
from records.valueschema import check_value_schema

_LENGTH_MOST: Final = 2**31
_LOWER: Final = ("minimum", "exclusiveMinimum")
_UPPER: Final = ("maximum", "exclusiveMaximum")


def parse_constraints(path: str, given: Mapping[str, Json], parsed: Field, mistakes: Mistakes) -> Field:
    """The field with its constraints; whatever is wrong with one is a mistake and leaves it out."""
    path = join(path, "constraints")
    constraints = given.get("constraints", {})
    if not isinstance(constraints, dict):
        mistakes.add(path, "invalid_schema", "must be an object.")
        return parsed
    mistakes.words(path, constraints, CONSTRAINT_WORDS)
    kind = field_type(parsed)
    fitting = {word: value for word, value in constraints.items() if _fits(path, word, kind, mistakes)}
    bounds = _bounds(path, fitting, kind, mistakes)
    lengths = _lengths(path, fitting, mistakes)
    return replace(
        parsed,
        required=mistakes.flag(path, fitting, "required"),
        unique=mistakes.flag(path, fitting, "unique"),
        constraints=Constraints(
            enum=_enum(path, fitting, kind, mistakes),
            pattern=_pattern(path, fitting, mistakes),
            min_length=lengths.get("minLength"),
            max_length=lengths.get("maxLength"),
            minimum=bounds.get("minimum"),
            maximum=bounds.get("maximum"),
            exclusive_minimum=bounds.get("exclusiveMinimum"),
            exclusive_maximum=bounds.get("exclusiveMaximum"),
            json_schema=_json_schema(path, fitting, mistakes),
        ),
    )


def _fits(path: str, word: str, kind: FieldType, mistakes: Mistakes) -> bool:
    if word not in CONSTRAINT_WORDS:
        return False
    if word in kind.constraints:
        return True
    allowed = ", ".join(other for other in CONSTRAINT_WORDS if other in kind.constraints)
    mistakes.add(join(path, word), "constraint_not_for_type", f"does not fit the type {kind.name}; fitting: {allowed}.")
    return False


def _enum(path: str, given: Mapping[str, Json], kind: FieldType, mistakes: Mistakes) -> tuple[Json, ...] | None:
    if "enum" not in given:
        return None
    path, values = join(path, "enum"), given["enum"]
    if not isinstance(values, list) or not values:
        mistakes.add(path, "invalid_constraint", "must be an array of at least one value.")
        return None
    if len(values) > ENUM_VALUES:
        mistakes.add(path, "schema_too_large", f"has {len(values)} values; at most {ENUM_VALUES} are allowed.")
        return None
    allowed = []
    for index, value in enumerate(values):
        try:
            allowed.append(canonical_value(kind, value))
        except RefusedError as refused:
            mistakes.add(
                f"{path}[{index}]", "invalid_constraint", f"does not fit the type {kind.name}. {refused.message}"
            )
    return tuple(allowed) or None


def _pattern(path: str, given: Mapping[str, Json], mistakes: Mistakes) -> str | None:
    if "pattern" not in given:
        return None
    pattern = given["pattern"]
    if not isinstance(pattern, str):
        mistakes.add(join(path, "pattern"), "invalid_constraint", "must be text.")
    elif mistake := pattern_mistake(pattern):
        mistakes.add(join(path, "pattern"), "pattern_unsupported", mistake)
    else:
        return pattern
    return None


def _lengths(path: str, given: Mapping[str, Json], mistakes: Mistakes) -> dict[str, int]:
    lengths = {}
    for word in ("minLength", "maxLength"):
        if word not in given:
            continue
        value = given[word]
        if type(value) is int and 0 <= value < _LENGTH_MOST:
            lengths[word] = value
        else:
            mistakes.add(join(path, word), "invalid_constraint", "must be an integer of 0 or more.")
    if lengths.get("minLength", 0) > lengths.get("maxLength", _LENGTH_MOST):
        mistakes.add(join(path, "minLength"), "invalid_constraint", "is greater than maxLength; no value could fit.")
    return lengths


def _bounds(path: str, given: Mapping[str, Json], kind: FieldType, mistakes: Mistakes) -> dict[str, Json]:
    bounds = {}
    for word in (*_LOWER, *_UPPER):
        if word not in given:
            continue
        try:
            bounds[word] = canonical_value(kind, given[word])
        except RefusedError as refused:
            message = f"does not fit the type {kind.name}. {refused.message}"
            mistakes.add(join(path, word), "invalid_constraint", message)
    for lower in _LOWER:
        for upper in _UPPER:
            if lower in bounds and upper in bounds and _crossed(bounds, lower, upper, kind):
                mistakes.add(join(path, lower), "invalid_constraint", f"leaves no value below {upper}.")
    return bounds


def _crossed(bounds: Mapping[str, Json], lower: str, upper: str, kind: FieldType) -> bool:
    least, most = kind.comparable(bounds[lower]), kind.comparable(bounds[upper])
    exclusive = lower.startswith("exclusive") or upper.startswith("exclusive")
    return bool(least >= most if exclusive else least > most)


def _json_schema(path: str, given: Mapping[str, Json], mistakes: Mistakes) -> Mapping[str, Json] | None:
    if "jsonSchema" not in given:
        return None
    schema = given["jsonSchema"]
    return schema if check_value_schema(join(path, "jsonSchema"), schema, mistakes) else None
