"""The service agrees with the reference model on whole questions: everything at once, one row, exports, removals."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from records.jsontext import dumps
from tests.records.agreeing import agree, ask
from tests.records.engine import read
from tests.records.model import Condition, Question, Row, Search, Sort, Value, answered, page, selected, truth
from tests.records.questions import comparisons, plain_values, spellings, trees, worlds
from tests.records.spelling import Spelling, pairs_of, tree, words_of
from tests.records.test_model_groups import groupings, keys_of, several
from tests.records.test_model_lists import orders, populated
from tests.records.test_model_search import rows_of_notes, searches
from tests.records.worlds import Stand

COLUMNS = {
    "regions": ("name", "area"),
    "people": ("name", "height", "born", "meta", "manager_id", "country"),
    "things": ("num", "flag", "text", "owner_id"),
}
VALUES: SearchStrategy[Value] = st.one_of(
    plain_values("num", "flag", "text", "sku"),
    plain_values("name", "height", ways=("owner",)),
    plain_values("name", ways=("owner", "regions")),
    st.just(Value("meta", ("owner",), keys=("color",))),
    st.just(Value("born", ("owner",), part="year")),
)
SORTED = st.one_of(plain_values("num", "flag", "sku"), plain_values("name", "born", ways=("owner",)))


@st.composite
def conditions(draw: st.DrawFn) -> tuple[Condition, ...]:
    """A few conditions on things, single ones and trees."""
    leaves = comparisons("things", VALUES)
    return tuple(draw(st.lists(st.one_of(leaves, trees(leaves)), max_size=2)))


@given(data=st.data())
def test_lists_with_everything(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS, most=5)))
    question = replace(
        Question(data.draw(conditions()), data.draw(orders(SORTED)), data.draw(st.sampled_from([1, 2, 20]))),
        populate=(("owner", "regions"), ("owner", "manager")),
        start=data.draw(st.integers(0, 3)),
    )
    agree(stand, "things", question, data.draw(spellings))


@given(data=st.data())
def test_groups_with_everything(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS, most=5)))
    found = several("things", plain_values("num", "sku", "text"))
    grouping = data.draw(groupings("things", keys_of(SORTED, least=0), found))
    grouping = replace(grouping, base=replace(grouping.base, where=data.draw(conditions())))
    agree(stand, "things", grouping, data.draw(spellings))


@given(rows=rows_of_notes, search=searches, data=st.data())
def test_groups_of_what_words_find(stand: Stand, rows: list[Row], search: Search, data: st.DataObject) -> None:
    stand.write({"notes": rows})
    grouping = data.draw(
        groupings("notes", keys_of(plain_values("year", "title")), several("notes", plain_values("id", "body")))
    )
    agree(stand, "notes", replace(grouping, base=replace(grouping.base, search=search)), data.draw(spellings))


@given(data=st.data())
def test_every_way_to_write_a_question_is_answered_alike(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS, most=4)))
    question = Question(data.draw(conditions()), data.draw(orders(SORTED)), populate=(("owner",),))
    spelling = replace(data.draw(spellings), offset=False)
    forms = [replace(spelling, form=form) for form in ("url", "filters", "body")]
    answers = [ask(stand, "things", question, each) for each in forms]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["data"] == page(stand.world, "things", question)


@given(data=st.data())
def test_pages_put_together_are_the_whole(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS, most=6)))
    question = Question(data.draw(conditions()), data.draw(orders(SORTED)), fields=("sku", "num"))
    size = data.draw(st.integers(1, 4))
    spelling = data.draw(spellings)
    pages = [ask(stand, "things", replace(question, size=size, start=at), spelling) for at in range(0, 7, size)]
    whole = page(stand.world, "things", question)
    assert [row for each in pages for row in each["data"]] == whole
    assert {each["total"] for each in pages} == {len(whole)}


@given(data=st.data())
def test_one_row_is_what_the_list_shows(stand: Stand, data: st.DataObject) -> None:
    rows = data.draw(
        worlds({"regions": ("name",), "people": ("name", "manager_id", "mentor", "country"), "things": ("owner_id",)})
    )
    world = stand.write(rows)
    question = data.draw(populated("people"))
    words = words_of(question, Spelling(), groups_world=(world, "people"))
    asked = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in words.items()}
    for row in world.rows["people"][:2]:
        assert stand.rows("people").get(row["id"], **asked) == answered(world, "people", row, question)


@given(data=st.data())
def test_exports_are_the_rows_of_the_list(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS, most=6)))
    question = Question(data.draw(conditions()), data.draw(orders(SORTED)), populate=(("owner",),))
    pairs = pairs_of(stand.world, "things", question, Spelling("filters"))
    lines = b"".join(stand.rows("things").records.export(pairs, "ndjson")).splitlines()
    assert [read(line) for line in lines] == page(stand.world, "things", question)


LEFT = {"people": ("name",), "things": ("num", "owner_id"), "notes": ("title", "year", "thing_code")}


@given(data=st.data())
def test_a_removal_takes_what_a_list_finds(stand: Stand, data: st.DataObject) -> None:
    world = stand.write(data.draw(worlds(LEFT)))
    values = st.one_of(
        plain_values("title", "year", "id"),
        plain_values("num", ways=("thing_code",)),
        plain_values("name", ways=("thing_code", "owner")),
    )
    condition = data.draw(trees(comparisons("notes", values)))
    found = [row for row in world.rows["notes"] if truth(world, "notes", row, condition) is True]
    spelling = data.draw(spellings)
    deleted = stand.rows("notes").delete_many(filter=dumps(tree([condition], spelling)).decode())
    assert deleted == {"deleted": len(found)}
    left = [row for row in selected(world, "notes", Question(order=(Sort(Value("id")),))) if row not in found]
    assert stand.rows("notes").list(ordering="id")["data"] == left
