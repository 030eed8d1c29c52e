"""Values on their way to MongoDB and back: through BSON, and through a server, nothing of them changes."""

import copy
import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson.decimal128 import Decimal128
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pymongo.collection import Collection

from datar.errors import Invalid, InvalidFields, InvalidRows
from records.canonical import RefusedError
from records.descriptor import assign_columns, parse_table
from records.fieldtypes import FIELD_TYPES, field_type
from records.jsontext import dumps
from records.limits import DECIMAL128_DIGITS, NUMBER_MAGNITUDE
from records.payload import Purpose, check_rows
from records.providers.mongo import values
from records.providers.mongo.decimals import decimal_of, decimal_text
from records.providers.mongo.documents import changes_of, document_of, documents_of, needs_stored
from records.providers.mongo.layout import compared_path
from records.providers.mongo.rendering import RowWriter
from records.providers.mongo.server import Document, Server
from records.rules import canonical_value
from records.table import Field, Table
from tests.mongo import mongodb_url
from tests.records.engine import read
from tests.records.strategies import IDENTITY, VALUES, json_values, rows_for, tables

NOW = datetime.fromisoformat("2026-11-22T01:02:03.456789")
AWKWARD_KEYS = ["", ".", "a.b", "$", "$ref", "$id", "$db", "$where", "~", "~$", "~~", "_id", "é", "\ufeff", "0", "-1"]
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def collection() -> Iterator["Collection[Document]"]:
    """A collection of a real server."""
    server = Server(mongodb_url())
    yield server.database("values").get_collection("values")
    server.client.drop_database(server.database("values").name)
    server.close()


def table_of(descriptor: dict[str, Any]) -> Table:
    """The table, with columns."""
    draft = parse_table(descriptor, IDENTITY, lambda *_: None)
    columns, _ = assign_columns([field.name for field in draft.fields], {}, 0)
    identity = IDENTITY.__class__(1, "crm", "orders", "acme_1", "crm_orders", 1, columns, store="mongodb")
    return parse_table(descriptor, identity, lambda *_: None)


@st.composite
def tables_with_rows(draw: st.DrawFn) -> tuple[Table, list[dict[str, Any]]]:
    """A table and canonical rows of it, with their keys, none of which is refused."""
    table = table_of(draw(tables()))
    rows = check_rows(table, copy.deepcopy(draw(rows_for(table))), Purpose.CREATE)
    for place, row in enumerate(rows):
        for name in table.primary_key:
            row.setdefault(name, 2**62 + place)
    assume(not any(values.row_errors(table.fields, row, 0) for row in rows))
    return table, rows


def through(document: Document) -> Document:
    """The document as a server would give it back."""
    return bson.decode(bson.encode(document))


def field_of(kind: str) -> Field:
    """A field of a row of the type table."""
    word, _, variant = kind.partition("/")
    return Field("v", word, "v_1", format=variant or "default")


@given(tables_with_rows())
def test_documents_are_read_as_the_rows_they_were(found: tuple[Table, list[dict[str, Any]]]) -> None:
    table, rows = found
    documents = documents_of(table, table.fields, rows, now=NOW, versions=range(len(rows)))
    writer = RowWriter(table, table.fields, meta=True)
    back = [through(document) for document in documents]
    shown = read(b"[" + writer.page(back) + b"]")
    for place, (row, answer) in enumerate(zip(rows, shown, strict=True)):
        assert {field.name: answer[field.name] for field in table.fields} == {
            field.name: instant_or(row.get(field.name)) for field in table.fields
        }
        assert answer["_created_at"] == answer["_updated_at"] == "2026-11-22T01:02:03.456789Z"
        assert answer["_version"] == place
        assert read(writer.row(back[place])) == answer == read(writer.line(back[place], "ndjson"))
    assert [list(each) for each in shown] == [writer.labels] * len(rows)


def instant_or(value: Any) -> Any:
    """The value, the write's instant where it stands for it."""
    return "2026-11-22T01:02:03.456789Z" if value == "now" else value


