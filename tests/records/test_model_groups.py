"""The service agrees with the reference model on aggregates, groups, having, their order and their pages."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.records.agreeing import agree
from tests.records.model import Is, Question, Sort, Value, kind_of
from tests.records.model_groups import ARRAYS, Aggregate, Grouping, Key, kinds_of
from tests.records.model_values import NUMBER_KINDS, ORDERED_KINDS, TEXT_KINDS
from tests.records.questions import (
    EQUALITY,
    NOWHERE,
    NULLS,
    ORDER,
    comparisons,
    operands,
    plain_values,
    spellings,
    worlds,
)
from tests.records.spelling import plain_name
from tests.records.worlds import THINGS, Stand

NUMBERS = ("sum", "avg", "stddev", "variance")
LABEL_OF = {kind: label for label, kind in THINGS.items() if label not in ("sku", "owner_id", "maker_id")}
MIXED = ("text", "whole", "num", "flag", "day", "yr")
ZONES = ("", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")


def functions_of(kind: str) -> tuple[str, ...]:
    """The functions that take values of a kind."""
    return (
        *("count", "array_agg", "json_agg"),
        *(NUMBERS if kind in NUMBER_KINDS else ()),
        *(("min", "max") if kind in ORDERED_KINDS else ()),
        *(("string_agg",) if kind in TEXT_KINDS else ()),
    )


@st.composite
def aggregates(draw: st.DrawFn, table: str, values: SearchStrategy[Value], functions: Sequence[str] = ()) -> Aggregate:
    """One function of one of these values, or ``count(*)``."""
    if not functions and not draw(st.integers(0, 5)):
        return Aggregate("count", "count")
    value = draw(values)
    kind = kind_of(NOWHERE, table, value)
    function = draw(st.sampled_from(tuple(functions) or functions_of(kind)))
    distinct = kind in ORDERED_KINDS and draw(st.booleans())
    name = f"{function}_{'distinct_' * distinct}{plain_name(value)}"
    return Aggregate(name, function, value, distinct)


def several(
    table: str, values: SearchStrategy[Value], functions: Sequence[str] = ()
) -> SearchStrategy[tuple[Aggregate, ...]]:
    """A few aggregates, some with aliases."""
    found = st.lists(aggregates(table, values, functions), min_size=1, max_size=4, unique_by=lambda each: each.name)
    named = st.tuples(found, st.lists(st.booleans(), min_size=4, max_size=4))
    return named.map(
        lambda pair: tuple(replace(each, name=f"n{at}") if pair[1][at] else each for at, each in enumerate(pair[0]))
    )


def keys_of(values: SearchStrategy[Value], *, least: int = 1, most: int = 2) -> SearchStrategy[tuple[Key, ...]]:
    """A few values to group by."""
    keys = values.map(lambda value: Key(plain_name(value), value))
    return st.lists(keys, min_size=least, max_size=most, unique_by=lambda key: key.name).map(tuple)


@st.composite
def groupings(
    draw: st.DrawFn, table: str, keys: SearchStrategy[tuple[Key, ...]], found: SearchStrategy[tuple[Aggregate, ...]]
) -> Grouping:
    """Groups with an order of their own sometimes, and a condition on them sometimes."""
    plain = Grouping(Question(), draw(keys), draw(found))
    kinds = {name: kind for name, kind in kinds_of(NOWHERE, table, plain).items() if not kind.startswith("[")}
    names = [name for name in kinds if name.replace("_", "").isalnum()]
    if not names:
        return plain
    order = (
        []
        if not plain.keys
        else draw(
            st.lists(st.builds(Sort, st.sampled_from(names), st.booleans()), max_size=2, unique_by=lambda s: s.by)
        )
    )
    having = []
    if draw(st.booleans()):
        name = draw(st.sampled_from(names))
        operator = draw(st.sampled_from([*EQUALITY, *ORDER, *NULLS]))
        having = [Is(Value(name), operator, draw(operands(kinds[name], operator)))]
    base = Question((), tuple(order), draw(st.sampled_from([1, 3, 20])), draw(st.integers(0, 3)) if plain.keys else 0)
    return replace(plain, base=base, having=tuple(having))


@pytest.mark.parametrize("kind", ["integer", "number", "year"])
@given(data=st.data())
def test_numbers_are_exact_or_have_15_digits(stand: Stand, kind: str, data: st.DataObject) -> None:
    label = LABEL_OF[kind]
    stand.write(data.draw(worlds({"things": (label,)}, most=7)))
    found = data.draw(several("things", plain_values(label), NUMBERS))
    agree(stand, "things", Grouping(Question(), (), found), data.draw(spellings))


@pytest.mark.parametrize("kind", ORDERED_KINDS)
@given(data=st.data())
def test_groups_and_aggregates_of_every_type(stand: Stand, kind: str, data: st.DataObject) -> None:
    label = LABEL_OF[kind]
    stand.write(data.draw(worlds({"things": (label, "flag")}, most=7)))
    asked = groupings("things", keys_of(plain_values("flag", label), least=0), several("things", plain_values(label)))
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_arrays_of_values_without_order(stand: Stand, data: st.DataObject) -> None:
    labels = ("obj", "arr", "lst", "anything", "geo", "raw", "point")
    label = data.draw(st.sampled_from(labels))
    stand.write(data.draw(worlds({"things": (label, "flag")}, most=5)))
    values = plain_values(label)
    asked = groupings(
        "things", keys_of(plain_values("flag"), least=0), several("things", values, ["count", *sorted(ARRAYS)])
    )
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_groups_by_several_keys(stand: Stand, data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.sampled_from(MIXED), min_size=2, max_size=4, unique=True))
    stand.write(data.draw(worlds({"things": labels}, most=8)))
    values = plain_values(*labels)
    asked = groupings("things", keys_of(values, most=3), several("things", values))
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_keys_without_aggregates_are_listed_once(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": ("flag", "yr")}, most=8)))
    asked = groupings("things", keys_of(plain_values("flag", "yr", "sku")), st.just(()))
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_groups_by_parts(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": ("at", "day")}, most=8)))
    parts = ["year", "month", "day", "week_day", "hour", "date"]
    values = st.one_of(
        st.builds(Value, st.just("at"), part=st.sampled_from(parts)),
        st.builds(Value, st.just("day"), part=st.sampled_from(parts[:4])),
    )
    asked = groupings("things", keys_of(values), several("things", values, ["count", "min", "max", "array_agg"]))
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_groups_by_truncated_days(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": ("at", "day")}, most=8)))
    units = ["year", "quarter", "month", "week", "day", "hour", "minute"]
    values = st.one_of(
        st.builds(Value, st.just("at"), unit=st.sampled_from(units)),
        st.builds(Value, st.just("day"), unit=st.sampled_from(units[:5])),
    )
    asked = groupings("things", keys_of(values), several("things", values, ["count", "min", "max"]))
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_groups_by_truncated_instants_of_a_zone(stand: Stand, data: st.DataObject) -> None:
    rows = data.draw(worlds({"things": ("at",)}, most=8))
    for row in rows["things"]:
        if row["at"] is not None and row["at"][:2] not in ("19", "20"):
            row["at"] = None  # the first and last days leave Python's years in a zone
    stand.write(rows)
    units = ["year", "quarter", "month", "week", "day", "hour", "minute"]
    values = st.builds(Value, st.just("at"), unit=st.sampled_from(units), zone=st.sampled_from(ZONES))
    asked = groupings("things", keys_of(values, most=1), several("things", values, ["count", "min", "max"]))
    agree(stand, "things", data.draw(asked), data.draw(spellings))


COLUMNS = {
    "regions": ("name",),
    "people": ("name", "height", "manager_id", "country"),
    "things": ("num", "flag", "owner_id", "maker_id"),
}
RELATED = st.one_of(
    plain_values("flag"),
    plain_values("name", "height", ways=("owner",)),
    plain_values("name", ways=("made by",)),
    plain_values("name", "area", ways=("owner", "regions")),
    plain_values("name", ways=("owner", "manager")),
)


@given(data=st.data())
def test_groups_and_aggregates_of_parents(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS)))
    values = st.one_of(plain_values("num", "sku"), plain_values("height", "name", "id", ways=("owner",)))
    asked = groupings("things", keys_of(RELATED), several("things", values))
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_having_of_every_function(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": ("yr", "num", "text")}, most=8)))
    asked = groupings(
        "things", keys_of(plain_values("yr"), most=1), several("things", plain_values("num", "text", "yr"))
    )
    for grouping in data.draw(st.lists(asked, min_size=1, max_size=2)):
        agree(stand, "things", grouping, data.draw(spellings))


@given(data=st.data())
def test_values_inside_json_are_aggregated(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": ("obj", "flag")}, most=6)))
    keys = st.sampled_from([("size",), ("color",), ("deep", "size")])
    found = st.builds(
        lambda function, path: (Aggregate("n", function, Value("obj", keys=path)),),
        st.sampled_from([*NUMBERS, "min", "max", "count", "string_agg", "array_agg", "json_agg"]),
        keys,
    )
    asked = groupings("things", keys_of(plain_values("flag"), least=0), found)
    agree(stand, "things", data.draw(asked), data.draw(spellings))


@given(data=st.data())
def test_groups_of_what_is_filtered(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS)))
    paths = st.one_of(plain_values("num", "flag"), plain_values("name", ways=("owner",)))
    where = data.draw(st.lists(comparisons("things", paths), min_size=1, max_size=2).map(tuple))
    grouping = data.draw(groupings("things", keys_of(RELATED, least=0, most=1), several("things", plain_values("num"))))
    grouping = replace(grouping, base=replace(grouping.base, where=where))
    agree(stand, "things", grouping, data.draw(spellings))


@given(data=st.data())
def test_odd_labels_are_grouped_and_aggregated(stand: Stand, data: st.DataObject) -> None:
    odd = ("Unit Price", "a__b", "page", "a.b", "año", "x,y", "year", "contains")
    labels = data.draw(st.lists(st.sampled_from(odd), min_size=1, max_size=3, unique=True))
    stand.write(data.draw(worlds({"notes": labels})))
    found = several("notes", plain_values(*labels)).map(
        lambda each: tuple(replace(one, name=f"n{at}") for at, one in enumerate(each))
    )
    asked = groupings("notes", keys_of(plain_values(*labels)), found)
    agree(stand, "notes", data.draw(asked), data.draw(spellings))
