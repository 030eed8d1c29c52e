"""The databases of the tests: one throw-away cluster a run, one database a worker, cloned from a migrated template.

It knows how the processes of one run agree: the first one publishes ``DATAR_TEST_STATE`` (where the cluster is) and
its workers inherit it. It refuses to know what is tested.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from datar.embedded import SERVICE_ROLE, VOLATILE, Cluster

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "template_datar"
TEMPLATE_SECONDS = 300


class Databases:
    """The run's cluster as one process sees it: as owner (the first process) or as guest (a worker)."""

    def __init__(self) -> None:
        inherited = os.environ.get("DATAR_TEST_STATE")
        self.owner = inherited is None
        self.state = Path(inherited) if inherited else make_state()
        self.version = int(os.environ.get("DATAR_TEST_POSTGRES", "18"))
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.cluster = Cluster(self.state, self.version, VOLATILE)
        os.environ["DATAR_TEST_STATE"] = str(self.state)

    @property
    def migrated(self) -> str:
        """The name of this worker's database that holds the service's tables."""
        return f"test_{self.worker}"

    @property
    def empty(self) -> str:
        """The name of this worker's database that begins empty."""
        return f"records_{self.worker}"

    def start(self) -> None:
        """Start the cluster once; a guest finds it running."""
        if self.owner and self.cluster.pid is None:
            self.cluster.start()

    def stop(self) -> None:
        """The owner ends the cluster and removes every file of it."""
        if self.owner:
            self.cluster.remove()
            shutil.rmtree(self.state, ignore_errors=True)
            os.environ.pop("DATAR_TEST_STATE", None)

    def make_empty(self) -> str:
        """Make this worker's empty database anew; its URL, as the service's role."""
        self._create(self.empty, "template0")
        return self.cluster.url(self.empty)

    def make_migrated(self) -> str:
        """Clone this worker's database from the template, which the first to come migrates; its URL."""
        with self._alone():
            if not self._exists(TEMPLATE):
                self._build(TEMPLATE, self._migrate)
            self._create(self.migrated, TEMPLATE)
        return self.cluster.url(self.migrated)

    def drop(self, name: str) -> None:
        """Remove a database, connections to it included."""
        with psycopg.connect(self.cluster.superuser_url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, name: str, template: str) -> None:
        self.drop(name)
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(SERVICE_ROLE), sql.Identifier(template)
        )
        with psycopg.connect(self.cluster.superuser_url(), autocommit=True) as connection:
            connection.execute(statement)

    def _exists(self, name: str) -> bool:
        with psycopg.connect(self.cluster.superuser_url()) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None

    def _build(self, name: str, fill: Callable[[str], None]) -> None:
        """Fill under another name and rename: a template that failed half-way is never cloned."""
        unfinished = f"{name}_unfinished"
        self._create(unfinished, "template0")
        fill(self.cluster.url(unfinished))
        statement = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name))
        with psycopg.connect(self.cluster.superuser_url(), autocommit=True) as connection:
            connection.execute(statement)

    def _migrate(self, url: str) -> None:
        environment = {**os.environ, "DATABASE_URL": url}
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "migrate_schemas", "--shared", "--verbosity", "0"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TEMPLATE_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the template database could not be migrated:\n{done.stdout}\n{done.stderr}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.state / "template.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def temporary_state() -> Iterator[Path]:
    """A state directory for one test, removed with all that is in it."""
    state = make_state()
    try:
        yield state
    finally:
        shutil.rmtree(state)


def make_state() -> Path:
    """A directory of ours in the temporary directory, passable for the account PostgreSQL runs as under root."""
    state = Path(tempfile.mkdtemp(prefix="datar-test-"))
    if os.geteuid() == 0:
        state.chmod(0o711)
    return state
