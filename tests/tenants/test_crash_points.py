"""kill -9 in the middle of a registration leaves nothing, and the same sign-up then succeeds at once."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from tenants.registration import CRASH_POINTS, CRASH_POINTS_IN_PARTS, register
from tests.cast import PASSWORD, Api
from tests.cluster import ROOT
from tests.tenants.catalogue import all_rows

SCRIPT = """
import django; django.setup()
from tenants.registration import register
register(email={email!r}, password={password!r})
print("survived")
"""


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_sc_14_kill_at_every_point_of_registration(point: str, pg: psycopg.Connection, database_url: str) -> None:
    email = f"{point.replace('_', '.')}@example.com"
    before = _everything(pg)
    environment = {**os.environ, "DATABASE_URL": database_url, "DATAR_CRASH_POINT": point}
    script = SCRIPT.format(email=email, password=PASSWORD)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b""), done.stderr.decode()
    _wait_until_noticed(pg)
    assert _everything(pg) == before
    made = register(email=email, password=PASSWORD)
    assert Api(made.api_key, made.access).get("/api/auth/me/").status == 200


def _everything(pg: psycopg.Connection) -> tuple[object, ...]:
    schemas = pg.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1").fetchall()
    return schemas, all_rows(pg, "public")


def _wait_until_noticed(pg: psycopg.Connection) -> None:
    """PostgreSQL sees at its next statement, or when it answers, that nobody is there any more."""
    others = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory'"
    until = time.monotonic() + 10
    while pg.execute(f"{others} AND d.datname = current_database()".encode()).fetchone() != (0,):
        assert time.monotonic() < until, "the dead process's lock is still held"
        time.sleep(0.02)


def test_no_crash_point_was_forgotten() -> None:
    source = (ROOT / "tenants" / "registration.py").read_text()
    assert source.count("crash_point(") == len({*CRASH_POINTS, *CRASH_POINTS_IN_PARTS})
