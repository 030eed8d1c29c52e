"""Rows of a create, but for those that are refused: all at once, else by halves under savepoints until each is told.

Between the two, rows that stored rows stand against are found by a question per key: there may be thousands of them.
Rows that repeat an earlier one wait until it is known whether that one was stored. Rows that refer to rows of their own
table are tried again as long as others get in, so that their order does not matter.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg
from psycopg.sql import SQL

from datar.errors import Conflict, DatarError, Invalid, Unavailable
from records import limits
from records.orphans import points_home
from records.payload import repeated, unique_groups
from records.plan import Sifted, WritePlan, Written
from records.provider import Resolve, Stale
from records.providers.postgres.conflicts import explained
from records.providers.postgres.guard import guard
from records.providers.postgres.pool import Connection
from records.providers.postgres.screening import screened

_AT_ONCE: Final = SQL("SET CONSTRAINTS ALL IMMEDIATE")
"""Foreign keys that wait for the end of a transaction would not tell whose row they refuse."""
_ORPHAN: Final = "conflict_foreign_key"
_OF_A_ROW: Final = frozenset({"conflict_unique", _ORPHAN})
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
    stored: dict[int, bytes] = field(default_factory=dict)
    refused: dict[int, DatarError] = field(default_factory=dict)
    repaired: bool = False
    until: float = field(default_factory=lambda: time.monotonic() + limits.BULK_SECONDS)

    def run(self) -> Sifted:
        """All rows in one statement, or one transaction. Raises Stale and psycopg.Error; then nothing was kept."""
        places = list(range(len(self.plan.rows)))
        if not places or self._repeats(places) or self._try(places) is not None:
            with self.connection.transaction():
                self.connection.execute(_AT_ONCE)
                self._run(places)
                if not self.stored:
                    self._check_guard()
        return Sifted(self.stored, self.refused)

    def _run(self, places: list[int]) -> None:
        self.refused.update(screened(self.plan.table, self.plan.rows, self.connection, self.resolve))
        places = [place for place in places if place not in self.refused]
        while places:
            repeats = self._repeats(places)
            now = [place for place in places if place not in repeats]
            before = len(self.stored)
            self._halve(now)
            again = [place for place in now if self._may_get_in(place)] if len(self.stored) > before else []
            for place, (names, earlier) in repeats.items():
                if earlier in self.stored:
                    self.refused[place] = self._repeat(names, earlier)
            waiting = [place for place, (_, earlier) in repeats.items() if earlier not in self.stored]
            places = sorted([*again, *waiting])

    def _halve(self, places: list[int]) -> None:
        parts = [places]
        while parts:
            part = parts.pop()
            refusal = self._try(part) if part else None
            if refusal is None:
                continue
            if len(part) == 1:
                self.refused[part[0]] = refusal
            else:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]

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
            self.stored[place] = row
            self.refused.pop(place, None)
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

    def _may_get_in(self, place: int) -> bool:
        """Whether a refused row may refer to one of the batch that was stored after it."""
        refusal = self.refused.get(place)
        if refusal is None or refusal.code != _ORPHAN:
            return False
        return any(points_home(self.plan.table, key) for key in self.plan.table.foreign_keys if key.enforced)

    def _repeats(self, places: list[int]) -> dict[int, tuple[tuple[str, ...], int]]:
        """Rows that repeat an earlier one of these: in which fields, and which one."""
        rows = [self.plan.rows[place] for place in places]
        found: dict[int, tuple[tuple[str, ...], int]] = {}
        for names in unique_groups(self.plan.table):
            for first, later in repeated(self.plan.table, names, rows):
                found.setdefault(places[later], (names, places[first]))
        return found

    def _repeat(self, names: tuple[str, ...], earlier: int) -> Conflict:
        what = " and ".join(f"'{name}'" for name in names)
        return Conflict(
            f"Has the same {what} as row {self.plan.places[earlier]}; send each once.",
            code="conflict_unique",
            extra={"fields": list(names)},
        )

    def _check_guard(self) -> None:
        """Where nothing was stored, no statement has met the guard yet."""
        held = self.connection.execute(SQL("SELECT {guard}").format(guard=guard(self.plan.table))).fetchone()
        if held is None or not held[0]:
            raise Stale
