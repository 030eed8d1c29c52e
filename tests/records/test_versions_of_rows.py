"""Reads and writes of one record that name its version: ``If-Match`` and ``If-None-Match`` below HTTP."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from datar.errors import NotFound, PreconditionFailed, PreconditionRequired
from records.answers import Answer
from records.descriptor import schema_hash
from records.versions import Tags
from tests.records.building import mistakes
from tests.records.engine import Engine, Rows, write
from tests.records.refusals import refused
from tests.records.stage import PAIR, Stage
from tests.records.test_rows_relations import family
from tests.records.users import count

GUARDED: dict[str, Any] = {**PAIR, "x-require-if-match": True}


def tags(*texts: str) -> Tags:
    """Strong tags, as written in their quotes."""
    return Tags(frozenset(text.strip('"') for text in texts))


def tag(rows: Rows, record_id: object = 1) -> str:
    """The tag of a row now."""
    return rows.records.get(str(record_id), ()).tag


@pytest.fixture
def pair(engine: Engine) -> Rows:
    """One row."""
    rows = engine.table("pair", PAIR)
    rows.create({"a": 1, "b": 2})
    return rows


def test_a_row_has_a_tag_of_version_and_revision(pair: Rows) -> None:
    row = pair.get(1, _meta="true")
    assert tag(pair) == f'"{row["_version"]}-1"'
    assert pair.records.get("1", [("_meta", "true")]).tag == tag(pair)
    assert pair.records.get("1", [("fields", "a")]).tag == ""


def test_a_populated_row_has_no_tag(engine: Engine) -> None:
    _, children = family(engine)
    assert children.records.get("1", [("populate", "parent")]).tag == ""
    assert not children.records.get("1", [("populate", "parent")], if_none_match=tags(tag(children))).unchanged


def test_every_write_of_one_row_gives_its_tag(pair: Rows) -> None:
    records = pair.records
    seen = {tag(pair)}
    calls: list[Callable[[], Answer]] = [
        lambda: records.update("1", write({"a": 3}), ()),
        lambda: records.update("1", write({"a": 3}), (), replace=True),
        lambda: records.upsert(write({"id": 1, "a": 4}), ()),
        lambda: records.update("1", write({"b": 4}), (), if_match=Tags(every=True)),
    ]
    for call in calls:
        answer = call()
        assert answer.tag == tag(pair)
        seen.add(answer.tag)
    assert len(seen) == 5
    made = records.create(write({"a": 9}), ())
    assert made.tag == tag(pair, 2)
    assert records.upsert(write({"id": 3}), ()).tag == tag(pair, 3)
    assert records.create(write({"id": 7}), ()).tag == tag(pair, 7)


def test_a_tag_changes_when_a_foreign_key_changes_the_row(engine: Engine) -> None:
    parents, children = family(engine, "SET NULL")
    before = tag(children)
    parents.delete(1)
    assert tag(children) != before
    with refused(PreconditionFailed):
        children.records.update("1", write({"parent_id": 2}), (), if_match=tags(before))


def test_di_01_the_second_of_two_changes_fails(pair: Rows) -> None:
    first = tags(tag(pair))
    assert pair.records.update("1", write({"a": 10}), (), if_match=first).tag
    calls: list[Callable[[], Answer]] = [
        lambda: pair.records.update("1", write({"a": 20}), (), if_match=first),
        lambda: pair.records.update("1", write({"a": 20}), (), replace=True, if_match=first),
        lambda: pair.records.delete("1", (), if_match=first),
        lambda: pair.records.get("1", (), if_match=first),
    ]
    for call in calls:
        with refused(PreconditionFailed, "precondition_failed"):
            call()
    assert pair.get(1) == {"id": 1, "a": 10, "b": 2}


def test_which_tags_match(pair: Rows) -> None:
    now = tag(pair).strip('"')
    version, _ = now.split("-")
    for wrong in (
        Tags(weak=frozenset({now})),
        tags("", "x", f"{version}-2", version, f"0{now}", f"{version}-01", f"{version}-1-1", f"{2**63}-1"),
        tags(f"{10**30}-1", "-1", "１-1"),
    ):
        with refused(PreconditionFailed):
            pair.records.update("1", write({"a": 0}), (), if_match=wrong)
        with refused(PreconditionFailed):
            pair.records.get("1", (), if_match=wrong)
    assert pair.get(1)["a"] == 1
    for right in (tags("x", now), Tags(every=True)):
        now = pair.records.update("1", write({"a": 5}), (), if_match=right).tag.strip('"')
    pair.records.delete("1", (), if_match=tags("y", now))
    assert count(pair) == 0


def test_an_absent_row_is_absent(pair: Rows) -> None:
    for named in (Tags(every=True), tags("1-1")):
        with refused(NotFound):
            pair.records.update("9", write({"a": 1}), (), if_match=named)
        with refused(NotFound):
            pair.records.delete("9", (), if_match=named)
        with refused(NotFound):
            pair.records.get("9", (), if_match=named, if_none_match=named)


def test_a_row_that_the_client_has(pair: Rows) -> None:
    now = tag(pair).strip('"')
    for same in (tags(now), Tags(weak=frozenset({now})), Tags(every=True), tags("x", now)):
        answer = pair.records.get("1", (), if_none_match=same)
        assert (answer.unchanged, answer.body, answer.tag) == (True, b"", f'"{now}"')
    for other in (tags("x"), tags(f"{now}0")):
        assert not pair.records.get("1", (), if_none_match=other).unchanged
    assert not pair.records.get("1", [("fields", "a")], if_none_match=tags(now)).unchanged
    assert not pair.records.get("1", [("fields", "a")], if_match=tags(now)).unchanged
    with refused(PreconditionFailed):
        pair.records.get("1", (), if_match=tags("x"), if_none_match=tags(now))


def test_a_new_revision_changes_every_tag(engine: Engine) -> None:
    stage = Stage(engine)
    old = tag(stage.old)
    rows = stage.change("a", "b")
    assert tag(rows) != old
    with refused(PreconditionFailed):
        stage.old.records.update("1", write({"a": 5}), (), if_match=tags(old))
    assert stage.old.records.update("1", write({"a": 6}), (), if_match=tags(tag(rows))).tag == tag(rows)
    stage.old.records.delete("1", (), if_match=tags(tag(rows)))
    assert count(rows) == 1


def test_a_table_that_requires_a_version(engine: Engine) -> None:
    rows = engine.table("guarded", GUARDED)
    assert rows.table.requires_if_match
    rows.create([{"a": 1}, {"a": 2}])
    for call in (
        lambda: rows.update(1, {"a": 3}),
        lambda: rows.update(1, {"a": 3}, replace=True),
        lambda: rows.delete(1),
        lambda: rows.update_many([{"id": 1, "a": 3}]),
        lambda: rows.delete_many(ids="1"),
        lambda: rows.delete_many(filter='{"a":1}'),
        lambda: rows.upsert({"id": 1, "a": 3}),
        lambda: rows.upsert([{"id": 1, "a": 3}]),
    ):
        with refused(PreconditionRequired, "precondition_required"):
            call()
    assert [row["a"] for row in rows.list(ordering="id")["data"]] == [1, 2]
    rows.records.update("1", write({"a": 3}), (), if_match=tags(tag(rows)))
    rows.records.delete("1", (), if_match=Tags(every=True))
    assert rows.skip([{"a": 5}])["created"] == 1


def test_the_word_in_a_descriptor() -> None:
    mistaken: list[Any] = ["yes", 1, None, {}]
    for wrong in mistaken:
        assert mistakes({**PAIR, "x-require-if-match": wrong}) == [("invalid_schema", "x-require-if-match")]
    assert schema_hash({**PAIR, "x-require-if-match": False}) == schema_hash(PAIR)
    assert schema_hash(GUARDED) != schema_hash(PAIR)


def test_a_requirement_of_a_newer_schema_is_met(engine: Engine) -> None:
    """The writer's own description does not require a version yet; the guard tells it that there is a newer one."""
    rows = engine.table("pair", PAIR)
    rows.create({"a": 1})
    identity = replace(rows.table.identity, revision=2)
    engine.tables["crm", "pair"] = replace(rows.table, identity=identity, requires_if_match=True)
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(SQL("UPDATE {} SET revision = 2").format(Identifier(engine.namespace, "datar_datatable")))
    for call in (lambda: rows.update(1, {"a": 3}), lambda: rows.delete(1), lambda: rows.delete_many(ids="1")):
        with refused(PreconditionRequired):
            call()
    assert count(rows) == 1
