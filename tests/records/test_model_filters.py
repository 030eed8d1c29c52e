"""The service agrees with the reference model on every operator of every type, and on trees of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.agreeing import agree_found
from tests.records.model import Question, Value
from tests.records.model_values import ORDERED_KINDS, TEXT_KINDS
from tests.records.questions import (
    CONTENTS,
    EQUALITY,
    JSON_LABELS,
    KEYS,
    NULLS,
    ORDER,
    TEXT,
    comparisons,
    plain_values,
    spellings,
    trees,
    worlds,
)
from tests.records.worlds import THINGS, Stand

LABEL_OF = {kind: label for label, kind in THINGS.items() if label not in ("sku", "owner_id", "maker_id")}
PARTS_OF = {"day": ("year", "month", "day", "week_day"), "at": ("year", "month", "day", "week_day", "hour", "date")}


def check(
    stand: Stand, data: st.DataObject, labels: tuple[str, ...], values: "st.SearchStrategy[Value]", *words: str
) -> None:
    """A world with these columns of things, and a few comparisons asked one by one."""
    stand.write(data.draw(worlds({"things": labels})))
    for asked in data.draw(st.lists(comparisons("things", values, words), min_size=1, max_size=4)):
        agree_found(stand, "things", Question((asked,)), data.draw(spellings))


@pytest.mark.parametrize("kind", ORDERED_KINDS)
@given(data=st.data())
def test_comparisons(stand: Stand, kind: str, data: st.DataObject) -> None:
    check(stand, data, (LABEL_OF[kind],), plain_values(LABEL_OF[kind]), *EQUALITY, *ORDER)


@given(data=st.data())
def test_bytes_are_equal_or_not(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, ("raw",), plain_values("raw"), *EQUALITY)


@given(data=st.data())
def test_nulls_of_every_type(stand: Stand, data: st.DataObject) -> None:
    label = data.draw(st.sampled_from([label for label in THINGS if label not in ("sku", "owner_id", "maker_id")]))
    check(stand, data, (label,), plain_values(label), *NULLS)


@pytest.mark.parametrize("kind", sorted(TEXT_KINDS))
@given(data=st.data())
def test_pieces_of_texts(stand: Stand, kind: str, data: st.DataObject) -> None:
    words = [word for word in TEXT if "like" not in word and not word.lstrip("n").startswith("i")]
    check(stand, data, (LABEL_OF[kind],), plain_values(LABEL_OF[kind]), *words)


@pytest.mark.parametrize("kind", sorted(TEXT_KINDS))
@given(data=st.data())
def test_texts_whatever_the_case(stand: Stand, kind: str, data: st.DataObject) -> None:
    words = [word for word in TEXT if "like" not in word and word.lstrip("n").startswith("i")]
    check(stand, data, (LABEL_OF[kind],), plain_values(LABEL_OF[kind]), *words)


@given(data=st.data())
def test_patterns_of_like(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, ("text",), plain_values("text"), "like", "ilike")


@pytest.mark.parametrize(("label", "part"), [(label, part) for label, parts in PARTS_OF.items() for part in parts])
@given(data=st.data())
def test_parts(stand: Stand, label: str, part: str, data: st.DataObject) -> None:
    check(stand, data, (label,), st.just(Value(label, part=part)), *EQUALITY, *ORDER, *NULLS)


@pytest.mark.parametrize("label", JSON_LABELS)
@given(data=st.data())
def test_contents_of_json(stand: Stand, label: str, data: st.DataObject) -> None:
    check(stand, data, (label,), plain_values(label), *CONTENTS)


def keyed_values(*labels: str) -> "st.SearchStrategy[Value]":
    """A value one or two keys into a JSON field."""
    keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2).map(tuple)
    return st.builds(Value, st.sampled_from(labels), keys=keys)


@pytest.mark.parametrize(
    "words", [EQUALITY, ORDER, NULLS, TEXT, CONTENTS], ids=["equality", "order", "nulls", "text", "contents"]
)
@given(data=st.data())
def test_paths_into_objects(stand: Stand, words: tuple[str, ...], data: st.DataObject) -> None:
    check(stand, data, ("obj",), keyed_values("obj"), *words)


@given(data=st.data())
def test_paths_into_arrays(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, ("arr", "anything", "geo"), keyed_values("arr", "anything", "geo"))


@pytest.mark.parametrize("words", [EQUALITY, ORDER, TEXT], ids=["equality", "order", "text"])
@given(data=st.data())
def test_any_json_value_by_itself(stand: Stand, words: tuple[str, ...], data: st.DataObject) -> None:
    check(stand, data, ("anything",), plain_values("anything"), *words)


FEW = ("text", "whole", "flag", "day")


@given(data=st.data())
def test_trees_of_and_or_not(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": FEW})))
    for tree in data.draw(st.lists(trees(comparisons("things", plain_values(*FEW))), min_size=1, max_size=3)):
        agree_found(stand, "things", Question((tree,)), data.draw(spellings))


@given(data=st.data())
def test_everything_at_once_is_anded(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds({"things": FEW})))
    leaves = comparisons("things", plain_values(*FEW))
    asked = data.draw(st.lists(st.one_of(leaves, leaves, trees(leaves)), min_size=2, max_size=4))
    agree_found(stand, "things", Question(tuple(asked)), data.draw(spellings))
