"""A move that is killed, or whose MongoDB goes away: the table is where it was, and what was begun is swept."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from psycopg.sql import SQL, Identifier
from pytest_django.fixtures import Settings

from datar.embedded_mongo import ReplicaSet
from datasources import connect
from datatables import moving
from datatables.catalog import TableCatalog
from datatables.models import KeptTable
from tenants.context import use
from tests.api.moves import DIRECTIONS, app_of, make, move, moved, rows_of, with_mongodb
from tests.cast import Api, acme
from tests.cluster import ROOT, make_state
from tests.mongo import mongodb_url, why_not_mongodb

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

SCHEMA = {"fields": [{"name": "n", "type": "integer"}, {"name": "x", "type": "string"}]}
SCRIPT = """
import django; django.setup()
from datatables.moving import move
from tenants.context import use
with use({schema!r}):
    move(app_slug={app!r}, name="things", datasource_slug=None, target={target!r}, user_id=None)
print("survived")
"""


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    """A client of a service that knows a MongoDB."""
    with with_mongodb(settings) as api:
        yield api


def left_behind(pg: "psycopg.Connection[Any]") -> set[str]:
    """Physical tables and collections that no table has and nobody has written down."""
    space = acme().schema
    there = {name for (name,) in pg.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [space])}
    there |= set(connect.mongodb_server().database(space).list_collection_names())
    known = SQL(
        "SELECT physical_table_name FROM {tables} UNION SELECT physical_table_name FROM {kept} WHERE purged_at IS NULL"
    ).format(tables=Identifier(space, "datar_datatable"), kept=Identifier(space, "datar_kept_table"))
    named = {name for (name,) in pg.execute(known)}
    return {name for name in there - named if not name.startswith(("datar_", "auth_", "django_", "token_"))}


def make_older(pg: "psycopg.Connection[Any]") -> None:
    """What moves left is a year old."""
    pg.execute(
        SQL(
            "UPDATE {kept} SET created_at = created_at - interval '1 year', kept_at = kept_at - interval '1 year'"
        ).format(kept=Identifier(acme().schema, "datar_kept_table"))
    )


@pytest.mark.parametrize(("here", "there"), [("flat_table", "mongodb"), ("mongodb", "jsonb"), ("flat_table", "jsonb")])
@pytest.mark.parametrize("point", moving.CRASH_POINTS)
def test_sc_14_kill_at_every_point_of_a_move(
    api: Api, point: str, here: str, there: str, pg: "psycopg.Connection[Any]", database_url: str
) -> None:
    app = app_of(api)
    table = make(api, app, here, "things", SCHEMA)
    api.post(f"{table}data/", [{"n": n} for n in range(50)])
    before, shown = rows_of(api, table), api.get(table).data
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "DATAR_MONGODB_URL": mongodb_url(),
        "DATAR_CRASH_POINT": point,
    }
    script = SCRIPT.format(schema=acme().schema, app=app.split("/")[3], target=there.replace("_", "-"))
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b""), done.stderr.decode()
    time.sleep(1)  # what was known of the table may be as old
    ended = point == "move_done"
    assert (api.get(table).data == shown) is not ended
    assert rows_of(api, table) == before
    assert api.post(f"{table}data/", {"n": 50}).status == 201
    assert left_behind(pg) == set()
    make_older(pg)
    call_command("purge_kept_tables", "--older-than", "300", "--tenant", acme().schema)
    assert left_behind(pg) == set()
    assert [row["n"] for row in rows_of(api, table)] == list(range(51))
    physical = moved(api, table, here if ended else there)["physical_table_name"]
    assert physical.endswith("_3")
    assert [row["n"] for row in rows_of(api, table)] == list(range(51))
    assert api.post(f"{table}data/", {"n": 51}).data["data"]["id"] == 52


@pytest.mark.parametrize(("here", "there"), DIRECTIONS)
def test_a_table_that_somebody_holds_stays_and_can_move_later(
    api: Api, here: str, there: str, pg: "psycopg.Connection[Any]"
) -> None:
    table = make(api, app_of(api), here, "things", SCHEMA)
    api.post(f"{table}data/", {"n": 1})
    shown = api.get(table).data
    space = acme().schema
    with psycopg.connect(pg.info.dsn, password=pg.info.password) as other:
        if here == "mongodb":
            held = SQL("SELECT FROM {tables} WHERE id = %s FOR SHARE").format(
                tables=Identifier(space, "datar_datatable")
            )
            other.execute(held, [shown["id"]])
        else:
            other.execute(SQL("DELETE FROM {table}").format(table=Identifier(space, shown["physical_table_name"])))
        answer = move(api, table, there)
        assert (answer.status, answer.code) == (503, "schema_locked")
        other.rollback()
    assert api.get(table).data == shown
    assert left_behind(pg) == set()
    moved(api, table, there)
    assert [row["n"] for row in rows_of(api, table)] == [1]


def test_purging_takes_what_is_old_and_nothing_that_is_read(api: Api, pg: "psycopg.Connection[Any]") -> None:
    table = make(api, app_of(api), "flat_table", "things", SCHEMA)
    api.post(f"{table}data/", {"n": 1})
    for kind in ("mongodb", "jsonb", "mongodb"):
        moved(api, table, kind)
    space, start = acme().schema, api.get(table).data["physical_table_name"].removesuffix("_4")

    def there() -> set[str]:
        names = {name for (name,) in pg.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [space])}
        names |= set(connect.mongodb_server().database(space).list_collection_names())
        return {name.removeprefix(start) for name in names if name.startswith(start)}

    call_command("purge_kept_tables", "--older-than", "0", "--tenant", space)
    assert there() == {"", "_2", "_3", "_4"}  # a read may still be on its way
    make_older(pg)
    call_command("purge_kept_tables", "--older-than", "400", "--tenant", space)
    assert there() == {"", "_2", "_3", "_4"}
    call_command("purge_kept_tables", "--tenant", space)
    assert there() == {"_4"}
    assert [row["n"] for row in rows_of(api, table)] == [1]
    assert moved(api, table, "flat_table")["physical_table_name"] == f"{start}_5"
    for wrong in (["--older-than", "-1"], ["--tenant", "nobody"]):
        with pytest.raises(CommandError):
            call_command("purge_kept_tables", *wrong)


def test_a_read_that_was_planned_before_a_purge_finds_the_table(api: Api, pg: "psycopg.Connection[Any]") -> None:
    table = make(api, app_of(api), "mongodb", "things", SCHEMA)
    api.post(f"{table}data/", {"n": 1})
    wrong: list[Any] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            answer = api.get(f"{table}data/")
            if (answer.status, answer.data.get("total")) != (200, 1):
                wrong.append(answer)
        connections.close_all()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for kind in ("flat_table", "mongodb", "jsonb", "mongodb"):
            assert move(api, table, kind).status == 200
            make_older(pg)
            call_command("purge_kept_tables", "--tenant", acme().schema)
    finally:
        over.set()
        reader.join()
    assert not wrong, wrong[:3]


@pytest.mark.parametrize("here", ["flat_table", "mongodb"])
def test_mongodb_that_stops_in_the_middle_of_a_move(settings: Settings, here: str) -> None:
    mongo = ReplicaSet(make_state())
    mongo.start()
    try:
        with with_mongodb(settings, mongo.url()) as api:
            there = "mongodb" if here == "flat_table" else "flat_table"
            table = make(api, app_of(api), here, "things", SCHEMA)
            for _ in range(4):
                assert (
                    api.post(f"{table}data/", [{"n": 1, "x": "x" * 200}] * 5_000, Prefer="return=minimal").status == 201
                )
            shown = api.get(table).data
            killer = threading.Thread(target=_stop_once_moving, args=(mongo, shown["id"]))
            killer.start()
            answer = move(api, table, there)
            killer.join()
            assert (answer.status, answer.code) in {(503, "db_unavailable"), (503, "schema_locked")}, answer
            assert api.get(table).data == shown
            if here == "flat_table":
                assert api.get(f"{table}data/?page_size=1").data["total"] == 20_000
            mongo.start()
            _wait_for(lambda: api.get(f"{table}data/?page_size=1").status == 200)
            assert api.get(f"{table}data/?page_size=1").data["total"] == 20_000
            _wait_for(lambda: move(api, table, there).status == 200)
            TableCatalog(acme().schema).forget()
            assert api.get(f"{table}data/?page_size=1").data["total"] == 20_000
    finally:
        mongo.remove()


def _stop_once_moving(mongo: ReplicaSet, table: int) -> None:
    """Kill the server a moment after the move has named its new place."""
    with use(acme().schema):
        _wait_for(lambda: KeptTable.objects.filter(datatable_id=table).exists())
    time.sleep(0.2)
    mongo.stop()
    connections.close_all()


def _wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_table_that_a_file_is_loaded_into_stays(api: Api, tmp_path: Path) -> None:
    app = app_of(api)
    schema = {**SCHEMA, "primaryKey": "n"}
    table = make(api, app, "flat_table", "things", schema)
    (tmp_path / "things.csv").write_text("n,x\n" + "".join(f"{n},x\n" for n in range(20_000)))
    resource = {"name": "things", "path": "things.csv", "schema": schema}
    (tmp_path / "datapackage.json").write_text(json.dumps({"name": "package", "resources": [resource]}))
    answers: list[str] = []

    def go() -> None:
        for _ in range(200):
            answers.append(move(api, table, "jsonb" if len(answers) % 2 else "mongodb").code)
            if over.is_set():
                break
        connections.close_all()

    over = threading.Event()
    mover = threading.Thread(target=go)
    mover.start()
    time.sleep(0.2)
    try:
        call_command("load_package", str(tmp_path), "--tenant", acme().schema, "--app", app.split("/")[3])
    finally:
        over.set()
        mover.join()
    TableCatalog(acme().schema).forget()
    assert set(answers) <= {"", "schema_locked"}
    assert api.get(f"{table}data/?page_size=1").data["total"] == 20_000
