"""Questions for random operations: lists, pages, walks by cursor, searches, groups, and questions that are refused."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.records.model import Question, Sort, Value
from tests.records.model_groups import Grouping
from tests.records.questions import plain_values, spellings, trees
from tests.records.ruled import COLUMNS, CONDITIONS, TABLES
from tests.records.spelling import Spelling
from tests.records.test_model_groups import groupings, keys_of, several
from tests.records.test_model_lists import PATHS, orders, sizes
from tests.records.test_model_search import searches

WRONG: dict[str, list[tuple[str, str, str]]] = {
    "regions": [("nope", "1", "unknown_field"), ("area__startswith", "1", "operator_not_supported")],
    "people": [("height", "tall", "invalid_type"), ("ordering", "meta", "invalid_ordering")],
    "things": [("num__in", "", "invalid_filter"), ("populate", "nobody", "unknown_field")],
    "notes": [("_aggregate", "sum(title)", "invalid_aggregate"), ("page", "0", "invalid_pagination")],
}
"""Parameters that are refused."""
SORTED = {
    "regions": plain_values("name", "area", "code"),
    "people": st.one_of(plain_values("name", "height", "born", "id"), plain_values("name", ways=("manager",))),
    "things": st.one_of(
        plain_values("num", "flag", "day", "at", "uid"), plain_values("name", "height", ways=("owner",))
    ),
    "notes": st.one_of(plain_values("title", "year", "id"), plain_values("num", ways=("thing_code",))),
}
COUNTED = {
    "regions": plain_values("name", "area"),
    "people": plain_values("name", "height", "born"),
    "things": plain_values("num", "day", "at", "text"),
    "notes": plain_values("title", "year"),
}
"""What is aggregated."""


class Asked(Protocol):
    """Who is asked."""

    def ask(self, table: str, asked: Question | Grouping, spelling: Spelling) -> None:
        """A list or groups."""

    def walk(self, table: str, asked: Question, spelling: Spelling, size: int) -> None:
        """Pages by cursor."""

    def refuse(self, table: str, pairs: Sequence[tuple[str, str]], code: str) -> None:
        """A question that is refused."""


def ask(run: Asked, data: st.DataObject) -> None:
    """One question."""
    table = data.draw(st.sampled_from(TABLES))
    form = data.draw(st.sampled_from(["list", "list", "list", "groups", "groups", "walk", "search", "wrong"]))
    spelling = data.draw(spellings)
    if form == "wrong":
        name, value, code = data.draw(st.sampled_from(WRONG[table]))
        run.refuse(table, [(name, value)], code)
    elif form == "groups":
        keys = keys_of(SORTED[table], least=0)
        grouping = data.draw(groupings(table, keys, several(table, COUNTED[table])))
        run.ask(table, replace(grouping, base=replace(grouping.base, where=data.draw(_where(table)))), spelling)
    elif form == "search":
        run.ask("notes", Question(search=data.draw(searches), order=(Sort(Value("id")),)), spelling)
    else:
        question = data.draw(_questions(table))
        if form == "walk":
            run.walk(table, question, spelling, data.draw(sizes))
        else:
            run.ask(table, question, spelling)


def _where(table: str) -> SearchStrategy[Any]:
    leaves = CONDITIONS[table]
    return st.lists(st.one_of(leaves, leaves, trees(leaves)), max_size=2).map(tuple)


def _questions(table: str) -> SearchStrategy[Question]:
    return st.builds(
        Question,
        where=_where(table),
        order=orders(SORTED[table]),
        size=sizes,
        start=st.integers(0, 3),
        fields=st.one_of(st.none(), st.just(COLUMNS[table])),
        populate=st.lists(st.sampled_from(PATHS[table]), max_size=2, unique=True).map(tuple),
        populate_limit=st.sampled_from([1, 2, 5]),
    )
