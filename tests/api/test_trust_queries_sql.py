"""IN-05: no text of a client becomes SQL, wherever in a request it stands; the server's own log is the witness."""

import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.api.payloads import MARK, payloads
from tests.api.places import SENDS, VALUES, Send
from tests.api.queried import Stage, url
from tests.cast import Answer, Api
from tests.cluster import Databases
from tests.statements import Statements, counting

PAYLOADS = payloads()
HONEST = {200, 304, 400, 401, 404, 406, 412, 415, 431}
"""What may be answered: a refusal, or a literal result."""
_LITERAL = re.compile(r"E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'", re.DOTALL)
"""A parameter that the driver of the catalogue writes into its statement, quoted."""


@pytest.fixture(scope="module")
def stage(django_db_setup: None) -> Stage:
    """Made once; nothing in this module changes a row of it."""
    return Stage("canary")


@pytest.fixture(scope="module")
def statements(databases: Databases, stage: Stage) -> Iterator[Statements]:
    """Every statement is in the server's log while this module's tests run."""
    with counting(databases) as statements:
        yield statements


WHOLE = {
    *(f"? {name}=§" for name in VALUES if "__" not in name and "." not in name),
    *(f"? {name}=1" for name in ("§", "§__eq", "name__§", "meta__§", "maker.§", "_§")),
    *('? filters={"name":§j}', "? _aggregate=sum(§)", "? _having=count__§=1", "? meta__color=§", "? name__like=§"),
    *("body §", "body key", "body value", "body name", "body search", "delete word", "csv"),
    *(place for place in SENDS if place.startswith(("path", "header", "delete", "upsert"))),
}
"""The places that take every payload; their variants take a quarter each, but for a run of the profile ``trust``."""


def payloads_of(place: str) -> tuple[str, ...]:
    """The payloads of a place."""
    if place in WHOLE or os.environ.get("DATAR_TEST_PROFILE") == "trust":
        return PAYLOADS
    return PAYLOADS[list(SENDS).index(place) % 4 :: 4]


def test_in_05_the_payloads_are_many() -> None:
    assert len(PAYLOADS) >= 200
    assert len(WHOLE & SENDS.keys()) > 50


@pytest.mark.parametrize("place", SENDS)
def test_in_05_no_text_becomes_sql(
    stage: Stage, statements: Statements, pg: "psycopg.Connection[Any]", place: str
) -> None:
    api = stage.api
    before = stage.stored(pg)
    seen = statements.once(lambda: all_of(api, stage, place))
    assert [statement for statement in (*seen.statements, *seen.control) if holds_payload(statement)] == []
    assert seen.errors == (), "no statement failed, so none was sent that could not be"
    assert stage.stored(pg) == before


def holds_payload(statement: str) -> bool:
    """Whether a statement says what a payload says, outside the parameters that its driver wrote into it."""
    said = _LITERAL.sub("''", statement).lower()
    return MARK in said or "pg_sleep" in said


def test_in_05_the_witness_hears(stage: Stage, statements: Statements, pg: "psycopg.Connection[Any]") -> None:
    heard = statements.once(lambda: pg.execute(f"SELECT 1 AS {MARK}"))
    assert [holds_payload(statement) for statement in heard.statements] == [True]
    bound = statements.once(lambda: pg.execute("SELECT %s::text", [MARK]))
    assert [holds_payload(statement) for statement in bound.statements] == [False]
    with pytest.raises(psycopg.Error):
        statements.once(lambda: pg.execute("SELECT 1/0"))
    asking = statements.once(lambda: stage.ask(("name", MARK), ("meta__color", MARK), ("search", MARK)))
    assert asking.statements, "and the service does ask"


def test_in_07_an_alias_is_generated_not_echoed(stage: Stage, statements: Statements) -> None:
    words = (("_aggregate", f"count(*) as {MARK}_n,sum(price) as {MARK}_s"), ("_group_by", f"maker.name as {MARK}_k"))
    more = (("_having", f"{MARK}_n>0"), ("ordering", f"-{MARK}_s"))
    answers: list[Answer] = []
    seen = statements.once(lambda: answers.append(stage.ask(*words, *more)))
    assert list(answers[0].data["data"][0]) == [f"{MARK}_k", f"{MARK}_n", f"{MARK}_s"]
    assert seen.statements
    assert not any(MARK in statement for statement in seen.statements)


def all_of(api: Api, stage: Stage, place: str) -> None:
    """Every payload of a place."""
    for text in payloads_of(place):
        one(api, stage, SENDS[place], text)


def one(api: Api, stage: Stage, send: Send, text: str) -> None:
    """One request: an honest answer, no failed statement behind it, and no sleep."""
    for _ in range(3):  # a busy machine may take a second for anything; a sleep takes it each time
        began = time.perf_counter()
        answer = send(api, stage, text)
        if time.perf_counter() - began < 1:
            break
    else:
        pytest.fail(f"a second for {text!r}")
    assert answer.status in HONEST, (text, answer)
    if answer.status == 200 and isinstance(answer.data, dict):
        assert isinstance(answer.data.get("data", answer.data.get("deleted")), list | dict | int), (text, answer)


@pytest.mark.parametrize("name", ["name", "name__eq", "name__iexact", "name__contains", "name__in", "name__startswith"])
def test_in_05_what_is_stored_is_found_as_it_is(name: str, pg: "psycopg.Connection[Any]") -> None:
    stage = literal_stage()
    api = stage.api
    for place, text in enumerate(literal_texts(), 1):
        value = json.dumps([text]) if name.endswith("__in") else text
        found = api.get(url(stage.makers, [(name, value), ("fields", "id,name"), ("page_size", "1000")])).data["data"]
        assert {"id": place, "name": text} in found, text
        assert all(text.lower() in row["name"].lower() for row in found)


_stages: list[Stage] = []


def literal_texts() -> list[str]:
    """The payloads that are text: a NUL is not."""
    return [text for text in PAYLOADS if "\0" not in text]


def literal_stage() -> Stage:
    """A table whose rows are the payloads."""
    if not _stages:
        stage = Stage("literal")
        assert stage.api.delete(f"{stage.things}?ids=1,2,3,4").code in ("", "conflict_foreign_key")
        _stages.append(stage)
        rows = [{"id": place, "name": text} for place, text in enumerate(literal_texts(), 1)]
        made = stage.api.post(f"{stage.makers}upsert/", rows)
        assert (made.status, [row["name"] for row in made.data["data"]]) == (200, literal_texts()), made
    return _stages[0]
