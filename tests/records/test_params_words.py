"""What a list's URL says → the question: every word, its limits, and words that do not go together."""

from urllib.parse import quote

import pytest

from datar.errors import Invalid, NotSupportedYet
from records import limits
from records.params.flat import ELSEWHERE, KNOWN_LATER, RESERVED, WORDS, parse_params, read_flag, read_pairs
from records.query import AllAsked, AnyAsked, Comparison, CursorPage, NotAsked, Page, Query, SortTerm
from tests.records.refusals import refused

pytestmark = pytest.mark.no_database


def ask(**words: str) -> Query:
    """The question of these words."""
    return parse_params(tuple(words.items()))


def test_nothing_asks_for_the_plain_list() -> None:
    assert parse_params(()) == Query() == parse_params(read_pairs(""))


def test_names_and_values_stay_as_written() -> None:
    pairs = read_pairs("a__gt=1&a__gt=2&%22b%22__eq=%20x&c.d=&_agregate=1")
    assert parse_params(pairs).where == (
        Comparison("a__gt", "1"),
        Comparison("a__gt", "2"),
        Comparison('"b"__eq', " x"),
        Comparison("c.d", ""),
        Comparison("_agregate", "1"),
    )


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("a", (SortTerm("a"),)),
        ("-a,b.c", (SortTerm("a", True), SortTerm("b.c"))),
        ('-"a,b","c""d"', (SortTerm('"a,b"', True), SortTerm('"c""d"'))),
        ("sum(a,b),-rank", (SortTerm("sum(a,b)"), SortTerm("rank", True))),
        ("a),b", (SortTerm("a)"), SortTerm("b"))),
        ("--a", (SortTerm("-a", True),)),
    ],
)
def test_ordering_keeps_terms_as_written(text: str, terms: tuple[SortTerm, ...]) -> None:
    assert ask(ordering=text).ordering == terms


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "-", "a,-", '"a', ",".join(f"f{n}" for n in range(500))])
def test_in_06_orders_that_cannot_be_read(text: str) -> None:
    with refused(Invalid, "invalid_ordering"):
        ask(ordering=text)


def test_ordering_takes_so_many_terms() -> None:
    most = ",".join(f"f{number}" for number in range(limits.ORDERING_TERMS))
    assert len(ask(ordering=most).ordering) == limits.ORDERING_TERMS
    with refused(Invalid, "invalid_ordering"):
        ask(ordering=f"{most},one")


def test_pages_know_whether_they_were_asked_for() -> None:
    assert ask().page == Page(20, 0, 1, explicit=False)
    assert ask(page="1").page == Page(20, 0, 1, explicit=True)
    assert ask(page_size="5", page="3").page == Page(5, 10, 3, explicit=True)
    assert ask(limit="5").page == Page(5, 0, None, explicit=True)
    assert ask(offset="7").page == Page(20, 7, None, explicit=True)
    assert ask(cursor="").page == CursorPage(20)
    assert ask(cursor="abc", page_size="3").page == CursorPage(3, "abc")


@pytest.mark.parametrize(
    "words",
    [
        *({"cursor": "", other: "1"} for other in ("page", "limit", "offset")),
        {"page": "1", "limit": "1"},
        {"page_size": "1", "offset": "1"},
        {"cursor": "", "page_size": "0"},
        *({"page_size": text} for text in ("0", "-1", "1001", "1e2", "", " 1", "٣", "9" * 30)),
        *({"page": text} for text in ("0", "-1", str(2**53))),
        {"offset": str(2**53 + 1)},
        *({"populate": "a", "populate_limit": text} for text in ("0", "101", "x", "")),
    ],
)
def test_pages_that_cannot_be(words: dict[str, str]) -> None:
    with refused(Invalid, "invalid_pagination"):
        ask(**words)


def test_fields_are_labels_without_their_quotes() -> None:
    assert ask(fields='b,"a,b","c""d"').fields == ("b", "a,b", 'c"d')
    for text in ("", "a,", "a,a", 'a,"a"', '"a'):
        with refused(Invalid, "invalid_parameter"):
            ask(fields=text)


def test_populate_is_a_list_as_written() -> None:
    asked = ask(populate='*,a.b,"c,d"', populate_limit="7")
    assert (asked.populate, asked.populate_limit) == (("*", "a.b", '"c,d"'), 7)
    assert ask(populate="a").populate_limit is None
    for words in ({"populate": "a,a"}, {"populate": ""}, {"populate_limit": "7"}):
        with refused(Invalid, "invalid_parameter"):
            ask(**words)
    with refused(Invalid, "query_too_complex"):
        ask(populate=",".join(f"r{number}" for number in range(limits.POPULATED_RELATIONS + 1)))


def test_search_has_words_and_an_end() -> None:
    assert ask(search=' "a b" -c').search == ' "a b" -c'
    assert ask(search="é" * limits.SEARCH_QUERY_CHARACTERS).search
    with refused(Invalid, "query_too_complex"):
        ask(search="é" * (limits.SEARCH_QUERY_CHARACTERS + 1))
    for text in ("", "  "):
        with refused(Invalid, "invalid_parameter"):
            ask(search=text)
    for text in ("a\0b", "a\ud800"):
        with refused(Invalid, "invalid_text"):
            ask(search=text)


def test_flags_and_choices() -> None:
    assert (ask(_meta="true").meta, ask(_meta="false").meta) == (True, False)
    assert [ask(_count=word).count for word in ("exact", "estimated", "none")] == ["exact", "estimated", "none"]
    assert read_flag("_meta", "true")
    for words in ({"_meta": "1"}, {"_meta": ""}, {"_count": "some"}, {"_count": ""}):
        with refused(Invalid, "invalid_parameter"):
            ask(**words)


