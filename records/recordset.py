"""The verbs on a table's rows; each reads as the pipeline: parse, check, plan, hand to the provider.

It is the conductor: it knows the order of things and how a write meets a newer schema, nothing of SQL or HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from datar.errors import Conflict, NotFound, Unavailable
from records import answers, keys, writes
from records.answers import Answer
from records.conditions import EVERYTHING, Condition
from records.params.flat import Pairs
from records.plan import WritePlan, Written, plan_list, plan_row
from records.provider import Provider, Stale
from records.table import Table

T = TypeVar("T")


class Catalog(Protocol):
    """Where tables are found; ``datatables.catalog`` implements it."""

    def find(self, app: str, name: str) -> Table | None:
        """A table that can be pointed at, at most a second old."""

    def reload(self, table: Table) -> Table:
        """The same table as it is now. Raises NotFound or Conflict when it is gone or not materialized."""


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The rows of one table, as far as ``scope`` lets them be seen."""

    table: Table
    catalog: Catalog
    provider: Provider
    scope: Condition = EVERYTHING

    def list(self, pairs: Pairs) -> bytes:
        """A page: ``{"data":[…],"total":n,…}``."""
        asked = tuple(pairs)
        return self._read(lambda table: self.provider.read(plan_list(asked, table, self.scope)))

    def get(self, record_id: str, pairs: Pairs) -> bytes:
        """One row: ``{"data":{…}}``. Raises NotFound."""

        def attempt(table: Table) -> bytes | None:
            return self.provider.get(plan_row(pairs, table, keys.read_key(table, record_id), self.scope))

        return _found(self._read(attempt))

    def create(self, body: bytes, pairs: Pairs, *, minimal: bool = False) -> Answer:
        """Add the body's row or rows, all or none."""

        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = writes.plan_create(table, body, pairs, minimal=minimal)
            written = self.provider.insert(plan, self.catalog.find)
            return written, answers.created(plan, written)

        return self._write(attempt)

    def upsert(self, body: bytes, pairs: Pairs, *, minimal: bool = False) -> Answer:
        """Add rows, or change those that the unique fields find; all or none."""

        def attempt(table: Table) -> tuple[Written, Answer]:
            batch = writes.plan_upsert(table, body, pairs, minimal=minimal)
            return answers.upserted(batch, self.provider.upsert(batch.plans, self.catalog.find))

        return self._write(attempt)

    def update(self, record_id: str, body: bytes, pairs: Pairs, *, replace: bool = False) -> Answer:
        """Change the sent fields of a row; with ``replace`` absent ones take their default or null."""

        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = writes.plan_update(table, record_id, body, pairs, replace=replace)
            written = self.provider.update(plan, self.catalog.find)
            return written, answers.updated(plan, written)

        return self._write(attempt)

    def update_many(self, body: bytes, pairs: Pairs, *, minimal: bool = False) -> Answer:
        """Change rows that carry their keys, all or none."""

        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = writes.plan_update_many(table, body, pairs, minimal=minimal)
            written = self.provider.update(plan, self.catalog.find)
            return written, answers.updated(plan, written)

        return self._write(attempt)

    def delete(self, record_id: str, pairs: Pairs) -> Answer:
        """Remove a row."""
        return self._delete(lambda table: writes.plan_delete(table, record_id, pairs))

    def delete_many(self, pairs: Pairs) -> Answer:
        """Remove the rows named in ``ids``, all or none."""
        return self._delete(lambda table: writes.plan_delete_many(table, pairs))

    def _delete(self, plan_of: Callable[[Table], WritePlan]) -> Answer:
        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = plan_of(table)
            written = self.provider.delete(plan, self.catalog.find)
            return written, answers.deleted(plan, written)

        return self._write(attempt)

    def _read(self, attempt: Callable[[Table], T]) -> T:
        """A read made for an older schema fails by itself: reload, once."""
        try:
            return attempt(self.table)
        except Stale:
            fresh = self._newer(self.table)
        try:
            return attempt(fresh)
        except Stale:
            raise _changing() from None

    def _write(self, attempt: Callable[[Table], tuple[Written, Answer]]) -> Answer:
        """A write that touched nothing may have met the guard: where there is a newer revision, check again, once."""
        table = self.table
        for _ in range(2):
            try:
                written, answer = attempt(table)
            except Stale:
                table = self._newer(table)
                continue
            if written.count:
                return answer
            fresh = self.catalog.reload(table)
            if fresh.identity.revision == table.identity.revision:
                raise answer.missing or _changing()
            table = fresh
        raise _changing()

    def _newer(self, table: Table) -> Table:
        fresh = self.catalog.reload(table)
        if fresh.identity.revision == table.identity.revision:
            raise Conflict(
                f"Table '{table.identity.name}' has no physical table; materialize it.", code="not_materialized"
            )
        return fresh


def _changing() -> Unavailable:
    return Unavailable("The table's schema is being changed; try again.", code="schema_locked")


def _found(body: bytes | None) -> bytes:
    if body is None:
        raise NotFound
    return body
