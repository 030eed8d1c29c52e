"""URL parameters → Query. Knows the syntax of CONTRACT 7; knows no table, so it cannot tell a field from a typo."""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from datar.errors import Invalid, NotSupportedYet
from records import limits
from records.lists import split_list, unquoted
from records.query import Comparison, Page, Query, SortTerm

RESERVED = frozenset(
    {
        *("page", "page_size", "limit", "offset", "cursor", "ordering", "fields", "search"),
        *("populate", "populate_limit", "format", "include", "depth", "relationship_type"),
        *("filters", "filter", "ids", "unique_fields", "on_error"),
        *("dry_run", "allow_data_loss", "allowed_actions"),
    }
)
"""Words that are parameters even when a field has that label (then write ``label__eq=`` or quote it)."""
KNOWN_LATER = RESERVED - {"page", "page_size", "limit", "offset", "ordering", "fields"}
UNDERSCORED_LATER = frozenset({"_count", "_aggregate", "_group_by", "_having"})

Pairs = Sequence[tuple[str, str]]


_KEPT_CHARACTERS = 500


def read_pairs(query_string: str) -> tuple[tuple[str, str], ...]:
    """A query string as pairs, in its order (WHATWG URL, application/x-www-form-urlencoded). Raises Invalid."""
    if not query_string:
        return ()
    return _short_pairs(query_string) if len(query_string) <= _KEPT_CHARACTERS else _pairs(query_string)


def _pairs(query_string: str) -> tuple[tuple[str, str], ...]:
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, errors="strict", max_num_fields=limits.QUERY_PARAMETERS)
    except UnicodeDecodeError:
        raise Invalid("The query string is not UTF-8; percent-encode it.", code="invalid_parameter") from None
    except ValueError:
        raise Invalid(f"More than {limits.QUERY_PARAMETERS} query parameters.", code="query_too_complex") from None
    return tuple(pairs)


_short_pairs = lru_cache(maxsize=4_096)(_pairs)


def parse_params(pairs: Pairs) -> Query:
    """The question a list is asked. Raises Invalid (what cannot be read) and NotSupportedYet (what is not built)."""
    if len(pairs) > limits.QUERY_PARAMETERS:
        raise Invalid(f"More than {limits.QUERY_PARAMETERS} query parameters.", code="query_too_complex")
    words: dict[str, str] = {}
    comparisons: list[Comparison] = []
    for name, value in pairs:
        if name in RESERVED or name == "_meta":
            if name in words:
                raise Invalid(f"Query parameter '{name}' is given twice.", code="invalid_parameter")
            words[name] = value
        elif name in UNDERSCORED_LATER:
            raise NotSupportedYet(f"'{name}' is not supported yet.")
        else:
            comparisons.append(Comparison(name, value))
    if len(comparisons) > limits.FILTERS:
        raise Invalid(f"More than {limits.FILTERS} filters.", code="query_too_complex")
    for name in words.keys() & KNOWN_LATER:
        raise NotSupportedYet(f"'{name}' is not supported yet.")
    return Query(
        comparisons=tuple(comparisons),
        ordering=_ordering(words.get("ordering")),
        page=_page(words),
        fields=_fields(words.get("fields")),
        meta=read_flag("_meta", words.get("_meta", "false")),
    )


def read_flag(name: str, value: str) -> bool:
    """``true`` or ``false``, nothing else."""
    if value not in ("true", "false"):
        raise Invalid(f"'{name}' is true or false.", code="invalid_parameter")
    return value == "true"


def _ordering(value: str | None) -> tuple[SortTerm, ...]:
    if value is None:
        return ()
    terms = [_term(part) for part in split_list(value, "ordering", "invalid_ordering")]
    if len(terms) > limits.ORDERING_TERMS:
        raise Invalid(f"More than {limits.ORDERING_TERMS} terms in 'ordering'.", code="query_too_complex")
    return tuple(terms)


def _term(part: str) -> SortTerm:
    descending = part.startswith("-")
    name = part[1:] if descending else part
    if not name:
        raise Invalid("'ordering' has an empty term; write field,-field.", code="invalid_ordering")
    return SortTerm(unquoted(name), descending)


def _fields(value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = [unquoted(part) for part in split_list(value, "fields", "invalid_parameter")]
    if len(set(names)) < len(names):
        raise Invalid("'fields' names a field twice.", code="invalid_parameter")
    return tuple(names)


def _page(words: dict[str, str]) -> Page:
    by_offset = "limit" in words or "offset" in words
    if by_offset and ("page" in words or "page_size" in words):
        raise Invalid("Use page and page_size, or limit and offset, not both.", code="invalid_pagination")
    if by_offset:
        size = _count("limit", words, limits.PAGE_SIZE, least=1, most=limits.PAGE_SIZE_MOST)
        offset = _count("offset", words, 0, least=0, most=limits.OFFSET_MOST)
        return Page(size, offset, None)
    size = _count("page_size", words, limits.PAGE_SIZE, least=1, most=limits.PAGE_SIZE_MOST)
    number = _count("page", words, 1, least=1, most=limits.OFFSET_MOST // limits.PAGE_SIZE_MOST)
    return Page(size, (number - 1) * size, number)


def _count(name: str, words: dict[str, str], default: int, *, least: int, most: int) -> int:
    raw = words.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 20 and least <= int(raw) <= most):
        raise Invalid(f"'{name}' is a whole number from {least} to {most}.", code="invalid_pagination")
    return int(raw)
