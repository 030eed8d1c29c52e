"""Labels of fields: any text is one, none ever becomes SQL (TRUST IN-01 to IN-04)."""

import re
import unicodedata

import pytest

from records.columns import assign_columns
from tests.records.building import described, mistake_codes, mistakes, table_of

HOSTILE = ['a"); drop table t; --', 'x"."y', '"x"', "a;b", "--", "/*", "\\", "$$", "'", "`"]
FORMATS = ["%s", "%(x)s", "%", "{0}", "{x.__class__}", "${x}"]
STRANGE = ["é" * 32, "A", "a", "\u202eabc", "a\u200bb", "   ", "año", "表", "🙂", "a" * 255]
WORDS = [
    "ctid",
    "xmin",
    "tableoid",
    "a__b",
    "a.b",
    "__eq",
    "page",
    "limit",
    "filter",
    "fields",
    "ordering",
    "_anything",
]
SAFE = re.compile(r"[a-z][a-z0-9_]*")


def assert_stored_as_labels(labels: list[str]) -> None:
    table = table_of({"name": "id", "type": "integer"}, *({"name": label} for label in labels))
    assert [field.name for field in table.fields[1:]] == labels
    columns = [field.column for field in table.fields]
    assert len(set(columns)) == len(columns)
    assert all(SAFE.fullmatch(column) for column in columns)


def test_in_01_names_that_are_sql_are_labels_with_safe_columns() -> None:
    assert_stored_as_labels(HOSTILE)


@pytest.mark.parametrize("name", [*HOSTILE, "", "1a", "a" * 64, "é"])
def test_in_01_an_index_name_must_be_an_identifier(name: str) -> None:
    descriptor = {"fields": [{"name": "a"}], "indexes": [{"name": name, "fields": ["a"]}]}
    assert mistakes(descriptor) == [("invalid_identifier", "indexes[0].name")]


def test_in_02_names_that_are_format_strings_are_labels_with_safe_columns() -> None:
    assert_stored_as_labels(FORMATS)


@pytest.mark.parametrize("label", ["a\x00b", "\x1f", "a\nb", "\x7f", "\x85", "\ud800", "", "a" * 256, None, 5, []])
def test_in_03_text_that_is_no_label_is_refused(label: object) -> None:
    assert mistakes({"fields": [{"name": label}]}) == [("invalid_label", "fields[0].name")]


def test_in_03_labels_equal_after_nfc_are_duplicates() -> None:
    composed, decomposed = unicodedata.normalize("NFC", "año"), unicodedata.normalize("NFD", "año")
    assert composed != decomposed
    descriptor = {"fields": [{"name": composed}, {"name": decomposed}, {"name": composed}]}
    assert mistakes(descriptor) == [("duplicate_field", "fields[1].name"), ("duplicate_field", "fields[2].name")]


def test_in_03_strange_labels_are_stored_as_they_are() -> None:
    assert_stored_as_labels(STRANGE)


def test_in_03_labels_equal_in_the_first_63_bytes_have_different_columns() -> None:
    assert_stored_as_labels(["x" * 63 + "1", "x" * 63 + "2", "é" * 32 + "1", "é" * 32 + "2"])


def test_in_04_words_of_the_database_and_of_queries_are_labels() -> None:
    assert_stored_as_labels(WORDS)


@pytest.mark.parametrize("label", ["_created_at", "_updated_at", "_version", "_depth", "_relationship_type"])
def test_in_04_names_of_system_columns_are_reserved(label: str) -> None:
    assert mistakes({"fields": [{"name": label}]}) == [("reserved_name", "fields[0].name")]


def test_a_relation_cannot_be_called_like_a_system_column() -> None:
    key = {"fields": "a", "reference": {"fields": "id"}, "x-name": "_version"}
    assert "invalid_label" in mistake_codes({"fields": [{"name": "a", "type": "integer"}], "foreignKeys": [key]})


def test_columns_resemble_their_labels() -> None:
    assert assign_columns(["Unit Price", "año", "ISO3166-1-Alpha-2", "表", "9 lives"], {}, 4) == (
        {
            "Unit Price": "unit_price_5",
            "año": "ano_6",
            "ISO3166-1-Alpha-2": "iso3166_1_alpha2_7",
            "表": "f_8",
            "9 lives": "f9_lives_9",
        },
        9,
    )


def test_a_removed_fields_column_is_not_given_again() -> None:
    columns, used = assign_columns(["a", "b"], {}, 0)
    later, used = assign_columns(["b", "a"], {"b": columns["b"]}, used)
    assert later == {"b": "b_2", "a": "a_3"}
    assert used == 3


def test_a_column_never_meets_the_second_column_of_another() -> None:
    columns, _ = assign_columns(["a", "a_1"], {}, 0)
    assert columns["a_1"] != f"{columns['a']}_2"


def test_stored_columns_are_used() -> None:
    table = described({"fields": [{"name": "a"}]})
    assert [(field.name, field.column) for field in table.fields] == [("id", "id_1"), ("a", "a_2")]