@RELAXED
@given(found=tables_with_rows())
def test_a_server_gives_rows_back(
    collection: "Collection[Document]", found: tuple[Table, list[dict[str, Any]]]
) -> None:
    table, rows = found
    documents = documents_of(table, table.fields, rows, now=NOW, versions=range(len(rows)))
    writer = RowWriter(table, table.fields)
    collection.delete_many({})
    collection.insert_many(copy.deepcopy(documents))
    stored = list(collection.find({}, sort={"_version": 1}))
    assert stored == [through(document) for document in documents]
    assert read(b"[" + writer.page(stored) + b"]") == read(b"[" + writer.page(documents) + b"]")
    for document in documents:
        assert collection.count_documents({"_id": {"$eq": document["_id"]}}) == 1


@given(kind=st.sampled_from(sorted(FIELD_TYPES)), data=st.data())
def test_texts_of_compared_values_read_back(kind: str, data: st.DataObject) -> None:
    """What a cursor holds is the very value; a text that a filter is sent is the stored one."""
    field = field_of(kind)
    if not field_type(field).filter:
        return
    value = canonical_value(field_type(field), data.draw(VALUES[kind]))
    assume(not values.row_errors([field], {"v": value}, 0))
    table = table_of({"fields": [{"name": "v", "type": field.type, "format": field.format}]})
    document = through(document_of(table, table.fields, {"id": 1, "v": value}, now=NOW, version=1))
    compared = document[compared_path(table, table.by_name["v"])]
    text = values.text_of(field, compared)
    assert text is not None
    assert same(values.operand(field, text), compared)
    shown = values.json_of(field, values.encode(field, value))
    assert read(dumps(shown)) == value


def same(one: Any, other: Any) -> bool:
    """Equal as a server compares: keys in the same order, numbers by their size."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    first, second = (each.to_decimal() if isinstance(each, Decimal128) else each for each in (one, other))
    return isinstance(first, bool) is isinstance(second, bool) and bool(first == second)


ORDERED = sorted(kind for kind, row in FIELD_TYPES.items() if row.order)


@RELAXED
@given(kind=st.sampled_from(ORDERED), data=st.data())
def test_a_server_compares_as_the_type_does(collection: "Collection[Document]", kind: str, data: st.DataObject) -> None:
    row = FIELD_TYPES[kind]
    one, other = (canonical_value(row, data.draw(VALUES[kind])) for _ in range(2))
    field = field_of(kind)
    table = table_of({"fields": [{"name": "v", "type": field.type, "format": field.format}]})
    assume(not any(values.row_errors([field], {"v": value}, 0) for value in (one, other)))
    rows = [{"id": 1, "v": one}, {"id": 2, "v": other}]
    collection.delete_many({})
    collection.insert_many(documents_of(table, table.fields, rows, now=NOW, versions=[1, 2]))
    path = compared_path(table, table.by_name["v"])
    bound = values.text_of(field, collection.find({"_id": 2})[0][path])
    assert bound is not None
    first, second = (row.comparable(value) for value in (one, other))
    if isinstance(first, str):
        first, second = first.encode(), second.encode()
    for operator, holds in (("$lt", first < second), ("$eq", first == second), ("$gt", first > second)):
        found = collection.count_documents({"_id": 1, path: {operator: values.operand(field, bound)}})
        assert bool(found) is holds


@given(json_values, st.randoms(use_true_random=False))
def test_equal_json_values_are_equal_documents(value: Any, random: Any) -> None:
    field = field_of("any")
    assume(not values.row_errors([field], {"v": value}, 0))
    stored = values.encode(field, value)
    assert same(values.encode(field, shuffled(value, random)), stored)
    assert read(dumps(values.json_of(field, through({"v": stored})["v"]))) == value


def shuffled(value: Any, random: Any) -> Any:
    """The same value with its keys in other orders."""
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    keys = random.sample(list(value), len(value))
    return {key: shuffled(value[key], random) for key in keys}


def test_in_08_keys_that_a_server_or_a_driver_could_obey_are_only_keys(collection: "Collection[Document]") -> None:
    table = table_of({"fields": [{"name": "v", "type": "any"}, {"name": "o", "type": "object"}]})
    nested: Any = "$v_1"
    for key in AWKWARD_KEYS:
        nested = {key: [nested, {"$numberLong": "1"}], "x": None}
    reference = {"$ref": "other", "$id": {"$oid": "0" * 24}, "$db": "admin"}
    rows = [
        {"id": place, "v": value, "o": dict.fromkeys(AWKWARD_KEYS, value)}
        for place, value in enumerate((nested, reference, "$where", "~", [], {}, 0, False, "", [None], [[]]))
    ]
    collection.delete_many({})
    collection.insert_many(documents_of(table, table.fields, rows, now=NOW, versions=[1] * len(rows)))
    stored = list(collection.find({}, sort={"_id": 1}))
    writer = RowWriter(table, table.fields)
    assert read(b"[" + writer.page(stored) + b"]") == rows
    assert [read(writer.row(document)) for document in stored] == rows
    for row, line in zip(rows, writer.lines(stored, "csv"), strict=True):
        identity, value, keys = next(csv.reader([line.decode()]))
        assert (identity, read(keys.encode())) == (str(row["id"]), row["o"])
        assert value == row["v"] if isinstance(row["v"], str) else read(value.encode()) == row["v"]


@given(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False)))
@example(Decimal("0E-100"))
@example(Decimal("-0.0"))
@example(Decimal("1." + "0" * 99))
@example(10**100)
@example(10**DECIMAL128_DIGITS - 1)
@example(-(10**DECIMAL128_DIGITS) - 1)
@example(Decimal("1E-100"))
def test_decimals_are_exact_or_refused(number: int | Decimal) -> None:
    """As pymongo's own reading of them says, too."""
    digits = len("".join(map(str, Decimal(number).as_tuple().digits)).strip("0"))
    assume(abs(Decimal(number).adjusted()) <= NUMBER_MAGNITUDE)
    if digits > DECIMAL128_DIGITS:
        with pytest.raises(RefusedError) as caught:
            decimal_of(number)
        assert caught.value.code == "number_out_of_range"
        return
    stored = decimal_of(number)
    assert stored.to_decimal() == number == Decimal(decimal_text(stored))
    assert "E" not in decimal_text(stored)
    assert stored.to_decimal() or not stored.to_decimal().is_signed()


