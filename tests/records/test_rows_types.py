"""Values of every type: stored, read back the same, compared by every operator, ordered."""

from decimal import Decimal
from typing import Any

import pytest

from datar.errors import Invalid
from records.fieldtypes import FIELD_TYPES, field_type
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused

POINT = {"type": "Point", "coordinates": [1, 2]}

VALUES: dict[str, list[Any]] = {
    # In rising order; where a type has no order, as they come. JSON as it is read back.
    "string": ["", "A", "Z", "a", "aB%_\\c", "z", "é", "￿", "😀"],
    "string/email": ["Ann@example.com", "bob@example.com", "zoë@example.com"],
    "string/uri": ["http://a.example/", "https://b.example/?q=1,2", "urn:x:y"],
    "string/uuid": ["00000000-0000-4000-8000-000000000001", "f0000000-0000-4000-8000-00000000000a"],
    "string/binary": ["", "AAEC", "/+8="],
    "integer": [-(2**63), -1, 0, 9, 10, 2**53 + 1, 2**63 - 1],
    "number": [
        Decimal("-1E+20"),
        Decimal("-0.1"),
        0,
        Decimal("1E-20"),
        Decimal("0.10"),
        Decimal("1.5"),
        9,
        10,
        Decimal("12345678901234567890.123456789"),
    ],
    "boolean": [False, True],
    "date": ["0001-01-01", "1999-12-31", "2024-02-29", "9999-12-31"],
    "time": ["00:00:00", "09:30:00", "09:30:00.000001", "23:59:59.5"],
    "datetime": ["0001-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.25Z", "9999-12-31T23:59:59Z"],
    "year": [0, 987, 2024, 9999],
    "yearmonth": ["0987-12", "2023-12", "2024-01"],
    "duration": ["-P1D", "PT0S", "PT24H", "P1DT1S", "P1M", "P1Y"],
    "object": [{}, {"a": None, "b": [1, Decimal("1.10")]}, {"é\u2028": "\u0001"}],
    "array": [[], [None, {"a": []}, "x"]],
    "list": [[], ["a", "b"]],
    "any": [0, "x", False, {"a": 1}, [1]],
    "geojson": [POINT],
    "geopoint": [[Decimal("-180"), Decimal("90")], [Decimal("12.5"), Decimal("-0.25")]],
}

ORDERED = [name for name, kind in FIELD_TYPES.items() if kind.order]

FILTERED = [name for name, kind in FIELD_TYPES.items() if kind.filter and not kind.is_json]
"""An ``any`` is compared as the JSON it is: ``test_operators_json``."""

TEXTS = ["string", "string/email", "string/uri"]


def described(name: str, **more: Any) -> dict[str, Any]:
    """A field called ``v`` of a type of the type table."""
    kind, _, variant = name.partition("/")
    return {"name": "v", "type": kind, **({"format": variant} if variant else {}), **more}


def rows_of(engine: Engine, name: str) -> Rows:
    """A table with the type's values in rising order, ids from 1, and at last a null."""
    rows = engine.table("values", {"fields": [{"name": "id", "type": "integer"}, described(name)]})
    rows.create([{"v": value} for value in [*VALUES[name], None]])
    return rows


