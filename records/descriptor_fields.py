"""The fields of a descriptor: names, types, defaults. Knows one field at a time; keys and relations come after."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Final

from records.canonical import RefusedError
from records.descriptor_constraints import parse_constraints
from records.fieldtypes import STRING_FORMATS, TYPES, field_type
from records.limits import ENUM_VALUES, FIELDS_PER_TABLE, LABEL_CHARACTERS, LARGE_PATTERNS
from records.mistakes import Mistakes, join
from records.patterns import is_large
from records.rules import FieldRule, canonical_value
from records.table import Field, Json
from records.typerow import FieldType
from records.valueschema import patterns_of

RESERVED: Final = frozenset({"_created_at", "_updated_at", "_version", "_depth", "_relationship_type"})
_WORDS: Final = (
    "name",
    "type",
    "format",
    "title",
    "description",
    "example",
    "constraints",
    "rdfType",
    "missingValues",
    "trueValues",
    "falseValues",
    "bareNumber",
    "decimalChar",
    "groupChar",
    "delimiter",
    "itemType",
    "categories",
    "categoriesOrdered",
    "default",
)
_FILE_TEXTS: Final = ("rdfType", "decimalChar", "groupChar", "delimiter")
_FILE_ARRAYS: Final = ("missingValues", "trueValues", "falseValues")
_ITEM_TYPES: Final = ("string", "integer", "boolean", "number", "datetime", "date", "time")


@dataclass(frozen=True)
class Fields:
    """What could be read: ``good`` fields in order, and where every declared label stands, good or not."""

    good: tuple[Field, ...]
    places: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Good fields by label."""
        return {each.name: each for each in self.good}


def parse_fields(source: Mapping[str, Json], mistakes: Mistakes) -> Fields:
    """All fields. Stops at once when there are none or too many."""
    given = source.get("fields")
    if not isinstance(given, list) or not given:
        mistakes.add("fields", "invalid_schema", "must be an array of at least one field.")
        mistakes.stop_if_any()
    assert isinstance(given, list)
    if len(given) > FIELDS_PER_TABLE:
        mistakes.add("fields", "schema_too_large", f"has {len(given)} fields; at most {FIELDS_PER_TABLE} are allowed.")
        mistakes.stop_if_any()
    _check_patterns(given, mistakes)
    places: dict[str, int] = {}
    twins: dict[str, int] = {}
    good: list[Field] = []
    default_type = (
        "any" if str(source.get("$schema", "")).startswith("https://datapackage.org/profiles/2") else "string"
    )
    for index, each in enumerate(given):
        path = f"fields[{index}]"
        if not isinstance(each, dict):
            mistakes.add(path, "invalid_schema", 'must be an object such as {"name": "price", "type": "number"}.')
            continue
        name = _name(path, each, mistakes)
        if name is not None:
            twin = twins.setdefault(unicodedata.normalize("NFC", name), index)
            if twin != index:
                mistakes.add(f"{path}.name", "duplicate_field", f"is the name of fields[{twin}] already; rename one.")
            places.setdefault(name, index)
        parsed = _field(path, each, name or "", default_type, mistakes)
        if parsed is not None and name is not None and places[name] == index:
            good.append(parsed)
    return Fields(tuple(good), places)


def label_mistake(label: Json) -> str:
    """What keeps a value from being a label, as a sentence; "" when nothing does."""
    if not isinstance(label, str):
        return "must be text."
    if not 1 <= len(label) <= LABEL_CHARACTERS:
        return f"must have 1 to {LABEL_CHARACTERS} characters."
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in label):
        return "must not contain control characters or lone surrogates."
    return ""


def _name(path: str, given: Mapping[str, Json], mistakes: Mistakes) -> str | None:
    name = given.get("name")
    if mistake := label_mistake(name):
        mistakes.add(f"{path}.name", "invalid_label", mistake)
        return None
    assert isinstance(name, str)
    if name in RESERVED:
        mistakes.add(f"{path}.name", "reserved_name", f'"{name}" is the name of a system column; choose another.')
    return name


def _field(path: str, given: Mapping[str, Json], name: str, default_type: str, mistakes: Mistakes) -> Field | None:
    mistakes.words(path, given, _WORDS)
    _check_annotations(path, given, mistakes)
    kind = _type(path, given, default_type, mistakes)
    if kind is None:
        return None
    type_word, _, variant = kind.name.partition("/")
    parsed = Field(
        name=name,
        type=type_word,
        column="",
        format=variant or "default",
        title=mistakes.text(path, given, "title"),
        description=mistakes.text(path, given, "description"),
    )
    parsed = parse_constraints(path, given, parsed, mistakes)
    parsed = _with_items(path, given, parsed, mistakes)
    parsed = _with_categories(path, given, parsed, mistakes)
    return _with_default(path, given, parsed, mistakes)