def test_numbers_of_more_digits_are_refused_before_anything_is_written() -> None:
    kinds = ("number", "any", "object", "array", "list", "geopoint")
    table = table_of({"fields": [{"name": kind, "type": kind} for kind in kinds]})
    long = Decimal("0." + "1" * (DECIMAL128_DIGITS + 1))
    bad = {"number": long, "any": [1, {"a": long}], "object": {"a": long}, "array": [long], "list": [long]}
    fine = {"number": Decimal("0." + "1" * DECIMAL128_DIGITS), "any": long.quantize(Decimal(1)), "array": ["1" * 99]}
    values.check_rows(table.fields, [fine, {}])
    with pytest.raises(InvalidFields) as single:
        values.check_rows(table.fields, [bad], single=True)
    assert {(error.field, error.code, error.index) for error in single.value.errors} == {
        (name, "number_out_of_range", None) for name in bad
    }
    with pytest.raises(InvalidRows) as many:
        values.check_rows(table.fields, [fine, {"geopoint": [long, 1]}, fine, bad], places=[0, 5, 6, 9])
    assert (many.value.invalid_rows, many.value.total) == (2, 4)
    assert {(error.field, error.index) for error in many.value.errors} == {("geopoint", 5)} | {
        (name, 9) for name in bad
    }
    with pytest.raises(Invalid) as compared:
        values.operand(table.by_name["number"], str(long))
    assert compared.value.code == "number_out_of_range"


def test_changes_set_and_unset_what_was_sent_alone() -> None:
    fields = [
        {"name": "id", "type": "integer"},
        {"name": "text"},
        {"name": "length", "type": "duration"},
        {"name": "gone", "type": "duration"},
        {"name": "updated_at", "type": "datetime"},
        {"name": "other"},
    ]
    table = table_of({"fields": fields, "primaryKey": "id", "search_fields": ["text", "other"]})
    row = {"id": 5, "text": None, "length": "PT1M", "gone": None}
    changes, removed = changes_of(table, table.fields, row, now=NOW, version=7, stored={"other_6": "Bee"})
    instant = values.instant_of(NOW)
    assert needs_stored(table, [table.by_name["text"]]) and not needs_stored(table, table.fields)
    assert "bee" in changes.pop("_words")
    assert {name: str(value) if name == "length_3_2" else value for name, value in changes.items()} == {
        "_updated_at": instant,
        "_version": 7,
        "updated_at_5": instant,
        "length_3": "PT1M",
        "length_3_2": "60",
    }
    assert removed == ["text_2", "gone_4", "gone_4_2"]
