"""Patterns of clients run in linear time, match the whole value, and never fail at insert (TRUST RE-08)."""

import random
import string
import time
from typing import Any

import pytest

from records import limits
from records.payload import Purpose, check_rows
from tests.records.building import described, mistakes, row_codes, table_of


def patterned(pattern: str) -> dict[str, Any]:
    return {"name": "a", "constraints": {"pattern": pattern}}


@pytest.mark.parametrize("pattern", [r"(a+)+", r"(a|a)*", r"((a*)*)*", r"(a|b|ab)*c", r"^a$", r"\d{3}-\w+", "a#b", ""])
def test_re_08_nested_quantifiers_are_accepted(pattern: str) -> None:
    assert table_of(patterned(pattern)).by_name["a"].constraints.pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    ["a" * 1_000_000, "a" * 1_001, "(a{1000}){1000}", r"(a)\1", "(?=a)a", "(?!a)b", "(?<=a)b", "(", "[a", "a)|(b", "*"],
    ids=lambda pattern: pattern[:20],
)
def test_re_08_patterns_of_another_engine_are_refused_at_once(pattern: str) -> None:
    begun = time.perf_counter()
    assert mistakes({"fields": [patterned(pattern)]}) == [("pattern_unsupported", "fields[0].constraints.pattern")]
    assert time.perf_counter() - begun < 1


def test_re_08_values_made_to_backtrack_are_validated_in_time() -> None:
    table = table_of(patterned("(a+)+"))
    # Ten batches, since 10,000 values of 10 KB are more than one body takes.
    good = [{"a": "a" * 10_000} for _ in range(1_000)]
    bad = {"a": "a" * 9_999 + "!"}
    begun = time.perf_counter()
    for _ in range(10):
        check_rows(table, good, Purpose.CREATE)
    assert time.perf_counter() - begun < 2
    assert row_codes(table, bad) == {("a", "pattern_mismatch")}


@pytest.mark.parametrize("value", ["xab", "abx", "ab\n", "", "AB"])
def test_a_pattern_must_match_the_whole_value(value: str) -> None:
    table = table_of(patterned("a|ab"))
    assert row_codes(table, {"a": value}) == {("a", "pattern_mismatch")}
    assert row_codes(table, {"a": "ab"}) == set()


def test_a_pattern_stands_beside_the_types_own() -> None:
    table = table_of({"name": "a", "format": "email", "constraints": {"pattern": ".*@example[.]com"}})
    assert row_codes(table, {"a": "user@example.com"}) == set()
    assert row_codes(table, {"a": "user@example.org"}) == {("a", "pattern_mismatch")}
    assert row_codes(table, {"a": "no address"}) == {("a", "invalid_email"), ("a", "pattern_mismatch")}


def test_the_patterns_of_a_table_together_are_limited() -> None:
    letters = random.Random(1).sample(string.ascii_letters, limits.LARGE_PATTERNS + 1)
    fields = [{**patterned(f"{letter}[^,]{{1,250}}"), "name": letter} for letter in letters]
    assert mistakes({"fields": fields}) == [("schema_too_large", "fields")]
    assert described({"fields": fields[1:]}).fields


def test_the_patterns_of_a_table_are_counted() -> None:
    inner = {"anyOf": [{"pattern": f"x{number}"} for number in range(limits.FIELDS_PER_TABLE + 1)]}
    field = {"name": "o", "type": "object", "constraints": {"jsonSchema": inner}}
    assert mistakes({"fields": [field]}) == [("schema_too_large", "fields")]


@pytest.mark.parametrize("form", ["pattern", "patternProperties"])
def test_the_patterns_of_a_json_schema_count_among_them(form: str) -> None:
    patterns = [rf"\pL{{45}}x{number}" for number in range(200)]
    inner: dict[str, Any] = {"patternProperties": {pattern: {} for pattern in patterns}}
    if form == "pattern":
        inner = {"anyOf": [{"items": {"pattern": pattern}} for pattern in patterns]}
    field = {"name": "o", "type": "object", "constraints": {"jsonSchema": inner}}
    begun = time.perf_counter()
    assert mistakes({"fields": [field]}) == [("schema_too_large", "fields")]
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("pattern", [r"(a)\1", "(a{1000}){1000}", "a" * 1_001])
def test_the_names_of_pattern_properties_are_patterns(pattern: str) -> None:
    field = {"name": "o", "type": "object", "constraints": {"jsonSchema": {"patternProperties": {pattern: {}}}}}
    path = "fields[0].constraints.jsonSchema.patternProperties"
    assert mistakes({"fields": [field]}) == [("pattern_unsupported", path)]


def test_patterns_inside_json_schema_are_linear_too() -> None:
    inner = {"properties": {"p": {"pattern": r"(a)\1"}}}
    field = {"name": "o", "type": "object", "constraints": {"jsonSchema": inner}}
    path = "fields[0].constraints.jsonSchema.properties.p.pattern"
    assert mistakes({"fields": [field]}) == [("pattern_unsupported", path)]


def test_json_schema_that_doubles_with_every_reference_is_refused_at_once() -> None:
    levels = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**levels, "d60": {"type": "object"}}}
    begun = time.perf_counter()
    field = {"name": "o", "type": "object", "constraints": {"jsonSchema": schema}}
    assert mistakes({"fields": [field]}) == [("schema_too_large", "fields[0].constraints.jsonSchema")]
    assert time.perf_counter() - begun < 1
