"""The body of POST data/query/ → the question: the URL's words as JSON."""

import json
from typing import Any

import pytest

from datar.errors import Invalid, NotSupportedYet
from records import limits
from records.params.body import parse_query_body
from records.params.flat import ELSEWHERE, KNOWN_LATER, parse_params
from records.query import AllAsked, AnyAsked, Comparison, CursorPage, NotAsked, Page, Query, SortTerm
from tests.records.refusals import refused

pytestmark = pytest.mark.no_database


def ask(**words: Any) -> Query:
    """The question of a body with these keys."""
    return parse_query_body(json.dumps(words).encode())


def test_an_empty_object_is_the_plain_list() -> None:
    assert parse_query_body(b"{}") == Query()


@pytest.mark.parametrize(
    ("body", "url"),
    [
        ({"page": 2, "page_size": 5}, {"page": "2", "page_size": "5"}),
        ({"limit": 5, "offset": 0}, {"limit": "5", "offset": "0"}),
        ({"page": "2"}, {"page": "2"}),
        ({"cursor": "x", "page_size": 3}, {"cursor": "x", "page_size": "3"}),
        ({"ordering": ["-a", '"b,c"']}, {"ordering": '-a,"b,c"'}),
        ({"ordering": "-a,b"}, {"ordering": "-a,b"}),
        ({"fields": ["a", '"b,c"']}, {"fields": 'a,"b,c"'}),
        ({"populate": ["a", "b.c"], "populate_limit": 3}, {"populate": "a,b.c", "populate_limit": "3"}),
        ({"populate": "*"}, {"populate": "*"}),
        ({"_meta": True, "_count": "none", "search": "x"}, {"_meta": "true", "_count": "none", "search": "x"}),
        (
            {"_aggregate": ["count(*)", "sum(a) as b"], "_group_by": ["date_trunc('day',c)"], "_having": ["b>1"]},
            {"_aggregate": "count(*),sum(a) as b", "_group_by": "date_trunc('day',c)", "_having": "b>1"},
        ),
        (
            {"_aggregate": "count(*),sum(a)", "_having": "count>1,sum_a__in=[1,2]"},
            {"_aggregate": "count(*),sum(a)", "_having": "count>1,sum_a__in=[1,2]"},
        ),
        ({"ordering": [], "populate": [], "_aggregate": [], "_group_by": [], "_having": []}, {}),
    ],
)
def test_a_body_asks_what_the_url_asks(body: dict[str, Any], url: dict[str, str]) -> None:
    assert ask(**body) == parse_params(tuple(url.items()))


def test_terms_of_an_array_are_not_parted() -> None:
    asked = ask(ordering=["-a,b"], fields=["a,b"])
    assert (asked.ordering, asked.fields) == ((SortTerm("a,b", True),), ("a,b",))


def test_filters_is_a_tree() -> None:
    assert ask(filters={"a": 1, "not": {"b__in": ["x"]}}).where == (
        AllAsked((Comparison("a", 1, typed=True), NotAsked(Comparison("b__in", ["x"], typed=True)))),
    )
    triples = [{"field": "author.name", "operator": "contains", "value": "x"}, {"field": '"a b"', "value": None}]
    assert ask(filters={"or": [triples]}).where == (
        AnyAsked(
            (AllAsked((Comparison("author.name__contains", "x", True), Comparison('"a b"__eq', None, True))),),
        ),
    )


def test_having_may_be_a_tree_of_comparisons() -> None:
    expected = (Comparison("count__gt", 1, typed=True), Comparison("sum_a", 2, typed=True))
    for tree in ({"count__gt": 1, "sum_a": 2}, {"and": [{"count__gt": 1}, {"sum_a": 2}]}):
        assert ask(_aggregate="count(*)", _having=tree).having == expected
    triple = [{"field": "count", "operator": "gt", "value": 1}]
    assert ask(_aggregate="count(*)", _having=triple).having == expected[:1]
    refusals: tuple[Any, ...] = ({"or": [{"a": 1}]}, {"not": {"a": 1}}, {"a": 1, "or": [{"b": 1}]}, {})
    for refusal in refusals:
        with refused(Invalid, "invalid_filter"):
            ask(_aggregate="count(*)", _having=refusal)
    with refused(Invalid, "invalid_parameter"):
        ask(_having={"count__gt": 1})


