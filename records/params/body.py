"""The body of POST data/query/ → Query: an object with the URL's words as keys. Knows no table.

Field filters stand in ``filters``. A word that takes a list takes the URL's text or an array of its terms.
"""

from typing import Final

from datar.errors import Invalid
from records import limits
from records.jsonbody import parse_json
from records.nearest import nearest
from records.params.flat import WORDS, Given, check_word, query_of
from records.params.tree import parse_tree
from records.query import AllAsked, Asked, Comparison, Query
from records.table import Json

_LISTS: Final = frozenset({"ordering", "fields", "populate", "_aggregate", "_group_by", "_having"})
_NUMBERS: Final = frozenset({"page", "page_size", "limit", "offset", "populate_limit"})
_FLAGS: Final = frozenset({"_meta"})
_LONGEST_NUMBER: Final = 10**20


def parse_query_body(body: bytes) -> Query:
    """The question a body asks; ``{}`` asks for the plain list.

    Raises Invalid: what ``parse_json`` and ``parse_params`` refuse, ``unknown_parameter``, ``invalid_parameter``.
    """
    asked = parse_json(body)
    if not isinstance(asked, dict):
        raise Invalid("The body is a JSON object, with the words of a list as keys.", code="invalid_parameter")
    for name in asked:
        _check_name(name)
    where: tuple[Asked, ...] = ()
    if "filters" in asked:
        where = (parse_tree(_tree(asked.pop("filters"))),)
    having: tuple[Comparison, ...] = ()
    if _is_tree(asked.get("_having")):
        having = _having(asked.pop("_having"))
    return query_of({name: _given(name, value) for name, value in asked.items()}, where, having)


def _check_name(name: str) -> None:
    check_word(name)
    if name not in WORDS:
        hint = nearest(name, WORDS) or " Filters of fields stand in 'filters'."
        raise Invalid(f"'{name[: limits.TEXT_SHOWN]}' is no word of a query.{hint}", code="unknown_parameter")


def _tree(value: Json) -> Json:
    if not isinstance(value, dict | list):
        raise Invalid("'filters' is an object or an array.", code="invalid_parameter")
    return value


def _given(name: str, value: Json) -> Given:
    """The value of a word as the URL would have it. Raises Invalid where it has another JSON type."""
    if isinstance(value, str):
        return value
    if name in _LISTS and isinstance(value, list):
        if all(isinstance(term, str) for term in value):
            return tuple(value)
    elif name in _NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < _LONGEST_NUMBER else ""
    elif name in _FLAGS and isinstance(value, bool):
        return "true" if value else "false"
    raise Invalid(f"'{name}' is {_type_of(name)}.", code="invalid_parameter")


def _type_of(name: str) -> str:
    if name in _LISTS:
        return "a text or an array of texts"
    return "a whole number" if name in _NUMBERS else "true or false" if name in _FLAGS else "a text"


def _is_tree(value: Json) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def _having(value: Json) -> tuple[Comparison, ...]:
    """The comparisons of a tree, all of which hold. Raises Invalid where it says ``or`` or ``not``."""
    todo, found = [parse_tree(value)], list[Comparison]()
    while todo:
        match todo.pop(0):
            case Comparison() as comparison:
                found.append(comparison)
            case AllAsked(parts):
                todo[:0] = parts
            case _:
                raise Invalid("'_having' joins its comparisons by 'and' only.", code="invalid_filter")
    return tuple(found)
