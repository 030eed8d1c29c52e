"""Deletes, ids of every kind in paths and lists, and batches at their limits."""

import random
from decimal import Decimal
from urllib.parse import unquote

import psycopg
import pytest
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from psycopg.sql import SQL, Literal

from datar.errors import Invalid, InvalidFields, NotFound, TooLarge
from records import limits
from records.recordid import decode_id, encode_id
from records.table import Table
from tests.records.engine import Engine, Rows, write
from tests.records.physical import planted
from tests.records.refusals import refused
from tests.records.users import count


def test_deletes(users: Rows) -> None:
    users.create([{"name": "a"} for _ in range(5)])
    users.delete(2)
    with refused(NotFound):
        users.delete(2)
    assert users.delete_many(ids="5,1,5") == {"deleted": 2, "ids": [5, 1]}
    assert [row["id"] for row in users.list()["data"]] == [3, 4]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"ids": ""},
        {"ids": "1,,2"},
        {"ids": "all"},
        {"ids": "1,"},
        {"ids": "*"},
        {"name": "a"},
        {"ids": "1", "name": "a"},
        {"id": "1"},
        {"_meta": "true"},
        {"ids": "1", "_meta": "true"},
        {"filter": "{}"},
        {"ids": "1", "filter": "{}"},
        {"ids": "[1]"},
        {"ids": "1.0"},
        {"ids": " 1"},
    ],
)
def test_di_22_a_delete_never_widens(users: Rows, params: dict[str, str]) -> None:
    users.create([{"name": "a"}, {"name": "b"}])
    with pytest.raises(Invalid):
        users.delete_many(**params)
    assert count(users) == 2


def test_a_delete_takes_no_meta_and_says_what_it_takes(users: Rows) -> None:
    users.create({"name": "a"})
    with refused(Invalid, "unknown_parameter"):
        users.records.delete("1", [("_meta", "true")])
    with refused(Invalid, "unknown_parameter") as refusal:
        users.delete_many(id="1")
    assert "ids" in refusal.error.detail and "_meta" not in refusal.error.detail
    assert count(users) == 1


NASTY_PARTS = [
    "",
    ".",
    "..",
    "~",
    "~e",
    "~.",
    "~0",
    ",",
    "/",
    "a,b",
    "a/b",
    "%",
    "%2F",
    "?",
    "#",
    " ",
    "+",
    "é",
    "😀",
    '"',
    "'",
    "\\",
    "\n",
    "\t",
    "upsert",
    "query",
    "~~,,//",
    "a\u0001",
    "." * 3,
]


def test_ids_are_read_as_they_are_made() -> None:
    for first in NASTY_PARTS:
        for parts in ((first,), (first, "x"), ("x", first), (first, first)):
            segment = encode_id(parts)
            assert "/" not in segment and segment not in ("", ".", "..")
            assert decode_id(unquote(segment), len(parts)) == parts
            assert segment.isascii()
    for text in ("~3", "~", "a~", "~x", "a~ee", ".", "..", ""):
        assert decode_id(text, 1) is None
    assert decode_id("a,b", 1) is None
    assert decode_id("a", 2) is None


def test_text_keys_of_every_kind(engine: Engine) -> None:
    rows = engine.table(
        "keys", {"fields": [{"name": "k", "type": "string"}, {"name": "n", "type": "integer"}], "primaryKey": "k"}
    )
    for number, key in enumerate(NASTY_PARTS):
        answer = rows.records.create(write({"k": key, "n": number}), ())
        segment = unquote(answer.record_id)
        assert rows.get(segment) == {"k": key, "n": number}
        assert rows.update(segment, {"n": number + 1})["n"] == number + 1
    ids = ",".join(unquote(encode_id((key,))) for key in NASTY_PARTS)
    assert rows.delete_many(ids=ids) == {"deleted": len(NASTY_PARTS), "ids": NASTY_PARTS}


def test_composite_keys(engine: Engine) -> None:
    fields = [
        {"name": "day", "type": "date"},
        {"name": "at", "type": "datetime"},
        {"name": "carrier", "type": "string"},
        {"name": "number", "type": "integer"},
        {"name": "seats", "type": "integer"},
    ]
    key = ["carrier", "number", "day", "at"]
    rows = engine.table("flights", {"fields": fields, "primaryKey": key})
    first = {"day": "2024-01-01", "at": "2024-01-01T05:00:00.500Z", "carrier": "A,/~", "number": 7, "seats": 1}
    answer = rows.records.create(write(first), ())
    segment = unquote(answer.record_id)
    assert segment == "A~1~2~0,7,2024-01-01,2024-01-01T05:00:00.5Z"
    assert rows.get(segment)["seats"] == 1
    assert rows.update(segment, {"seats": 2})["seats"] == 2
    assert rows.update_many([{**first, "seats": 3}])[0]["seats"] == 3
    assert rows.upsert({**first, "seats": 4})["created"] is False
    rows.create({**first, "carrier": "", "seats": 9})
    with refused(Invalid, "invalid_parameter"):
        rows.delete_many(ids="A,7,2024-01-01")
    with refused(NotFound) as refusal:
        rows.delete_many(ids=f"{segment},B,7,2024-01-01,2024-01-01T05:00:00Z")
    assert refusal.error.extra == {"ids": ["B,7,2024-01-01,2024-01-01T05:00:00Z"]}
    both = f"{segment},~e,7,2024-01-01,2024-01-01T05:00:00.5Z"
    assert rows.delete_many(ids=both)["deleted"] == 2
    with refused(InvalidFields) as refusal:
        rows.create({"carrier": "A"})
    assert {field for _, field, _ in refusal.fields} == {"number", "day", "at"}


