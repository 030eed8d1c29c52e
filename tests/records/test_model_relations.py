"""The service agrees with the reference model on paths through relations: parents, children, both, up to three hops."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.records.agreeing import agree, agree_found
from tests.records.engine import CROSSING, LAYOUTS
from tests.records.model import Question, Value
from tests.records.questions import EQUALITY, NULLS, ORDER, TEXT, comparisons, plain_values, spellings, trees, worlds
from tests.records.worlds import Stand, stand_on


@pytest.fixture(scope="module", params=[*LAYOUTS, *CROSSING])
def stand(database_url: str, request: pytest.FixtureRequest) -> Iterator[Stand]:
    """The tables of the worlds, also with every second one in another store."""
    with stand_on(database_url, request.param) as stand:
        yield stand


FAMILY = {"people": ("name", "manager_id", "mentor", "born")}
PLACES = {"regions": ("name", "area"), "people": ("country", "name")}
OWNED = {"people": ("name", "height", "manager_id"), "things": ("num", "owner_id", "maker_id")}
NOTED = {
    "people": ("name", "manager_id"),
    "things": ("whole", "owner_id"),
    "notes": ("title", "year", "thing_code", "copy_of"),
}
Columns = Mapping[str, Sequence[str]]


def ends(*paths: tuple[str, Sequence[str]]) -> SearchStrategy[Value]:
    """Values at the end of paths; each path is written with slashes between its relations."""
    return st.one_of([plain_values(*labels, ways=tuple(path.split("/")) if path else ()) for path, labels in paths])


def check(stand: Stand, data: st.DataObject, columns: Columns, table: str, values: SearchStrategy[Value]) -> None:
    """A world of these columns, and a few comparisons of these values."""
    stand.write(data.draw(worlds(columns)))
    for asked in data.draw(st.lists(comparisons(table, values), min_size=1, max_size=3)):
        agree_found(stand, table, Question((asked,)), data.draw(spellings))


@given(data=st.data())
def test_parents(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, FAMILY, "people", ends(("manager", ["name", "born", "id"]), ("mentor", ["name", "mentor"])))


@given(data=st.data())
def test_grandparents(stand: Stand, data: st.DataObject) -> None:
    paths = [("manager/manager", ["name", "id"]), ("manager/mentor/manager", ["name", "born"])]
    check(stand, data, FAMILY, "people", ends(*paths))


@given(data=st.data())
def test_parents_by_a_key_of_two_fields(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, PLACES, "people", ends(("regions", ["name", "area", "country", "code"])))


@given(data=st.data())
def test_children_by_a_key_of_two_fields(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, PLACES, "regions", ends(("people", ["name", "id", "code"])))


@given(data=st.data())
def test_children(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, FAMILY, "people", ends(("reports", ["name", "born", "id"]), ("pupils", ["name"])))


@given(data=st.data())
def test_children_of_children(stand: Stand, data: st.DataObject) -> None:
    paths = [("reports/reports", ["name", "id"]), ("reports/pupils/reports", ["name"])]
    check(stand, data, FAMILY, "people", ends(*paths))


@given(data=st.data())
def test_children_of_parents_and_parents_of_children(stand: Stand, data: st.DataObject) -> None:
    paths = [("manager/reports", ["name"]), ("reports/mentor", ["name", "id"]), ("mentor/pupils/manager", ["name"])]
    check(stand, data, FAMILY, "people", ends(*paths))


@given(data=st.data())
def test_two_relations_to_one_table(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, OWNED, "things", ends(("owner", ["name"]), ("made by", ["name", "height"]), ("", ["num"])))


@given(data=st.data())
def test_two_relations_from_one_table(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, OWNED, "people", ends(("things", ["num", "sku"]), ("makes", ["num"]), ("makes/owner", ["name"])))


@given(data=st.data())
def test_children_named_by_table_and_field(stand: Stand, data: st.DataObject) -> None:
    paths = [("notes.thing_code", ["title", "year"]), ("notes.copy_of", ["title", "id"])]
    check(stand, data, NOTED, "things", ends(*paths))


@given(data=st.data())
def test_three_tables_away(stand: Stand, data: st.DataObject) -> None:
    paths = [
        ("thing_code/owner", ["name"]),
        ("copy_of/owner/manager", ["name"]),
        ("thing_code/notes.copy_of", ["title"]),
    ]
    check(stand, data, NOTED, "notes", ends(*paths))


@given(data=st.data())
def test_json_keys_and_parts_behind_relations(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"people": ("manager_id", "born", "meta")})))
    ways = st.sampled_from([("manager",), ("reports",)])
    values = st.one_of(
        st.builds(Value, st.just("meta"), ways, keys=st.sampled_from([("color",), ("size",), ("deep", "size")])),
        st.builds(Value, st.just("born"), ways, part=st.sampled_from(["year", "month", "week_day"])),
        st.builds(Value, st.just("meta"), ways),
    )
    for asked in data.draw(st.lists(comparisons("people", values), min_size=1, max_size=3)):
        agree_found(stand, "people", Question((asked,)), data.draw(spellings))


BRANCHES = ends(
    ("manager", ["name", "id"]), ("reports", ["name"]), ("mentor/reports", ["born"]), ("", ["name", "born"])
)


@given(data=st.data())
def test_trees_over_relations(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(FAMILY)))
    leaves = comparisons("people", BRANCHES, [*EQUALITY, *NULLS, "gt"])
    for tree in data.draw(st.lists(trees(leaves), min_size=1, max_size=3)):
        agree_found(stand, "people", Question((tree,)), data.draw(spellings))


@given(data=st.data())
def test_each_comparison_speaks_of_a_row_of_its_own(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(NOTED)))
    values = ends(("notes.thing_code", ["title", "year", "id"]))
    asked = data.draw(st.lists(comparisons("things", values), min_size=2, max_size=4))
    agree_found(stand, "things", Question(tuple(asked)), data.draw(spellings))


@given(data=st.data())
def test_texts_behind_relations(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(NOTED)))
    values = ends(("owner", ["name"]), ("notes.copy_of", ["title"]))
    for asked in data.draw(st.lists(comparisons("things", values, TEXT), min_size=1, max_size=3)):
        agree_found(stand, "things", Question((asked,)), data.draw(spellings))


@given(data=st.data())
def test_whole_rows_found_through_relations(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(PLACES | {"things": ("num", "owner_id")})))
    values = ends(("owner/regions", ["name", "area"]), ("owner", ["name"]))
    asked = data.draw(comparisons("things", values, [*EQUALITY, *ORDER[:4]]))
    agree(stand, "things", Question((asked,)), data.draw(spellings))
