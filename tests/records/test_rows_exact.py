"""Values at the edge of their types: kept to the bit, or refused with a reason."""

from decimal import Decimal
from typing import Any

import pytest

from datar.errors import Invalid, InvalidFields
from records.limits import DECIMAL128_DIGITS, NUMBER_DIGITS
from tests.records.engine import Engine
from tests.records.refusals import refused
from tests.records.test_rows_types import described, ids


def test_di_15_numbers_are_exact(engine: Engine) -> None:
    fields = [{"name": "n", "type": "number"}, {"name": "i", "type": "integer"}, {"name": "j", "type": "any"}]
    rows = engine.table("numbers", {"fields": fields})
    exact = ["9007199254740993", "0.1", "0.10", "1e-20", "1" * 38, "-0", "1E+100", "0." + "123456789" * 11, "1.10"]
    longest = DECIMAL128_DIGITS if engine.layout == "mongo" else NUMBER_DIGITS
    for text in exact:
        body = b'{"n":' + text.encode() + b',"j":[' + text.encode() + b"]}"
        if len(Decimal(text).as_tuple().digits) > longest:
            with refused(InvalidFields) as refusal:
                rows.create(body)
            assert refusal.fields == {(None, name, "number_out_of_range") for name in ("n", "j")}
            continue
        made = rows.create(body)
        assert Decimal(made["n"]) == Decimal(text)
        assert Decimal(rows.get(made["id"])["j"][0]) == Decimal(text)
        assert made["id"] in ids(rows.ask(("n", text)))
    assert rows.create(b'{"n":0.10}')["n"] == Decimal("0.10")
    assert str(rows.create(b'{"n":0.10}')["n"]) == "0.10"
    for text in ("9223372036854775807", "-9223372036854775808"):
        assert rows.create(b'{"i":' + text.encode() + b"}")["i"] == int(text)
    for text, code in (
        ("9223372036854775808", "number_out_of_range"),
        ("1.0", "invalid_type"),
        ("1e2", "invalid_type"),
    ):
        with refused(InvalidFields) as refusal:
            rows.create(b'{"i":' + text.encode() + b"}")
        assert refusal.fields == {(None, "i", code)}
    for text in ("1e101", "1e-101", "1" * 102, "0." + "1" * 101):
        for field in ("n", "j"):
            with refused(InvalidFields) as refusal:
                rows.create(f'{{"{field}":{text}}}'.encode())
            assert refusal.fields == {(None, field, "number_out_of_range")}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "sNaN", "nan"])
def test_di_16_numbers_that_are_none(engine: Engine, text: str) -> None:
    rows = engine.table("numbers", {"fields": [{"name": "n", "type": "number"}, {"name": "j", "type": "any"}]})
    for body in (f'{{"n":{text}}}', f'{{"j":[{text}]}}', f"[{text}]"):
        with refused(Invalid, "invalid_json"):
            rows.create(body.encode())
    with refused(InvalidFields) as refusal:
        rows.create({"n": text})
    assert refusal.fields == {(None, "n", "invalid_type")}
    assert rows.list()["total"] == 0


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2024-03-10T02:30:00", "2024-03-10T02:30:00Z"),
        ("2024-03-10T02:30Z", "2024-03-10T02:30:00Z"),
        ("2024-03-10T02:30:00+14:00", "2024-03-09T12:30:00Z"),
        ("2024-03-10T02:30:00-14:00", "2024-03-10T16:30:00Z"),
        ("2024-03-10T02:30:00.123456Z", "2024-03-10T02:30:00.123456Z"),
        ("9999-12-31T23:59:00Z", "9999-12-31T23:59:00Z"),
        ("2024-03-10T02:30:00+24:00", None),
        ("2024-06-30T23:59:60Z", None),
        ("2024-06-30T24:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:00-14:00", None),
        ("10000-01-01T00:00:00Z", None),
        ("-0044-03-15T00:00:00Z", None),
        ("0044-03-15T00:00:00Z BC", None),
        ("now", None),
        ("infinity", None),
        ("2024-03-10T02:30:00.1234567Z", None),
        ("1", None),
        (1, None),
        ("2024-03-10 02:30:00", None),
        ("2024-03-10", None),
        ("2024-03-10T02:30:00Z\n", None),
    ],
)
def test_di_17_instants_are_normalised_or_refused(engine: Engine, sent: Any, stored: str | None) -> None:
    for variant in ("default", "any"):
        rows = engine.table(f"e_{variant}", {"fields": [{"name": "at", "type": "datetime", "format": variant}]})
        if stored is None:
            with refused(InvalidFields) as refusal:
                rows.create({"at": sent})
            assert {field for _, field, _ in refusal.fields} == {"at"}
            assert {code for _, _, code in refusal.fields} <= {"invalid_datetime", "invalid_type"}
        else:
            made = rows.create({"at": sent})
            assert made["at"] == stored == rows.get(made["id"])["at"]
            assert ids(rows.list(at=stored)) == [made["id"]]


