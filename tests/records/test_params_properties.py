"""No text raises anything but a refusal, and what is asked reads the same from the URL and from a body."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datar.errors import Invalid
from records.operators import PARTS
from records.params.aggregates import FUNCTIONS, UNITS, parse_aggregates, parse_groups, parse_having
from records.params.body import parse_query_body
from records.params.flat import RESERVED, WORDS, parse_params, read_pairs
from records.params.tree import parse_filter, parse_tree
from records.query import (
    AllAsked,
    AnyAsked,
    Asked,
    AskedAggregate,
    AskedExpression,
    AskedGroup,
    Comparison,
    CursorPage,
    NotAsked,
    Page,
    Query,
    SortTerm,
)
from records.table import Json

pytestmark = pytest.mark.no_database

PIECES = (
    *FUNCTIONS,
    *UNITS,
    *PARTS,
    *("date_trunc('", "'", '"', "(", ")", ",", "*", " as ", "distinct ", "=", ">", "<>", "[", "]", "{", "}", ":"),
    *("and", "or", "not", "field", "operator", "value", "true", "null", "1", "-", ".", "__", "__gt", "eq", " ", "\\"),
    *("\n", "\0", "\ud800", "é", "Europe/Paris", "%", "a"),
)
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=30))
"""Texts that are nearly something, and texts that are nothing."""
words = st.one_of(st.sampled_from(sorted(RESERVED)), texts)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
bodies = st.dictionaries(words, values, max_size=4).map(lambda body: json.dumps(body).encode())


@given(st.lists(st.tuples(words, texts), max_size=5))
def test_no_parameters_break_the_parser(pairs: list[tuple[str, str]]) -> None:
    with suppress(Invalid):
        parse_params(pairs)


@given(st.text(max_size=60))
def test_no_query_string_breaks_the_parser(text: str) -> None:
    with suppress(Invalid):
        parse_params(read_pairs(text))


@given(texts)
def test_in_07_no_text_breaks_the_grammar(text: str) -> None:
    for parse in (parse_aggregates, parse_groups):
        with suppress(Invalid):
            parse([text])
    with suppress(Invalid):
        parse_having(text)
    with suppress(Invalid):
        parse_filter("filters", text)


@given(values)
def test_no_json_breaks_the_tree(value: Any) -> None:
    with suppress(Invalid):
        parse_tree(value)


@given(
    st.one_of(st.binary(max_size=60), st.dictionaries(words, values, max_size=4).map(lambda v: json.dumps(v).encode()))
)
def test_no_body_breaks_the_parser(body: bytes) -> None:
    with suppress(Invalid):
        parse_query_body(body)


@given(st.sampled_from(sorted(WORDS)), values)
def test_no_value_of_a_word_breaks_the_parser(word: str, value: Any) -> None:
    with suppress(Invalid):
        parse_query_body(json.dumps({word: value}).encode())


whole = st.characters(exclude_categories=["Cs"])
plain = st.from_regex(r"[A-Za-zé_][A-Za-z0-9_é%;$-]{0,8}", fullmatch=True)
quoted = st.text(whole, max_size=8).map(lambda label: '"' + label.replace('"', '""') + '"')
paths = st.lists(st.one_of(plain, quoted), min_size=1, max_size=3).map(".".join)
names = paths.filter(lambda name: name not in RESERVED and name not in ("and", "or", "not"))
aliases = st.one_of(st.just(""), st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,62}", fullmatch=True))
zones = st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_+/-]{1,64}", fullmatch=True))
expressions = st.one_of(
    st.builds(AskedExpression, paths),
    st.builds(AskedExpression, paths, st.sampled_from(sorted(PARTS))),
    st.builds(AskedExpression, paths, st.just(""), st.sampled_from(UNITS), zones),
)
aggregates = st.one_of(
    st.builds(AskedAggregate, st.just("count"), st.none(), st.just(False), aliases),
    st.builds(AskedAggregate, st.sampled_from(FUNCTIONS), expressions, st.booleans(), aliases),
)
groups = st.builds(AskedGroup, expressions, aliases)
having = st.builds(Comparison, paths, st.text(whole, max_size=8))
comparisons = st.builds(Comparison, names, st.text(whole, max_size=8))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(whole, max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(whole, max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)
trees: st.SearchStrategy[Asked] = st.recursive(
    st.builds(Comparison, names, json_values, st.just(True)),
    lambda inner: st.one_of(
        st.builds(NotAsked, inner),
        *(st.builds(kind, st.lists(inner, min_size=1, max_size=3).map(tuple)) for kind in (AllAsked, AnyAsked)),
    ),
    max_leaves=6,
)
ordering = st.lists(st.builds(SortTerm, paths, st.booleans()), max_size=4).map(tuple)
sizes, places = st.integers(1, 1_000), st.integers(1, 9)
pages = st.one_of(
    st.just(Page(20, 0, 1)),
    st.builds(lambda size, number: Page(size, (number - 1) * size, number, explicit=True), sizes, places),
    st.builds(lambda size, offset: Page(size, offset, None, explicit=True), sizes, places),
)
cursors = st.builds(CursorPage, sizes, st.text(whole, max_size=9))
searches = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))


@st.composite
def questions(draw: st.DrawFn) -> Query:
    """Questions of rows and of groups, with at most one tree."""
    where = (*draw(st.lists(comparisons, max_size=3)), *draw(st.lists(trees, max_size=1)))
    common: dict[str, Any] = {"where": where, "ordering": draw(ordering), "search": draw(searches)}
    if draw(st.booleans()):
        grouped = draw(st.lists(groups, min_size=1, max_size=3))
        return Query(
            **common,
            page=draw(pages),
            aggregates=tuple(draw(st.lists(aggregates, max_size=3))),
            group_by=tuple(grouped),
            having=tuple(draw(st.lists(having, max_size=3))),
        )
    page = draw(st.one_of(pages, cursors))
    populate = tuple(draw(st.lists(paths, max_size=3, unique=True)))
    return Query(
        **common,
        page=page,
        fields=draw(st.one_of(st.none(), st.lists(st.text(whole, min_size=1), min_size=1, unique=True).map(tuple))),
        meta=draw(st.booleans()),
        count="none" if isinstance(page, CursorPage) else draw(st.sampled_from(["exact", "estimated", "none"])),
        populate=populate,
        populate_limit=draw(st.one_of(st.none(), st.integers(1, 100))) if populate else None,
    )


def expression_text(asked: AskedExpression) -> str:
    """An expression as it is written."""
    if asked.unit:
        zone = asked.zone and f",'{asked.zone}'"
        return f"date_trunc('{asked.unit}',{asked.path}{zone})"
    return f"{asked.part}({asked.path})" if asked.part else asked.path


def aggregate_text(asked: AskedAggregate) -> str:
    """An aggregate as it is written."""
    inside = expression_text(asked.expression) if asked.expression else "*"
    return f"{asked.function}({'distinct ' if asked.distinct else ''}{inside})" + (asked.alias and f" as {asked.alias}")


def group_text(asked: AskedGroup) -> str:
    """A group's key as it is written."""
    return expression_text(asked.expression) + (asked.alias and f" as {asked.alias}")


