"""Bytes to JSON: exact, bounded, and refused with a code (TRUST RE-01, RE-03, DI-16, DI-18, DI-28)."""

import resource
import time
from decimal import Decimal

import pytest

from datar.errors import Invalid
from records import limits
from records.payload import parse_json
from tests.records.building import refusal_code

DEPTH = limits.JSON_DEPTH


def nested(depth: int, *, objects: bool = False) -> bytes:
    opening, closing = (b'{"a":', b"}") if objects else (b"[", b"]")
    return opening * depth + b"1" + closing * depth


@pytest.mark.parametrize("objects", [False, True])
@pytest.mark.parametrize("depth", [DEPTH + 1, 150, 250, 10_000, 200_000])
def test_re_01_deep_json_is_refused_quickly(depth: int, objects: bool) -> None:
    body = nested(depth, objects=objects)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    assert refusal_code(lambda: parse_json(body)) == "json_too_deep"
    assert time.perf_counter() - begun < 0.05
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a":[' * 200_000, b'["\\"",' * 300, b'["[]",' * 300 + b"1" + b"]" * 300]
)
def test_re_01_deep_json_that_hides_or_never_ends_is_refused(body: bytes) -> None:
    assert refusal_code(lambda: parse_json(body)) == "json_too_deep"


@pytest.mark.parametrize(
    "body",
    [
        nested(DEPTH),
        nested(DEPTH, objects=True),
        b'["' + b"[" * 500 + b'"]',
        b'["\\"' + b"[" * 500 + b'"]',
        b'["\\\\","' + b"{" * 500 + b'"]',
        b"[" + b"[[]]," * 500 + b"1]",
        b'["[","{"' + b',["a]","\\\\"]' * 500 + b"]",
    ],
    ids=lambda body: body[:12].decode(),
)
def test_re_01_wide_json_and_brackets_in_text_are_fine(body: bytes) -> None:
    assert parse_json(body)


@pytest.mark.parametrize("body", [b"1" * 5_000, b"[" + b"9" * 5_000 + b"]", b'{"a":1e99999999999999999999}'])
def test_re_03_numbers_too_long_to_read_are_refused(body: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal_code(lambda: parse_json(body)) == "number_out_of_range"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize(
    "word", ["NaN", "Infinity", "-Infinity", "sNaN", "nan", "+1", "01", "1_000", "٣٤", ".5", "0x1"]
)
def test_di_16_what_is_no_json_number_is_refused(word: str) -> None:
    assert refusal_code(lambda: parse_json(f'{{"a":{word}}}'.encode())) == "invalid_json"


@pytest.mark.parametrize(
    "body",
    [b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'[{"x":{"a":1,"b":1,"a":1}}]'],
)
def test_di_28_a_key_twice_in_one_object_is_refused(body: bytes) -> None:
    assert refusal_code(lambda: parse_json(body)) == "json_duplicate_key"


@pytest.mark.parametrize(
    "body", [b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00"', b'{"\\ud800":1}', b'"\\ud800\\u0041"', b'"\xc3"']
)
def test_di_18_text_that_is_not_unicode_is_refused(body: bytes) -> None:
    assert refusal_code(lambda: parse_json(body)) == "invalid_text"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_di_18_json_in_another_encoding_is_refused(encoding: str) -> None:
    assert refusal_code(lambda: parse_json('{"a":1}'.encode(encoding))) == "invalid_json"


@pytest.mark.parametrize("text", ["🙂", "\ufffe\uffff", "e\u0301", "é", "\u2028", "\u0000"])
def test_di_18_all_other_text_is_read_as_it_is(text: str) -> None:
    escaped = text.encode("utf-16-be").hex()
    body = '"' + "".join(f"\\u{escaped[place : place + 4]}" for place in range(0, len(escaped), 4)) + '"'
    assert parse_json(body.encode()) == text


@pytest.mark.parametrize(
    "body", [b"", b" ", b"[1,]", b"{a:1}", b"[1", b"1 2", b"'a'", b'"\n"', b'"\\x"', b"\xff", b"-"]
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refusal_code(lambda: parse_json(body)) == "invalid_json"


@pytest.mark.parametrize("body", [b"", b" ", b"\n"])
def test_an_empty_body_is_called_empty(body: bytes) -> None:
    with pytest.raises(Invalid, match="empty") as caught:
        parse_json(body)
    assert caught.value.code == "invalid_json"


def test_numbers_are_exact() -> None:
    body = b"[1.10, 1e2, 0.1, 12345678901234567890.123456789, 9223372036854775808, 1]"
    values = parse_json(body)
    assert [str(value) for value in values] == [
        "1.10",
        "1E+2",
        "0.1",
        "12345678901234567890.123456789",
        "9223372036854775808",
        "1",
    ]
    assert [type(value) for value in values] == [Decimal] * 4 + [int] * 2
