"""Rows of a create, but for those that are refused: all at once, else by halves under savepoints until each is told.

Between the two, rows that stored rows stand against are found by a question per key: there may be thousands of them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg
from psycopg.sql import SQL

from datar.errors import Conflict, DatarError, Invalid, Unavailable
from records import limits
from records.plan import Sifted, WritePlan, Written
from records.provider import Resolve, Stale
from records.providers.postgres.conflicts import explained, orphans, taken
from records.providers.postgres.guard import guard
from records.providers.postgres.pool import Connection
from records.screening import screened
from records.sieve import Sieve, repeats_of
from records.table import ForeignKey

_AT_ONCE: Final = SQL("SET CONSTRAINTS ALL IMMEDIATE")
"""Foreign keys that wait for the end of a transaction would not tell whose row they refuse."""
_OF_A_ROW: Final = frozenset({"conflict_unique", "conflict_foreign_key"})
"""Conflicts that are one row's; others (a deadlock, keys used up) end the whole."""


@dataclass
class Sifting:
    """One try at a batch on one connection; ``insert`` adds the rows of a plan, all or none.

    ``repair`` mends the sequence of a generated key, where it was to blame for an error.
    """

    plan: WritePlan
    connection: Connection
    insert: Callable[[Connection, WritePlan], Written]
    repair: Callable[[psycopg.Error, WritePlan, Connection], bool]
    resolve: Resolve
    repaired: bool = False
    until: float = field(default_factory=lambda: time.monotonic() + limits.BULK_SECONDS)
    sieve: Sieve = field(init=False)

    def __post_init__(self) -> None:
        self.sieve = Sieve(self.plan, self._try)

    def run(self) -> Sifted:
        """All rows in one statement, or one transaction. Raises Stale and psycopg.Error; then nothing was kept."""
        sieve, places = self.sieve, list(range(len(self.plan.rows)))
        if not places or repeats_of(self.plan, places) or self._try(places) is not None:
            with self.connection.transaction():
                self.connection.execute(_AT_ONCE)
                sieve.refused.update(screened(self.plan.table, self.plan.rows, self._taken, self._orphans))
                sieve.run([place for place in places if place not in sieve.refused])
                if not sieve.stored:
                    self._check_guard()
        return Sifted(sieve.stored, sieve.refused)

    def _taken(self, names: tuple[str, ...]) -> list[int]:
        return taken(self.plan.table, names, self.plan.rows, self.connection)

    def _orphans(self, key: ForeignKey) -> list[int]:
        return orphans(self.plan.table, key, self.plan.rows, self.connection, self.resolve)

    def _try(self, places: list[int]) -> DatarError | None:
        """Store these rows, all or none; why not, when the database refuses one of them."""
        if time.monotonic() > self.until:
            raise Unavailable("Leaving out the refused rows took too long; send fewer at once.", code="query_timeout")
        plan = replace(self.plan, rows=[self.plan.rows[place] for place in places])
        try:
            written = self._insert(plan)
        except psycopg.Error as error:
            refusal = self._refusal(error)
            if self.repaired or not self.repair(error, plan, self.connection):
                return refusal
            self.repaired = True  # once is enough, and keys that were sent would ask for it again and again
            return self._try(places)
        if written.count < len(places):
            raise Stale
        for place, row in zip(places, written.each or [b""] * len(places), strict=True):
            self.sieve.stored[place] = row
        return None

    def _insert(self, plan: WritePlan) -> Written:
        if self.connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
            return self.insert(self.connection, plan)
        with self.connection.transaction():
            return self.insert(self.connection, plan)

    def _refusal(self, error: psycopg.Error) -> DatarError:
        """What the database has against a row. Raises the error when it is about anything else."""
        known = explained(error, self.plan.table, [], (), self.connection, self.resolve)
        if isinstance(known, Invalid) or (isinstance(known, Conflict) and known.code in _OF_A_ROW):
            return known
        raise error

    def _check_guard(self) -> None:
        """Where nothing was stored, no statement has met the guard yet."""
        held = self.connection.execute(SQL("SELECT {guard}").format(guard=guard(self.plan.table))).fetchone()
        if held is None or not held[0]:
            raise Stale
