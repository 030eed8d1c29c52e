"""Files into a collection: what was refused is named by its row, and what was added is taken back."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from datar.errors import Invalid
from records.provider import RefusedLoad
from records.providers.mongo.loading import DocumentLoader
from tests.records.commands import recorded
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused

WORDS = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "word", "type": "string", "constraints": {"unique": True}},
    ],
    "primaryKey": "id",
}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A namespace in MongoDB."""
    engine = Engine(database_url, "mongo")
    yield engine
    engine.close()


@pytest.fixture
def words(engine: Engine) -> Rows:
    """A table with one row."""
    rows = engine.table("words", WORDS)
    rows.create({"id": 2, "word": "here"})
    return rows


def load(engine: Engine, rows: Rows, *values: list[Any]) -> DocumentLoader:
    """A loader that was given these rows, all of which it should take."""
    assert engine.server is not None
    loader = DocumentLoader(engine.server, rows.table, engine)
    try:
        with psycopg.connect(engine.url) as connection:
            loader.append(rows.table.fields, values, connection)
    except BaseException:
        loader.undo()
        raise
    return loader


@pytest.mark.parametrize(
    ("values", "place", "fields"),
    [([[1, "a"], [3, "b"], [4, "a"]], 2, ("word",)), ([[1, "a"], [2, "b"], [3, "c"]], 1, ("id",))],
)
def test_a_value_that_is_there_already_is_named_by_its_row_and_fields(
    engine: Engine, words: Rows, values: list[list[Any]], place: int, fields: tuple[str, ...]
) -> None:
    with pytest.raises(RefusedLoad) as caught:
        load(engine, words, *values)
    assert (caught.value.place, caught.value.fields) == (place, fields)
    assert words.list()["data"] == [{"id": 2, "word": "here"}]


def test_a_row_that_no_document_holds_is_called_so(engine: Engine, words: Rows) -> None:
    with refused(Invalid, "row_too_large"):
        load(engine, words, [1, "a"], [3, "b" * 17_000_000])
    assert words.list()["total"] == 1


def test_what_was_added_is_found_by_an_index(engine: Engine, words: Rows) -> None:
    """So that to take a long file back does not look through the whole table for each batch."""
    loader = load(engine, words, [1, "a"], [3, "b"])
    with recorded() as commands:
        loader.undo()
    (removal,) = [command for command in commands if "delete" in command]
    plan = engine.collection(words.table).database.command(
        {"explain": {"delete": removal["delete"], "deletes": removal["deletes"]}, "verbosity": "queryPlanner"}
    )
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])
    assert words.list()["data"] == [{"id": 2, "word": "here"}]
