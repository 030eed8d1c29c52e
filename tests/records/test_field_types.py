"""The type table is whole, usable, and the same in ``docs/reference/types.md``."""

from pathlib import Path

import pytest

from records.fieldtypes import FIELD_TYPES, TYPES, field_type
from records.operators import PARTS
from records.patterns import compile_schema
from records.table import Field, Json
from records.typerow import FieldType
from tests.records.building import mistakes
from tests.records.engine import Engine
from tests.records.strategies import VALUES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "types.md"
ABILITIES = ("filter", "order", "text", "parts", "json", "group", "unique", "key", "index")
CONTRACT_TYPES = (
    "string integer number boolean date time datetime year yearmonth duration object array list any geojson geopoint"
)


def rows_under(heading: str) -> dict[str, list[str]]:
    """The cells of the table under a heading of the page, by the type in the first one."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def ability(kind: FieldType, word: str) -> str:
    if word == "index":
        return ", ".join(sorted(kind.index)) or "no"
    if word == "parts":
        return ", ".join(part for part, types in PARTS.items() if kind.name in types) or "no"
    named = {"text": "is_text", "json": "is_json"}
    return "yes" if getattr(kind, named.get(word, word)) else "no"


def test_every_type_of_the_contract_is_in_the_table() -> None:
    assert set(TYPES) == set(CONTRACT_TYPES.split())
    assert set(VALUES) == set(FIELD_TYPES)


def test_the_page_tells_how_every_type_is_stored_and_written() -> None:
    assert rows_under("How a value is stored and written") == {
        name: [" + ".join(f"`{word}`" for word in kind.postgres), kind.json, f"`{kind.code}`"]
        for name, kind in FIELD_TYPES.items()
    }


def test_the_page_tells_what_every_type_can_do() -> None:
    assert rows_under("What a type can do") == {
        name: [ability(kind, word) for word in ABILITIES] for name, kind in FIELD_TYPES.items()
    }


def test_the_page_tells_which_constraints_fit() -> None:
    assert rows_under("Which constraints fit") == {
        name: [", ".join(f"`{word}`" for word in sorted(kind.constraints))] for name, kind in FIELD_TYPES.items()
    }


@pytest.mark.parametrize("name", FIELD_TYPES)
def test_no_type_takes_another_kind_of_json(name: str) -> None:
    kind = FIELD_TYPES[name]
    validator = compile_schema(kind.schema)
    samples: tuple[Json, ...] = ("", "x", 1, True, [], {})
    taken = {type(sample) for sample in samples if validator.is_valid(sample)}
    assert len(taken) <= 1 or name == "any"


def test_a_field_finds_its_row() -> None:
    assert field_type(Field("a", "string", "a_1", "uuid")) is FIELD_TYPES["string/uuid"]
    assert field_type("string") is FIELD_TYPES["string"]
    with pytest.raises(KeyError):
        field_type("string", "nope")


@pytest.mark.parametrize("method", ["btree", "hash", "gin", "brin"])
def test_every_index_the_table_allows_can_be_made(engine: Engine, method: str) -> None:
    fitting = [kind for kind in FIELD_TYPES.values() if method in kind.index]
    assert fitting
    fields: list[Json] = []
    indexes: list[Json] = []
    for place, kind in enumerate(fitting):
        word, _, variant = kind.name.partition("/")
        fields.append({"name": f"f{place}", "type": word, "format": variant or "default"})
        indexes.append({"name": f"i{place}", "fields": f"f{place}", "method": method})
    rows = engine.table("indexed", {"fields": fields, "indexes": indexes})
    assert len(rows.table.indexes) == len(fitting)
    assert rows.list()["total"] == 0


def test_every_key_type_can_be_referred_to(engine: Engine) -> None:
    for place, kind in enumerate(kind for kind in FIELD_TYPES.values() if kind.unique and kind.name != "duration"):
        word, _, variant = kind.name.partition("/")
        field = {"name": "k", "type": word, "format": variant or "default"}
        engine.table(f"p{place}", {"fields": [{**field, "constraints": {"unique": True}}]})
        key = {"fields": "k", "reference": {"resource": f"p{place}", "fields": "k"}}
        assert engine.table(f"c{place}", {"fields": [field], "foreignKeys": [key]}).table.foreign_keys


def test_a_duration_refers_to_nothing() -> None:
    fields = [
        {"name": "id", "type": "integer"},
        {"name": "k", "type": "duration", "constraints": {"unique": True}},
        {"name": "m", "type": "duration"},
    ]
    key = {"fields": "m", "reference": {"resource": "", "fields": "k"}}
    assert mistakes({"fields": fields, "foreignKeys": [key]}) == [("invalid_foreign_key", "foreignKeys[0].fields")]
