"""Brings the database's schemas up to the code before a start: ``public`` first, then each client that is behind.

Asking every schema through Django costs 68 ms each, also when there is nothing to do; with 300 tenants a start
would take 20 seconds. ``tenants.migrating`` finds what is behind with one query.
"""

from collections.abc import Callable

from tenants.context import PUBLIC
from tenants.migrating import behind, client_namespaces, migrate

Report = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and what is being done."""


def upgrade(report: Report) -> None:
    """Migrate ``public`` and every client's schema that lacks a migration the code has."""
    if behind([PUBLIC]):
        report(0, 1, "Setting up the database")
        migrate(PUBLIC)
        report(1, 1, "Setting up the database")
    late = behind(client_namespaces())
    for done, name in enumerate(late):
        report(done, len(late), "Upgrading tenants")
        migrate(name)
    if late:
        report(len(late), len(late), "Upgrading tenants")
