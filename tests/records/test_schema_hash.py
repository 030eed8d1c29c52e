"""The fingerprint of a schema: equal for equal meaning, different for different meaning (TRUST SC-13)."""

import json
from typing import Any

import pytest

from records.descriptor import schema_hash
from records.payload import parse_json

FIELDS: list[dict[str, Any]] = [{"name": "a", "type": "integer", "constraints": {"minimum": 1}}, {"name": "b"}]
KEY = {"fields": ["a"], "reference": {"resource": "t", "fields": ["id"]}}
PLAIN: dict[str, Any] = {
    "fields": FIELDS,
    "primaryKey": ["a"],
    "foreignKeys": [KEY],
    "indexes": [{"name": "i", "fields": ["b"]}],
    "search_fields": ["b"],
}


def changed(place: int, **words: Any) -> dict[str, Any]:
    fields = [dict(field) for field in FIELDS]
    fields[place] |= words
    return {**PLAIN, "fields": fields}


SAME: list[dict[str, Any]] = [
    {word: PLAIN[word] for word in sorted(PLAIN)},
    changed(0, format="default"),
    changed(0, constraints={"required": False, "minimum": 1, "unique": False}),
    changed(0, constraints={"minimum": 1.0}),
    changed(1, type="string"),
    changed(1, constraints={}),
    changed(1, title="", description=""),
    changed(1, default=None),
    {**PLAIN, "primaryKey": "a"},
    {**PLAIN, "uniqueKeys": [], "missingValues": [""], "fieldsMatch": "exact"},
    {**PLAIN, "foreignKeys": [{"fields": "a", "reference": {"fields": "id", "resource": "t"}}]},
    {**PLAIN, "foreignKeys": [{**KEY, "x-enforced": True, "x-actions": {"onDelete": "NO ACTION"}}]},
    {**PLAIN, "indexes": [{"name": "i", "fields": "b", "unique": False, "method": "btree", "where": None}]},
    {**PLAIN, "search_fields": [{"field": "b", "weight": "A"}]},
]
DIFFERENT: list[dict[str, Any]] = [
    {**PLAIN, "fields": FIELDS[::-1]},
    changed(0, constraints={"minimum": 10}),
    changed(0, constraints={"minimum": 1, "required": True}),
    changed(0, name="A"),
    changed(1, format="email"),
    changed(1, default=""),
    changed(1, title="B"),
    changed(1, constraints={"pattern": ""}),
    changed(1, constraints={"enum": ["1e0"]}),
    changed(1, **{"x-note": 1}),
    changed(1, **{"x-note": "1e0"}),
    changed(1, **{"x-note": {"number": "1e0"}}),
    changed(1, **{"x-note": True}),
    {key: value for key, value in PLAIN.items() if key != "primaryKey"},
    {**PLAIN, "uniqueKeys": [["b"]]},
    {**PLAIN, "foreignKeys": [{**KEY, "x-enforced": False}]},
]


@pytest.mark.parametrize("descriptor", SAME, ids=str)
def test_sc_13_the_same_meaning_has_the_same_hash(descriptor: dict[str, Any]) -> None:
    assert schema_hash(descriptor) == schema_hash(PLAIN)


def test_sc_13_different_meanings_have_different_hashes() -> None:
    assert len({schema_hash(descriptor) for descriptor in [PLAIN, *DIFFERENT]}) == len(DIFFERENT) + 1


def test_sc_13_white_space_and_the_reader_make_no_difference() -> None:
    text = json.dumps(changed(0, constraints={"minimum": 1.50}), indent=7)
    assert schema_hash(parse_json(text.encode())) == schema_hash(json.loads(text))


def test_a_hash_is_64_hexadecimal_digits() -> None:
    assert len(schema_hash(PLAIN)) == 64
    assert int(schema_hash(PLAIN), 16)


def test_a_number_of_any_size_is_hashed_at_once() -> None:
    huge = parse_json(b'{"fields":[{"name":"a"}],"x-note":1e1000000000}')
    assert schema_hash(huge) != schema_hash({"fields": [{"name": "a"}]})
