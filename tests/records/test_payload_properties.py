"""What must hold of every table and every row: valid rows pass, canonical forms are stable and equal as values."""

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.columns import assign_columns
from records.descriptor import schema_hash
from records.durations import DURATION, duration_seconds
from records.fieldtypes import FIELD_TYPES, field_type
from records.jsontext import dumps
from records.patterns import compile_schema
from records.payload import Purpose, check_rows, fill_absent, parse_json
from records.rowcheck import NotSurelyFineError, row_check
from records.rules import canonical_value
from records.table import Table
from tests.records.building import described
from tests.records.strategies import VALUES, labels, rows_for, tables


@st.composite
def tables_with_rows(draw: st.DrawFn) -> tuple[Table, list[dict[str, Any]]]:
    """A parsed table and valid rows of it."""
    table = described(draw(tables()))
    return table, draw(rows_for(table))


@given(tables_with_rows())
def test_every_valid_row_passes_and_its_canonical_form_is_stable(drawn: tuple[Table, list[dict[str, Any]]]) -> None:
    table, rows = drawn
    once = check_rows(table, copy.deepcopy(rows), Purpose.CREATE)
    assert dumps(check_rows(table, copy.deepcopy(once), Purpose.CREATE)) == dumps(once)
    assert dumps(check_rows(table, copy.deepcopy(once), Purpose.UPDATE)) == dumps(once)


@given(tables_with_rows())
def test_the_fast_and_the_exact_way_give_the_same_rows(drawn: tuple[Table, list[dict[str, Any]]]) -> None:
    table, rows = drawn
    fast = copy.deepcopy(rows)
    try:
        row_check(table, Purpose.UPDATE).canonicalise(fast)
    except NotSurelyFineError:
        return
    for row, form in zip(rows, fast, strict=True):
        for name, value in row.items():
            assert value is None or canonical_value(field_type(table.by_name[name]), value) == form[name]


@given(tables_with_rows())
def test_canonical_rows_survive_json(drawn: tuple[Table, list[dict[str, Any]]]) -> None:
    table, rows = drawn
    checked = check_rows(table, rows, Purpose.CREATE)
    assert parse_json(dumps(checked)) == checked


@given(tables_with_rows())
def test_a_put_names_every_field_but_the_key(drawn: tuple[Table, list[dict[str, Any]]]) -> None:
    table, rows = drawn
    filled = fill_absent(table, rows[0])
    assert set(filled) | set(table.primary_key) == set(table.by_name)
    assert all(filled[name] == value for name, value in rows[0].items())


@pytest.mark.parametrize("name", FIELD_TYPES)
@given(data=st.data())
def test_canonical_forms_are_equal_as_values(name: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[name])
    form = canonical_value(FIELD_TYPES[name], value)
    assert canonical_value(FIELD_TYPES[name], form) == form
    if name == "datetime":
        sent = datetime.fromisoformat(value)
        assert datetime.fromisoformat(form) == (sent if sent.tzinfo else sent.replace(tzinfo=UTC))
        assert form.endswith("Z")
    elif name == "string/uuid":
        assert form == value.lower()
    elif name == "time":
        assert FIELD_TYPES["time"].comparable(form) == FIELD_TYPES["time"].comparable(value)
    else:
        assert form == value


@given(tables())
def test_a_schema_hash_does_not_depend_on_how_the_schema_is_written(descriptor: dict[str, Any]) -> None:
    described(descriptor)
    rewritten = json.loads(json.dumps(descriptor, sort_keys=True, indent=3))
    assert schema_hash(rewritten) == schema_hash(descriptor)


@given(st.lists(labels, unique=True, max_size=8), st.lists(labels, unique=True, max_size=8))
def test_columns_are_safe_and_never_used_again(first: list[str], second: list[str]) -> None:
    columns, used = assign_columns(first, {}, 0)
    kept = {label: column for label, column in columns.items() if label in second}
    later, most = assign_columns(second, kept, used)
    names = [*columns.values(), *(later[label] for label in second if label not in kept)]
    assert len(set(names)) == len(names)
    assert not set(names) & {f"{name}_2" for name in names}
    assert all(name.isascii() and name == name.lower() and name[0].isalpha() and len(name) <= 50 for name in names)
    assert all(name.replace("_", "").isalnum() for name in names)
    assert most == used + len(second) - len(kept)


_PARTS = st.integers(0, 999)


@given(_PARTS, _PARTS, _PARTS, _PARTS)
def test_a_duration_is_as_long_as_its_parts(years: int, months: int, days: int, seconds: int) -> None:
    text = f"P{years}Y{months}M{days}DT{seconds}.25S"
    assert compile_schema({"pattern": DURATION}).is_valid(text)
    length = Decimal(((years * 12 + months) * 30 + days) * 86_400 + seconds) + Decimal("0.25")
    assert duration_seconds(text) == length
    assert duration_seconds(f"-{text}") == -length
