"""The service agrees with the reference model on search: words, phrases, negation, OR, with and without search_fields.

Words are ASCII letters, and each field has a vocabulary of its own, so that what a word is and where a phrase may
stand is not in doubt.
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.records.agreeing import agree, agree_on_walk, ask
from tests.records.model import Question, Row, Search, Sort, Value, selected
from tests.records.questions import comparisons, plain_values, spellings
from tests.records.worlds import Stand

COLORS = ("red", "green", "blue", "Red", "GREEN")
BEASTS = ("cat", "dog", "fox", "Cat", "the")


def written(words: tuple[str, ...]) -> SearchStrategy[str | None]:
    """Text of a few of these words, parted by anything that parts words."""
    some = st.lists(st.sampled_from(words), max_size=5)
    parted = st.builds(
        lambda parts, mark: mark.join(parts), some, st.sampled_from([" ", ", ", "  ", "; ", "\n", " ... "])
    )
    return st.one_of(st.none(), parted)


def terms(words: tuple[str, ...]) -> SearchStrategy[tuple[bool, tuple[str, ...]]]:
    """A word or a phrase, perhaps negated."""
    return st.tuples(st.booleans(), st.lists(st.sampled_from(words), min_size=1, max_size=2).map(tuple))


searches: SearchStrategy[Search] = st.lists(
    st.lists(st.one_of(terms(COLORS), terms(BEASTS)), min_size=1, max_size=3).map(tuple), min_size=1, max_size=2
).map(tuple)
rows_of_notes: SearchStrategy[list[Row]] = st.lists(
    st.fixed_dictionaries({"title": written(COLORS), "body": written(BEASTS), "year": st.integers(0, 2)}), max_size=6
).map(lambda rows: [row | {"id": at} for at, row in enumerate(rows, 1)])


@given(rows=rows_of_notes, asked=st.lists(searches, min_size=1, max_size=4), data=st.data())
def test_search_in_search_fields(stand: Stand, rows: list[Row], asked: list[Search], data: st.DataObject) -> None:
    stand.write({"notes": rows})
    for search in asked:
        agree(stand, "notes", Question(search=search), data.draw(spellings))


@given(rows=rows_of_notes, asked=st.lists(searches, min_size=1, max_size=4), data=st.data())
def test_search_in_every_text_field(stand: Stand, rows: list[Row], asked: list[Search], data: st.DataObject) -> None:
    things: list[Row] = [{"sku": str(row["id"]), "text": row["title"], "yr": row["year"]} for row in rows]
    stand.write({"things": things})
    for search in asked:
        agree(stand, "things", Question(search=search), data.draw(spellings))


@given(rows=rows_of_notes, search=searches, data=st.data())
def test_search_with_filters_order_and_pages(
    stand: Stand, rows: list[Row], search: Search, data: st.DataObject
) -> None:
    stand.write({"notes": rows})
    where = data.draw(st.lists(comparisons("notes", plain_values("year", "title")), max_size=2).map(tuple))
    order = (Sort(Value("year"), data.draw(st.booleans())),)
    question = Question(where, order, data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3)), search=search)
    agree(stand, "notes", question, data.draw(spellings))
    agree_on_walk(stand, "notes", question, data.draw(spellings), data.draw(st.integers(1, 3)))


@given(rows=rows_of_notes, search=searches, descending=st.booleans(), data=st.data())
def test_rank_orders_what_is_found(
    stand: Stand, rows: list[Row], search: Search, descending: bool, data: st.DataObject
) -> None:
    stand.write({"notes": rows})
    question = Question(search=search, order=(Sort("rank", descending),))
    answer: Any = ask(stand, "notes", question, data.draw(spellings))
    found = selected(stand.world, "notes", Question(search=search))
    assert sorted(row["id"] for row in answer["data"]) == sorted(row["id"] for row in found)
    assert answer["total"] == len(found)
