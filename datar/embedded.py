"""The embedded PostgreSQL: for the first run, for development and for tests.

It knows how to make, start and stop one cluster of its own. It refuses to know Django, tables and tenants, and it
signals no process but the one it started or the one whose data directory is its own.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import sql

from datar.binaries import find_binaries
from datar.children import ENVIRONMENT, end, spawn, what_runs
from datar.state import (
    Account,
    CannotStart,
    database_home,
    hold,
    own_directory,
    require_space,
    short_directory,
    state_home,
    stored_secret,
    unprivileged_account,
    write_private,
)

SUPERUSER = "postgres"
SERVICE_ROLE = "datar"
SERVICE_DATABASE = "datar"
START_SECONDS = 300.0
"""Recovery after a crash may take this long; a server that ends by itself is noticed at once."""
STOP_SECONDS = 20.0
FREE_BYTES = 400 * 1024 * 1024
LOG_BYTES = 10 * 1024 * 1024

_SIZES: Mapping[str, str] = {"shared_buffers": "512MB", "max_wal_size": "2GB", "max_connections": "100"}
DURABLE: Mapping[str, str] = {
    **_SIZES,
    "seq_page_cost": "0.2",  # tables of a first run lie in memory, where rows of an index cost more than pages
    "random_page_cost": "0.22",
}
VOLATILE: Mapping[str, str] = {
    **_SIZES,
    "max_connections": "300",  # several processes run tests, each with pools of its own
    "random_page_cost": "1.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "log_line_prefix": "%m [%p] %d ",  # tests that count statements tell their own database's lines by it
}
"""For tests alone: a power cut may destroy the cluster."""

_ALWAYS: Mapping[str, str] = {
    "listen_addresses": "",  # nobody reaches it but through the socket, whose directory is closed
    "unix_socket_permissions": "0700",
    "jit": "off",
    "max_locks_per_transaction": "256",  # a tenant is cloned in one transaction: about 22 locks a table
    "max_parallel_workers_per_gather": "0",  # many short statements; a container's /dev/shm may be 64 MB
    "scram_iterations": "1",  # the passwords are 256 random bits: more would slow each connection down, and nobody else
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # no DETAIL and no statement: the log never holds a row's value
    "log_min_error_statement": "panic",
}


@dataclass
class Cluster:
    """One PostgreSQL cluster in ``state``, reached through a socket, with passwords (scram) kept beside it.

    ``start`` must be called in a thread that lives as long as the server is wanted: on Linux it ends with it.
    """

    state: Path = field(default_factory=state_home)
    version: int = 18
    options: Mapping[str, str] = field(default_factory=lambda: DURABLE)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)
    _lock: IO[bytes] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._account: Account | None = unprivileged_account()
        self.home = database_home(self.state, self._account)
        self.data = self.home / f"postgres-{self.version}"
        self.log = self.home / f"postgres-{self.version}.log"
        self._secrets = own_directory(self.state / "secrets")
        self._socket = self._socket_directory()

    def url(self, database: str = SERVICE_DATABASE, role: str = SERVICE_ROLE) -> str:
        """The connection URL, password inside; it is the same before, during and after a run."""
        password = stored_secret(self._secrets, f"postgres-{self.version}-{role}")
        return f"postgresql://{role}:{password}@/{quote(database)}?host={quote(str(self._socket), safe='')}&port=5432"

    def superuser_url(self, database: str = SUPERUSER) -> str:
        """As ``url``, for the one who may do everything. The service never uses it."""
        return self.url(database, SUPERUSER)

    def start(self) -> None:
        """Make the cluster when it is absent, start it and wait until it answers. Raises CannotStart."""
        self._lock = hold(self.state / f"postgres-{self.version}.lock", self.data)
        try:
            require_space(self.home, FREE_BYTES)
            binaries = find_binaries(self.version, self.home, self._account)
            if not self.data.exists():
                self._make(binaries)
            self._end_leftover()
            self._launch(binaries)
            self._wait()
            self._prepare()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server that ``start`` began: politely, then firmly, then by force. Harmless when it is not there."""
        process, self._process = self._process, None
        end(process, [(signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0)])
        if process is not None and self._socket.parent != self.home:
            with suppress(OSError):
                self._socket.rmdir()  # it lies in the temporary directory, where nothing of ours should stay
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Stop, and delete the data for good."""
        self.stop()
        for place in (self.data, self._socket, *([self.home] if self.home != self.state else [])):
            shutil.rmtree(place, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """The process id of the server while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else None

    # --- starting, step by step

    def _make(self, binaries: Path) -> None:
        """Run initdb beside the final place and move the result there, so that half a cluster is never started."""
        workshop = own_directory(self.home / f".new-{self.version}", account=self._account)
        target, password = workshop / "data", workshop / "password"
        shutil.rmtree(target, ignore_errors=True)
        write_private(password, stored_secret(self._secrets, f"postgres-{self.version}-{SUPERUSER}"))
        identity: dict[str, int | list[int]] = {}
        if self._account:
            os.chown(password, self._account.uid, self._account.gid)
            identity = {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = ["--locale=C", *(builtin if self.version >= 17 else ["--lc-ctype=C.UTF-8"])]
        command = [binaries / "initdb", "-D", target, "-U", SUPERUSER, "--encoding=UTF8", *locale]
        command += ["--data-checksums", "--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions"]
        if self.options.get("fsync") == "off":
            command.append("--no-sync")
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            command, cwd="/", env=ENVIRONMENT, capture_output=True, text=True, check=False, **identity
        )  # type: ignore[call-overload]  # for **identity
        password.unlink()
        if done.returncode != 0:
            raise CannotStart(f"PostgreSQL could not make its data directory: {_last_line(done.stderr)}")
        target.replace(self.data)
        workshop.rmdir()

    def _end_leftover(self) -> None:
        """Deal with the pid file that a killed run left behind.

        The server in it may still be ending, as its parent was killed: it is told to, and waited for (nobody else
        wants it, we hold the lock). A process of another kind has merely been given the same number since;
        PostgreSQL would be misled, so the files that name it go.
        """
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text("utf-8").split("\n", 1)[0])
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + STOP_SECONDS
        while (kind := what_runs(pid, "postgres", self.data)) == "ours":
            if time.monotonic() > deadline:
                raise CannotStart(f"Another PostgreSQL (process {pid}) still uses {self.data}: end it and start again.")
            os.kill(pid, signal.SIGINT)
            time.sleep(0.1)
        if kind == "other":
            file.unlink(missing_ok=True)
            (self._socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _socket_directory(self) -> Path:
        return short_directory(self.home / f"socket-{self.version}", self._account)

    def _launch(self, binaries: Path) -> None:
        self._socket_directory()
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.unlink()
        settings = {**_ALWAYS, **self.options, "unix_socket_directories": str(self._socket), "port": "5432"}
        command = [str(binaries / "postgres"), "-D", str(self.data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.log.chmod(0o600)
            self._process = spawn(
                command, end_signal=signal.SIGINT, environment=ENVIRONMENT, account=self._account, log=log
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                line = _last_line(self.log.read_text("utf-8", "replace"))
                raise CannotStart(f"PostgreSQL did not start: {line} (whole log: {self.log})")
            try:
                psycopg.connect(self.superuser_url(), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if "password authentication" in str(error):
                    raise CannotStart(f"The passwords in {self._secrets} do not fit the data in {self.data}.") from None
                time.sleep(0.02)
            else:
                return
        raise CannotStart(f"PostgreSQL did not answer within {START_SECONDS:.0f} seconds (log: {self.log}).")

    def _prepare(self) -> None:
        """Make the service's role and database where they are missing: not a superuser, owner of its database."""
        password = stored_secret(self._secrets, f"postgres-{self.version}-{SERVICE_ROLE}")
        role, database = sql.Identifier(SERVICE_ROLE), sql.Identifier(SERVICE_DATABASE)
        with psycopg.connect(self.superuser_url(), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SERVICE_ROLE]).fetchone()
            if found is None:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)), prepare=False
                )
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [SERVICE_DATABASE]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error" in line.lower() or "could not" in line]
    return (telling or lines or ["it said nothing."])[-1]
