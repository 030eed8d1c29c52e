"""Primary and unique keys of a descriptor. Knows the fields; relations and indexes come after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from records.descriptor_fields import Fields
from records.fieldtypes import FIELD_TYPES, field_type
from records.limits import KEY_FIELDS, KEYS_PER_TABLE
from records.mistakes import Mistakes
from records.table import ABSENT, Field, Json

_IMPLICIT: Final = "id"


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key, and the fields with the one that had to be added for it."""

    fields: Fields
    names: tuple[str, ...]
    generated: Literal["integer", "uuid"] | None


def parse_primary_key(source: Mapping[str, Json], fields: Fields, mistakes: Mistakes) -> Key:
    """The declared key, else the integer field ``id``, else an added one. Mistakes leave an empty key."""
    given = source.get("primaryKey")
    if given is None or given == []:
        return _implicit_key(fields, mistakes)
    names = field_names("primaryKey", given, fields, mistakes)
    for index, name in enumerate(names or ()):
        if name in fields.by_name:
            _check_key_field(f"primaryKey[{index}]", fields.by_name[name], mistakes)
    if not names or any(name not in fields.by_name for name in names):
        return Key(fields, (), None)
    return Key(fields, names, _generated(fields, names))


def parse_unique_keys(source: Mapping[str, Json], fields: Fields, mistakes: Mistakes) -> tuple[tuple[str, ...], ...]:
    """The ``uniqueKeys``, each once."""
    keys = []
    for index, given in enumerate(mistakes.array("", source, "uniqueKeys", KEYS_PER_TABLE)):
        path = f"uniqueKeys[{index}]"
        names = field_names(path, given, fields, mistakes)
        if names is None:
            continue
        unfit = [name for name in names if name in fields.by_name and not field_type(fields.by_name[name]).unique]
        for name in unfit:
            message = f"a field of type {fields.by_name[name].type} cannot be unique; leave it out."
            mistakes.add(f"{path}[{names.index(name)}]", "constraint_not_for_type", message)
        keys.append(names)
    return tuple(dict.fromkeys(keys))


def field_names(path: str, given: Json, fields: Fields, mistakes: Mistakes) -> tuple[str, ...] | None:
    """A field's name or an array of them, all declared and different; None after a mistake."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        mistakes.add(path, "invalid_key", "must be the name of a field or an array of names.")
        return None
    if len(names) > KEY_FIELDS:
        mistakes.add(path, "schema_too_large", f"has {len(names)} fields; at most {KEY_FIELDS} are allowed.")
        return None
    fine = True
    for index, name in enumerate(names):
        if name not in fields.places and name not in fields.by_name:
            mistakes.add(
                f"{path}[{index}]", "unknown_field", f"no field has this name.{mistakes.nearest(name, fields.by_name)}"
            )
            fine = False
        elif name in names[:index]:
            mistakes.add(f"{path}[{index}]", "invalid_key", "names a field twice.")
            fine = False
    return tuple(names) if fine else None


def _implicit_key(fields: Fields, mistakes: Mistakes) -> Key:
    declared = fields.by_name.get(_IMPLICIT)
    if declared is None and _IMPLICIT not in fields.places:
        added = Field(name=_IMPLICIT, type="integer", column="", required=True)
        return Key(Fields((added, *fields.good), fields.places), (_IMPLICIT,), "integer")
    if declared is None:
        return Key(fields, (), None)
    if declared.type != "integer":
        message = 'the field "id" is not an integer, so it is no key by itself; say which field is.'
        mistakes.add("primaryKey", "invalid_key", message)
    else:
        _check_key_field(f"fields[{fields.places[_IMPLICIT]}]", declared, mistakes)
    return Key(fields, (_IMPLICIT,), "integer")


def _check_key_field(path: str, field: Field, mistakes: Mistakes) -> None:
    kind = field_type(field)
    if not kind.key:
        allowed = ", ".join(name for name, row in FIELD_TYPES.items() if row.key)
        mistakes.add(path, "constraint_not_for_type", f"the type {kind.name} cannot be a key; these can: {allowed}.")
    if field.default is not ABSENT:
        mistakes.add(path, "invalid_default", "a field of the primary key has no default; leave it out.")


def _generated(fields: Fields, names: tuple[str, ...]) -> Literal["integer", "uuid"] | None:
    if len(names) != 1:
        return None
    field = fields.by_name[names[0]]
    if field.type == "integer":
        return "integer"
    return "uuid" if (field.type, field.format) == ("string", "uuid") else None