TEXTS_KEPT = [
    "\u0001\u001f\x7f",
    "\ufffe\uffff\U0010ffff",
    "😀👨‍👩‍👧",
    "\u202eabc",
    "\ufeffx",
    " \t\r\n",
    '"\\/',
    "%s%%",
    "é",
    "e\u0301",
]


@pytest.mark.parametrize("text", TEXTS_KEPT)
def test_di_18_text_round_trips(engine: Engine, text: str) -> None:
    rows = engine.table(
        "t", {"fields": [{"name": "k", "type": "string"}, {"name": "j", "type": "any"}], "primaryKey": "k"}
    )
    made = rows.create({"k": text, "j": {text: [text]}})
    assert made == {"k": text, "j": {text: [text]}} == rows.list(k=text)["data"][0]
    assert rows.list(k__contains=text)["total"] == 1
    assert rows.create([{"k": text + "2", "j": text}])[0]["j"] == text


def test_di_18_equal_looking_text_is_two(engine: Engine) -> None:
    rows = engine.table("t", {"fields": [{"name": "k", "type": "string"}], "primaryKey": "k"})
    rows.create([{"k": "é"}, {"k": "e\u0301"}])
    assert rows.list(k="é")["data"] == [{"k": "é"}]


@pytest.mark.parametrize(
    "body",
    [
        rb'{"v":"\u0000"}',
        rb'{"v":"\ud800"}',
        rb'{"j":{"\u0000":1}}',
        rb'{"j":["\u0000"]}',
        b'{"v":"\xff"}',
        b'{"v":"\x00"}',
    ],
)
def test_di_18_text_that_cannot_be_stored(engine: Engine, body: bytes) -> None:
    rows = engine.table("t", {"fields": [{"name": "v", "type": "string"}, {"name": "j", "type": "any"}]})
    for sent in (body, b"[" + body + b"]"):
        with pytest.raises(Invalid) as caught:
            rows.create(sent)
        codes = {error.code for error in getattr(caught.value, "errors", ())} or {caught.value.code}
        assert codes <= {"invalid_text", "invalid_json"}
    assert rows.list()["total"] == 0


def test_di_19_empty_null_and_absent_are_three_states(engine: Engine) -> None:
    fields = [
        {"name": "a", "type": "string"},
        {"name": "b", "type": "string", "default": "d"},
        {"name": "c", "type": "string", "constraints": {"required": True}},
    ]
    rows = engine.table("t", {"fields": fields, "missingValues": ["", "NA"]})
    assert rows.create({"a": "", "b": "", "c": "NA"}) == {"id": 1, "a": "", "b": "", "c": "NA"}
    assert rows.create({"a": None, "b": None, "c": ""}) == {"id": 2, "a": None, "b": None, "c": ""}
    assert rows.create({"c": "x"}) == {"id": 3, "a": None, "b": "d", "c": "x"}
    assert rows.update(1, {"a": None})["a"] is None
    assert rows.update(1, {})["b"] == ""
    for row in ({"a": "x"}, {"c": None}):
        with refused(InvalidFields) as refusal:
            rows.create(row)
        assert refusal.fields == {(None, "c", "required")}
    with refused(InvalidFields) as refusal:
        rows.update(1, {"c": None})
    assert refusal.fields == {(None, "c", "required")}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boolean", 1),
        ("boolean", "true"),
        ("integer", "5"),
        ("integer", True),
        ("number", True),
        ("number", "1.5"),
        ("integer", "1_000"),
        ("integer", "٣٤"),
        ("integer", " 5 "),
        ("string", 5),
        ("string", ["a"]),
        ("object", []),
        ("array", {}),
        ("date", 20240101),
        ("year", "2024"),
    ],
)
def test_di_20_json_types_are_strict(engine: Engine, name: str, value: Any) -> None:
    rows = engine.table("t", {"fields": [described(name)]})
    with refused(InvalidFields) as refusal:
        rows.create({"v": value})
    assert refusal.fields == {(None, "v", "invalid_type")}


def test_di_28_a_key_twice_in_an_object(engine: Engine) -> None:
    rows = engine.table("t", {"fields": [{"name": "v", "type": "any"}]})
    for body in (b'{"v":1,"v":2}', b'{"v":{"a":1,"a":2}}', b'[{"v":1},{"v":1,"v":1}]', rb'{"v":1,"\u0076":2}'):
        with refused(Invalid, "json_duplicate_key"):
            rows.create(body)
    assert rows.list()["total"] == 0
