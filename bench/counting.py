"""Counts the statements of a request by the servers' own account, on the side of the timed rounds.

It knows PostgreSQL's log lines and MongoDB's counters, and refuses to know what is asked. Transaction control (BEGIN,
COMMIT, SET …) is counted apart.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median_low
from typing import Any

import psycopg
from pymongo import MongoClient

_LINE = re.compile(rb"\[(\d+)\] LOG:  (?:statement|execute [^:]*):\s*\(*(\w+)")
_CONTROL = {b"BEGIN", b"COMMIT", b"ROLLBACK", b"SET", b"RESET", b"SAVEPOINT", b"RELEASE", b"START", b"DEALLOCATE"}
_WARM, _COUNTED = 8, 5
_FLUSHED_SECONDS = 0.1
_ROWS = frozenset({"aggregate", "find", "getMore", "insert", "update", "delete", "findAndModify", "count", "distinct"})
_OTHERS = frozenset({"commitTransaction", "abortTransaction", "listCollections", "killCursors"})
"""MongoDB's commands that a request may cost; a client also greets and asks after the server's health."""


def count_commands(superuser_url: str, send: Callable[[], Any]) -> int:
    """MongoDB's commands, commits among them, that one ``send`` costs once caches are warm: the median of five."""
    for _ in range(_WARM):
        send()
    with MongoClient[dict[str, Any]](superuser_url) as client:
        counts = []
        for _ in range(_COUNTED):
            before = _commands(client)
            send()
            counts.append(_commands(client) - before)
    return median_low(counts)


def _commands(client: MongoClient[dict[str, Any]]) -> int:
    counted = client.admin.command("serverStatus")["metrics"]["commands"]
    return sum(counted[name]["total"] for name in _ROWS | _OTHERS if name in counted)


def count_statements(superuser_url: str, log: Path, send: Callable[[], Any]) -> tuple[int, int]:
    """(statements, transaction control) that one ``send`` costs once caches are warm: the median of five."""
    for _ in range(_WARM):
        send()
    with psycopg.connect(superuser_url, autocommit=True) as connection, _logging(connection):
        own = str(connection.info.backend_pid).encode()
        counts = [_count(log, own, send) for _ in range(_COUNTED)]
    return median_low([count[0] for count in counts]), median_low([count[1] for count in counts])


def _count(log: Path, own: bytes, send: Callable[[], Any]) -> tuple[int, int]:
    before = log.stat().st_size
    send()
    time.sleep(_FLUSHED_SECONDS)
    with log.open("rb") as file:
        file.seek(before)
        words = [word.upper() for pid, word in _LINE.findall(file.read()) if pid != own]
    control = sum(word in _CONTROL for word in words)
    return len(words) - control, control


@contextmanager
def _logging(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    connection.execute("ALTER SYSTEM SET log_statement = 'all'")
    connection.execute("SELECT pg_reload_conf()")
    time.sleep(3 * _FLUSHED_SECONDS)
    try:
        yield
    finally:
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
