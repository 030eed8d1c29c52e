"""URL parameters → Query. Knows the syntax of CONTRACT 7; knows no table, so it cannot tell a field from a typo."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, get_args
from urllib.parse import parse_qsl

from datar.errors import Invalid, NotSupportedYet
from records import limits
from records.lists import split_list, unquoted
from records.params.aggregates import parse_aggregates, parse_groups, parse_having
from records.params.paging import parse_page, read_number
from records.params.tree import comparisons_of, parse_filter
from records.query import Asked, Comparison, Count, CursorPage, Query, SortTerm

KNOWN_LATER: Final = frozenset({"format", "include", "depth", "relationship_type"})
ELSEWHERE: Final = {
    "filter": "deletes rows (DELETE); a list takes 'filters'",
    "ids": "deletes rows (DELETE); a list takes the key's own name, as in id__in=1,2",
    "unique_fields": "belongs to data/upsert/",
    "on_error": "belongs to creating rows (POST)",
    "dry_run": "belongs to changes of a table's schema",
    "allow_data_loss": "belongs to changes of a table's schema",
    "allowed_actions": "belongs to changes of a table's schema",
}
"""Words that other endpoints take, and what they do there."""
UNDERSCORED: Final = frozenset({"_count", "_meta", "_aggregate", "_group_by", "_having"})
RESERVED: Final = frozenset(
    {
        *("page", "page_size", "limit", "offset", "cursor", "ordering", "fields", "search"),
        *("populate", "populate_limit", "filters"),
        *UNDERSCORED,
        *KNOWN_LATER,
        *ELSEWHERE,
    }
)
"""Words that are parameters even when a field has that label (then write ``label__eq=`` or quote it)."""
WORDS: Final = RESERVED - KNOWN_LATER - ELSEWHERE.keys()
"""What a list takes beside comparisons."""

Pairs = Sequence[tuple[str, str]]
Given = str | tuple[str, ...]
"""A word's value: the URL's text, or terms that are parted already."""

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
    words: dict[str, Given] = {}
    where: list[Asked] = []
    for name, value in pairs:
        if name not in RESERVED:
            where.append(Comparison(name, value))
        elif name in words:
            raise Invalid(f"Query parameter '{name}' is given twice.", code="invalid_parameter")
        else:
            check_word(name)
            words[name] = value
    filters = words.pop("filters", None)
    if isinstance(filters, str):
        where.append(parse_filter("filters", filters))
    return query_of(words, tuple(where))


def check_word(name: str) -> None:
    """Refuse a reserved word that a list does not take: ``unknown_parameter``, or it is not built yet."""
    if name in KNOWN_LATER:
        raise NotSupportedYet(f"'{name}' is not supported yet.")
    if name in ELSEWHERE:
        raise Invalid(f"'{name}' {ELSEWHERE[name]}.", code="unknown_parameter")


def query_of(words: Mapping[str, Given], where: tuple[Asked, ...], having: tuple[Comparison, ...] = ()) -> Query:
    """The question of these words and filters; ``having`` is what was asked of groups beside ``_having``.

    Raises Invalid: a value or a combination that cannot be.
    """
    texts = {name: value for name, value in words.items() if isinstance(value, str)}
    page = parse_page(texts)
    query = Query(
        where=where,
        ordering=_ordering(words.get("ordering")),
        page=page,
        fields=_fields(words.get("fields")),
        meta=read_flag("_meta", texts.get("_meta", "false")),
        count=_count(texts.get("_count"), page),
        search=_search(texts.get("search")),
        populate=_populate(words.get("populate")),
        populate_limit=_populate_limit(texts, words),
        aggregates=parse_aggregates(_calls("_aggregate", words)),
        group_by=parse_groups(_calls("_group_by", words)),
        having=having + _having(words.get("_having")),
    )
    _check_number(query)
    _check_groups(query)
    return query


def read_flag(name: str, value: str) -> bool:
    """``true`` or ``false``, nothing else."""
    if value not in ("true", "false"):
        raise Invalid(f"'{name}' is true or false.", code="invalid_parameter")
    return value == "true"


def _terms(given: Given | None, name: str, code: str, *, calls: bool = False) -> tuple[str, ...]:
    if isinstance(given, str):
        if len(given) > limits.QUERY_WORD_CHARACTERS:
            most = limits.QUERY_WORD_CHARACTERS
            raise Invalid(f"'{name}' has more than {most} characters.", code="query_too_complex")
        return tuple(split_list(given, name, code, calls=calls))
    if not all(given or ()):
        raise Invalid(f"'{name}' has an empty term.", code=code)
    return given or ()


def _calls(name: str, words: Mapping[str, Given]) -> tuple[str, ...]:
    return _terms(words.get(name), name, "invalid_aggregate", calls=True)


def _ordering(given: Given | None) -> tuple[SortTerm, ...]:
    terms = [_term(part) for part in _terms(given, "ordering", "invalid_ordering", calls=True)]
    if len(terms) > limits.ORDERING_TERMS:
        raise Invalid(f"More than {limits.ORDERING_TERMS} terms in 'ordering'.", code="invalid_ordering")
    return tuple(terms)


def _term(part: str) -> SortTerm:
    descending = part.startswith("-")
    name = part[1:] if descending else part
    if not name:
        raise Invalid("'ordering' has an empty term; write field,-field.", code="invalid_ordering")
    return SortTerm(name, descending)


def _fields(given: Given | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    names = [unquoted(part) for part in _terms(given, "fields", "invalid_parameter")]
    if not names:
        raise Invalid("'fields' names no field; leave it out for all of them.", code="invalid_parameter")
    return _different(names, "fields")


def _populate(given: Given | None) -> tuple[str, ...]:
    names = _terms(given, "populate", "invalid_parameter")
    if len(names) > limits.POPULATED_RELATIONS:
        raise Invalid(f"More than {limits.POPULATED_RELATIONS} names in 'populate'.", code="query_too_complex")
    return _different(names, "populate")


def _different(names: Sequence[str], word: str) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise Invalid(f"'{word}' has a name twice.", code="invalid_parameter")
    return tuple(names)


def _populate_limit(texts: Mapping[str, str], words: Mapping[str, Given]) -> int | None:
    if "populate_limit" not in texts:
        return None
    if not words.get("populate"):
        raise Invalid("'populate_limit' goes with 'populate'.", code="invalid_parameter")
    return read_number("populate_limit", texts, limits.POPULATED_ROWS, least=1, most=limits.POPULATED_ROWS)


def _count(value: str | None, page: object) -> Count:
    if value is not None and value not in get_args(Count):
        raise Invalid("'_count' is exact, estimated or none.", code="invalid_parameter")
    if isinstance(page, CursorPage):
        if value in ("exact", "estimated"):
            raise Invalid("A list by 'cursor' has no total; leave '_count' out.", code="invalid_parameter")
        return "none"
    return "estimated" if value == "estimated" else "none" if value == "none" else "exact"


def _search(value: str | None) -> str | None:
    if value is None:
        return None
    if not value.strip():
        raise Invalid("'search' is empty; write the words to find.", code="invalid_parameter")
    if len(value) > limits.SEARCH_QUERY_CHARACTERS:
        most = limits.SEARCH_QUERY_CHARACTERS
        raise Invalid(f"'search' has more than {most} characters.", code="query_too_complex")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise Invalid("'search' holds NUL or half a character.", code="invalid_text")
    return value


def _having(given: Given | None) -> tuple[Comparison, ...]:
    if isinstance(given, str):
        return parse_having(given)
    found = [parse_having(term) for term in given or ()]
    if any(len(comparisons) > 1 for comparisons in found):
        raise Invalid("Each item of '_having' is one comparison.", code="invalid_aggregate")
    return tuple(comparisons[0] for comparisons in found)


def _check_number(query: Query) -> None:
    """Raise Invalid where all comparisons together are more than ``FILTERS``."""
    asked = sum(1 for part in query.where for _ in comparisons_of(part)) + len(query.having)
    if asked > limits.FILTERS:
        raise Invalid(f"More than {limits.FILTERS} filters.", code="query_too_complex")


def _check_groups(query: Query) -> None:
    """Raise Invalid where words for groups and words for rows meet."""
    if not query.aggregated:
        if query.having:
            raise Invalid("'_having' goes with '_aggregate' or '_group_by'.", code="invalid_parameter")
        return
    rows = {
        "fields": query.fields is not None,
        "populate": bool(query.populate),
        "cursor": isinstance(query.page, CursorPage),
        "_meta": query.meta,
    }
    for word in (word for word, given in rows.items() if given):
        raise Invalid(
            f"'{word}' speaks of rows; it does not go with '_aggregate' and '_group_by'.", code="invalid_parameter"
        )
