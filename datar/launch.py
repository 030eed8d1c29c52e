"""``manage.py up``: database, migrations, demo data, gunicorn, in this order, and their end in the opposite one.

It knows what has to run. It refuses to know what is in the database: ``datatables.demo`` fills it.
"""

import errno
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType

import psycopg
from django.conf import settings
from django.core.management.base import CommandError, OutputWrapper
from django.db import DatabaseError, connections

import datar.server
import datar.worker  # noqa: F401 - both are read here so that a bad setting of theirs is said before anything starts
from datar import env
from datar.children import end, spawn
from datar.embedded import Cluster
from datar.embedded_mongo import ReplicaSet
from datar.errors import DatarError
from datar.greeting import greeting
from datar.state import PROJECT, CannotStart, state_home, write_private
from datar.upgrade import Report, upgrade
from datar.wanted import VARIABLE
from datatables.demo import ensure_demo
from datatables.files import CannotLoad
from datatables.progress import Progress

READY_SECONDS = 60.0
VERSIONS = range(16, 19)
CONNECT_SECONDS = 5
LOOK_SECONDS = 0.2
"""So often it is looked whether anybody wants the embedded MongoDB."""


class Stop(BaseException):
    """Somebody asked us to end: Ctrl-C, SIGTERM, or the terminal went away."""


def up(*, host: str, port: int) -> int:
    """Run the service until it is told to stop; the exit code. What prevents it is said in one sentence."""
    try:
        with _stoppable(), ExitStack() as stack:
            _require_port(host, port)
            _open_database(stack)
            mongodb = _offer_mongodb(stack)
            demo = _prepare(Progress(OutputWrapper(sys.stdout)))
            print("Starting the server ...", flush=True)
            server = _serve(stack, host, port)
            _wait_until_ready(server, host, port)
            print(greeting(f"http://{_netloc(_reachable(host), port)}", demo), flush=True)
            return _watch(server, mongodb)
    except Stop:
        print("\nStopped.", flush=True)
        return 0
    except (CannotStart, CannotLoad, DatarError) as error:
        return _complain(str(error))
    except (DatabaseError, psycopg.Error, CommandError, OSError) as error:
        return _complain(_sentence(error))


@contextmanager
def _stoppable() -> Iterator[None]:
    """Turn the signals that ask us to end into Stop, once; while ending, they are ignored."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stop

    before = [(number, signal.signal(number, stop)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1


def _sentence(error: BaseException) -> str:
    """What happened, for a person, from a driver's or the system's error."""
    chain = [error, error.__cause__, error.__context__]
    if any(isinstance(one, psycopg.errors.DiskFull) or getattr(one, "errno", 0) == errno.ENOSPC for one in chain):
        return "The disk is full: free some space and start again. What was acknowledged is kept."
    text = " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"Cannot start: {error.strerror or text}{f' ({error.filename})' if error.filename else ''}."
    return f"Cannot start: the database says: {text}"


def _require_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise CannotStart(f"Port {port} is not allowed for this account: choose one over 1023.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotStart(f"{host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all.") from None
            raise CannotStart(
                f"Port {port} on {host} is taken by another program: choose another one, e.g. make up PORT={port + 1}."
            ) from None


# --- the database


def _open_database(stack: ExitStack) -> None:
    cluster = Cluster() if _is_embedded() else None
    if cluster is None:
        _check_server(os.environ["DATABASE_URL"])
        return
    if not cluster.data.exists():
        print("Making the embedded database ...", flush=True)
    stack.callback(cluster.stop)
    cluster.start()
    stack.callback(connections.close_all)


def _offer_mongodb(stack: ExitStack) -> ReplicaSet | None:
    """The embedded MongoDB, started at once where it was wanted before; None where another one is used, or none."""
    if VARIABLE not in os.environ:
        return None
    server = ReplicaSet()
    stack.callback(_end_mongodb, server)
    if not server.held_elsewhere:
        server.wanted.withdraw()  # what an earlier run said, which may have been killed
    _start_if_wanted(server)
    return server


def _start_if_wanted(server: ReplicaSet) -> None:
    """Start it in this thread, which lives as long as the service. Where it cannot start, say so here and to all."""
    if not server.wanted.asked or server.wanted.refusal or server.held_elsewhere:
        return
    print("Starting the embedded MongoDB ...", flush=True)
    try:
        server.stop()  # one that ended by itself has left its lock
        server.start()
    except (CannotStart, OSError) as error:
        server.wanted.refuse(str(error))
        print(f"There is no MongoDB: {error}", file=sys.stderr, flush=True)
    else:
        server.wanted.grant()


def _end_mongodb(server: ReplicaSet) -> None:
    if server.was_begun:
        server.wanted.withdraw()
    server.stop()


def _is_embedded() -> bool:
    return os.environ.get("DATAR_EMBEDDED") == "1"


def _check_server(url: str) -> None:
    """Whether that server will do: reachable, PostgreSQL 16 to 18, UTF-8, and we may make schemas in it."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True) as connection:
            version = connection.info.server_version // 10_000
            encoding = connection.info.parameter_status("server_encoding")
            row = connection.execute(
                "SELECT has_database_privilege(current_database(), 'CREATE'),"
                " (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), current_user"
            ).fetchone()
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise CannotStart(f"The database in DATABASE_URL cannot be used: {said}") from None
    assert row is not None
    may_create, superuser, role = row
    if version not in VERSIONS:
        raise CannotStart(f"DATABASE_URL is a PostgreSQL {version}; Datar needs 16, 17 or 18.")
    if encoding != "UTF8":
        raise CannotStart(f"The database in DATABASE_URL is encoded in {encoding}; Datar needs UTF8.")
    if not may_create:
        raise CannotStart(f"Role {role} may not make schemas: GRANT CREATE ON DATABASE ... TO {role}.")
    if superuser:
        print(f"Warning: role {role} is a superuser; give Datar a role of its own.", file=sys.stderr, flush=True)


