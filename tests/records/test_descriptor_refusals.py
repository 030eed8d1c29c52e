"""What no table schema may be: every mistake is found at definition, with its path (TRUST BI-07, IN-11)."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from records import limits
from tests.records.building import described, mistake_codes, mistakes, table_of

INTEGER = {"name": "n", "type": "integer"}


def constrained(type_word: str, **constraints: Any) -> dict[str, Any]:
    return {"fields": [{"name": "n", "type": type_word, "constraints": constraints}]}


def at(word: str) -> str:
    return f"fields[0].constraints.{word}"


BAD: dict[str, tuple[Any, tuple[str, str]]] = {
    "no fields": ({}, ("invalid_schema", "fields")),
    "empty fields": ({"fields": []}, ("invalid_schema", "fields")),
    "fields as object": ({"fields": {}}, ("invalid_schema", "fields")),
    "a field as text": ({"fields": ["a"]}, ("invalid_schema", "fields[0]")),
    "empty name": ({"fields": [{"name": ""}]}, ("invalid_label", "fields[0].name")),
    "name twice": ({"fields": [{"name": "a"}, {"name": "a"}]}, ("duplicate_field", "fields[1].name")),
    "unknown type": ({"fields": [{"name": "a", "type": "strng"}]}, ("unknown_type", "fields[0].type")),
    "type as list": ({"fields": [{"name": "a", "type": []}]}, ("unknown_type", "fields[0].type")),
    "unknown format": ({"fields": [{"name": "a", "format": "mail"}]}, ("unknown_format", "fields[0].format")),
    "constraint not for type": (
        constrained("integer", pattern="a"),
        ("constraint_not_for_type", at("pattern")),
    ),
    "unique object": (constrained("object", unique=True), ("constraint_not_for_type", at("unique"))),
    "minimum of wrong type": (
        constrained("integer", minimum="abc"),
        ("invalid_constraint", at("minimum")),
    ),
    "minimum as text": (constrained("integer", minimum="5"), ("invalid_constraint", at("minimum"))),
    "minimum as point number": (
        constrained("integer", minimum=1.5),
        ("invalid_constraint", at("minimum")),
    ),
    "minimum above maximum": (
        constrained("number", minimum=2, maximum=1),
        ("invalid_constraint", at("minimum")),
    ),
    "nothing between exclusive bounds": (
        constrained("number", exclusiveMinimum=1, maximum=1),
        ("invalid_constraint", at("exclusiveMinimum")),
    ),
    "dates crossed": (
        constrained("datetime", minimum="2024-01-01T00:00:00.5Z", maximum="2024-01-01T00:00:00Z"),
        ("invalid_constraint", at("minimum")),
    ),
    "lengths crossed": (
        constrained("string", minLength=2, maxLength=1),
        ("invalid_constraint", at("minLength")),
    ),
    "negative length": (constrained("string", minLength=-1), ("invalid_constraint", at("minLength"))),
    "length true": (constrained("string", minLength=True), ("invalid_constraint", at("minLength"))),
    "enum of wrong type": (
        constrained("integer", enum=[1, "2"]),
        ("invalid_constraint", at("enum[1]")),
    ),
    "enum with null": (constrained("integer", enum=[None]), ("invalid_constraint", at("enum[0]"))),
    "empty enum": (constrained("integer", enum=[]), ("invalid_constraint", at("enum"))),
    "bad pattern": (constrained("string", pattern="("), ("pattern_unsupported", at("pattern"))),
    "pattern as number": (constrained("string", pattern=1), ("invalid_constraint", at("pattern"))),
    "constraints as list": (
        {"fields": [{"name": "a", "constraints": []}]},
        ("invalid_schema", "fields[0].constraints"),
    ),
    "required as text": (constrained("string", required="yes"), ("invalid_schema", at("required"))),
    "required outside": (
        {"fields": [{"name": "a", "required": True}]},
        ("unknown_property", "fields[0].required"),
    ),
    "unknown constraint": (constrained("string", minLenght=1), ("unknown_property", "fields[0].constraints")),
    "unknown property": (
        {"fields": [{"name": "a", "titel": "A"}]},
        ("unknown_property", "fields[0]"),
    ),
    "default of wrong type": (
        {"fields": [{"name": "a", "type": "integer", "default": "1"}]},
        ("invalid_default", "fields[0].default"),
    ),
    "default against constraint": (
        {"fields": [{"name": "a", "type": "integer", "default": 5, "constraints": {"maximum": 4}}]},
        ("invalid_default", "fields[0].default"),
    ),
    "default against date bound": (
        {"fields": [{"name": "a", "type": "date", "default": "2024-01-02", "constraints": {"maximum": "2024-01-01"}}]},
        ("invalid_default", "fields[0].default"),
    ),
    "null default of a required field": (
        {"fields": [{"name": "a", "default": None, "constraints": {"required": True}}]},
        ("invalid_default", "fields[0].default"),
    ),
    "key on unknown field": ({"fields": [{"name": "a"}], "primaryKey": "b"}, ("unknown_field", "primaryKey[0]")),
    "key twice the same": ({"fields": [{"name": "a"}], "primaryKey": ["a", "a"]}, ("invalid_key", "primaryKey[1]")),
    "key as number": ({"fields": [{"name": "a"}], "primaryKey": 1}, ("invalid_key", "primaryKey")),
    "key of type number": (
        {"fields": [{"name": "a", "type": "number"}], "primaryKey": "a"},
        ("constraint_not_for_type", "primaryKey[0]"),
    ),
    "key with default": (
        {"fields": [{"name": "a", "default": "x"}], "primaryKey": "a"},
        ("invalid_default", "primaryKey[0]"),
    ),
    "id that is no integer": ({"fields": [{"name": "id"}]}, ("invalid_key", "primaryKey")),
    "unique key on unknown field": (
        {"fields": [{"name": "a"}], "uniqueKeys": [["a", "b"]]},
        ("unknown_field", "uniqueKeys[0][1]"),
    ),
    "unique key of objects": (
        {"fields": [{"name": "a", "type": "object"}], "uniqueKeys": [["a"]]},
        ("constraint_not_for_type", "uniqueKeys[0][0]"),
    ),
    "foreign key to unknown table": (
        {"fields": [INTEGER], "foreignKeys": [{"fields": "n", "reference": {"resource": "no", "fields": "id"}}]},
        ("fk_target_unknown", "foreignKeys[0].reference.resource"),
    ),
    "foreign key as text": ({"fields": [INTEGER], "foreignKeys": ["n"]}, ("invalid_foreign_key", "foreignKeys[0]")),
    "search in a number": (
        {"fields": [INTEGER], "search_fields": ["n"]},
        ("constraint_not_for_type", "search_fields[0]"),
    ),
    "search weight": (
        {"fields": [{"name": "a"}], "search_fields": [{"field": "a", "weight": "Z"}]},
        ("invalid_index", "search_fields[0].weight"),
    ),
    "index method not for type": (
        {"fields": [INTEGER], "indexes": [{"name": "i", "fields": ["n"], "method": "gin"}]},
        ("invalid_index", "indexes[0].fields[0]"),
    ),
    "index filter as text": (
        {"fields": [INTEGER], "indexes": [{"name": "i", "fields": ["n"], "where": "n > 1"}]},
        ("invalid_index", "indexes[0].where"),
    ),
    "edge types": ({"fields": [INTEGER], "graph": {"types": []}}, ("not_supported_yet", "graph")),
    "NUL in a title": ({"fields": [INTEGER], "title": "a\x00"}, ("invalid_text", "title")),
    "lone surrogate in an extension": ({"fields": [INTEGER], "x-note": ["\ud800"]}, ("invalid_text", "x-note[0]")),
    "huge number in an extension": ({"fields": [INTEGER], "x-note": 10**200}, ("number_out_of_range", "x-note")),
    "jsonSchema as text": (
        constrained("object", jsonSchema="http://x/y"),
        ("invalid_constraint", at("jsonSchema")),
    ),
    "jsonSchema with a mistake": (
        constrained("object", jsonSchema={"minProperties": "a"}),
        ("invalid_constraint", at("jsonSchema")),
    ),
    "jsonSchema of itself": (
        constrained("object", jsonSchema={"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}),
        ("invalid_constraint", at("jsonSchema")),
    ),
    "item type on text": (
        {"fields": [{"name": "a", "itemType": "string"}]},
        ("constraint_not_for_type", "fields[0].itemType"),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bi_07_a_wrong_schema_is_refused_at_definition(name: str) -> None:
    descriptor, expected = BAD[name]
    assert mistakes(descriptor) == [expected]


def test_bi_07_every_mistake_is_told_with_its_path() -> None:
    descriptor = {
        "fields": [{"name": "", "type": "nope"}, {"name": "b", "required": True, "constraints": {"minLength": "x"}}],
        "primaryKey": ["c"],
        "foreignKeys": [{"fields": "d", "reference": {"resource": "no", "fields": "id"}}],
        "indexes": [{"name": "i", "fields": ["e"]}],
    }
    assert {path for _, path in mistakes(descriptor)} == {
        "fields[0].name",
        "fields[0].type",
        "fields[1].required",
        "fields[1].constraints.minLength",
        "primaryKey[0]",
        "foreignKeys[0].fields[0]",
        "foreignKeys[0].reference.resource",
        "indexes[0].fields[0]",
    }


def test_bi_07_a_million_mistakes_are_answered_with_some() -> None:
    descriptor = {"fields": [{"name": "a", **{f"word{place}": 1 for place in range(20_000)}}]}
    assert len(mistakes(descriptor)) == limits.MISTAKES_SHOWN + 1


NOT_WRITTEN_OUT: list[Any] = [
    "schema.json",
    "/etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "package.zip",
    None,
    [],
    7,
    {"$ref": "file:///etc/passwd"},
    {"fields": [{"name": "a"}], "profile": "http://169.254.169.254/profile.json"},
]
REFERRING: list[Any] = [
    {"fields": [{"name": "a", "$ref": "http://169.254.169.254/"}]},
    {"fields": [{"name": "a", "type": "array", "arrayItem": {"type": "http://169.254.169.254/"}}]},
    {"fields": [{"name": "a"}], "$schema": "http://169.254.169.254/"},
    constrained("object", jsonSchema={"$ref": "file:///etc/passwd"}),
    constrained("object", jsonSchema={"$id": "http://169.254.169.254/", "$ref": "#/a"}),
    constrained(
        "object", jsonSchema={"$schema": "http://169.254.169.254/", "$dynamicRef": "http://169.254.169.254/#a"}
    ),
]

REFUSALS = {"schema_must_be_object", "unknown_property", "invalid_schema", "invalid_constraint"}


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Every file opened and every host looked up or connected to while the test runs."""
    # A hook cannot be taken away again; it only listens until the test is over.
    events: list[str] = []
    listening = True

    def listen(event: str, _: tuple[Any, ...]) -> None:
        if listening and event in ("open", "os.open", "socket.connect", "socket.getaddrinfo", "socket.__new__"):
            events.append(event)

    sys.addaudithook(listen)
    yield events
    listening = False


