"""Filter trees in JSON → what was asked. Knows the two spellings of CONTRACT 7; knows no table.

``{"and": […]}``, ``{"or": […]}``, ``{"not": …}``, ``{"field__operator": value, …}`` (all of them), or a list of
``{"field", "operator", "value"}`` (all of them).
"""

from collections.abc import Iterator

from datar.errors import Invalid
from records import limits
from records.jsonbody import parse_json
from records.nearest import nearest
from records.operators import OPERATORS
from records.query import AllAsked, AnyAsked, Asked, Comparison, NotAsked
from records.table import Json

_TRIPLE = frozenset({"field", "operator", "value"})


def parse_tree(value: Json) -> Asked:
    """The tree as Asked. Raises Invalid (``invalid_filter``, ``query_too_complex``)."""
    asked = _node(value, limits.FILTER_DEPTH)
    if sum(1 for _ in comparisons_of(asked)) > limits.FILTERS:
        raise _too_many()
    return asked


def parse_filter(name: str, text: str) -> Asked:
    """The tree that a parameter of this name holds as JSON. Raises Invalid, also with the codes of ``parse_json``."""
    return parse_tree(parse_json(text.encode("utf-8", "surrogatepass"), what=f"'{name}'"))


def comparisons_of(asked: Asked) -> Iterator[Comparison]:
    """Every comparison of a tree, in its order."""
    match asked:
        case Comparison():
            yield asked
        case NotAsked(inner):
            yield from comparisons_of(inner)
        case AllAsked(parts) | AnyAsked(parts):
            for part in parts:
                yield from comparisons_of(part)


def _node(value: Json, depth: int) -> Asked:
    if depth == 0:
        raise Invalid(f"A filter is nested deeper than {limits.FILTER_DEPTH}.", code="query_too_complex")
    if isinstance(value, list):
        return AllAsked(tuple(_triple(item) for item in _not_empty(value)))
    if not isinstance(value, dict):
        raise Invalid("A filter is a JSON object or an array.", code="invalid_filter")
    parts = tuple(_entry(name, item, depth) for name, item in _not_empty(value).items())
    return parts[0] if len(parts) == 1 else AllAsked(parts)


def _entry(name: str, value: Json, depth: int) -> Asked:
    if name == "not":
        return NotAsked(_node(value, depth - 1))
    if name in ("and", "or"):
        if not isinstance(value, list):
            raise Invalid(f"'{name}' takes an array of filters.", code="invalid_filter")
        parts = tuple(_node(item, depth - 1) for item in _not_empty(value))
        return AllAsked(parts) if name == "and" else AnyAsked(parts)
    return Comparison(name, value, typed=True)


def _triple(item: Json) -> Comparison:
    if not isinstance(item, dict) or not item.keys() <= _TRIPLE or "field" not in item or "value" not in item:
        raise Invalid('An array filter holds {"field", "operator", "value"}.', code="invalid_filter")
    field, operator = item["field"], item.get("operator", "eq")
    if not isinstance(field, str) or not isinstance(operator, str):
        raise Invalid("'field' and 'operator' of a filter are texts.", code="invalid_filter")
    if operator not in OPERATORS:
        detail = f"'{operator[: limits.TEXT_SHOWN]}' is no operator.{nearest(operator, OPERATORS)}"
        raise Invalid(detail, code="unknown_operator")
    return Comparison(f"{field}__{operator}", item["value"], typed=True)


def _not_empty(value: Json) -> Json:
    """The parts of a filter, each of which compares something."""
    if not value:
        raise Invalid("A filter is empty; say what it compares.", code="invalid_filter")
    if len(value) > limits.FILTERS:
        raise _too_many()
    return value


def _too_many() -> Invalid:
    return Invalid(f"More than {limits.FILTERS} comparisons in a filter.", code="query_too_complex")
