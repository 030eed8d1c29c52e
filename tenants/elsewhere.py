"""Rows of a tenant that PostgreSQL does not keep: what registration, deletion and the sweeper ask of whatever does.

The setting ``DATAR_ELSEWHERE`` names it, for it stands above this package: it knows what tables are.
"""

from collections.abc import Collection
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class Elsewhere(Protocol):
    """What keeps rows beside PostgreSQL. Every verb raises Unavailable when it cannot be reached."""

    def is_needed(self, namespace: str) -> bool:
        """Whether tables of the namespace keep their rows there; asks PostgreSQL alone."""

    def holds_any(self, namespace: str) -> bool:
        """Whether anything of the namespace may be there, also what is only kept; asks PostgreSQL alone."""

    def clone(self, source: str, target: str) -> None:
        """Make the target's rows as the source's are. Called in the transaction that clones the schema, and who writes
        such rows of the source waits until it ends."""

    def drop(self, namespace: str) -> None:
        """Remove all that is there of the namespace, if anything is."""

    def present(self, namespaces: Collection[str]) -> list[str]:
        """Those of the namespaces of which something is there."""


@cache
def elsewhere() -> Elsewhere:
    """The one that the settings name."""
    named: type[Elsewhere] = import_string(settings.DATAR_ELSEWHERE)
    return named()
