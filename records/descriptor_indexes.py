"""The ``indexes`` and ``search_fields`` of a descriptor."""

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

from datar.errors import Invalid
from records.descriptor_fields import Fields
from records.descriptor_keys import field_names
from records.fieldtypes import field_type
from records.filters import own_condition
from records.limits import FIELDS_PER_TABLE, KEYS_PER_TABLE
from records.mistakes import Mistakes, join
from records.params.tree import parse_tree
from records.table import Index, Json, Table

_Method = Literal["btree", "hash", "gin", "brin"]
_METHODS: Final[tuple[_Method, ...]] = get_args(_Method)
_WORDS: Final = ("name", "fields", "unique", "method", "where")
_SEARCH_WORDS: Final = ("field", "weight")
_WEIGHTS: Final = ("A", "B", "C", "D")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


def parse_indexes(source: Mapping[str, Json], fields: Fields, mistakes: Mistakes) -> tuple[Index, ...]:
    """Every declared index that could be read."""
    found: dict[str, Index] = {}
    for place, given in enumerate(mistakes.array("", source, "indexes", KEYS_PER_TABLE)):
        path = f"indexes[{place}]"
        if not isinstance(given, dict):
            mistakes.add(path, "invalid_index", 'must be an object such as {"name": "by_day", "fields": ["day"]}.')
            continue
        mistakes.words(path, given, _WORDS)
        name = given.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            rule = "must begin with a letter and have at most 63 of the characters A-Z a-z 0-9 _ -."
            mistakes.add(join(path, "name"), "invalid_identifier", rule)
            continue
        if name in found:
            mistakes.add(join(path, "name"), "invalid_index", "is the name of another index; choose another.")
        index = _index(path, name, given, fields, mistakes)
        if index is not None:
            found[name] = index
    return tuple(found.values())


def _index(path: str, name: str, given: Mapping[str, Json], fields: Fields, mistakes: Mistakes) -> Index | None:
    names = field_names(join(path, "fields"), given.get("fields"), fields, mistakes)
    method = _method(path, given, mistakes)
    unique = mistakes.flag(path, given, "unique")
    where = given.get("where")
    if where is not None and (not isinstance(where, dict | list) or not where):
        mistakes.add(join(path, "where"), "invalid_index", "must be a filter tree: an object or an array, not empty.")
        where = None
    if names is None or method is None:
        return None
    if unique and method != "btree":
        mistakes.add(join(path, "unique"), "invalid_index", "needs the method btree.")
    if method == "hash" and len(names) > 1:
        mistakes.add(join(path, "fields"), "invalid_index", "an index of method hash has one field.")
    for place, label in enumerate(names):
        if label in fields.by_name:
            _check_method(f"{path}.fields[{place}]", fields, label, method, mistakes)
    return Index(name=name, fields=names, unique=unique, method=method, where=where)


def check_index_conditions(indexes: tuple[Index, ...], own: Table, mistakes: Mistakes) -> None:
    """The ``where`` of each index is a filter over the table's own fields."""
    for place, index in enumerate(indexes):
        if index.where is not None:
            try:
                own_condition(parse_tree(index.where), own)
            except Invalid as refused:
                mistakes.add(f"indexes[{place}].where", refused.code, f"{refused.detail}")


def _method(path: str, given: Mapping[str, Json], mistakes: Mistakes) -> _Method | None:
    for known in _METHODS:
        if given.get("method", "btree") == known:
            return known
    mistakes.add(join(path, "method"), "invalid_index", f"must be one of {', '.join(_METHODS)}.")
    return None


def _check_method(path: str, fields: Fields, label: str, method: _Method, mistakes: Mistakes) -> None:
    kind = field_type(fields.by_name[label])
    if method in kind.index:
        return
    fitting = f"use {' or '.join(sorted(kind.index))}." if kind.index else "it cannot be indexed."
    mistakes.add(path, "invalid_index", f"the method {method} does not fit the type {kind.name}; {fitting}")


def parse_search_fields(source: Mapping[str, Json], fields: Fields, mistakes: Mistakes) -> tuple[tuple[str, str], ...]:
    """(field, weight) in order; the weight is A unless said."""
    found: dict[str, str] = {}
    for place, given in enumerate(mistakes.array("", source, "search_fields", FIELDS_PER_TABLE)):
        path = f"search_fields[{place}]"
        entry = {"field": given} if isinstance(given, str) else given
        if not isinstance(entry, dict) or not isinstance(entry.get("field"), str):
            mistakes.add(path, "invalid_index", 'must be a field\'s name or {"field": name, "weight": "A"}.')
            continue
        mistakes.words(path, entry, _SEARCH_WORDS)
        label, weight = entry["field"], entry.get("weight", "A")
        if weight not in _WEIGHTS:
            mistakes.add(join(path, "weight"), "invalid_index", f"must be one of {', '.join(_WEIGHTS)}.")
        elif label in found:
            mistakes.add(path, "invalid_index", "names a field twice.")
        elif label in fields.by_name and not field_type(fields.by_name[label]).is_text:
            mistakes.add(path, "constraint_not_for_type", "only text can be searched: string, default, email or uri.")
        elif label not in fields.by_name and label not in fields.places:
            mistakes.add(path, "unknown_field", f"no field has this name.{mistakes.nearest(label, fields.by_name)}")
        else:
            found[label] = weight
    return tuple(found.items())
