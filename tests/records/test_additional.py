"""Fields that the schema does not name, where a table of documents takes them."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from datar.errors import Invalid, InvalidFields, InvalidRows
from records import limits
from records.descriptor import InvalidDescriptor
from records.filters import condition_of
from records.jsonschema import Purpose, row_schema
from records.providers.postgres.binding import Constants
from records.providers.postgres.columns import qualified
from records.providers.postgres.source import Source
from records.providers.postgres.where import condition_text
from records.query import Comparison
from records.relations import Lookups
from records.versions import Tags
from tests.records.engine import Engine, Rows, read
from tests.records.exported import cells, objects
from tests.records.together import together

FIELDS: list[dict[str, Any]] = [
    {"name": "word", "type": "string"},
    {"name": "many", "type": "integer"},
    {"name": "code", "type": "string", "constraints": {"unique": True}},
]
ACCENTED = [*FIELDS, {"name": "\u00e9t\u00e9", "type": "string"}]
PLAIN = {"word": None, "many": None, "code": None}
ODD = {'a"b': 1, "100%": "%s", "{}": {"deep": [None, {"x": None}]}, "+": "x", "2": 2, "$m": True, "é\\": 1.50}


@pytest.fixture
def rows(open_engine: Engine) -> Rows:
    """An open table."""
    return open_engine.table("things", {"fields": FIELDS})


def stored(engine: Engine, rows: Rows) -> list[Any]:
    """The documents as they lie there, by key."""
    with psycopg.connect(engine.url) as connection:
        found = connection.execute(SQL("SELECT data FROM {} ORDER BY id_1").format(qualified(rows.table)))
        return [document for (document,) in found]


def test_they_stand_in_a_place_of_their_own(open_engine: Engine, rows: Rows) -> None:
    made = rows.create({"word": "a", **ODD, "gone": None})
    assert made == {"id": 1, **PLAIN, "word": "a", **ODD}
    assert list(made)[:4] == ["id", "word", "many", "code"]
    rows.create([{"word": "b"}, {"colour": "red"}])
    assert stored(open_engine, rows)[1:] == [{"2": "b"}, {"+": {"colour": "red"}}]
    assert rows.get(1) == made
    assert rows.list()["data"] == [made, {"id": 2, **PLAIN, "word": "b"}, {"id": 3, **PLAIN, "colour": "red"}]
    assert list(rows.get(3, _meta="true"))[4:] == ["colour", "_created_at", "_updated_at", "_version"]
    assert rows.get(3, fields="word") == {"word": None}
    assert rows.list(cursor="", page_size="2")["data"][0] == made


def test_a_change_keeps_those_that_were_not_sent(open_engine: Engine, rows: Rows) -> None:
    rows.create([{"a": 1, "b": {"c": None}}, {"word": "x"}])
    assert rows.update(1, {"many": 3}) == {"id": 1, **PLAIN, "many": 3, "a": 1, "b": {"c": None}}
    assert rows.update(1, {"a": None, "d": [None]}) == {"id": 1, **PLAIN, "many": 3, "b": {"c": None}, "d": [None]}
    changed = rows.update_many([{"id": 1, "b": None, "d": None}, {"id": 2, "e": "é"}])
    assert changed == [{"id": 1, **PLAIN, "many": 3}, {"id": 2, **PLAIN, "word": "x", "e": "é"}]
    assert rows.update_many([{"id": 1, "many": None}, {"id": 2, "f": 1}])[1] == {**changed[1], "f": 1}
    assert rows.update(2, {"word": None}) == {"id": 2, **PLAIN, "e": "é", "f": 1}
    assert stored(open_engine, rows) == [{}, {"+": {"e": "é", "f": 1}}]


def test_a_replaced_row_has_only_those_that_were_sent(open_engine: Engine, rows: Rows) -> None:
    rows.create([{"a": 1, "b": 2}, {"a": 1}])
    assert rows.update(1, {"b": 3, "c": None}, replace=True) == {"id": 1, **PLAIN, "b": 3}
    assert rows.update(2, {"word": "w"}, replace=True) == {"id": 2, **PLAIN, "word": "w"}
    assert stored(open_engine, rows) == [{"+": {"b": 3}}, {"2": "w"}]


def test_an_upsert_changes_those_that_were_sent(open_engine: Engine, rows: Rows) -> None:
    rows.create([{"code": code, "many": 1, "a": 1, "b": 2} for code in "xyz"])
    sent = [
        {"code": "x", "a": None, "c": 3},
        {"code": "y", "many": 5},
        {"code": "n", "a": None, "d": 4},
        {"code": "z", "b": None, "a": None},
    ]
    answer = rows.upsert(sent, unique_fields="code")["data"]
    assert [{name: value for name, value in row.items() if name != "id"} for row in answer] == [
        {**PLAIN, "code": "x", "many": 1, "b": 2, "c": 3},
        {**PLAIN, "code": "y", "many": 5, "a": 1, "b": 2},
        {**PLAIN, "code": "n", "d": 4},
        {**PLAIN, "code": "z", "many": 1},
    ]
    assert rows.upsert({"id": 1, "c": None})["data"] == {"id": 1, **PLAIN, "code": "x", "many": 1, "b": 2}
    assert stored(open_engine, rows)[2] == {"3": 1}


def test_refused_rows_are_left_out(rows: Rows) -> None:
    answer = rows.skip([{"code": "x", "a": 1}, {"code": "x", "b": 2}, {"_version": 1}, {"c": 3}])
    assert [row.get("a") or row.get("c") for row in answer["data"]] == [1, 3]
    assert (answer["created"], answer["skipped"]) == (2, 2)


def test_di_03_changes_of_different_ones_at_once_are_all_kept(rows: Rows) -> None:
    rows.create({"word": "a"})
    together(
        [
            lambda: [rows.update(1, {"a": number}) for number in range(30)],
            lambda: [rows.update(1, {"b": number, "many": number}) for number in range(30)],
            lambda: [rows.update_many([{"id": 1, "c": number}]) for number in range(30)],
            lambda: [rows.upsert({"id": 1, "d": number}) for number in range(30)],
        ]
    )
    assert rows.get(1) == {"id": 1, **PLAIN, "word": "a", "many": 29, "a": 29, "b": 29, "c": 29, "d": 29}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"": 1}, ("", "invalid_label")),
        ({"x" * 256: 1}, ("x" * 255, "invalid_label")),
        ({"a\tb": 1}, ("a\tb", "invalid_label")),
        ({"a\x00": None}, ("a\x00", "invalid_label")),
        ({"_version": 1}, ("_version", "read_only_field")),
        ({"a": "\x00"}, ("a", "invalid_text")),
        ({"a": {"b\x00": 1}}, ("a", "invalid_text")),
        ({"a": [10**101]}, ("a", "number_out_of_range")),
        ({"a": 1, "many": "x"}, ("many", "invalid_type")),
        ({f"f{number}": 1 for number in range(limits.ADDITIONAL_FIELDS + 1)}, ("non_field_errors", "too_many_fields")),
    ],
)
def test_what_cannot_be_one(rows: Rows, row: dict[str, Any], told: tuple[str, str]) -> None:
    writes: list[Callable[[], Any]] = [
        lambda: rows.create(row),
        lambda: rows.create([{}, row]),
        lambda: rows.update(1, row),
    ]
    for write in writes:
        with pytest.raises((InvalidFields, InvalidRows)) as caught:
            write()
        assert isinstance(caught.value, InvalidFields | InvalidRows)
        assert [(error.field, error.code) for error in caught.value.errors] == [told]
    assert rows.list()["total"] == 0


def test_a_whole_row_has_a_tag(rows: Rows) -> None:
    made = rows.records.create(b'{"x": 1}', ())
    read_again = rows.records.get("1", ())
    assert made.tag == read_again.tag != ""
    assert rows.records.get("1", [("fields", "id,word,many,code")]).tag == ""
    changed = rows.records.update("1", b'{"x": null}', (), if_match=Tags(frozenset({made.tag.strip('"')})))
    assert changed.tag not in ("", made.tag)


@pytest.mark.parametrize("body", [rb'{"a\ud800": 1}', rb'{"a": "\ud800"}', rb'{"word": "x", "a": {"\ud800": 1}}'])
def test_lone_surrogates_are_refused(rows: Rows, body: bytes) -> None:
    with pytest.raises(Invalid):
        rows.create(body)


def test_a_field_of_the_schema_in_other_characters(open_engine: Engine) -> None:
    rows = open_engine.table("accented", {"fields": ACCENTED})
    with pytest.raises(InvalidFields) as caught:
        rows.create({"e\u0301te\u0301": "x"})
    assert [error.code for error in caught.value.errors] == ["duplicate_field"]


def test_as_many_as_there_may_be(rows: Rows) -> None:
    most = {f"f{number}": number for number in range(limits.ADDITIONAL_FIELDS)}
    assert rows.create(most) == {"id": 1, **PLAIN, **most}


def test_they_are_filtered_by_in_quotes(rows: Rows) -> None:
    rows.create([{"colour": "red", "size": {"w": 3}}, {"colour": 7}, {"a__b": True}, {"colour": "blue"}])

    def ids(name: str, value: str) -> list[int]:
        return [row["id"] for row in rows.ask((name, value))["data"]]

    assert ids('"colour"', '"red"') == ids('"colour"', "red") == [1]
    assert ids('"colour"__gt', "5") == [2]
    assert ids('"colour"__isnull', "true") == [3]
    assert ids('"colour"__startswith', "b") == [4]
    assert ids('"size"__w__gte', "3") == [1]
    assert ids('"a__b"', "true") == [3]
    assert ids('"never"', "1") == []
    assert ids("filters", '{"or": [{"\\"colour\\"": "blue"}, {"\\"size\\"__w": 3}]}') == [1, 4]
    assert rows.delete_many(filter='{"\\"colour\\"": 7}') == {"deleted": 1}


def test_equalities_are_found_through_the_index(open_engine: Engine, rows: Rows) -> None:
    rows.create([{"colour": f"c{number}", "deep": {"er": number}} for number in range(2000)])
    lookups = Lookups(open_engine)
    with psycopg.connect(open_engine.url, autocommit=True) as connection:
        connection.execute(SQL("VACUUM ANALYZE {}").format(qualified(rows.table)))
        for name, value, served in (
            ('"colour"', "c77", True),
            ('"never"', 5, True),
            ('"deep"__er', 77, False),
            ('"colour"__ne', "c77", False),
        ):
            source = Source(rows.table)
            found = condition_of(Comparison(name, value, typed=True), rows.table, lookups)
            asked = SQL("EXPLAIN SELECT FROM {} WHERE {}")
            condition = condition_text(found, source, Constants())
            lines = [line for (line,) in connection.execute(asked.format(source.text, condition))]
            assert any("Bitmap Index Scan" in line for line in lines) is served, lines
    assert [row["id"] for row in rows.ask(('"colour"', "c77"), ('"deep"__er', "77"))["data"]] == [78]
    assert [row["id"] for row in rows.ask(('"colour"', "c78"))["data"]] == [79]
    assert rows.ask(("filters", '{"not": {"\\"colour\\"": "c77"}}'))["total"] == 1999


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"colour": "red"}, "unknown_field"),
        ({"wrod": "red"}, "unknown_field"),
        ({"fields": "colour"}, "unknown_field"),
        ({"ordering": '"colour"'}, "invalid_ordering"),
        ({'"colour"x': "1"}, "unknown_field"),
        ({'""': "1"}, "unknown_field"),
    ],
)
def test_names_without_quotes_are_those_of_the_schema(rows: Rows, params: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        rows.list(**params)
    assert caught.value.code == code


def test_groups_by_them(rows: Rows) -> None:
    rows.create([{"colour": "red"}, {"colour": "red"}, {"word": "x"}])
    found = rows.list(_group_by='"colour"', _aggregate="count(*)")["data"]
    assert found == [{"colour": "red", "count": 2}, {"colour": None, "count": 1}]


def test_they_are_exported(rows: Rows) -> None:
    rows.create([{"word": "a", "b": 'x,"y"', "n": {"m": None}}, {"word": "c"}])
    first, second = cells(rows)
    assert list(first) == ["id", "word", "many", "code", "_additional"]
    assert (read(first["_additional"].encode()), second["_additional"]) == ({"b": 'x,"y"', "n": {"m": None}}, "")
    assert objects(rows) == [rows.get(1), rows.get(2)]


@pytest.mark.no_database
def test_the_schema_of_a_row_says_so(open_engine: Engine) -> None:
    table = open_engine.define("things", {"fields": FIELDS})
    assert row_schema(table, Purpose.CREATE)["additionalProperties"] is True


def test_an_index_cannot_speak_of_them(open_engine: Engine) -> None:
    index = {"name": "i", "fields": ["many"], "where": {'"colour"': 1}}
    with pytest.raises(InvalidDescriptor) as caught:
        open_engine.define("things", {"fields": FIELDS, "indexes": [index]})
    assert "only the table's own fields fit here" in caught.value.errors[0].message
