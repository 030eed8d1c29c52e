"""Wrong orders, pages, cursors, paths and groups get the refusal that the contract gives them."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.jsontext import dumps
from tests.records.model_values import NUMBER_KINDS, ORDERED_KINDS, TEXT_KINDS
from tests.records.refusing import Pair, innocent, refused, refused_tree, typos
from tests.records.worlds import PEOPLE, THINGS, Stand


@given(
    value=st.sampled_from(["0", "-1", "1001", "x", "", "1.5", " 1", "٣", "1e2", "9" * 30]),
    word=st.sampled_from(["page_size", "limit"]),
    beside=innocent,
)
def test_sizes_of_pages_that_cannot_be(stand: Stand, value: str, word: str, beside: list[Pair]) -> None:
    assert refused(stand, [*beside, (word, value)]) == "invalid_pagination"


@given(
    one=st.sampled_from([("page", "1"), ("page_size", "5")]),
    other=st.sampled_from([("limit", "5"), ("offset", "0")]),
    beside=innocent,
)
def test_ways_of_paging_do_not_mix(stand: Stand, one: Pair, other: Pair, beside: list[Pair]) -> None:
    assert refused(stand, [*beside, one, other]) == "invalid_pagination"
    if one[0] == "page":
        assert refused(stand, [one, ("cursor", "")]) == "invalid_pagination"
    assert refused(stand, [other, ("cursor", "")]) == "invalid_pagination"


UNORDERED = [label for label, kind in THINGS.items() if kind not in ORDERED_KINDS]


@given(
    term=st.one_of(
        typos,
        st.sampled_from(UNORDERED),
        st.sampled_from(["", "-", "--sku", "rank", "owner.reports.name", "text__gt", "obj__size", "at__year", "sku,"]),
    ),
    sign=st.sampled_from(["", "-"]),
)
def test_orders_that_cannot_be(stand: Stand, term: str, sign: str) -> None:
    assert refused(stand, [("ordering", sign + term)]) == "invalid_ordering"
    assert refused(stand, [("ordering", f"whole,{sign}{term}")]) == "invalid_ordering"


@given(label=st.sampled_from(["sku", "whole", "at"]), signs=st.tuples(*[st.sampled_from(["", "-"])] * 2))
def test_nothing_orders_twice(stand: Stand, label: str, signs: tuple[str, str]) -> None:
    assert refused(stand, [("ordering", f"{signs[0]}{label},{signs[1]}{label}")]) == "invalid_ordering"


@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), beside=innocent)
def test_cursors_that_were_not_made_here(stand: Stand, text: str, beside: list[Pair]) -> None:
    beside = [pair for pair in beside if pair[0] != "_count"]
    assert refused(stand, [*beside, ("cursor", text)]) == "invalid_cursor"


@given(
    first=st.sampled_from(["whole", "-whole", "text", "sku", "-sku", "whole,text", "owner.name"]),
    second=st.sampled_from(["whole", "-whole", "text", "sku", "-sku", "whole,text", "owner.name"]),
    wheres=st.lists(st.sampled_from(["0", "1", "2"]), min_size=2, max_size=2),
)
def test_a_cursor_is_bound_to_its_question(stand: Stand, first: str, second: str, wheres: list[str]) -> None:
    if not stand.world.rows["things"] or len(stand.world.rows["things"]) < 4:
        stand.write({"things": [{"sku": str(at), "whole": 5} for at in range(5)]})
    rows = stand.rows("things")
    answer = rows.list(ordering=first, cursor="", page_size="1", whole__gt=wheres[0])
    if answer["next_cursor"] is None:
        stand.write({"things": [{"sku": str(at), "whole": 5} for at in range(5)]})
        answer = rows.list(ordering=first, cursor="", page_size="1", whole__gt=wheres[0])
    again = [("ordering", second), ("cursor", answer["next_cursor"]), ("whole__gt", wheres[1])]
    if first == second and wheres[0] == wheres[1]:
        assert rows.ask(*again)["data"]
    else:
        assert refused(stand, again) == "invalid_cursor"


@given(
    depth=st.integers(4, 6),
    step=st.sampled_from(["manager", "mentor", "reports", "pupils"]),
    label=st.sampled_from(list(PEOPLE)),
)
def test_paths_that_go_too_far(stand: Stand, depth: int, step: str, label: str) -> None:
    path = ".".join([step] * depth)
    assert refused(stand, [(f"{path}.{label}", "1")], table="people") == "query_too_complex"
    assert refused(stand, [("populate", path)], table="people") == "query_too_complex"


PATHS = ["manager", "mentor", "reports", "pupils", "regions", "things", "makes", "manager.manager", "reports.reports"]


@given(paths=st.lists(st.sampled_from(PATHS), min_size=6, max_size=8, unique=True), either=st.booleans())
def test_too_many_different_paths(stand: Stand, paths: list[str], either: bool) -> None:
    ends = {"things": "sku", "makes": "sku"}
    pairs = [(f"{path}.{ends.get(path, 'name')}", "1") for path in paths]
    if either:
        tree = {"or": [{name: value} for name, value in pairs]}
        pairs = [("filters", dumps(tree).decode())]
    assert refused(stand, pairs, table="people") == "query_too_complex"


@given(number=st.integers(51, 120), as_tree=st.booleans())
def test_too_many_filters(stand: Stand, number: int, as_tree: bool) -> None:
    if as_tree:
        assert refused_tree(stand, {"or": [{"whole": at} for at in range(number)]}) == "query_too_complex"
    else:
        assert refused(stand, [("whole", "1")] * number) == "query_too_complex"


@given(
    tree=st.sampled_from(
        [{}, [], {"and": []}, {"or": {}}, {"or": 1}, {"not": []}, {"not": {}}, [1], [{"field": "text"}], {"and": [1]}]
    )
)
def test_trees_that_say_nothing(stand: Stand, tree: Any) -> None:
    assert refused_tree(stand, {"and": [{"whole": 1}, tree]}) == "invalid_filter"


def unsummed() -> list[str]:
    """Aggregates of fields whose type they do not take."""
    takes: dict[tuple[str, ...], Collection[str]] = {
        ("sum", "avg", "stddev", "variance"): NUMBER_KINDS,
        ("min", "max"): ORDERED_KINDS,
        ("string_agg",): TEXT_KINDS,
    }
    unfit = {names: [label for label in THINGS if THINGS[label] not in kinds] for names, kinds in takes.items()}
    return [f"{name}({label})" for names, labels in unfit.items() for name in names for label in labels]


BROKEN = [
    *("", "count", "count(", "count()", "sum(*)", "nope(whole)", "sum(whole) as", "sum(whole) as 1a"),
    "sum(sum(whole))",
    *("date_trunc('eon',at)", "count(date_trunc('eon',at))", "count(date_trunc('day',whole))", "count(hour(day))"),
    *("count(date_trunc('day',at,'Nowhere/Else'))", "sum(whole);", "sum(owner.things.num)", "sum(whole__gt)"),
]


@given(term=st.sampled_from([*unsummed(), *BROKEN]), beside=innocent)
def test_aggregates_that_cannot_be(stand: Stand, term: str, beside: list[Pair]) -> None:
    assert refused(stand, [*beside, ("_aggregate", term)]) == "invalid_aggregate"
    assert refused(stand, [("_aggregate", f"count(*),{term}"), ("_group_by", "flag")]) == "invalid_aggregate"


@given(
    term=st.one_of(
        typos,
        st.sampled_from([label for label, kind in THINGS.items() if kind not in ORDERED_KINDS and kind != "any"]),
        st.sampled_from(["count(*)", "owner.things.num", "hour(day)", "year(whole)", "date_trunc('hour',day)"]),
        st.sampled_from(["*", ""]),
    )
)
def test_groups_that_cannot_be(stand: Stand, term: str) -> None:
    assert refused(stand, [("_group_by", term)]) == "invalid_aggregate"


@given(name=typos, label=st.sampled_from(["flag", "yr", "whole"]))
def test_names_of_groups_that_are_not_there(stand: Stand, name: str, label: str) -> None:
    grouped = [("_group_by", label), ("_aggregate", "sum(num)")]
    assert refused(stand, [*grouped, ("_having", f"{name}__gt=1")]) == "invalid_aggregate"
    assert refused(stand, [*grouped, ("ordering", name)]) == "invalid_ordering"
    assert refused(stand, [*grouped, ("ordering", "sku")]) == "invalid_ordering"
    assert refused(stand, [*grouped, ("_aggregate", "count(*)")]) == "invalid_parameter"
    assert refused(stand, [("_group_by", f"{label},{label}")]) == "invalid_aggregate"


@given(word=st.sampled_from([("fields", "sku"), ("populate", "owner"), ("cursor", ""), ("_meta", "true")]))
def test_words_of_rows_do_not_go_with_groups(stand: Stand, word: Pair) -> None:
    assert refused(stand, [("_group_by", "flag"), word]) == "invalid_parameter"
    assert refused(stand, [("_aggregate", "count(*)"), word]) == "invalid_parameter"


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        (("_aggregate", ",".join(f"sum(whole) as a{at}" for at in range(21))), "query_too_complex"),
        (("_group_by", ",".join(f"flag as a{at}" for at in range(11))), "query_too_complex"),
        (("ordering", ",".join(list(THINGS)[:11])), "invalid_ordering"),
        (("populate", ",".join(f"owner{at}" for at in range(51))), "query_too_complex"),
    ],
)
@given(beside=innocent)
def test_too_many_terms(stand: Stand, pair: Pair, code: str, beside: list[Pair]) -> None:
    assert refused(stand, [*beside, pair]) == code
