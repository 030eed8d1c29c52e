"""kill -9 in the middle of a registration leaves nothing, and the same sign-up then succeeds at once."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from tenants.registration import CRASH_POINTS, register
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
    assert _everything(pg) == before
    made = register(email=email, password=PASSWORD)
    assert Api(made.api_key, made.access).get("/api/auth/me/").status == 200


def _everything(pg: psycopg.Connection) -> tuple[object, ...]:
    schemas = pg.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1").fetchall()
    locks = pg.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone()
    return schemas, locks, all_rows(pg, "public")


def test_no_crash_point_was_forgotten() -> None:
    source = (ROOT / "tenants" / "registration.py").read_text()
    assert source.count("crash_point(") == len(CRASH_POINTS)
