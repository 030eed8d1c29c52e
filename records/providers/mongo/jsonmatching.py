"""Comparisons of JSON values → aggregation expressions: containment and keys, as PostgreSQL's ``@>``, ``<@`` and ``?``.

The expression is built along the value that is sent, which is small (``SOUGHT_JSON_VALUES``); the stored one may be of
any shape, so its type is asked before anything is read from it.
"""

from collections.abc import Iterable
from itertools import count
from typing import Final

from datar.errors import Invalid
from records.conditions import Match
from records.providers.mongo.aggregation import (
    Aggregation,
    all_of,
    any_of,
    either,
    is_of,
    literal,
    member,
    named,
)
from records.providers.mongo.jsonvalues import stored_key
from records.providers.mongo.textmatching import text_holds
from records.providers.mongo.values import operand
from records.table import Json

_DEEPEST: Final = 120
"""MongoDB reads no command that is nested more than 200 deep; the rest is for what stands around the comparison."""


def json_holds(match: Match, value: Aggregation) -> Aggregation:
    """Whether the comparison holds of a JSON value that is known; ``value`` is a variable.

    Raises Invalid: ``query_too_complex`` for a value that is nested too deep, ``number_out_of_range``.
    """
    if match.operator in ("contains", "contained_by"):
        sought = operand(match.expression.result, str(match.value))
        if not _is_deeper(sought, _DEEPEST // 2):  # each of its levels takes more than two
            found = _contains(sought, value) if match.operator == "contains" else _contained_by(value, sought)
            if not _is_deeper(found, _DEEPEST):
                return found
        raise Invalid(
            f"Filter on '{match.expression.result.name}': the value is nested deeper than MongoDB can compare.",
            code="query_too_complex",
        )
    keys = list(match.value) if isinstance(match.value, tuple) else [str(match.value)]
    return _has_keys(value, keys, every=match.operator == "has_all_keys")


class _Names:
    """Names of variables, each another one: those of an outer loop are seen in an inner one."""

    def __init__(self) -> None:
        self._numbers = count()

    def __call__(self) -> str:
        return f"j{next(self._numbers)}"


def _contains(sought: Json, whole: Aggregation) -> Aggregation:
    """A text holds a text, an array also a lone scalar."""
    if isinstance(sought, dict | list):
        return _holds(sought, whole, _Names())
    equal = {"$eq": [whole, literal(sought)]}
    if isinstance(sought, str):
        equal = {"$and": [is_of("string", whole), text_holds("contains", _text(whole), sought)]}
    return {"$or": [equal, {"$and": [{"$isArray": whole}, {"$in": [literal(sought), _array(whole)]}]}]}


def _holds(sought: Json, whole: Aggregation, names: _Names) -> Aggregation:
    """Whether ``whole``, a variable, holds what is sought: all its members, or each item in some item."""
    if isinstance(sought, dict):
        parts = [is_of("object", whole)]
        parts += [_of_member(whole, name, value, names) for name, value in sought.items()]
        return all_of(parts)
    if isinstance(sought, list):
        return all_of([{"$isArray": whole}, *(_some_item(whole, item, names) for item in sought)])
    return {"$eq": [whole, literal(sought)]}


def _of_member(whole: Aggregation, name: str, value: Json, names: _Names) -> Aggregation:
    variable = names()
    return named(variable, member(whole, name), _holds(value, f"$${variable}", names))


def _some_item(whole: Aggregation, sought: Json, names: _Names) -> Aggregation:
    if not isinstance(sought, dict | list):
        return {"$in": [literal(sought), whole]}
    item = names()
    held = {"$map": {"input": whole, "as": item, "in": _holds(sought, f"$${item}", names)}}
    return {"$anyElementTrue": [held]}


def _contained_by(value: Aggregation, whole: Json) -> Aggregation:
    """At the top an array also holds a lone scalar."""
    names = _Names()
    inside = _is_inside(value, [whole], names)
    if not isinstance(whole, list):
        return inside
    scalars = [item for item in whole if not isinstance(item, dict | list)]
    return {"$or": [inside, {"$in": [value, literal(scalars)]}]} if scalars else inside


def _is_inside(value: Aggregation, wholes: list[Json], names: _Names) -> Aggregation:
    """Whether ``value``, a variable, is contained in one of these, as a part of a whole."""
    scalars = [whole for whole in wholes if not isinstance(whole, dict | list)]
    objects = [_members_inside(value, whole, names) for whole in wholes if isinstance(whole, dict)]
    arrays = [_items_inside(value, whole, names) for whole in wholes if isinstance(whole, list)]
    ways: list[Aggregation] = [{"$in": [value, literal(scalars)]}] if scalars else []
    if objects:
        ways.append({"$and": [is_of("object", value), any_of(objects)]})
    if arrays:
        ways.append({"$and": [{"$isArray": value}, any_of(arrays)]})
    return any_of(ways) if ways else False


def _members_inside(value: Aggregation, whole: dict[str, Json], names: _Names) -> Aggregation:
    one = names()
    ways = [
        {"$and": [{"$eq": [f"$${one}.k", literal(name)]}, _inner(f"$${one}.v", part, names)]}
        for name, part in whole.items()
    ]
    members = {"$objectToArray": either(is_of("object", value), value, literal({}))}
    return {"$allElementsTrue": [{"$map": {"input": members, "as": one, "in": any_of(ways) if ways else False}}]}


def _inner(value: Aggregation, whole: Json, names: _Names) -> Aggregation:
    if not isinstance(whole, dict | list):
        return {"$eq": [value, literal(whole)]}
    inner = names()
    return named(inner, value, _is_inside(f"$${inner}", [whole], names))


def _items_inside(value: Aggregation, whole: list[Json], names: _Names) -> Aggregation:
    item = names()
    held = _is_inside(f"$${item}", whole, names)
    return {"$allElementsTrue": [{"$map": {"input": _array(value), "as": item, "in": held}}]}


def _has_keys(value: Aggregation, keys: list[str], *, every: bool) -> Aggregation:
    """Keys of an object, or texts of an array."""
    entries = {"$objectToArray": either(is_of("object", value), value, literal({}))}
    names = {"$map": {"input": entries, "as": "entry", "in": "$$entry.k"}}
    return {
        "$or": [
            {"$and": [is_of("object", value), _among([stored_key(key) for key in keys], names, every=every)]},
            {"$and": [{"$isArray": value}, _among(keys, _array(value), every=every)]},
        ]
    }


def _among(keys: list[str], held: Aggregation, *, every: bool) -> Aggregation:
    if every:
        return {"$setIsSubset": [literal(keys), held]}
    return {"$gt": [{"$size": {"$setIntersection": [literal(keys), held]}}, 0]}


def _array(value: Aggregation) -> Aggregation:
    """The value where it is an array, else an empty one: what reads it would not take another type."""
    return either({"$isArray": value}, value, literal([]))


def _text(value: Aggregation) -> Aggregation:
    return either(is_of("string", value), value, "")


def _is_deeper(value: Json, levels: int) -> bool:
    """Whether documents and arrays are nested in more levels than so; level by level, for Python recurses less deep."""
    inside = [value]
    for _ in range(levels + 1):
        inside = [item for each in inside for item in _items(each)]
    return bool(inside)


def _items(value: Json) -> Iterable[Json]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
