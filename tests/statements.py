"""Every statement a request sends, from the server's own log: nothing that is sent can hide from it.

It knows PostgreSQL's log lines and how this process's connections are renewed. It refuses to know what is asked.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection as django_connection
from psycopg import sql

from datasources import connect
from tests.cluster import Databases

_CONTROL = {"BEGIN", "COMMIT", "ROLLBACK", "SET", "RESET", "SAVEPOINT", "RELEASE", "START", "DEALLOCATE", "SHOW"}
_TRIES = 4


@dataclass(frozen=True)
class Sent:
    """What one request sent: statements that ask or change, and those that only control a transaction.

    ``errors`` is what the server said of those that failed.
    """

    statements: tuple[str, ...]
    control: tuple[str, ...]
    errors: tuple[str, ...]


class Statements:
    """Counts what this worker's database is sent."""

    def __init__(self, databases: Databases) -> None:
        self._log = databases.cluster.log
        name = re.escape(databases.migrated)
        self._line = re.compile(
            rf"^\S+ \S+ \S+ \[\d+\] {name} LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)$", re.MULTILINE
        )
        self._error = re.compile(rf"^\S+ \S+ \S+ \[\d+\] {name} (?:ERROR|FATAL|PANIC):  (.*)$", re.MULTILINE)

    def of(self, send: Callable[[], Any]) -> Sent:
        """The statements of one ``send``, sent once before so that caches are warm.

        What is remembered for less than a second may run out between two sends, so the least of a few counts.
        """
        send()
        return min((self.once(send) for _ in range(_TRIES)), key=lambda sent: len(sent.statements) + len(sent.control))

    def once(self, send: Callable[[], Any]) -> Sent:
        """The statements of one ``send``, or of many requests in it, whatever the caches hold."""
        before = self._log.stat().st_size
        send()
        with self._log.open("rb") as file:
            file.seek(before)
            log = file.read().decode("utf-8", "replace")
        found = self._line.findall(log)
        control = [text for text in found if text.split(None, 1)[0].rstrip(";").upper() in _CONTROL]
        statements = tuple(text for text in found if text not in control)
        return Sent(statements, tuple(control), tuple(self._error.findall(log)))


@contextmanager
def counting(databases: Databases) -> Iterator[Statements]:
    """Log every statement of this worker's database for the length of the block."""
    name = sql.Identifier(databases.migrated)
    with psycopg.connect(databases.cluster.superuser_url(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(name))
        renew_connections()
        try:
            yield Statements(databases)
        finally:
            superuser.execute(sql.SQL("ALTER DATABASE {} RESET log_statement").format(name))
            renew_connections()


def renew_connections() -> None:
    """Close this process's connections; the next request opens new ones."""
    django_connection.close()
    connect.close()
