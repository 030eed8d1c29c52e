"""The embedded MongoDB, a replica set of one node: for the first run, for development and for tests.

It knows how to make, start and stop one server of its own. It refuses to know what is stored in it, and it signals no
process but the one it started or the one that still works on its own data.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from datar.binaries import find_mongod
from datar.children import ENVIRONMENT, end, spawn, what_runs
from datar.mongolog import ServerLog
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
from datar.wanted import Wanted

NAME = "mongodb-6"
"""What its files are called. The major version is in it: the data of another one cannot be read."""
SUPERUSER = "root"
SERVICE_USER = "datar"
SERVICE_ROLES = ("readWriteAnyDatabase", "dbAdminAnyDatabase")
"""Databases and collections come and go with tenants and tables; users, the replica set and the server are not its."""
START_SECONDS = 300.0
"""Recovery after a crash may take this long; a server that ends by itself is noticed at once."""
ANSWER_SECONDS = 30.0
"""For one command of ours; a server that is silent for longer is given up."""
STOP_SECONDS = 20.0
FREE_BYTES = 400 * 1024 * 1024

_SET = "datar"
_SOCKET = "mongod.sock"
_MEMBER = f"./{_SOCKET}:27017"
"""How the node names itself in its own data: relative to where it works, so that the data may be moved."""
_ALWAYS: Mapping[str, str] = {
    "replSet": _SET,  # transactions need one
    "bind_ip": f"./{_SOCKET}",  # nobody reaches it but through this socket, whose directory is closed
    "port": "27017",  # no port is opened; the node finds its name by it
    "wiredTigerCacheSizeGB": "1",  # a bound; 0.25, the least it takes, holds no transaction over 10 MB
    "wiredTigerEngineConfigString": "log=(prealloc=false,file_max=32MB)",  # else 300 MB of empty journal at once
    "oplogSize": "128",  # MB; nobody follows it, so it only has to be there
    "slowms": "2147483647",  # a slow command is no news for this log
}
_FLAGS = ("--nounixsocket", "--noscripting", "--quiet")
_PARAMETERS: Mapping[str, str] = {
    "diagnosticDataCollectionEnabled": "false",
    "shutdownTimeoutMillisForSignaledShutdown": "0",  # there is no other node that could take over meanwhile
}
_AUTHENTICATION_FAILED = 18

Document = dict[str, Any]


@dataclass
class ReplicaSet:
    """One ``mongod`` in ``state``, reached through a socket, with passwords (scram) kept beside it.

    Data made with ``durable=False`` are for tests alone: there a write that the majority has is not yet on disk.

    ``start`` must be called in a thread that lives as long as the server is wanted: on Linux it ends with it.
    """

    state: Path = field(default_factory=state_home)
    durable: bool = True
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)
    _running_log: ServerLog | None = field(default=None, init=False, repr=False)
    _lock: IO[bytes] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._account: Account | None = unprivileged_account()
        self.home = database_home(self.state, self._account)
        self.data = self.home / NAME
        self.log = self.home / f"{NAME}.log"
        self.wanted = Wanted(self.state / f"{NAME}.wanted")
        self._secrets = own_directory(self.state / "secrets")
        self._directory = self._socket_directory()

    def url(self, user: str = SERVICE_USER) -> str:
        """The connection URL, password inside; it is the same before, during and after a run."""
        password = stored_secret(self._secrets, f"{NAME}-{user}")
        return f"mongodb://{user}:{password}@{self._address()}/?authSource=admin&directConnection=true"

    def superuser_url(self) -> str:
        """As ``url``, for the one who may do everything. The service never uses it."""
        return self.url(SUPERUSER)

    def start(self) -> None:
        """Make the data when they are absent, start the server, wait until it is primary. Raises CannotStart."""
        self._lock = hold(self.state / f"{NAME}.lock", self.data)
        try:
            require_space(self.home, FREE_BYTES)
            program = find_mongod(self.home, self._account)
            if not self.data.exists():
                self._make(program)
            self._launch(program, self.data)
            self._wait_for_primary()
            self._check_password()
        except PyMongoError as error:
            self.stop()
            raise CannotStart(f"MongoDB could not be made ready: {error} (whole log: {self.log})") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server that ``start`` began: politely, then by force. Harmless when it is not there."""
        began = self._process is not None
        self._end()
        if began and self._directory.parent != self.home:
            # It lies in the temporary directory, where nothing of ours should stay.
            shutil.rmtree(self._directory, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def held_elsewhere(self) -> bool:
        """Whether another process has the data in use."""
        if self._lock is not None:
            return False
        try:
            hold(self.state / f"{NAME}.lock", self.data).close()
        except CannotStart:
            return True
        return False

    def remove(self) -> None:
        """Stop, and delete the data for good."""
        self.stop()
        for place in (self.data, self._directory):
            shutil.rmtree(place, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        if self.home != self.state:
            with suppress(OSError):
                self.home.rmdir()  # unless another server's data lie there

    @property
    def was_begun(self) -> bool:
        """Whether ``start`` began a server that was not stopped since; it may have ended by itself."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The process id of the server while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else None

    # --- starting, step by step

    def _make(self, program: Path) -> None:
        """Fill a data directory beside the final place and move it there, so that half a one is never started."""
        workshop = self.home / f".new-{NAME}"
        self._end_leftover(workshop)
        shutil.rmtree(workshop, ignore_errors=True)
        own_directory(workshop, account=self._account)
        self._launch(program, workshop)
        members = [{"_id": 0, "host": _MEMBER}]
        configuration = {"_id": _SET, "members": members, "writeConcernMajorityJournalDefault": self.durable}
        with self._stranger() as client:
            client.admin.command("replSetInitiate", configuration)
        self._wait_for_primary()
        with self._stranger() as client:  # who is let make the first user, and nothing after that
            self._make_user(client, SUPERUSER, ("root",))
        with _client(self.superuser_url()) as client:
            self._make_user(client, SERVICE_USER, SERVICE_ROLES)
        self._end()
        workshop.replace(self.data)

    def _make_user(self, client: MongoClient[Document], user: str, roles: tuple[str, ...]) -> None:
        password = stored_secret(self._secrets, f"{NAME}-{user}")
        client.admin.command("createUser", user, pwd=password, roles=list(roles), mechanisms=["SCRAM-SHA-256"])

    def _launch(self, program: Path, data: Path) -> None:
        """Start the server on ``data`` and wait until it takes connections."""
        self._end_leftover(data)
        self._socket_directory()
        key = self._new_key()
        settings = {**_ALWAYS, "dbpath": str(data), "keyFile": str(key)}
        command = [str(program), *_FLAGS]
        command += [part for name, value in settings.items() for part in (f"--{name}", value)]
        command += [part for name, value in _PARAMETERS.items() for part in ("--setParameter", f"{name}={value}")]
        log = self._running_log = ServerLog(self.log)
        with log.writer:
            self._process = spawn(
                command,
                end_signal=signal.SIGTERM,
                environment=ENVIRONMENT,
                directory=self._directory,
                account=self._account,
                log=log.writer,
            )
        self._wait(self._listens)
        key.unlink()

    def _new_key(self) -> Path:
        """What nodes of one set know each other by. There is one node, so a key serves one start and is deleted."""
        key = self.home / f".{NAME}.key"
        write_private(key, secrets.token_hex(32))
        if self._account:
            os.chown(key, self._account.uid, self._account.gid)
        return key

    def _end_leftover(self, data: Path) -> None:
        """Wait for the server of a killed run, which may still be ending; nobody else wants it, we hold the lock.

        A process of another kind with its number is no obstacle: the server asks the kernel who holds its data.
        """
        try:
            pid = int((data / "mongod.lock").read_text("utf-8"))
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + STOP_SECONDS
        while what_runs(pid, "mongod", self._directory) == "ours":
            if time.monotonic() > deadline:
                raise CannotStart(f"Another MongoDB (process {pid}) still uses {data}: end it and start again.")
            os.kill(pid, signal.SIGTERM)
            time.sleep(0.1)

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.pid is None:
                raise CannotStart(f"MongoDB did not start: {self._reason()} (whole log: {self.log})")
            if ready():
                return
            time.sleep(0.01)
        raise CannotStart(f"MongoDB did not answer within {START_SECONDS:.0f} seconds (log: {self.log}).")

    def _reason(self) -> str:
        self._end()
        return self._running_log.reason() if self._running_log is not None else "it was not begun."

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._directory / _SOCKET)) == 0

    def _wait_for_primary(self) -> None:
        def primary() -> bool:
            try:
                return bool(client.admin.command("hello")["isWritablePrimary"])
            except ConnectionFailure:
                return False

        with self._stranger() as client:
            self._wait(primary)

    def _check_password(self) -> None:
        try:
            with _client(self.url()) as client:
                client.admin.command("ping")
        except OperationFailure as error:
            if error.code != _AUTHENTICATION_FAILED:
                raise
            raise CannotStart(f"The passwords in {self._secrets} do not fit the data in {self.data}.") from None

    def _stranger(self) -> MongoClient[Document]:
        """A connection without a user: once there is a user, it may do nothing but say hello."""
        return _client(f"mongodb://{self._address()}/?directConnection=true")

    def _address(self) -> str:
        return quote(str(self._directory / _SOCKET), safe="")

    def _socket_directory(self) -> Path:
        return short_directory(self.home / f"socket-{NAME}", self._account)

    def _end(self) -> None:
        process, self._process = self._process, None
        end(process, [(signal.SIGTERM, STOP_SECONDS)])
        if self._running_log is not None:
            self._running_log.finish()


def _client(url: str) -> MongoClient[Document]:
    milliseconds = int(ANSWER_SECONDS * 1000)
    return MongoClient(url, serverSelectionTimeoutMS=2000, socketTimeoutMS=milliseconds)
