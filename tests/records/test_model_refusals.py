"""Wrong filters get the refusal that the contract gives them, whatever stands beside them and however written."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from records.jsontext import dumps
from tests.records.model_values import JSON_KINDS, NUMBER_KINDS, ORDERED_KINDS, TEXT_KINDS
from tests.records.questions import CONTENTS, EQUALITY, ORDER, TEXT, operators_of
from tests.records.refusing import Pair, innocent, refused, refused_tree, typos, words
from tests.records.spelling import OPERATOR_WORDS
from tests.records.worlds import SHAPES, THINGS, Stand

LABEL_OF = {kind: label for label, kind in THINGS.items() if label not in ("sku", "owner_id", "maker_id")}


@given(name=typos, beside=innocent, operator=st.sampled_from(["", "__gt", "__in", "__year__lt", "__nope"]))
def test_unknown_fields(stand: Stand, name: str, beside: list[Pair], operator: str) -> None:
    assert refused(stand, [*beside, (name + operator, "1")]) == "unknown_field"
    assert refused(stand, [(f"owner.{name}{operator}", "1")]) == "unknown_field"
    assert refused_tree(stand, {"or": [{"whole": 1}, {"not": {name + operator: 1}}]}) == "unknown_field"
    assert refused(stand, [*beside, ("fields", f"sku,{name}")]) == "unknown_field"


@given(name=typos.filter(lambda word: word not in ("notes",)), path=st.sampled_from(["", "owner.", "owner.manager."]))
def test_unknown_relations(stand: Stand, name: str, path: str) -> None:
    assert refused(stand, [(f"{path}{name}.name", "1")]) == "unknown_field"
    assert refused(stand, [("populate", f"{path}{name}")]) == "unknown_field"
    assert refused(stand, [("ordering", f"{path}{name}.name")]) == "invalid_ordering"


@given(
    label=st.sampled_from([label for label, kind in THINGS.items() if kind not in JSON_KINDS]),
    word=words.filter(lambda word: word not in OPERATOR_WORDS),
    beside=innocent,
)
def test_unknown_operators(stand: Stand, label: str, word: str, beside: list[Pair]) -> None:
    assert refused(stand, [*beside, (f"{label}__{word}", "1")]) == "unknown_operator"
    assert refused_tree(stand, {f"{label}__{word}": 1}) == "unknown_operator"
    assert refused_tree(stand, [{"field": label, "operator": word, "value": 1}]) == "unknown_operator"


UNFIT = [
    (label, operator)
    for label, kind in THINGS.items()
    if kind != "any"
    for operator in (*EQUALITY, *ORDER, *TEXT, *CONTENTS)
    if operator not in operators_of("json" if kind in JSON_KINDS else kind)
]


@given(pair=st.sampled_from(UNFIT), value=st.sampled_from(["1", "a", "[1]", ""]), beside=innocent)
def test_operators_that_do_not_fit_the_type(stand: Stand, pair: Pair, value: str, beside: list[Pair]) -> None:
    label, operator = pair
    assert refused(stand, [*beside, (f"{label}__{operator}", value)]) == "operator_not_supported"
    assert refused_tree(stand, {f"{label}__{operator}": 1}) == "operator_not_supported"


@given(
    label=st.sampled_from(list(THINGS)),
    part=st.sampled_from(["year", "month", "day", "week_day", "hour", "date"]),
    operator=st.sampled_from(["", "__gt", "__in"]),
)
def test_parts_of_what_has_none(stand: Stand, label: str, part: str, operator: str) -> None:
    kind = THINGS[label]
    if kind in JSON_KINDS or kind == "datetime" or (kind == "date" and part not in ("hour", "date")):
        assert SHAPES["things"].kinds[label] == kind  # there it is a key of the JSON, or a part
    else:
        assert refused(stand, [(f"{label}__{part}{operator}", "1")]) == "operator_not_supported"


NOT_NUMBERS = ["", "abc", "1,5", " 1", "0x10", "NaN", "٣", "1_000", "--1", "true"]
NOT_DAYS = ["", "2024-02-30", "2024-2-1", "0000-01-01", "now", "2024-01-01T00:00:00Z", "24-01-01"]
NOT_INSTANTS = [
    *("", "now", "2024-02-30", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "0000-01-01T00:00:00Z"),
    "2024-01-01T00:00:00.1234567Z",
]
BAD: dict[str, dict[str, list[str]]] = {
    "integer": {"invalid_type": [*NOT_NUMBERS, "1.0", "1e2"], "number_out_of_range": [str(2**63)]},
    "year": {"invalid_type": NOT_NUMBERS, "number_out_of_range": ["10000", "-1"]},
    "number": {"invalid_type": [*NOT_NUMBERS, ".5", "1."], "number_out_of_range": ["1e101", "9" * 101]},
    "boolean": {"invalid_type": ["", "1", "0", "TRUE", "yes", "null"]},
    "date": {"invalid_date": NOT_DAYS},
    "time": {"invalid_time": ["", "24:00:00", "12:00:60", "12", "12:00:00Z", "noon"]},
    "datetime": {"invalid_datetime": NOT_INSTANTS},
    "yearmonth": {"invalid_yearmonth": ["", "2024-13", "2024-1", "202401", "2024-01-01"]},
    "duration": {"invalid_duration": ["", "P", "1D", "P1.5D", "PT", "P1S"]},
    "string/uuid": {"invalid_uuid": ["", "x", "0" * 32, "{00000000-0000-0000-0000-000000000000}"]},
    "string/binary": {"invalid_base64": ["x", "AA", "AA=A", "a b=", "===="]},
}


@given(data=st.data(), beside=innocent)
def test_values_that_are_none_of_the_type(stand: Stand, data: st.DataObject, beside: list[Pair]) -> None:
    kind = data.draw(st.sampled_from(sorted(BAD)))
    code = data.draw(st.sampled_from(sorted(BAD[kind])))
    value = data.draw(st.sampled_from(BAD[kind][code]))
    operator = data.draw(st.sampled_from(EQUALITY[:2] if kind == "string/binary" else (*EQUALITY[:2], *ORDER[:4])))
    assert refused(stand, [*beside, (f"{LABEL_OF[kind]}__{operator}", value)]) == code
    listed = dumps([value]).decode()
    assert refused(stand, [*beside, (f"{LABEL_OF[kind]}__in", listed)]) == code


WRONG_JSON: dict[str, list[Any]] = {
    **{kind: ["1", True] for kind in NUMBER_KINDS},
    "boolean": ["true", 1, 0],
    **{kind: [1, True] for kind in (*TEXT_KINDS, "string/uuid", "string/binary", "date", "time", "datetime")},
    **{kind: [1, True] for kind in ("yearmonth", "duration")},
}


@given(data=st.data())
def test_json_values_of_another_type(stand: Stand, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(WRONG_JSON)))
    value = data.draw(st.sampled_from(WRONG_JSON[kind]))
    assert refused_tree(stand, {LABEL_OF[kind]: value}) == "invalid_type"
    assert refused_tree(stand, {"and": [{f"{LABEL_OF[kind]}__in": [value]}]}) == "invalid_type"


@given(label=st.sampled_from(["text", "whole", "day"]), value=st.sampled_from([None, {}, {"a": 1}, [], [[1]]]))
def test_json_that_is_no_value(stand: Stand, label: str, value: Any) -> None:
    assert refused_tree(stand, {label: value}) == "invalid_filter"


@given(
    label=st.sampled_from([LABEL_OF[kind] for kind in ORDERED_KINDS]),
    operator=st.sampled_from(["in", "nin", "between", "nbetween", "range"]),
)
def test_lists_of_no_or_too_many_values(stand: Stand, label: str, operator: str) -> None:
    assert refused(stand, [(f"{label}__{operator}", "")]) == "invalid_filter"
    assert refused(stand, [(f"{label}__{operator}", "[]")]) == "invalid_filter"
    assert refused_tree(stand, {f"{label}__{operator}": []}) == "invalid_filter"
    assert refused_tree(stand, {f"{label}__{operator}": 1}) == "invalid_filter"
    if operator in ("in", "nin"):
        assert refused(stand, [(f"whole__{operator}", ",".join(["1"] * 1_001))]) == "query_too_complex"


@given(numbers=st.lists(st.integers(0, 9), max_size=6).filter(lambda found: len(found) != 2))
def test_between_takes_two(stand: Stand, numbers: list[int]) -> None:
    assert refused(stand, [("whole__between", ",".join(map(str, numbers)))]) == "invalid_filter"
    assert refused_tree(stand, {"whole__nbetween": numbers}) == "invalid_filter"


@given(
    label=st.sampled_from(list(THINGS)),
    operator=st.sampled_from(["isnull", "null", "nnull"]),
    value=words | st.sampled_from(["1", "0", "", "True", "null"]),
)
def test_flags_are_true_or_false(stand: Stand, label: str, operator: str, value: str) -> None:
    assert refused(stand, [(f"{label}__{operator}", value)]) in ("invalid_filter", "invalid_parameter")
    assert refused_tree(stand, {f"{label}__{operator}": value}) == "invalid_filter"
