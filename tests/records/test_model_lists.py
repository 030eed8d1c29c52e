"""The service agrees with the reference model on order, pages, cursors, totals, fields and populated relations."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.records.agreeing import agree, agree_on_walk, ask
from tests.records.model import Question, Row, Sort, Value, page, selected
from tests.records.model_values import ORDERED_KINDS
from tests.records.questions import comparisons, plain_values, spellings, trees, worlds
from tests.records.worlds import NOTES, PEOPLE, THINGS, Stand

ORDERED = [label for label, kind in THINGS.items() if kind in ORDERED_KINDS and label not in ("owner_id", "maker_id")]
TIES = ("flag", "yr", "num")
PEOPLE_COLUMNS = {"regions": ("name",), "people": ("name", "born", "manager_id", "mentor", "country")}
ALL_COLUMNS = {
    "regions": ("name",),
    "people": ("name", "manager_id", "country"),
    "things": ("num", "owner_id", "maker_id"),
    "notes": ("title", "thing_code", "copy_of"),
}
sizes = st.sampled_from([1, 2, 3, 7, 20])


def orders(values: SearchStrategy[Value], *, most: int = 3) -> SearchStrategy[tuple[Sort, ...]]:
    """A few terms, each value once."""
    terms = st.builds(Sort, values, st.booleans())
    return st.lists(terms, max_size=most, unique_by=lambda term: term.by).map(tuple)


@given(data=st.data())
def test_order_of_every_type(stand: Stand, data: st.DataObject) -> None:
    labels = data.draw(
        st.lists(st.sampled_from([label for label in ORDERED if label != "sku"]), min_size=1, max_size=3, unique=True)
    )
    stand.write(data.draw(worlds({"things": labels})))
    for _ in range(3):
        order = data.draw(orders(plain_values(*labels, "sku")))
        agree(stand, "things", Question(order=order), data.draw(spellings))


@given(data=st.data())
def test_ties_are_broken_by_the_key(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": ("flag", "yr")}, most=8)))
    for _ in range(3):
        order = data.draw(orders(plain_values("flag", "yr", "sku")))
        agree(stand, "things", Question(order=order), data.draw(spellings))


@given(data=st.data())
def test_a_key_of_two_fields_orders(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"regions": ("name", "area")})))
    order = data.draw(orders(plain_values("country", "code", "name", "area")))
    agree(stand, "regions", Question(order=order), data.draw(spellings))
    agree_on_walk(stand, "regions", Question(order=order), data.draw(spellings), data.draw(sizes))


NEAR = st.one_of(
    plain_values("name", "born", "id"),
    plain_values("name", "born", ways=("manager",)),
    plain_values("name", ways=("mentor", "manager")),
    plain_values("name", "country", ways=("regions",)),
)


@given(data=st.data())
def test_order_through_parents(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(PEOPLE_COLUMNS)))
    for _ in range(2):
        agree(stand, "people", Question(order=data.draw(orders(NEAR))), data.draw(spellings))


@given(data=st.data())
def test_pages_and_totals(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": TIES}, most=8)))
    for _ in range(3):
        where = data.draw(st.lists(comparisons("things", plain_values(*TIES)), max_size=2).map(tuple))
        order = data.draw(orders(plain_values(*TIES)))
        size, start = data.draw(sizes), data.draw(st.integers(0, 9))
        agree(stand, "things", Question(where, order, size, start), data.draw(spellings))


@given(data=st.data())
def test_cursors_give_every_row_once(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": TIES}, most=8)))
    where = data.draw(st.lists(comparisons("things", plain_values(*TIES)), max_size=1).map(tuple))
    question = Question(where, data.draw(orders(plain_values(*TIES, "sku"))))
    agree_on_walk(stand, "things", question, data.draw(spellings), data.draw(sizes))


@given(data=st.data())
def test_cursors_over_every_type(stand: Stand, data: st.DataObject) -> None:
    label = data.draw(st.sampled_from([label for label in ORDERED if label != "sku"]))
    stand.write(data.draw(worlds({"things": (label,)}, most=8)))
    question = Question(order=(Sort(Value(label), data.draw(st.booleans())),))
    agree_on_walk(stand, "things", question, data.draw(spellings), data.draw(sizes))


@given(data=st.data())
def test_cursors_through_parents(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(PEOPLE_COLUMNS)))
    agree_on_walk(stand, "people", Question(order=data.draw(orders(NEAR))), data.draw(spellings), data.draw(sizes))


@given(data=st.data())
def test_pages_by_cursor_may_change_their_size(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": ("num",)}, most=8)))
    question = Question(order=(Sort(Value("num"), data.draw(st.booleans())),), fields=("sku",))
    seen: list[Row] = []
    cursor: str | None = ""
    while cursor is not None:
        spelling = replace(data.draw(spellings), form="url", offset=False)
        answer = ask(stand, "things", question, spelling, cursor=cursor, page_size=str(data.draw(sizes)))
        seen += answer["data"]
        cursor = answer["next_cursor"]
    assert seen == page(stand.world, "things", question)


@given(data=st.data())
def test_totals_that_are_not_counted(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": TIES}, most=8)))
    where = data.draw(st.lists(comparisons("things", plain_values(*TIES)), max_size=2).map(tuple))
    question = Question(where, size=data.draw(sizes), start=data.draw(st.integers(0, 5)))
    spelling = data.draw(spellings)
    rows, total = page(stand.world, "things", question), len(selected(stand.world, "things", question))
    assert (answer := ask(stand, "things", question, spelling, _count="none"))["total"] is None
    assert answer["data"] == rows
    estimated = ask(stand, "things", question, spelling, _count="estimated")
    assert estimated["data"] == rows
    if not where or 0 < len(rows) < question.size:
        assert estimated["total"] == total
    assert isinstance(estimated["total"], int)
    assert estimated["total"] >= len(rows)


@given(data=st.data())
def test_chosen_fields(stand: Stand, data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.sampled_from(list(THINGS)[1:-2]), max_size=3, unique=True))
    stand.write(data.draw(worlds({"things": labels}, most=3)))
    names = data.draw(st.lists(st.sampled_from([*labels, "sku", "owner_id"]), min_size=1, unique=True))
    agree(stand, "things", Question(fields=tuple(names)), data.draw(spellings))


PATHS = {
    "people": [
        *(("manager",), ("mentor",), ("regions",), ("reports",), ("pupils",), ("things",), ("makes",)),
        *(("manager", "manager"), ("manager", "reports"), ("reports", "things"), ("regions", "people")),
        *(("manager", "mentor", "regions"), ("reports", "reports", "manager"), ("things", "made by", "manager")),
    ],
    "things": [
        *(("owner",), ("made by",), ("owner", "manager"), ("owner", "regions"), ("owner", "reports")),
        *(("owner", "manager", "regions"), ("notes.thing_code",), ("notes.copy_of",), ("notes.copy_of", "thing_code")),
    ],
    "notes": [("thing_code",), ("copy_of",), ("thing_code", "owner"), ("copy_of", "made by", "manager")],
    "regions": [("people",), ("people", "manager"), ("people", "things", "owner")],
}


def populated(table: str) -> SearchStrategy[Question]:
    """Questions with a few relations populated, some of them in fewer rows than there are."""
    paths = st.lists(st.sampled_from(PATHS[table]), min_size=1, max_size=3, unique=True).map(tuple)
    return st.builds(Question, populate=paths, populate_limit=st.sampled_from([1, 2, 5]))


@given(data=st.data())
def test_populated_parents_and_children(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(PEOPLE_COLUMNS, most=4)))
    for question in data.draw(st.lists(populated("people"), min_size=1, max_size=2)):
        agree(stand, "people", question, data.draw(spellings))


@given(data=st.data())
def test_populated_relations_of_four_tables(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(ALL_COLUMNS, most=4)))
    table = data.draw(st.sampled_from(list(PATHS)))
    agree(stand, table, data.draw(populated(table)), data.draw(spellings))


@given(data=st.data())
def test_populate_star_is_every_foreign_key(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(ALL_COLUMNS, most=4)))
    table, ways = data.draw(
        st.sampled_from(
            [
                ("people", ("manager", "mentor", "regions")),
                ("things", ("owner", "made by")),
                ("notes", ("thing_code", "copy_of")),
            ]
        )
    )
    expected = page(stand.world, table, Question(populate=tuple((way,) for way in ways)))
    assert stand.rows(table).list(populate="*")["data"] == expected


@given(data=st.data())
def test_populated_pages_with_chosen_fields(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(PEOPLE_COLUMNS, most=5)))
    question = data.draw(populated("people"))
    names = data.draw(st.lists(st.sampled_from(list(PEOPLE)), min_size=1, max_size=4, unique=True).map(tuple))
    question = replace(question, fields=names, order=data.draw(orders(NEAR)), size=data.draw(sizes))
    agree(stand, "people", question, data.draw(spellings))
    agree_on_walk(stand, "people", question, data.draw(spellings), data.draw(sizes))


ODD = ("Unit Price", "a__b", "page", "a.b", "año", "x,y", 'say "hi"', "year", "contains")


@given(data=st.data())
def test_odd_labels_filter_order_and_choose(stand: Stand, data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.sampled_from(ODD), min_size=1, max_size=4, unique=True))
    stand.write(data.draw(worlds({"notes": labels}, most=4)))
    where = data.draw(st.lists(comparisons("notes", plain_values(*labels)), max_size=3).map(tuple))
    question = Question(where, data.draw(orders(plain_values(*labels))), fields=(*labels, "id"))
    agree(stand, "notes", question, data.draw(spellings))


@given(data=st.data())
def test_a_label_is_taken_before_a_path(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"notes": ("a", "a__b", "año")}, most=4)))
    values = st.sampled_from(
        [Value("a", keys=("color",)), Value("a", keys=("b",)), Value("a__b"), Value("año", part="year")]
    )
    for asked in data.draw(st.lists(comparisons("notes", values), min_size=1, max_size=4)):
        agree(stand, "notes", Question((asked,)), data.draw(spellings))


@given(data=st.data())
def test_whole_rows_of_every_type(stand: Stand, data: st.DataObject) -> None:
    labels = list(THINGS)[1:-2]
    stand.write(data.draw(worlds({"things": labels}, most=2)))
    agree(stand, "things", Question(), data.draw(spellings))


@given(data=st.data())
def test_everything_a_list_takes_at_once(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(ALL_COLUMNS, most=5)))
    values = st.one_of(
        plain_values("name", "id"),
        plain_values("name", ways=("manager",)),
        plain_values("num", "sku", ways=("things",)),
    )
    leaves = comparisons("people", values)
    question = replace(
        data.draw(populated("people")),
        where=tuple(data.draw(st.lists(st.one_of(leaves, trees(leaves)), max_size=2))),
        order=data.draw(orders(plain_values("name", "id", "country"))),
        size=data.draw(sizes),
        start=data.draw(st.integers(0, 3)),
    )
    agree(stand, "people", question, data.draw(spellings))


assert {"a__b", "a"} < set(NOTES)
