"""Words of other APIs → ours, for hints alone: nothing here is ever understood as what it resembles."""

import re
from collections.abc import Collection
from typing import Final

from records.nearest import nearest

_OURS: Final = {
    "ordering": "sort order order_by orderby sort_by sortby $orderby _sort _order",
    "_group_by": "distinct group group_by groupby distinct_on",
    "_aggregate": "aggregate aggregates aggregation annotate",
    "_having": "having",
    "_count": "count with_count $count total",
    "page_size": "per_page perpage size pagesize page[size] items_per_page",
    "page": "page_number pagenumber page[number] p",
    "limit": "top $top take max_results _limit",
    "offset": "skip $skip start _offset",
    "cursor": "after page_token pagetoken next_cursor starting_after",
    "search": "q query keyword keywords term s $search full_text",
    "fields": "select columns field only $select _fields",
    "populate": "include includes expand $expand with embed join joins relations depth",
    "filters": "where filter_by conditions $filter",
}
_OPERATORS: Final = {
    "eq": "exact equals equal is",
    "ne": "neq not not_eq not_equal is_not isnot",
    "gt": "greater greater_than after",
    "gte": "ge greater_or_equal min from since",
    "lt": "less less_than before",
    "lte": "le less_or_equal max to until",
    "in": "one_of any anyof",
    "nin": "notin not_in none_of",
    "isnull": "is_null isempty empty",
    "nnull": "notnull not_null isnotnull",
    "contains": "substring includes has",
    "icontains": "containsi",
    "ncontains": "notcontains not_contains",
    "nicontains": "notcontainsi",
    "startswith": "starts_with beginswith begins_with prefix sw",
    "istartswith": "startswithi",
    "endswith": "ends_with suffix ew",
    "iendswith": "endswithi",
    "iexact": "eqi ieq",
    "like": "regex matches match rlike",
    "ilike": "iregex imatch",
    "nbetween": "notbetween not_between",
    "week_day": "weekday dow dayofweek iso_week_day",
}
_SIGNS: Final = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "!=": "ne", "<>": "ne"}
_SIGNED: Final = re.compile(r"(?P<field>[^<>!=\[]{1,64})(?P<sign>>=|<=|<>|!=|[<>!])(?P<value>.{0,64})", re.DOTALL)
_BRACKETED: Final = re.compile(r"filters?\[(?P<field>[^]]{1,64})\](?:\[\$?(?P<operator>[^]]{1,32})\])?")


def _by_word(ours: dict[str, str]) -> dict[str, str]:
    return {word: meant for meant, words in ours.items() for word in words.split()}


_WORD: Final = _by_word(_OURS)
_OPERATOR: Final = _by_word(_OPERATORS)


def meant_word(name: str, known: Collection[str] = ()) -> str:
    """A hint at our word for a list where ``name`` is another API's, else at the nearest of ``known``, or nothing."""
    ours = _WORD.get(name.lower()) or _WORD.get(name.partition("[")[0].lower())
    return f" Did you mean '{ours}'?" if ours else nearest(name, known)


def meant_operator(word: str, known: Collection[str]) -> str:
    """A hint at our operator or part where ``word`` is another API's, else at the nearest of ``known``, or nothing."""
    plain = word.lower().removeprefix("$")
    ours = plain if plain in known else _OPERATOR.get(plain)
    return f" Did you mean '{ours}'?" if ours in known else nearest(word, known)


def meant_comparison(name: str) -> str:
    """A hint at the comparison where ``name`` writes one with a sign or brackets, as ``a>60`` or ``filters[a][$gt]``.

    Of ``a>=60`` the name that arrives is ``a>``, as of ``a!=b`` it is ``a!``.
    """
    if signed := _SIGNED.fullmatch(name):
        sign, value = signed["sign"], signed["value"]
        whole = f"{signed['field']}__{_SIGNS.get(sign if value else f'{sign}=') or _SIGNS.get(sign, 'ne')}"
        return f" Did you mean '{whole}={value}'?" if value else f" Did you mean '{whole}'?"
    if bracketed := _BRACKETED.match(name):
        word = (bracketed["operator"] or "eq").lower()
        return f" Did you mean '{bracketed['field']}__{_OPERATOR.get(word, word)}'?"
    return ""