def in_quotes(text: Json) -> str:
    """A text in double quotes."""
    return '"' + str(text).replace('"', '""') + '"'


def tree_json(asked: Asked) -> Any:
    """A filter tree as it is written."""
    match asked:
        case Comparison(name, value):
            return {name: value}
        case NotAsked(part):
            return {"not": tree_json(part)}
        case AllAsked(parts):
            return {"and": [tree_json(part) for part in parts]}
        case AnyAsked(parts):
            return {"or": [tree_json(part) for part in parts]}


def lists_of(query: Query) -> dict[str, list[str]]:
    """The words of a question that take lists."""
    lists = {
        "ordering": ["-" * term.descending + term.name for term in query.ordering],
        "fields": [in_quotes(label) for label in query.fields or ()],
        "populate": list(query.populate),
        "_aggregate": [aggregate_text(asked) for asked in query.aggregates],
        "_group_by": [group_text(asked) for asked in query.group_by],
        "_having": [f"{asked.name}={in_quotes(asked.value)}" for asked in query.having],
    }
    return {name: terms for name, terms in lists.items() if terms}


def scalars_of(query: Query) -> dict[str, Any]:
    """The words of a question that take one value."""
    found: dict[str, Any] = {"_meta": True} if query.meta else {}
    match query.page:
        case CursorPage(size, cursor):
            found |= {"cursor": cursor, "page_size": size}
        case Page(size, offset, None):
            found |= {"limit": size, "offset": offset}
        case Page(size, _, number, explicit=True):
            found |= {"page": number, "page_size": size}
    if query.populate_limit is not None:
        found["populate_limit"] = query.populate_limit
    if query.search is not None:
        found["search"] = query.search
    return found | ({} if query.count == "exact" else {"_count": query.count})


@given(questions())
def test_what_is_written_in_a_url_is_read(query: Query) -> None:
    pairs = [(part.name, part.value) for part in query.where if isinstance(part, Comparison) and not part.typed]
    trees = [part for part in query.where if not isinstance(part, Comparison) or part.typed]
    pairs += [("filters", json.dumps(tree_json(tree))) for tree in trees]
    pairs += [(name, ",".join(terms)) for name, terms in lists_of(query).items()]
    pairs += [(name, "true" if value is True else str(value)) for name, value in scalars_of(query).items()]
    assert parse_params(read_pairs(urlencode(pairs))) == query


@given(questions(), st.one_of(st.none(), trees))
def test_what_is_written_in_a_body_is_read(query: Query, tree: Asked | None) -> None:
    body = {**lists_of(query), **scalars_of(query)}
    if tree is not None:
        body["filters"] = tree_json(tree)
    read = parse_query_body(json.dumps(body).encode())
    assert read.where == (() if tree is None else (tree,))
    assert (read.ordering, read.page, read.fields, read.search) == (
        query.ordering,
        query.page,
        query.fields,
        query.search,
    )
    assert (read.aggregates, read.group_by, read.having) == (query.aggregates, query.group_by, query.having)
    assert (read.populate, read.populate_limit, read.meta, read.count) == (
        query.populate,
        query.populate_limit,
        query.meta,
        query.count,
    )