def text_of(value: Any) -> str:
    """A value as a URL says it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def ids(page: Any) -> list[int]:
    """The ids of a page."""
    return [row["id"] for row in page["data"]]


def test_every_type_of_the_type_table_is_tried() -> None:
    assert set(VALUES) == set(FIELD_TYPES)


@pytest.mark.parametrize("name", FIELD_TYPES)
def test_values_are_read_as_they_were_stored(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    listed = rows.list()["data"]
    assert [row["v"] for row in listed] == [*VALUES[name], None]
    for row in listed:
        assert rows.get(row["id"]) == row
        assert rows.create({"v": row["v"]})["v"] == row["v"]
        assert rows.update(row["id"], {"v": row["v"]})["v"] == row["v"]
    assert [row["v"] for row in rows.update_many(listed)] == [*VALUES[name], None]


@pytest.mark.parametrize("name", FILTERED)
def test_equality_is_three_valued_for_every_type(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    values = VALUES[name]
    everybody = list(range(1, len(values) + 1))
    for place, value in enumerate(values, 1):
        text = text_of(value)
        others = [number for number in everybody if number != place]
        assert ids(rows.list(v=text)) == [place], value
        assert ids(rows.list(v__eq=text)) == [place]
        assert ids(rows.list(v__ne=text)) == others
        if text:
            listed = f'["{text}"]' if set(text) & {",", "\\"} and "\\" not in text else text
            if "\\" not in text:
                assert ids(rows.list(v__in=listed)) == [place]
                assert ids(rows.list(v__nin=listed)) == others


@pytest.mark.parametrize("name", [name for name, kind in FIELD_TYPES.items() if not kind.filter])
def test_types_that_cannot_be_compared_say_so(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    for operator in ("eq", "ne", "in", "nin", "gt"):
        with refused(Invalid, "operator_not_supported"):
            rows.ask((f"v__{operator}", "1"))
    with refused(Invalid, "invalid_ordering"):
        rows.list(ordering="v")


@pytest.mark.parametrize("name", ORDERED)
def test_order_and_comparison_agree_for_every_type(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    values = VALUES[name]
    numbers = list(range(1, len(values) + 1))
    null = len(values) + 1
    assert ids(rows.list(ordering="v")) == [*numbers, null]
    assert ids(rows.list(ordering="-v")) == [null, *reversed(numbers)]
    for place, value in enumerate(values, 1):
        text = text_of(value)
        assert ids(rows.list(v__lt=text)) == [number for number in numbers if number < place]
        assert ids(rows.list(v__lte=text)) == [number for number in numbers if number <= place]
        assert ids(rows.list(v__gt=text)) == [number for number in numbers if number > place]
        assert ids(rows.list(v__gte=text)) == [number for number in numbers if number >= place]


@pytest.mark.parametrize("name", [name for name in FILTERED if name not in ORDERED])
def test_types_without_order_say_so(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    for operator in ("gt", "gte", "lt", "lte"):
        with refused(Invalid, "operator_not_supported"):
            rows.ask((f"v__{operator}", text_of(VALUES[name][0])))
    with refused(Invalid, "invalid_ordering"):
        rows.list(ordering="v")


@pytest.mark.parametrize("name", FIELD_TYPES)
def test_isnull_fits_every_type(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    null = len(VALUES[name]) + 1
    assert ids(rows.list(v__isnull="true")) == [null]
    assert ids(rows.list(v__isnull="false")) == list(range(1, null))
    for word in ("", "1", "True", "null"):
        with refused(Invalid, "invalid_parameter"):
            rows.ask(("v__isnull", word))


def test_contains_takes_every_letter_as_itself(engine: Engine) -> None:
    rows = rows_of(engine, "string")
    for wanted in ("%", "_", "\\", "B%_\\c"):
        assert [row["v"] for row in rows.list(v__contains=wanted)["data"]] == ["aB%_\\c"]
    assert ids(rows.list(v__contains="b")) == []
    assert [row["v"] for row in rows.list(v__contains="😀")["data"]] == ["😀"]


def test_icontains_folds_case_beyond_ascii(engine: Engine) -> None:
    rows = rows_of(engine, "string")
    rows.create([{"id": 100, "v": "STRASSE ÀÉÎ"}, {"id": 101, "v": "straße àéî"}, {"id": 102, "v": "ΟΔΟΣ"}])
    assert ids(rows.list(v__icontains="Àéî")) == [100, 101]
    assert ids(rows.list(v__icontains="STRAß")) == [101]
    assert ids(rows.list(v__icontains="οδος")) == [102]
    assert ids(rows.list(v__icontains="É")) == [7, 100, 101]


def test_text_orders_by_code_point(engine: Engine) -> None:
    rows = engine.table("words", {"fields": [{"name": "w", "type": "string"}], "primaryKey": "w"})
    words = ["a", "B", "é", "e", "z", "\U0001f600", "￿", "Z", "_", "-", " ", "e\u0301", "10", "9"]
    rows.create([{"w": word} for word in words])
    assert [row["w"] for row in rows.list(ordering="w")["data"]] == sorted(words)
    assert [row["w"] for row in rows.list()["data"]] == sorted(words)


def test_instants_are_compared_whatever_their_spelling(engine: Engine) -> None:
    rows = engine.table("events", {"fields": [{"name": "at", "type": "datetime"}]})
    sent = ["2024-03-10T00:00:00", "2024-03-10T00:00:00.500000Z", "2024-03-10T02:00:00+02:00", "2024-03-09T23:59:59Z"]
    made = [row["at"] for row in rows.create([{"at": text} for text in sent])]
    assert made == ["2024-03-10T00:00:00Z", "2024-03-10T00:00:00.5Z", "2024-03-10T00:00:00Z", "2024-03-09T23:59:59Z"]
    spellings = [
        "2024-03-10",
        "2024-03-10T00:00:00",
        "2024-03-10T00:00:00Z",
        "2024-03-10T05:30:00+05:30",
        "2024-03-10T05:30:00 05:30",
        "2024-03-09T19:00-05:00",
    ]
    for text in spellings:
        assert ids(rows.list(at=text)) == [1, 3], text
        assert ids(rows.list(at__gt=text)) == [2]
        assert ids(rows.list(at__lt=text)) == [4]
    assert ids(rows.list(at__in="2024-03-10,2024-03-09T23:59:59Z")) == [1, 3, 4]
    for text in ("2024-02-30", "now", "infinity", "2024-13-01", "2024-03-10T25:00:00Z", "yesterday", ""):
        with refused(Invalid, "invalid_datetime"):
            rows.list(at=text)


def test_durations_are_compared_by_their_length(engine: Engine) -> None:
    rows = engine.table("spans", {"fields": [{"name": "d", "type": "duration", "constraints": {"unique": True}}]})
    rows.create([{"d": "P1D"}, {"d": "PT36H"}])
    assert ids(rows.list(d="PT24H")) == [1]
    assert ids(rows.list(d__gt="P1D")) == [2]
    with refused(Invalid, "invalid_duration"):
        rows.list(d="a day")


@pytest.mark.parametrize(
    ("name", "bad", "code"),
    [
        ("integer", "1.0", "invalid_type"),
        ("integer", "١", "invalid_type"),
        ("integer", "", "invalid_type"),
        ("integer", "9" * 30, "number_out_of_range"),
        ("integer", str(2**63), "number_out_of_range"),
        ("number", "NaN", "invalid_type"),
        ("number", "1_0", "invalid_type"),
        ("number", "1e400", "number_out_of_range"),
        ("boolean", "1", "invalid_type"),
        ("boolean", "True", "invalid_type"),
        ("date", "2024-01-01T00:00:00Z", "invalid_date"),
        ("date", "2023-02-29", "invalid_date"),
        ("time", "24:00:00", "invalid_time"),
        ("year", "10000", "number_out_of_range"),
        ("yearmonth", "2024-13", "invalid_yearmonth"),
        ("string/uuid", "nope", "invalid_uuid"),
        ("string/binary", "!", "invalid_base64"),
        ("string", "a\x00b", "invalid_text"),
        ("string/email", "a\x00b", "invalid_text"),
    ],
)
def test_filter_values_that_are_none_of_the_type(engine: Engine, name: str, bad: str, code: str) -> None:
    rows = engine.table("values", {"fields": [described(name)]})
    for operator in ("eq", "ne"):
        with refused(Invalid, code):
            rows.ask((f"v__{operator}", bad))
    if bad:
        with refused(Invalid, code):
            rows.ask(("v__in", bad))


def test_lists_of_values(engine: Engine) -> None:
    rows = engine.table("words", {"fields": [{"name": "w", "type": "string"}, {"name": "n", "type": "number"}]})
    rows.create([{"w": "a,b", "n": 1}, {"w": "[x]", "n": Decimal("1.5")}, {"w": "c", "n": 100}, {}])
    assert ids(rows.list(w__in='["a,b","c"]')) == [1, 3]
    assert ids(rows.list(w__in='["[x]"]')) == [2]
    assert ids(rows.list(w__nin="c")) == [1, 2]
    assert ids(rows.list(n__in="[1.50,1e2]")) == [2, 3]
    assert ids(rows.list(n__in="1,100")) == [1, 3]
    for text in ("", "[]", "[null]", "[[1]]", '[{"a":1}]', "[1", "[1,]", "[1]x", "[NaN]", f"[{'9' * 5000}]"):
        with pytest.raises(Invalid):
            rows.list(w__in=text)
    with refused(Invalid, "query_too_complex"):
        rows.list(n__in=",".join(map(str, range(1001))))
    assert ids(rows.list(n__in=",".join(map(str, range(1000))))) == [1, 3]


def test_defaults_of_every_type_fill_absent_fields(engine: Engine) -> None:
    names = [name for name in FIELD_TYPES if VALUES[name]]
    fields = [{**described(name, default=VALUES[name][-1]), "name": name} for name in names]
    rows = engine.table("defaults", {"fields": fields})
    wanted = {name: VALUES[name][-1] for name in names}
    assert rows.create({}) == {"id": 1, **wanted}
    assert rows.create([{}, {"string": None}]) == [{"id": 2, **wanted}, {"id": 3, **wanted, "string": None}]
    assert all(field_type(field).name in FIELD_TYPES for field in rows.table.fields)
