"""The service agrees with the reference model on every operator of every type, and on trees of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.agreeing import agree_found
from tests.records.model import Is, Question, Value
from tests.records.model_values import ORDERED_KINDS
from tests.records.questions import (
    ARRAY_PATHS,
    CONTENTS,
    EQUALITY,
    NULLS,
    OBJECT_PATHS,
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
    for asked in data.draw(st.lists(comparisons("things", values, words), min_size=1, max_size=3)):
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


WRITTEN = {"text": "{}", "mail": "{}@b.cd", "link": "urn:{}"}
"""Fields of text, and how such a text is made of any other."""


@given(data=st.data())
def test_pieces_of_texts(stand: Stand, data: st.DataObject) -> None:
    words = [word for word in TEXT if "like" not in word and not word.lstrip("n").startswith("i")]
    label = data.draw(st.sampled_from(sorted(WRITTEN)))
    check(stand, data, (label,), plain_values(label), *words)


ALIKE = ["sSſ", "ßẞs", "kKK", "σςΣ", "iIıİ", "ǆǅǄ", "åÅÅ", "éÉe", "θΘϑϴ", "µμΜ", "ᾳᾼ", "aAäÄ", "ꭰᎠ", "𐐨𐐀"]
"""Letters of which some are one letter to those who do not look at case."""


@given(letters=st.sampled_from(ALIKE), data=st.data())
def test_texts_whatever_the_case(stand: Stand, letters: str, data: st.DataObject) -> None:
    label = data.draw(st.sampled_from(sorted(WRITTEN)))
    some = st.text(letters, min_size=1, max_size=3)
    rows = data.draw(st.lists(some, min_size=1, max_size=5))
    stand.write({"things": [{"sku": str(at), label: WRITTEN[label].format(row)} for at, row in enumerate(rows)]})
    words = [word for word in TEXT if word == "ilike" or word.lstrip("n").startswith("i")]
    for operator in data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=4, unique=True)):
        text = data.draw(st.one_of(some, some.map(WRITTEN[label].format)))
        agree_found(stand, "things", Question((Is(Value(label), operator, text),)), data.draw(spellings))


@given(data=st.data())
def test_patterns_of_like(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, ("text",), plain_values("text"), "like", "ilike")


@pytest.mark.parametrize("label", sorted(PARTS_OF))
@given(data=st.data())
def test_parts(stand: Stand, label: str, data: st.DataObject) -> None:
    values = st.builds(Value, st.just(label), part=st.sampled_from(PARTS_OF[label]))
    check(stand, data, (label,), values, *EQUALITY, *ORDER, *NULLS)


@given(data=st.data())
def test_contents_of_objects(stand: Stand, data: st.DataObject) -> None:
    check(stand, data, ("obj",), plain_values("obj"), *CONTENTS)


@given(data=st.data())
def test_contents_of_arrays_and_other_json(stand: Stand, data: st.DataObject) -> None:
    label = data.draw(st.sampled_from(["arr", "lst", "anything", "geo"]))
    check(stand, data, (label,), plain_values(label), *CONTENTS)


def keyed_values(paths: list[tuple[str, ...]], *labels: str) -> "st.SearchStrategy[Value]":
    """A value one of these paths into a JSON field."""
    return st.builds(Value, st.sampled_from(labels), keys=st.sampled_from(paths))


@pytest.mark.parametrize(
    "words", [EQUALITY, ORDER, NULLS, TEXT, CONTENTS], ids=["equality", "order", "nulls", "text", "contents"]
)
@given(data=st.data())
def test_paths_into_objects(stand: Stand, words: tuple[str, ...], data: st.DataObject) -> None:
    check(stand, data, ("obj",), keyed_values(OBJECT_PATHS, "obj"), *words)


@given(data=st.data())
def test_paths_into_arrays(stand: Stand, data: st.DataObject) -> None:
    label = data.draw(st.sampled_from(["arr", "lst", "anything"]))
    check(stand, data, (label,), keyed_values(ARRAY_PATHS, label))


@given(data=st.data())
def test_paths_into_geojson(stand: Stand, data: st.DataObject) -> None:
    paths = [("type",), ("coordinates",), ("coordinates", "0"), ("coordinates", "1")]
    check(stand, data, ("geo",), keyed_values(paths, "geo"))


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