NUMBERS, TEXTS = ("page", "limit", "offset", "populate_limit"), ("cursor", "search", "_count")
LISTS = ("ordering", "fields", "populate", "_aggregate", "_group_by", "_having")
WRONG: list[tuple[tuple[str, ...], tuple[Any, ...]]] = [
    (NUMBERS, (True, 1.5, None, [1])),
    (TEXTS, (True, 1, None, ["a"], {})),
    (LISTS, (5, True, None, [1], [None])),
    (("filters",), ("{}", 5, True, None)),
    (("_meta",), (1, "yes", [], None)),
    (("fields",), ([], [""], ["a", "a"])),
    (("populate",), (["a", "a"], {})),
]


@pytest.mark.parametrize(
    ("word", "value"), [(word, value) for some, wrong in WRONG for word in some for value in wrong]
)
def test_values_of_another_type_name_their_key(word: str, value: Any) -> None:
    with refused(Invalid, "invalid_parameter") as refusal:
        ask(**{word: value})
    assert word in refusal.error.detail


@pytest.mark.parametrize(
    ("words", "code"),
    [
        *(({"page": number}, "invalid_pagination") for number in (0, -1, 10**19, 10**40, -(10**40))),
        ({"page": 1, "limit": 1}, "invalid_pagination"),
        ({"cursor": "", "offset": 0}, "invalid_pagination"),
        ({"populate": ["a"], "populate_limit": 101}, "invalid_pagination"),
        ({"ordering": [""]}, "invalid_ordering"),
        ({"ordering": ["a"] * 11}, "invalid_ordering"),
        ({"_aggregate": ["sum(a),sum(b)"]}, "invalid_aggregate"),
        ({"_aggregate": [""]}, "invalid_aggregate"),
        ({"_group_by": "a", "_having": ["a>1,b>1"]}, "invalid_aggregate"),
        ({"_group_by": "a", "_having": [""]}, "invalid_aggregate"),
        ({"filters": {}}, "invalid_filter"),
        ({"filters": {f"f{number}": 1 for number in range(51)}}, "query_too_complex"),
        ({"populate": [f"r{number}" for number in range(51)]}, "query_too_complex"),
    ],
)
def test_what_the_url_refuses_a_body_refuses(words: dict[str, Any], code: str) -> None:
    with refused(Invalid, code):
        ask(**words)


def test_unknown_keys_name_the_nearest() -> None:
    for key, says in (
        ("pge", "Did you mean 'page'?"),
        ("_agregate", "Did you mean '_aggregate'?"),
        ("status__in", "Filters of fields stand in 'filters'."),
        ("x" * 1_000, "Filters of fields stand in 'filters'."),
    ):
        with refused(Invalid, "unknown_parameter") as refusal:
            ask(**{key: 1})
        assert says in refusal.error.detail
        assert len(refusal.error.detail) < 300


def test_words_that_a_list_does_not_take() -> None:
    for word in ELSEWHERE:
        with refused(Invalid, "unknown_parameter"):
            ask(**{word: "1"})
    for word in KNOWN_LATER:
        with refused(NotSupportedYet):
            ask(**{word: "1"})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_parameter"),
        (b"null", "invalid_parameter"),
        (b'"page=1"', "invalid_parameter"),
        (b'{"page":1,"page":2}', "json_duplicate_key"),
        (b'{"filters":{"a":' + b"[" * 100 + b"]" * 100 + b"}}", "json_too_deep"),
        (b'{"search":"\\ud800"}', "invalid_text"),
        (b'{"search":"\\u0000"}', "invalid_text"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, code: str) -> None:
    with refused(Invalid, code):
        parse_query_body(body)


def test_a_page_of_a_body_is_explicit() -> None:
    assert ask(page=1).page == Page(20, 0, 1, explicit=True)
    assert ask(cursor="").page == CursorPage(limits.PAGE_SIZE)
