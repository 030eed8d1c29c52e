"""The MongoDB provider: a plan becomes one pipeline or a transaction of commands; documents become JSON text."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from records.catalog import Catalog
from records.exports import Form, Pieces
from records.limits import BULK_SECONDS, STATEMENT_SECONDS
from records.plan import GroupPlan, KeyedPlan, LinkedPlan, ListPlan, Row, Sifted, Slice, WritePlan, Written
from records.provider import Applied, Change, Resolve
from records.providers.mongo import (
    changing,
    defining,
    exporting,
    grouping,
    inserting,
    linking,
    reading,
    removing,
    skipping,
    slicing,
    upserting,
)
from records.providers.mongo.answered import answered
from records.providers.mongo.defining import Command
from records.providers.mongo.errors import wrapped
from records.providers.mongo.ledger import Ledger, Passed
from records.providers.mongo.loading import DocumentLoader
from records.providers.mongo.moving import MongoMover
from records.providers.mongo.server import Server
from records.table import Table

_BULK_ROWS: Final = 200


class MongoProvider:
    """Rows in MongoDB. ``ledger`` is PostgreSQL's part in every write."""

    def __init__(self, server: Server, ledger: Ledger) -> None:
        self._server = server
        self._ledger = ledger

    def create(self, tables: Sequence[Table], resolve: Resolve) -> tuple[Change[Command], ...]:
        """The changes that make these tables."""
        return defining.create(tables, resolve)

    def apply(self, changes: Sequence[Change[Command]], transaction: Any) -> tuple[Applied, ...]:
        """Make the changes: PostgreSQL's part within the caller's transaction, the rest at once."""
        with wrapped(BULK_SECONDS, writes=True):
            return defining.apply(self._server, changes, transaction)

    def loader(self, table: Table, catalog: Catalog) -> DocumentLoader:
        """Documents, batch by batch."""
        return DocumentLoader(self._server, table, catalog)

    def mover(self) -> MongoMover:
        """Documents, batch by batch."""
        return MongoMover(self._server)

    def read(self, plan: ListPlan | GroupPlan) -> bytes:
        """A page of rows or groups as JSON text; one question."""
        if isinstance(plan, GroupPlan):
            return answered(self._server, lambda: grouping.read_groups(self._server, plan))
        return answered(self._server, lambda: reading.read_list(self._server, plan))

    def read_slice(self, plan: ListPlan) -> Slice:
        """The rows after a cursor's place; one question."""
        return answered(self._server, lambda: slicing.read_slice(self._server, plan))

    def stream(self, plan: ListPlan | GroupPlan, form: Form) -> Pieces:
        """The rows or groups as lines of text, as they come; one pipeline."""
        with wrapped():
            return exporting.stream(self._server, plan, form)

    def get(self, plan: KeyedPlan) -> Row | None:
        """One row as JSON text, or None; one question."""
        return answered(self._server, lambda: reading.read_row(self._server, plan))

    def linked(self, plan: LinkedPlan) -> bytes:
        """Rows that other rows belong to, by their keys; one pipeline."""
        return answered(self._server, lambda: linking.read_linked(self._server, plan))

    def insert(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Add rows, all or none."""
        with wrapped(_seconds((plan,)), writes=True), suppress(Passed):
            return inserting.insert(self._server, self._ledger, plan, catalog)
        return Written(0)

    def insert_each(self, plan: WritePlan, catalog: Catalog) -> Sifted:
        """Add the rows that can be stored, in one transaction."""
        with wrapped(BULK_SECONDS, writes=True):
            return skipping.insert_each(self._server, self._ledger, plan, catalog)

    def upsert(self, plans: Sequence[WritePlan], catalog: Catalog) -> tuple[Written, ...]:
        """Add rows, or change those that the unique fields find; all plans or none."""
        with wrapped(_seconds(plans), writes=True), suppress(Passed):
            return upserting.upsert(self._server, self._ledger, plans, catalog)
        return (Written(0),) * len(plans)

    def update(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Change rows by key, all or none."""
        with wrapped(_seconds((plan,)), writes=True), suppress(Passed):
            return changing.update(self._server, self._ledger, plan, catalog)
        return Written(0)

    def delete(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Remove rows by key, all or none, or all that a condition holds of."""
        with wrapped(_seconds((plan,)), writes=True):
            try:
                return removing.delete(self._server, self._ledger, plan, catalog)
            except Passed:
                if plan.where is not None:
                    raise
        return Written(0)


def _seconds(plans: Sequence[WritePlan]) -> float:
    """The deadline of a write, all that it sends together."""
    bulk = any(plan.where is not None for plan in plans) or sum(len(plan.rows) for plan in plans) > _BULK_ROWS
    return BULK_SECONDS if bulk else STATEMENT_SECONDS
