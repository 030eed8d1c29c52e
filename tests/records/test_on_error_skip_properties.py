"""``on_error=skip`` against the plain rule: row after row, each kept when nothing that was kept stands against it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datar.errors import Unavailable
from records import limits
from tests.records.engine import Engine, Layout, Rows
from tests.records.physical import emptied
from tests.records.refusals import refused
from tests.records.together import together
from tests.records.users import count

Row = dict[str, Any]
_SMALL = st.integers(0, 6)
_OTHERS = {name: _SMALL | st.none() for name in ("code", "x", "y")}
SHAPE: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "code", "type": "integer", "constraints": {"unique": True, "maximum": 5}},
        {"name": "x", "type": "integer"},
        {"name": "y", "type": "integer"},
        {"name": "up", "type": "integer"},
    ],
    "primaryKey": "id",
    "uniqueKeys": [["x", "y"]],
}
UP = {"fields": "up", "reference": {"resource": "", "fields": "id"}}
ROWS = st.lists(st.fixed_dictionaries({"id": st.integers(1, 12)}, optional=_OTHERS), max_size=12)
LINKED = st.lists(
    st.fixed_dictionaries({"id": st.integers(1, 9)}, optional={"code": _SMALL, "up": st.integers(1, 9) | st.none()}),
    max_size=10,
)


@pytest.fixture(scope="module")
def workshop(database_url: str, layout: Layout) -> Iterator["Workshop"]:
    """Two tables for every example, emptied before each."""
    engine = Engine(database_url, layout)
    yield Workshop(engine)
    engine.close()


class Workshop:
    """The tables, and a way to empty them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.plain = engine.table("plain", SHAPE)
        self.linked = engine.table("linked", {**SHAPE, "foreignKeys": [UP]})

    def emptied(self, rows: Rows) -> Rows:
        """The same rows, none left."""
        with psycopg.connect(self.engine.url, autocommit=True) as connection:
            emptied(self.engine, connection, rows.table)
        return rows


def against(row: Row, kept: list[Row]) -> bool:
    """Whether a kept row has a key or unique values of this one."""
    return any(
        all(row.get(name) is not None and row.get(name) == other.get(name) for name in names)
        for other in kept
        for names in (["id"], ["code"], ["x", "y"])
    )


def fine(row: Row) -> bool:
    """Whether its values are good."""
    return (row.get("code") or 0) <= 5


@given(stored=ROWS, sent=ROWS.filter(bool))
def test_rows_are_kept_one_after_another(workshop: Workshop, stored: list[Row], sent: list[Row]) -> None:
    rows = workshop.emptied(workshop.plain)
    kept: list[Row] = []
    for row in stored:
        if fine(row) and not against(row, kept):
            rows.create(row)
            kept.append(row)
    expected = []
    for row in sent:
        if fine(row) and not against(row, kept):
            kept.append(row)
            expected.append(row)
    answer = rows.skip(sent)
    assert [row["id"] for row in answer["data"]] == [row["id"] for row in expected]
    assert (answer["created"], answer["skipped"]) == (len(expected), len(sent) - len(expected))
    assert len(answer["errors"]) == answer["skipped"]
    assert count(rows) == len(kept)


@given(sent=LINKED.filter(bool))
@example(sent=[{"id": 2, "up": 1}, {"id": 2, "code": 0, "up": 1}, {"id": 1, "code": 0}])
def test_what_is_left_out_could_not_be_added(workshop: Workshop, sent: list[Row]) -> None:
    rows = workshop.emptied(workshop.linked)
    answer = rows.skip(sent)
    out = {each["index"] for each in answer["errors"]}
    kept = [row for place, row in enumerate(sent) if place not in out]
    assert [row["id"] for row in answer["data"]] == [row["id"] for row in kept]
    there = {row["id"] for row in kept}
    assert all(row.get("up") is None or row["up"] in there for row in kept)
    for place in out:
        row = sent[place]
        lost = row.get("up") is not None and row["up"] not in there | {row["id"]}
        assert not fine(row) or against(row, kept) or lost, row


def test_several_at_once_keep_each_row_once(engine: Engine) -> None:
    rows = engine.table("plain", SHAPE)
    made: list[int] = []

    def work(own: int) -> None:
        batch = [{"id": number, "code": None} for number in range(1, 200)]
        made.append(rows.skip([*batch, {"id": 1000 + own}], minimal=True)["created"])

    together([partial(work, own) for own in range(4)])
    assert sum(made) == count(rows) == 199 + 4


def test_the_whole_has_a_deadline(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = workshop.emptied(workshop.plain)
    monkeypatch.setattr(limits, "BULK_SECONDS", -1)
    with refused(Unavailable, "query_timeout"):
        rows.skip([{"id": 1}, {"id": 1}])
    assert count(rows) == 0