def _check_patterns(given: list[Json], mistakes: Mistakes) -> None:
    """Large patterns cost memory for as long as the table is used, and time to compile: only some may be."""
    constraints = [each.get("constraints") for each in given if isinstance(each, dict)]
    found = [each.get("pattern") for each in constraints if isinstance(each, dict)]
    patterns = {pattern for pattern in found if isinstance(pattern, str)}
    for each in constraints:
        if isinstance(each, dict):
            patterns.update(patterns_of(each.get("jsonSchema")))
    if len(patterns) > FIELDS_PER_TABLE:
        mistakes.add("fields", "schema_too_large", f"have more than {FIELDS_PER_TABLE} patterns; use fewer.")
        mistakes.stop_if_any()
    large = islice(filter(is_large, patterns), LARGE_PATTERNS + 1)
    if len(patterns) > LARGE_PATTERNS and sum(1 for _ in large) > LARGE_PATTERNS:
        message = f"have more than {LARGE_PATTERNS} patterns that are large or unsupported; make them simpler."
        mistakes.add("fields", "schema_too_large", message)
        mistakes.stop_if_any()


def _check_annotations(path: str, given: Mapping[str, Json], mistakes: Mistakes) -> None:
    for word in _FILE_TEXTS:
        mistakes.text(path, given, word)
    for word in _FILE_ARRAYS:
        mistakes.array(path, given, word, ENUM_VALUES)
    mistakes.flag(path, given, "bareNumber", default=True)
    mistakes.flag(path, given, "categoriesOrdered")
    if "x-rename-from" in given and (mistake := label_mistake(given["x-rename-from"])):
        mistakes.add(f"{path}.x-rename-from", "invalid_label", mistake)


def _type(path: str, given: Mapping[str, Json], default_type: str, mistakes: Mistakes) -> FieldType | None:
    word, variant = given.get("type", default_type), given.get("format", "default")
    if not isinstance(word, str) or word not in TYPES:
        hint = mistakes.nearest(word, TYPES) if isinstance(word, str) else ""
        mistakes.add(f"{path}.type", "unknown_type", f"must be one of {', '.join(TYPES)}.{hint}")
        return None
    if not isinstance(variant, str):
        mistakes.add(f"{path}.format", "invalid_schema", "must be text.")
        return None
    if word == "string" and variant not in STRING_FORMATS:
        mistakes.add(f"{path}.format", "unknown_format", f"must be one of {', '.join(STRING_FORMATS)} for a string.")
        return None
    if word == "geojson" and variant == "topojson":
        mistakes.add(f"{path}.format", "unknown_format", "topojson is not supported; use type object for it.")
        return None
    return field_type(word, variant if word == "string" else "default")


def _with_items(path: str, given: Mapping[str, Json], parsed: Field, mistakes: Mistakes) -> Field:
    if "itemType" not in given:
        return parsed
    word = given["itemType"]
    if parsed.type != "list":
        mistakes.add(f"{path}.itemType", "constraint_not_for_type", "is for fields of type list.")
    elif word not in _ITEM_TYPES:
        mistakes.add(f"{path}.itemType", "unknown_type", f"must be one of {', '.join(_ITEM_TYPES)}.")
    else:
        items = {"items": dict(field_type(word).schema)}
        return replace(parsed, constraints=replace(parsed.constraints, json_schema=items))
    return parsed


def _with_categories(path: str, given: Mapping[str, Json], parsed: Field, mistakes: Mistakes) -> Field:
    """Categories restrict a field as ``enum`` does; with both, a value must be in both."""
    if "categories" not in given:
        return parsed
    path = join(path, "categories")
    if parsed.type not in ("string", "integer"):
        mistakes.add(path, "constraint_not_for_type", "are for fields of type string or integer.")
        return parsed
    given_values = given["categories"]
    if not isinstance(given_values, list) or not 1 <= len(given_values) <= ENUM_VALUES:
        mistakes.add(path, "invalid_constraint", f"must be an array of 1 to {ENUM_VALUES} values.")
        return parsed
    values: list[Json] = []
    for index, each in enumerate(given_values):
        try:
            value = each.get("value") if isinstance(each, dict) else each
            values.append(canonical_value(field_type(parsed), value))
        except RefusedError as refused:
            mistakes.add(f"{path}[{index}]", "invalid_constraint", refused.message)
    enum = parsed.constraints.enum
    allowed = set(values)
    both = tuple(values) if enum is None else tuple(value for value in enum if value in allowed)
    if values and not both:
        mistakes.add(path, "invalid_constraint", "have no value in common with enum; no value could ever be stored.")
    return replace(parsed, constraints=replace(parsed.constraints, enum=both or None))


def _with_default(path: str, given: Mapping[str, Json], parsed: Field, mistakes: Mistakes) -> Field:
    default = given.get("default")
    if default is None:
        if "default" in given and parsed.required:
            mistakes.add(f"{path}.default", "invalid_default", "must not be null: the field is required.")
        return parsed
    try:
        return replace(parsed, default=FieldRule(parsed).judge(default))
    except RefusedError as refused:
        mistakes.add(f"{path}.default", "invalid_default", refused.message)
    return parsed
