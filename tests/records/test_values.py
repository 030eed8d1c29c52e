"""One value of each type: taken exactly or refused with a code (TRUST DI-15 to DI-20, RE-03, RE-12)."""

from decimal import Decimal
from typing import Any

import pytest

from records.payload import Purpose, check_rows
from tests.records.building import row_codes, table_of


def field_of(kind: str, **constraints: Any) -> dict[str, Any]:
    word, _, variant = kind.partition("/")
    return {"name": "v", "type": word, "format": variant or "default", "constraints": constraints}


def canonical_of(kind: str, value: Any) -> Any:
    return check_rows(table_of(field_of(kind)), [{"v": value}], Purpose.CREATE)[0]["v"]


def code_of(kind: str, value: Any, **constraints: Any) -> str:
    """The one code this value is refused with; "" when it is taken."""
    found = row_codes(table_of(field_of(kind, **constraints)), {"v": value})
    assert {field for field, _ in found} <= {"v"}
    assert len(found) < 2
    return next((code for _, code in found), "")


@pytest.mark.parametrize("value", [2**53 + 1, 2**63 - 1, -(2**63), 0, -1])
def test_di_15_integers_of_64_bits_are_taken(value: int) -> None:
    assert canonical_of("integer", value) == value


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**40])
def test_di_15_larger_integers_are_out_of_range(value: int) -> None:
    assert code_of("integer", value) == "number_out_of_range"


@pytest.mark.parametrize("text", ["1.0", "1E+2", "0.5", "-0.0"])
def test_di_15_a_number_with_a_point_is_no_integer(text: str) -> None:
    assert code_of("integer", Decimal(text)) == "invalid_type"
    assert code_of("year", Decimal(text)) == "invalid_type"


@pytest.mark.parametrize(
    "value",
    [
        Decimal(text)
        for text in (
            "0.1",
            "0.10",
            "1E-20",
            "1" * 38,
            "-0.0",
            "1E+100",
            "-1E-100",
            "0." + "1" * 99,
            "1.10",
            "1E+2",
            "0.00",
        )
    ]
    + [2**53 + 1, 2**63, 10**100, -(10**100), 0],
    ids=str,
)
def test_di_15_numbers_are_taken_digit_for_digit(value: Any) -> None:
    assert str(canonical_of("number", value)) == str(value)
    assert code_of("any", value) == ""


TOO_BIG = [
    10**100 + 1,
    -(10**100) - 1,
    10**4000,
    *map(Decimal, ("1E+101", "1.1E+100", "1E-101", "9E-101", "1" * 101, "0." + "1" * 101, "1." + "0" * 100)),
    *map(Decimal, ("1E+1000000000", "1E+400", "-1E-400", "0E-1000", "0E+1000")),
]


@pytest.mark.parametrize("value", TOO_BIG, ids=lambda value: str(value)[:12] + str(len(str(value))))
def test_re_03_and_di_15_numbers_beyond_the_limits_are_out_of_range(value: Any) -> None:
    assert code_of("number", value) == "number_out_of_range"
    for kind, inside in (("any", [value]), ("object", {"a": value}), ("array", [{"a": [value]}]), ("list", [value])):
        assert code_of(kind, inside) == "number_out_of_range"


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("Infinity"), Decimal("sNaN"), float("nan"), float("inf"), 1.5]
)
def test_di_16_what_is_not_finite_or_exact_is_refused(value: Any) -> None:
    assert code_of("number", value) in ("number_out_of_range", "invalid_type")
    assert code_of("any", [value]) in ("number_out_of_range", "invalid_type")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400", "5"])
def test_di_16_numbers_as_text_are_refused(value: str) -> None:
    assert code_of("number", value) == "invalid_type"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00+14:00", "2024-01-30T20:00:00Z"),
        ("2024-01-31T10:00:00-14:00", "2024-02-01T00:00:00Z"),
        ("2024-01-31T10:00:00.500Z", "2024-01-31T10:00:00.5Z"),
        ("2024-01-31T10:00:00.000000Z", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00.123456Z", "2024-01-31T10:00:00.123456Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2024-03-31T02:30:00Z", "2024-03-31T02:30:00Z"),
    ],
)
def test_di_17_instants_are_normalised_to_utc(sent: str, stored: str) -> None:
    assert canonical_of("datetime", sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "2024-01-31T10:00:00+24:00",
        "2024-01-31T10:00:60Z",
        "2024-01-31T23:59:60Z",
        "2024-01-31T24:00:00Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0044-03-15 BC",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:00-14:00",
        "2024-01-31T10:00:00.1234567Z",
        "2024-01-31",
        "2024-01-31 10:00:00Z",
        "2024-01-31t10:00:00z",
        "20240131T100000Z",
        "2024-W05-3T10:00:00Z",
        "2024-01-31T10:00:00Z\n",
        "٢٠٢٤-01-31T10:00:00Z",
        "now",
        "infinity",
        "1",
        "",
    ],
)
def test_di_17_what_is_no_instant_is_refused(sent: str) -> None:
    assert code_of("datetime", sent) == "invalid_datetime"
    assert code_of("datetime", 1) == "invalid_type"


def test_di_17_the_format_any_changes_nothing() -> None:
    table = table_of({"name": "v", "type": "datetime", "format": "any"})
    assert row_codes(table, {"v": "1"}) == {("v", "invalid_datetime")}


@pytest.mark.parametrize(
    "sent", ["2024-02-30", "0000-01-01", "2024-1-1", "20240101", "2024-01-01T00:00:00Z", "today", ""]
)
def test_di_17_what_is_no_date_is_refused(sent: str) -> None:
    assert code_of("date", sent) == "invalid_date"


