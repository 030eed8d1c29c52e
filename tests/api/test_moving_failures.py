"""A move that is killed, or whose MongoDB goes away: the table is where it was, and what was begun is swept."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from psycopg.sql import SQL, Identifier
from pytest_django.fixtures import Settings

from datasources import connect
from datatables import moving
from tests.api.moves import DIRECTIONS, app_of, make, move, moved, rows_of, with_mongodb
from tests.cast import Api, acme
from tests.cluster import ROOT
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
