"""Groups that Python orders on MongoDB: how many of them are held."""

from collections.abc import Iterator

import pytest

from datar.errors import Invalid
from records import limits
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused

BY_AVERAGE = (("_group_by", "n"), ("_aggregate", "avg(m)"), ("ordering", "-avg_m"))
"""What Python orders."""


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    """Six groups."""
    engine = Engine(database_url, "mongo")
    rows = engine.table("numbers", {"fields": [{"name": "n", "type": "integer"}, {"name": "m", "type": "number"}]})
    rows.create([{"n": n, "m": n} for n in range(6)])
    yield rows
    engine.close()


def test_as_many_groups_are_held_as_a_page_needs(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GROUPS_HELD", 3)
    page = rows.ask(*BY_AVERAGE, ("page_size", "3"))
    assert ([group["n"] for group in page["data"]], page["total"]) == ([5, 4, 3], 6)
    with refused(Invalid, "query_too_complex"):
        rows.ask(*BY_AVERAGE, ("page_size", "2"), ("page", "2"))


def test_an_export_holds_all_of_them(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GROUPS_HELD", 6)
    assert len(b"".join(rows.records.export(BY_AVERAGE, "ndjson")).splitlines()) == 6
    monkeypatch.setattr(limits, "GROUPS_HELD", 5)
    with refused(Invalid, "query_too_complex"):
        rows.records.export(BY_AVERAGE, "ndjson")
