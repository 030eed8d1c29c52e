"""Sizes inside a question that decide how long it takes to read or to answer: refused before anything is looked at."""

import time
from typing import Any

import pytest

from datar.errors import Invalid
from records import limits
from tests.quick import quickest
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused

MOST = limits.SOUGHT_CHARACTERS
VALUES = limits.SOUGHT_JSON_VALUES
NAME = limits.QUERY_NAME_CHARACTERS


@pytest.fixture
def notes(engine: Engine) -> Rows:
    fields = [{"name": "text", "type": "string"}, {"name": "meta", "type": "object"}, {"name": "any", "type": "any"}]
    rows = engine.table("notes", {"fields": fields})
    rows.create({"text": "a" * MOST, "meta": {"k": "a" * MOST, "list": list(range(VALUES))}, "any": "a" * MOST})
    return rows


@pytest.mark.parametrize(
    "name", ["text__contains", "text__ilike", "meta__k__icontains", "meta__k__contains", "any__like"]
)
def test_re_05_texts_that_are_looked_for(notes: Rows, name: str) -> None:
    assert notes.query({"filters": {name: "a" * MOST}})["total"] == 1
    with refused(Invalid, "query_too_complex"):
        notes.query({"filters": {name: "a" * (MOST + 1)}})
    negated = name.replace("__contains", "__ncontains").replace("__icontains", "__nicontains")
    with refused(Invalid, "query_too_complex"):
        notes.query({"filters": {negated: "a" * (MOST + 1)}})


def test_texts_that_are_compared_once_are_of_any_length(notes: Rows) -> None:
    for name in ("text", "text__startswith", "text__iendswith", "meta__k__iexact"):
        assert notes.query({"filters": {name: "a" * (MOST + 1)}})["total"] == 0


@pytest.mark.parametrize("operator", ["contains", "contained_by"])
def test_re_05_json_that_is_looked_for(notes: Rows, operator: str) -> None:
    assert notes.query({"filters": {f"meta__list__{operator}": list(range(VALUES - 1))}})["total"] <= 1
    for value in (list(range(VALUES)), {"a": [[number] for number in range(VALUES // 2)]}):
        with refused(Invalid, "query_too_complex"):
            notes.query({"filters": {f"meta__list__{operator}": value}})


@pytest.mark.parametrize(
    "question",
    [
        {"filters": {"a__" * NAME + "a": 1}},
        {"filters": {"meta" + "__a" * NAME: 1}},
        {"filters": {"a." * NAME + "a": 1}},
        {"ordering": ["a." * NAME + "a"]},
        {"populate": ["a." * NAME + "a"]},
        {"_group_by": ["a." * NAME + "a"]},
        {"_aggregate": "count(*)", "_having": {"a__" * NAME + "a": 1}},
    ],
)
def test_re_05_names(notes: Rows, question: dict[str, Any]) -> None:
    def ask() -> None:
        with refused(Invalid, "query_too_complex"):
            notes.query(question)

    assert quickest(ask) < 0.1


def test_a_name_may_be_as_long_as_that(notes: Rows) -> None:
    assert notes.query({"filters": {"meta__" + "a" * (NAME - 6): 1}})["total"] == 0


def test_re_05_populate_stops_at_its_depth(engine: Engine) -> None:
    key = {"fields": "p_id", "reference": {"resource": "", "fields": "id"}}
    rows = engine.table("nodes", {"fields": [{"name": "p_id", "type": "integer"}], "foreignKeys": [key]})

    def ask() -> None:
        with refused(Invalid, "query_too_complex"):
            rows.list(populate=".".join(["p"] * (NAME // 2)))

    assert quickest(ask) < 0.1


def test_re_05_a_wide_tree_is_refused_before_it_is_read(notes: Rows) -> None:
    started = time.monotonic()
    with refused(Invalid, "query_too_complex"):
        notes.query(b'{"filters":{"or":[' + b",".join([b'{"a":1}'] * 300_000) + b"]}}")
    assert time.monotonic() - started < 1