@pytest.mark.parametrize(
    "sent", ["24:00:00", "23:59:60", "10:00:00Z", "10:00:00+01:00", "1:00:00", "10:00:00.1234567", ""]
)
def test_di_17_what_is_no_time_is_refused(sent: str) -> None:
    assert code_of("time", sent) == "invalid_time"


def test_di_17_times_lose_only_trailing_zeros() -> None:
    assert [canonical_of("time", sent) for sent in ("10:20", "10:20:30.500", "10:20:30.0")] == [
        "10:20:00",
        "10:20:30.5",
        "10:20:30",
    ]


@pytest.mark.parametrize("text", ["a\x00b", "\x00", "\ud800", "a\udfffb"])
def test_di_18_nul_and_lone_surrogates_are_refused_wherever_they_are(text: str) -> None:
    assert code_of("string", text) == "invalid_text"
    for kind, value in (
        ("any", text),
        ("array", [text]),
        ("object", {"a": [text]}),
        ("object", {text: 1}),
        ("list", [text]),
    ):
        assert code_of(kind, value) == "invalid_text"


@pytest.mark.parametrize("text", ["🙂", "\ufffe\uffff", "e\u0301", "é", "\u202e", "\x01\x7f", "\u2028", ""])
def test_di_18_all_other_text_is_taken_as_it_is(text: str) -> None:
    assert canonical_of("string", text) == text
    assert canonical_of("object", {text: [text]}) == {text: [text]}


def test_di_19_empty_null_and_absent_are_three_states() -> None:
    table = table_of(field_of("string"))
    rows = check_rows(table, [{"v": ""}, {"v": None}, {}], Purpose.CREATE)
    assert rows == [{"v": ""}, {"v": None}, {}]


def test_di_19_a_required_field_takes_empty_but_neither_null_nor_absent() -> None:
    table = table_of(field_of("string", required=True))
    assert row_codes(table, {"v": ""}) == set()
    assert row_codes(table, {"v": None}) == row_codes(table, {}) == {("v", "required")}
    assert row_codes(table, {"v": None}, Purpose.UPDATE) == {("v", "required")}
    assert row_codes(table, {}, Purpose.UPDATE) == set()


def test_di_19_missing_values_concern_files_not_bodies() -> None:
    table = table_of(field_of("string"), missingValues=["", "NA"])
    assert check_rows(table, [{"v": ""}, {"v": "NA"}], Purpose.CREATE) == [{"v": ""}, {"v": "NA"}]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("boolean", [1, 0, "true", "", Decimal(1)]),
        ("integer", ["5", " 5 ", "1_000", "٣٤", True, [], {}]),
        ("number", [True, "1.5", "1_000", "٣٤", " 5 ", []]),
        ("year", ["2024", True, "٢٠٢٤"]),
        ("string", [5, True, [], {}, Decimal("1.5")]),
        ("date", [20240101, True]),
        ("object", [[], "{}", 1, True]),
        ("array", [{}, "[]", 1]),
        ("list", ["a,b", {}, [[1]], [{}], [None]]),
        ("geopoint", ["1,2", {"lon": 1, "lat": 2}]),
    ],
)
def test_di_20_types_are_strict(kind: str, values: list[Any]) -> None:
    assert {code_of(kind, value) for value in values} <= {"invalid_type", "invalid_geopoint"}


POINT_OF_ONE = {"type": "Point", "coordinates": [1]}
OPEN_RING = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}


@pytest.mark.parametrize(
    ("kind", "code", "values"),
    [
        (
            "string/email",
            "invalid_email",
            ["invalid-email", "a@b", "@b.c", "a b@c.d", "a@b..c", "a@b.c\n"],
        ),
        ("string/uri", "invalid_uri", ["example.com", "http:// a", "http:", "1http://a", "http://a\x00"]),
        (
            "string/uuid",
            "invalid_uuid",
            ["1", "g" * 32, "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}"],
        ),
        ("string/binary", "invalid_base64", ["a", "YQ", "YQ=", "Y Q=", "YWJj\n", "YW-_", "=YWJ"]),
        ("yearmonth", "invalid_yearmonth", ["2024", "2024-13", "2024-1", "2024-01-01"]),
        ("duration", "invalid_duration", ["P", "PT", "1D", "P1.5D", "P1H", "P1DT", "PT1S1M", "P-1D", "p1d", "P1S"]),
        (
            "geojson",
            "invalid_geojson",
            [
                {"type": "Point", "coordinates": [1]},
                {"type": "Polygon", "coordinates": [[[0, 0]]]},
                {"type": "Feature"},
            ],
        ),
        ("geojson", "invalid_type", [{}, {"type": "Dot"}, []]),
        ("geopoint", "invalid_geopoint", [[1], [1, 2, 3], ["1", "2"], [None, 1]]),
        ("geopoint", "number_out_of_range", [[181, 0], [0, -91], [Decimal("180.1"), 0]]),
        ("year", "number_out_of_range", [-1, 10_000]),
    ],
)
def test_a_value_in_no_form_of_its_type_is_refused(kind: str, code: str, values: list[Any]) -> None:
    assert {str(value): code_of(kind, value) for value in values} == {str(value): code for value in values}


def test_uuids_and_base64_have_one_form() -> None:
    assert canonical_of("string/uuid", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8") == "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert canonical_of("string/binary", "YR==") == "YQ=="
    assert canonical_of("string/binary", "") == ""
