"""The same rows give the same texts, whichever database keeps them: CSV to the byte, JSON to the digit."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from records.fieldtypes import FIELD_TYPES
from records.providers.mongo.values import row_errors
from records.rules import canonical_value
from tests.records.engine import Engine, Rows
from tests.records.exported import lines, objects
from tests.records.strategies import VALUES

FIELDS = [
    {"name": kind, "type": kind.partition("/")[0], "format": kind.partition("/")[2] or "default"}
    for kind in sorted(FIELD_TYPES)
]


@pytest.fixture(scope="module")
def pair(database_url: str) -> Iterator[tuple[Rows, Rows]]:
    """A table of every type in PostgreSQL, and one in MongoDB."""
    engines = [Engine(database_url, "flat"), Engine(database_url, "mongo")]
    first, second = (engine.table("every", {"fields": FIELDS}) for engine in engines)
    yield first, second
    for engine in engines:
        engine.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(row=st.fixed_dictionaries({}, optional={kind: VALUES[kind] for kind in sorted(FIELD_TYPES)}))
def test_rows_are_written_alike(pair: tuple[Rows, Rows], row: dict[str, Any]) -> None:
    canonical = {kind: canonical_value(FIELD_TYPES[kind], value) for kind, value in row.items()}
    assume(not row_errors(pair[0].table.fields, canonical, 0))
    made = [rows.create(row) for rows in pair]
    assert made[0] == made[1]
    key = str(made[0]["id"])
    assert lines(pair[0], "csv", id=key) == lines(pair[1], "csv", id=key)
    assert objects(pair[0], id=key) == objects(pair[1], id=key) == [made[0]]
    assert pair[0].get(made[0]["id"]) == pair[1].get(made[1]["id"])