def _prepare(report: Report) -> Mapping[str, str] | None:
    upgrade(report)
    return _demo(report)


def _demo(report: Report) -> Mapping[str, str] | None:
    """The demo tenant's credentials: made on the first start, remembered (0600) for later ones.

    ``datatables.demo.ensure_demo(report)`` makes what is missing and may be called again after an interruption. Keys
    are stored hashed, so only this file can show the Api-Key once more. ``DATAR_DEMO=0`` does without.
    """
    if not env.flag("DATAR_DEMO", default=True):
        return None
    memory = state_home() / "demo.json"
    database = hashlib.sha256(os.environ["DATABASE_URL"].encode()).hexdigest()
    if memory.exists():
        known = json.loads(memory.read_text("utf-8"))
        if known.pop("database", "") == database:
            return {str(name): str(value) for name, value in known.items()}
    made = ensure_demo(report)
    write_private(memory, json.dumps({**made, "database": database}))
    return made


# --- the server


def _serve(stack: ExitStack, host: str, port: int) -> "subprocess.Popen[bytes]":
    connections.close_all()
    process = spawn(
        [sys.executable, "-m", "gunicorn", "-c", "python:datar.server"],
        end_signal=signal.SIGTERM,
        environment={
            **os.environ,
            "DATAR_BIND": _netloc(host, port),
            "DATAR_ALLOWED_HOSTS": _hosts(host),
            "DJANGO_SETTINGS_MODULE": "datar.settings",
        },
        directory=PROJECT,
    )
    stack.callback(end, process, [(signal.SIGTERM, 8.0), (signal.SIGQUIT, 3.0)])
    return process


def _hosts(host: str) -> str:
    """The host names to serve: as set, else the usual ones and the address that is printed."""
    name = _reachable(host)
    printed = f"[{name}]" if ":" in name else name
    return os.environ.get("DATAR_ALLOWED_HOSTS") or ",".join(dict.fromkeys([*settings.ALLOWED_HOSTS, printed]))


def _wait_until_ready(server: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    said = "nothing"
    while server.poll() is None and time.monotonic() < deadline:
        client = http.client.HTTPConnection(_reachable(host), port, timeout=5)
        try:
            client.request("GET", "/health/ready/", headers={"Host": "localhost"})
            answer = client.getresponse()
            if answer.status == http.HTTPStatus.OK:
                return
            said = f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            said = str(error)
        finally:
            client.close()
        time.sleep(0.05)
    if server.poll() is not None:
        raise CannotStart("The server ended while it started; its reason stands above.")
    raise CannotStart(f"The server did not become ready within {READY_SECONDS:.0f} seconds (last: {said}).")


def _reachable(host: str) -> str:
    """An address to reach a server that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _watch(server: "subprocess.Popen[bytes]", mongodb: ReplicaSet | None) -> int:
    """Until the server ends; meanwhile start the embedded MongoDB when somebody asks for it."""
    while (code := server.poll()) is None:
        time.sleep(LOOK_SECONDS)
        if mongodb is not None and mongodb.pid is None:
            _start_if_wanted(mongodb)
    return _complain(f"The server ended by itself (exit code {code}); its reason stands above.")