@pytest.mark.parametrize("descriptor", NOT_WRITTEN_OUT, ids=repr)
def test_in_11_a_schema_that_is_elsewhere_is_refused_and_nothing_is_opened(descriptor: Any, opened: list[str]) -> None:
    assert mistake_codes(descriptor) == {"schema_must_be_object"}
    assert opened == []


@pytest.mark.parametrize("descriptor", REFERRING, ids=repr)
def test_in_11_a_reference_out_of_the_schema_is_refused_and_nothing_is_opened(
    descriptor: Any, opened: list[str]
) -> None:
    assert mistake_codes(descriptor) <= {
        "schema_must_be_object",
        "unknown_property",
        "invalid_schema",
        "invalid_constraint",
    }
    assert opened == []


def test_in_11_the_guard_hears_what_is_opened(opened: list[str]) -> None:
    Path(__file__).read_bytes()
    assert "open" in opened


def test_bi_07_too_many_fields() -> None:
    fields = [{"name": f"f{place}"} for place in range(limits.FIELDS_PER_TABLE + 1)]
    assert mistakes({"fields": fields}) == [("schema_too_large", "fields")]
    assert len(described({"fields": fields[1:]}).fields) == limits.FIELDS_PER_TABLE + 1


def test_re_12_fixed_columns_beyond_a_page_are_refused() -> None:
    wide = [{"name": f"f{place}", "type": "datetime"} for place in range(1_000)]
    assert mistakes({"fields": wide}) == [("schema_too_large", "fields")]
    assert len(table_of(*wide[:900]).fields) == 901


def test_columns_beyond_the_database_are_refused() -> None:
    pairs = [{"name": f"f{place}", "type": "geopoint"} for place in range(800)]
    assert mistakes({"fields": pairs}) == [("schema_too_large", "fields")]