def test_filters_is_a_tree_beside_the_comparisons() -> None:
    tree = '{"or":[{"a__gt":1.50},{"not":{"b":null}},[{"field":"c.d","operator":"in","value":[1]}]],"e":{}}'
    where = parse_params((("x", "1"), ("filters", tree))).where
    assert where[0] == Comparison("x", "1")
    assert isinstance(where[1], AllAsked)
    either, last = where[1].parts
    assert isinstance(either, AnyAsked)
    assert either.parts[1:] == (
        NotAsked(Comparison("b", None, typed=True)),
        AllAsked((Comparison("c.d__in", [1], typed=True),)),
    )
    assert last == Comparison("e", {}, typed=True)
    assert str(getattr(either.parts[0], "value", "")) == "1.50"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ('{"a":1,"a":2}', "json_duplicate_key"),
        ('{"a":' + "[" * 100 + "]" * 100 + "}", "json_too_deep"),
        ('{"a":"\\ud800"}', "invalid_text"),
        ('{"a":"\ud800"}', "invalid_text"),
        ("5", "invalid_filter"),
        ("{}", "invalid_filter"),
        ("[]", "invalid_filter"),
        ('{"and":{"a":1}}', "invalid_filter"),
        ('{"not":[]}', "invalid_filter"),
        ('[{"field":"a"}]', "invalid_filter"),
        ('[{"field":"a","value":1,"more":1}]', "invalid_filter"),
        ('[{"field":"a","operator":"almost","value":1}]', "unknown_operator"),
        ('{"not":' * 21 + '{"a":1}' + "}" * 21, "query_too_complex"),
    ],
)
def test_filters_that_cannot_be_read_are_said_to_be_the_parameter(text: str, code: str) -> None:
    with refused(Invalid, code) as refusal:
        ask(filters=text)
    assert "body" not in refusal.error.detail


def test_the_nearest_operator_is_named() -> None:
    with refused(Invalid, "unknown_operator") as refusal:
        ask(filters='[{"field":"a","operator":"contain","value":1}]')
    assert "Did you mean 'contains'?" in refusal.error.detail


def test_all_comparisons_together_are_counted() -> None:
    pairs = [("a", "1")] * (limits.FILTERS - 2)
    tree = ("filters", '{"b":1,"c":1}')
    assert len(parse_params([*pairs, tree]).where) == limits.FILTERS - 1
    groups = [("_aggregate", "count(*)"), ("_having", "count>1")]
    for more in ([("d", "1")], groups):
        with refused(Invalid, "query_too_complex"):
            parse_params([*pairs, tree, *more])
    with refused(Invalid, "query_too_complex"):
        parse_params([("a", "1")] * (limits.QUERY_PARAMETERS + 1))


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_word_given_twice_is_refused(word: str) -> None:
    code = "invalid_parameter" if word in WORDS else "not_supported_yet" if word in KNOWN_LATER else "unknown_parameter"
    with refused(NotSupportedYet if word in KNOWN_LATER else Invalid, code) as refusal:
        parse_params([(word, "1"), (word, "1")])
    assert word in refusal.error.detail


@pytest.mark.parametrize("word", sorted(ELSEWHERE))
def test_words_of_other_endpoints_say_where_they_belong(word: str) -> None:
    with refused(Invalid, "unknown_parameter") as refusal:
        ask(**{word: "1"})
    assert refusal.error.detail == f"'{word}' {ELSEWHERE[word]}."


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_field_called_like_a_word_is_reached_with_an_operator(word: str) -> None:
    assert ask(**{f"{word}__eq": "1", f'"{word}"': "2"}).where == (
        Comparison(f"{word}__eq", "1"),
        Comparison(f'"{word}"', "2"),
    )


@pytest.mark.parametrize(
    "words",
    [
        *({"_aggregate": "count(*)", word: "a"} for word in ("fields", "populate", "cursor")),
        *({"_group_by": "a", word: "a"} for word in ("fields", "populate", "cursor")),
        {"_aggregate": "count(*)", "_meta": "true"},
        {"_having": "count>1"},
        {"cursor": "", "_count": "exact"},
        {"cursor": "", "_count": "estimated"},
    ],
)
def test_words_that_do_not_go_together(words: dict[str, str]) -> None:
    with refused(Invalid, "invalid_parameter"):
        ask(**words)


def test_words_that_go_together() -> None:
    assert ask(cursor="", _count="none").count == "none" == ask(cursor="").count
    assert ask(_aggregate="count(*)", _meta="false", ordering="-count", page="2", search="x", a="1").aggregated
    assert ask(_group_by="a", _having="a__ne=x").having == (Comparison("a__ne", "x"),)


def test_query_strings_that_cannot_be_read() -> None:
    with refused(Invalid, "invalid_parameter"):
        read_pairs("a=%ff")
    with refused(Invalid, "query_too_complex"):
        read_pairs("&".join(["a=1"] * (limits.QUERY_PARAMETERS + 1)))
    assert read_pairs(f"a={quote('é&=', safe='')}&b") == (("a", "é&="), ("b", ""))


@pytest.mark.parametrize("word", ["ordering", "fields", "populate", "_aggregate", "_group_by"])
def test_a_word_of_a_list_has_a_most(word: str) -> None:
    with refused(Invalid, "query_too_complex"):
        parse_params([(word, "a" * (limits.QUERY_WORD_CHARACTERS + 1))])
