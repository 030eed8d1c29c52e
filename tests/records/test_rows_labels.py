"""Any text is a label: created, read, changed, filtered and ordered by, and never a word of SQL."""

import unicodedata
from typing import Any

import psycopg
import pytest

from records.params.flat import RESERVED as RESERVED_WORDS
from records.recordset import RecordSet
from tests.records.engine import Engine, Layout, Rows

INJECTIONS = [
    'a"); drop table t; --',
    'x"."y',
    '"x"',
    "a;b",
    "--",
    "/*",
    "\\",
    "$$",
    "'",
    "''; select pg_sleep(3); --",
    "x)::text",
    "row",
    "value",
    "sent",
    "s0",
    "n",
    "t",
    "page",
    "select",
]
TEMPLATES = [
    "%s",
    "%(x)s",
    "%",
    "%%",
    "%1$s",
    "%I",
    "{0}",
    "{}",
    "{x.__class__}",
    "${x}",
    "{column}",
    "\\1",
    "%(value0)s",
]
TEXTS = [
    "A",
    "a",
    " ",
    "  ",
    " a",
    "a ",
    "a\u00a0b",
    "\u202eabc",
    "\u200b",
    "é" * 32,
    "Country Name",
    "ISO3166-1-Alpha-2",
    "año",
    "日本語",
    "😀",
    "é",
    "ß",
    "x" * 255,
    "x" * 63 + "1",
    "x" * 63 + "2",
    "é" * 31 + "a1",
    "é" * 31 + "a2",
    "-a",
    "+a",
    "a,b",
    "a&b=c",
    "[a]",
    "a#b",
    "?",
    "a/b",
]
SYSTEM = [
    "ctid",
    "xmin",
    "tableoid",
    "oid",
    "a__b",
    "__",
    "a__",
    "__eq",
    "a__eq",
    "a__gt",
    "_x",
    "_meta",
    "_count",
    "a.b",
    ".",
    "a.",
]
NASTY = [*dict.fromkeys([*INJECTIONS, *TEMPLATES, *TEXTS, *SYSTEM, *sorted(RESERVED_WORDS)])]


@pytest.fixture
def rows(engine: Engine) -> Rows:
    """One table with every nasty label, and three rows."""
    assert len({unicodedata.normalize("NFC", label) for label in NASTY}) == len(NASTY)
    rows = engine.table("nasty", {"fields": [{"name": label, "type": "string"} for label in NASTY]})
    rows.create({label: f"1 {label}" for label in NASTY})
    rows.create([{label: f"{number} {label}" for label in NASTY} for number in (2, 3)])
    return rows


def catalogue(engine: Engine) -> list[Any]:
    """Every relation and column outside of the system's own."""
    with psycopg.connect(engine.url) as connection:
        return connection.execute(
            "SELECT c.relnamespace::regnamespace::text, c.relname, array_agg(a.attname::text ORDER BY a.attnum) "
            "FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' GROUP BY c.oid, 1, 2 ORDER BY 1, 2"
        ).fetchall()


def quoted(label: str) -> str:
    """A label as it is literal anywhere."""
    return '"' + label.replace('"', '""') + '"'


def test_in_01_to_04_rows_of_every_label(engine: Engine, rows: Rows) -> None:
    before = catalogue(engine)
    row = {"id": 1, **{label: f"1 {label}" for label in NASTY}}
    assert rows.get(1) == row
    assert rows.list(page_size="1")["data"] == [row]
    changed = {**row, **{label: f"9 {label}" for label in NASTY}}
    assert rows.update(1, changed) == changed
    assert rows.update_many([row]) == [row]
    assert rows.upsert(changed)["data"] == changed
    assert rows.update(1, row, replace=True) == row
    assert catalogue(engine) == before


@pytest.mark.parametrize("label", NASTY)
def test_in_01_to_04_each_label_is_changed_filtered_and_ordered_by(session_rows: Rows, label: str) -> None:
    rows = session_rows
    assert rows.update(1, {label: "x"})[label] == "x"
    # A label that begins with a quote is only reached quoted; ``a__eq`` is a label of its own here.
    plain = [] if label.startswith('"') or f"{label}__eq" in NASTY else [f"{label}__eq"]
    for name in (quoted(label), f"{quoted(label)}__eq", *plain):
        assert rows.ask((name, "x"), ("fields", "id"))["data"] == [{"id": 1}], name
    assert rows.ask((f"{quoted(label)}__in", f"2 {label}"), ("fields", "id"))["total"] == (0 if "," in label else 1)
    upper = "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in label)
    assert rows.ask((f"{quoted(label)}__icontains", f"2 {upper}"), ("fields", "id"))["data"] == [{"id": 2}]
    assert rows.ask((f"{quoted(label)}__isnull", "false"))["total"] == 3
    found = rows.ask(("ordering", f"-{quoted(label)}"), ("fields", f"id,{quoted(label)}"))["data"]
    assert found == [{"id": 1, label: "x"}, {"id": 3, label: f"3 {label}"}, {"id": 2, label: f"2 {label}"}]
    assert list(rows.get(1, fields=quoted(label))) == [label]
    rows.update(1, {label: f"1 {label}"})


@pytest.fixture(scope="module")
def session_rows(database_url: str, layout: Layout) -> Any:
    """As ``rows``, made once."""
    engine = Engine(database_url, layout)
    table = engine.define("nasty", {"fields": [{"name": label, "type": "string"} for label in NASTY]})
    engine.make(table)
    rows = Rows(RecordSet(table, engine, engine.provider))
    rows.create([{label: f"{number} {label}" for label in NASTY} for number in (1, 2, 3)])
    yield rows
    engine.close()


def test_a_label_without_quotes_is_read_when_nothing_else_fits(session_rows: Rows) -> None:
    for label in NASTY:
        special = label in RESERVED_WORDS or label.startswith(("_", '"'))
        if not special:
            assert session_rows.ask((label, f"2 {label}"), ("fields", "id"))["data"] == [{"id": 2}], label


def test_columns_hold_nothing_of_a_label_but_letters_and_digits(session_rows: Rows) -> None:
    columns = [field.column for field in session_rows.table.fields]
    assert len(set(columns)) == len(columns)
    for column in columns:
        assert column.isascii() and column.replace("_", "").isalnum() and len(column) <= 50


def test_keys_with_nasty_labels(engine: Engine) -> None:
    for number, label in enumerate(INJECTIONS + TEMPLATES):
        described = {
            "fields": [
                {"name": label, "type": "string"},
                {"name": "number", "type": "integer", "constraints": {"unique": True}},
            ],
            "primaryKey": label,
            "foreignKeys": [{"fields": label, "reference": {"resource": "", "fields": label}}],
        }
        rows = engine.table(f"k{number}", described)
        assert rows.create([{label: "k", "number": 1}]) == [{label: "k", "number": 1}]
        assert rows.get("k") == {label: "k", "number": 1}
        assert rows.upsert({label: "k", "number": 2}, unique_fields=quoted(label))["created"] is False
        assert rows.update_many([{label: "k", "number": 3}]) == [{label: "k", "number": 3}]
        assert rows.delete_many(ids="k")["deleted"] == 1
