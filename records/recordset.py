"""The verbs on a table's rows; each reads as the pipeline: parse, check, plan, hand to the provider.

It is the conductor: it knows the order of things and how a write meets a newer schema, nothing of SQL or HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from datar.errors import Conflict, NotFound, Unavailable
from records import answers, keys, skipping, writes
from records.across import Across
from records.answers import Answer
from records.conditions import EVERYTHING, Condition
from records.exports import Form, Pieces, exported
from records.params.flat import Pairs
from records.plan import ListPlan, WritePlan, Written
from records.planning import ReadPlan, plan_body, plan_list, plan_row
from records.provider import Provider, Stale, Stores
from records.query import CursorPage
from records.relations import Lookups
from records.table import Table
from records.versions import Tags

T = TypeVar("T")
_READ_TRIES: Final = 4
"""Changes of the schema that may come one upon the other under one read."""


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The rows of one table, as far as ``scope`` lets them be seen."""

    table: Table
    catalog: Stores
    provider: Provider
    scope: Condition = EVERYTHING

    def list(self, pairs: Pairs) -> bytes:
        """A page of rows or groups: ``{"data":[…],"total":n,…}``; with a cursor ``{"data":[…],"next_cursor":…}``."""
        asked = tuple(pairs)
        return self._read(lambda table: self._page(plan_list(asked, table, self.catalog, self.scope)))

    def query(self, body: bytes) -> bytes:
        """The same, asked in a body."""
        return self._read(lambda table: self._page(plan_body(body, table, self.catalog, self.scope)))

    def export(self, pairs: Pairs, form: Form) -> Pieces:
        """The rows or groups of a list as lines of text: the page that was asked for, else all of them."""
        asked = tuple(pairs)
        return self._read(lambda table: self._stream(plan_list(asked, table, self.catalog, self.scope), form))

    def export_query(self, body: bytes, form: Form) -> Pieces:
        """The same, asked in a body."""
        return self._read(lambda table: self._stream(plan_body(body, table, self.catalog, self.scope), form))

    def _stream(self, plan: ReadPlan, form: Form) -> Pieces:
        return self._rows(plan.table).stream(exported(plan), form)

    def get(
        self, record_id: str, pairs: Pairs, *, if_match: Tags | None = None, if_none_match: Tags | None = None
    ) -> Answer:
        """One row: ``{"data":{…}}``. Raises NotFound, PreconditionFailed."""

        def attempt(table: Table) -> Answer:
            plan = plan_row(pairs, table, keys.read_key(table, record_id), self.catalog, self.scope)
            row = self._rows(table).get(plan)
            if row is None:
                raise NotFound
            return answers.read(plan, row, if_match, if_none_match)

        return self._read(attempt)

    def create(self, body: bytes, pairs: Pairs, *, minimal: bool = False) -> Answer:
        """Add the body's row or rows, all or none; with ``on_error=skip`` those that can be stored."""
        if writes.skips(pairs):
            return self._create_each(body, pairs, minimal=minimal)

        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = writes.plan_create(table, body, pairs, minimal=minimal)
            written = self._rows(table).insert(plan)
            return written, answers.created(plan, written)

        return self._write(attempt)

    def _create_each(self, body: bytes, pairs: Pairs, *, minimal: bool) -> Answer:
        def attempt(table: Table) -> tuple[Written, Answer]:
            asked = skipping.plan_skipping(table, body, pairs, minimal=minimal)
            done = self._rows(table).insert_each(asked.plan)
            return Written(len(done.stored), held=True), skipping.skipped(asked, done)

        return self._write(attempt)

    def upsert(self, body: bytes, pairs: Pairs, *, minimal: bool = False) -> Answer:
        """Add rows, or change those that the unique fields find; all or none."""

        def attempt(table: Table) -> tuple[Written, Answer]:
            batch = writes.plan_upsert(table, body, pairs, minimal=minimal)
            return answers.upserted(batch, self._rows(table).upsert(batch.plans))

        return self._write(attempt)

    def update(
        self, record_id: str, body: bytes, pairs: Pairs, *, replace: bool = False, if_match: Tags | None = None
    ) -> Answer:
        """Change the sent fields of a row; with ``replace`` absent ones take their default or null.

        Raises NotFound, PreconditionFailed, PreconditionRequired.
        """

        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = writes.plan_update(table, record_id, body, pairs, if_match, replace=replace)
            written = self._rows(table).update(plan)
            return written, answers.updated(plan, written)

        return self._write(attempt)

    def update_many(self, body: bytes, pairs: Pairs, *, minimal: bool = False) -> Answer:
        """Change rows that carry their keys, all or none."""

        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = writes.plan_update_many(table, body, pairs, minimal=minimal)
            written = self._rows(table).update(plan)
            return written, answers.updated(plan, written)

        return self._write(attempt)

    def delete(self, record_id: str, pairs: Pairs, *, if_match: Tags | None = None) -> Answer:
        """Remove a row. Raises NotFound, PreconditionFailed, PreconditionRequired."""
        return self._delete(lambda table: writes.plan_delete(table, record_id, pairs, if_match))

    def delete_many(self, pairs: Pairs) -> Answer:
        """Remove the rows named in ``ids``, all or none, or all that ``filter`` finds."""
        return self._delete(lambda table: writes.plan_delete_many(table, pairs, Lookups(self.catalog), self.scope))

    def _delete(self, plan_of: Callable[[Table], WritePlan]) -> Answer:
        def attempt(table: Table) -> tuple[Written, Answer]:
            plan = plan_of(table)
            written = self._rows(table).delete(plan)
            return written, answers.deleted(plan, written)

        return self._write(attempt)

    def _rows(self, table: Table) -> Across:
        """Of the table as it is now: it may have moved to another store since it was looked up."""
        moved = table.identity.store != self.table.identity.store
        return Across(self.catalog.provider_of(table) if moved else self.provider, self.catalog)

    def _page(self, plan: ReadPlan) -> bytes:
        if isinstance(plan, ListPlan) and isinstance(plan.page, CursorPage):
            return answers.sliced(plan, self._rows(plan.table).read_slice(plan), self.catalog.secret)
        return self._rows(plan.table).read(plan)

    def _read(self, attempt: Callable[[Table], T]) -> T:
        """A read made for an older schema, of this table or one it leads to, fails by itself: reload and try again."""
        table = self.table
        for _ in range(_READ_TRIES):
            try:
                return attempt(table)
            except Stale:
                self.catalog.forget()
                table = self.catalog.reload(table)
        raise self._gone() if _is_same(table, self.table) else _changing()

    def _write(self, attempt: Callable[[Table], tuple[Written, Answer]]) -> Answer:
        """A write that touched nothing may have met the guard: where there is a newer revision, check again, once.

        Where the guard is known to have held, touching nothing is an answer or a refusal.
        """
        table = self.table
        for _ in range(2):
            try:
                written, answer = attempt(table)
            except Stale:
                self.catalog.forget()
                table = self.catalog.reload(table)
                continue
            if written.count:
                return answer
            if written.held:
                return _settled(answer)
            fresh = self.catalog.reload(table)
            if _is_same(fresh, table):
                raise answer.missing or _changing()
            table = fresh
        raise self._gone() if _is_same(table, self.table) else _changing()

    def _gone(self) -> Conflict:
        return Conflict(
            f"Table '{self.table.identity.name}' has no physical table; materialize it.", code="not_materialized"
        )


def _is_same(table: Table, other: Table) -> bool:
    """Whether it is one table at one revision; a name may be another table's by now."""
    return (table.identity.id, table.identity.revision) == (other.identity.id, other.identity.revision)


def _changing() -> Unavailable:
    return Unavailable("The table's schema is being changed; try again.", code="schema_locked")


def _settled(answer: Answer) -> Answer:
    """The answer of a write that rightly touched nothing. Raises what it has against it."""
    if answer.missing is not None:
        raise answer.missing
    return answer