def test_re_10_bulk_at_the_limit(engine: Engine) -> None:
    rows = engine.table("many", {"fields": [{"name": "n", "type": "integer"}]})
    with refused(TooLarge, "too_many_items") as refusal:
        rows.create([{"n": 1}] * (limits.ROWS_PER_REQUEST + 1))
    assert refusal.error.extra == {"limit": limits.ROWS_PER_REQUEST}
    with refused(TooLarge, "too_many_items"):
        rows.delete_many(ids=",".join(map(str, range(limits.ROWS_PER_REQUEST + 1))))
    assert count(rows) == 0


def test_re_13_ten_thousand_rows_of_ten_columns(engine: Engine) -> None:
    names = [f"f{number}" for number in range(10)]
    rows = engine.table("wide", {"fields": [{"name": name, "type": "string"} for name in names]})
    sent = [{name: f"{name} of {number}" for name in names} for number in range(10_000)]
    made = rows.create(sent)
    assert [row["f9"] for row in made] == [row["f9"] for row in sent]
    assert count(rows) == 10_000
    changed = rows.update_many([{"id": row["id"], "f0": "changed"} for row in made])
    assert len(changed) == 10_000
    result = rows.upsert([{**row, "f1": "again"} for row in changed])
    assert (result["created"], result["updated"]) == (0, 10_000)
    assert rows.delete_many(ids=",".join(str(row["id"]) for row in made))["deleted"] == 10_000


def test_re_12_text_too_long_for_an_index(engine: Engine) -> None:
    rows = engine.table(
        "long",
        {"fields": [{"name": "u", "type": "string", "constraints": {"unique": True}}, {"name": "t", "type": "string"}]},
    )
    noise = "".join(random.Random(5).choices("abcdefghijklmnopqrstuvwxyzäöü", k=9_000))
    with refused(InvalidFields) as refusal:
        rows.create({"u": noise})
    assert refusal.fields == {(None, "u", "value_too_long_for_index")}
    assert rows.create({"t": noise, "u": noise[:2000]})["t"] == noise


def test_di_16_poison_rows_do_not_close_a_table(engine: Engine) -> None:
    fields = [{"name": "n", "type": "number"}, {"name": "at", "type": "datetime"}, {"name": "d", "type": "date"}]
    rows = engine.table("poison", {"fields": fields})
    rows.create({"n": 1})
    plant_poison(engine, rows.table)
    listed = rows.list()["data"]
    assert len(listed) == 4
    assert [row["n"] for row in listed] == [Decimal(1), "NaN", "Infinity", "-Infinity"]
    assert [row["d"] for row in listed][:3] == [None, "infinity", "-infinity"] == [row["at"] for row in listed][:3]
    assert rows.list(ordering="-n,at")["total"] == 4
    assert rows.get(2)["id"] == 2


def plant_poison(engine: Engine, table: Table) -> None:
    """Rows that the service never writes: numbers that are none, days and instants that no client can send."""
    if engine.server is not None:
        plant_poisonous_documents(engine, table)
        return
    with psycopg.connect(engine.url, autocommit=True) as connection:
        for number, when in (("NaN", "infinity"), ("Infinity", "-infinity"), ("-Infinity", "4713-01-01 BC")):
            casts = {"n": (number, SQL("numeric")), "at": (when, SQL("timestamptz")), "d": (when, SQL("date"))}
            values = {name: SQL("{}::{}").format(Literal(text), cast) for name, (text, cast) in casts.items()}
            connection.execute(planted(table, values, SQL("generate_series(1, 1)")))


def plant_poisonous_documents(engine: Engine, table: Table) -> None:
    """The same past the validator of a collection."""
    far, early = DatetimeMS(10**15), DatetimeMS(-(10**15))
    for key, number, when in ((2, "NaN", far), (3, "Infinity", early), (4, "-Infinity", early)):
        values = {"n": Decimal128(number), "at": {"t": when, "u": 0}, "d": when}
        document = {table.by_name[name].column: value for name, value in values.items()}
        engine.collection(table).insert_one({"_id": key, "_version": key, **document}, bypass_document_validation=True)
