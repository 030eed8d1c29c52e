"""Upserts: rows that the unique fields find are changed, others added; all plans or none.

One row is one command, which MongoDB makes atomic. More are a transaction, in which stored rows are looked for first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pymongo import InsertOne, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError, PyMongoError

from records.catalog import Catalog
from records.plan import WritePlan, Written
from records.providers.mongo import retrying
from records.providers.mongo.conflicts import clash_of, index_on, stored_by
from records.providers.mongo.documents import changes_of, needs_stored
from records.providers.mongo.errors import crossed
from records.providers.mongo.families import Family, Size, entered
from records.providers.mongo.generating import keyless
from records.providers.mongo.inserting import insert, is_bulk, new_documents, new_rows, settled, written_of
from records.providers.mongo.layout import KEY, compared_path
from records.providers.mongo.ledger import Entry, Ledger
from records.providers.mongo.references import check_documents, held_keys, marked, parents_of
from records.providers.mongo.releasing import Releasing, update_of
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import Bson
from records.table import Field, Json


class _OtherKeyError(Exception):
    """A key that was sent is not that of the row that was found: the whole is left out."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What becomes of a row: the whole document as it will be, the command that makes it so, the one that was found."""

    after: Document
    command: InsertOne[Document] | UpdateOne
    before: Document | None = None


def upsert(server: Server, ledger: Ledger, plans: Sequence[WritePlan], catalog: Catalog) -> tuple[Written, ...]:
    """Add rows, or change those that are found. Nothing is touched, and nothing told, where a found row has another
    key than the one that was sent."""
    first = plans[0]
    if len(plans) == 1 and not _finds(first):
        return (insert(server, ledger, first, catalog),)
    names = frozenset(field.name for plan in plans for field in plan.fields)
    changed = frozenset(field.name for plan in plans for field in _updated(plan))
    count = sum(len(plan.rows) for plan in plans)

    def attempt(alone: bool) -> tuple[Written, ...]:
        size, parents = Size(count, keyless(plans), is_bulk(count)), parents_of(first.table, catalog, names)
        with entered(ledger, first.table, size, catalog, names=changed, parents=parents, alone=alone) as found:
            entry, family = found
            if _is_one_command(plans, family):
                return (_upsert_one(server, first, entry),)
            with retrying.transaction(server) as session:
                releasing = Releasing(server, session, entry, family, first.table, catalog)
                return _Upserting(server, session, entry, catalog, releasing, alone).run(plans)

    try:
        return settled(server, ledger, plans, attempt)
    except _OtherKeyError:
        return (Written(0),) * len(plans)


def _finds(plan: WritePlan) -> bool:
    """Whether stored rows are looked for: a generated key that was not sent finds nothing, and must not."""
    return plan.unique != plan.table.primary_key or keyless([plan]) < len(plan.rows)


def _is_one_command(plans: Sequence[WritePlan], family: Family) -> bool:
    """Whether all that is needed is known without a look at stored rows, of this table and others."""
    plan = plans[0]
    table = plan.table
    if not plan.single or plan.pins_key or needs_stored(table, _updated(plan)) or held_keys(table):
        return False
    return not family.links_to(table) and (plan.unique == table.primary_key or not _is_partly_key(plan))


def _is_partly_key(plan: WritePlan) -> bool:
    return not set(plan.unique).isdisjoint(plan.table.primary_key)


def _updated(plan: WritePlan) -> list[Field]:
    """What changes in a row that is found: what was sent, but no part of a key."""
    sent = plan.sent if plan.sent is not None else plan.fields
    return [each for each in sent if each.name not in plan.unique and each.name not in plan.table.primary_key]


def _upsert_one(server: Server, plan: WritePlan, entry: Entry) -> Written:
    row = new_rows(plan, entry, entry.keys)[0]
    new = new_documents([plan], plan, [row], entry, entry.versions)[0]
    changes, removed = changes_of(plan.table, _updated(plan), row, now=entry.now, version=entry.versions[0])
    found = _filter(plan, new)
    once = {name: value for name, value in new.items() if name not in changes and name not in found}
    order = update_of(changes, removed) | {"$setOnInsert": once}
    collection = server.collection(plan.table)
    for _ in range(retrying.TRIES):
        try:
            before = collection.find_one_and_update(found, order, upsert=True, return_document=ReturnDocument.BEFORE)
        except DuplicateKeyError as error:
            # Another one added the row after ours was not found: now it is.
            if not _met_itself(error, plan):
                raise
            continue
        if before is None:
            return written_of(plan, [new], 1)
        return written_of(plan, [_changed(before, changes, removed)], 0)
    raise crossed()


def _filter(plan: WritePlan, new: Document) -> Document:
    if plan.unique == plan.table.primary_key:
        return {KEY: new[KEY]}
    paths = [compared_path(plan.table, plan.table.by_name[name]) for name in plan.unique]
    return {path: new[path] for path in paths}


def _met_itself(error: PyMongoError, plan: WritePlan) -> bool:
    clash = clash_of(error)
    return clash is not None and clash.index == index_on(plan.table, plan.unique) and not _is_given_key(plan)


def _is_given_key(plan: WritePlan) -> bool:
    """Whether the unique fields are a key that the service makes: a stored one is none of this row's."""
    return plan.unique == plan.table.primary_key and keyless([plan]) > 0


def _changed(before: Mapping[str, Bson], changes: Document, removed: Sequence[str]) -> Document:
    return {name: value for name, value in before.items() if name not in removed} | changes


@dataclass(frozen=True, slots=True)
class _Upserting:
    """One try at all plans, in a transaction."""

    server: Server
    session: ClientSession
    entry: Entry
    catalog: Catalog
    releasing: Releasing
    alone: bool

    def run(self, plans: Sequence[WritePlan]) -> tuple[Written, ...]:
        """Write plan after plan, then look whether all that refers to something still does."""
        table, single = plans[0].table, plans[0].single
        keys, versions = iter(self.entry.keys), iter(self.entry.versions)
        done: list[Written] = []
        steps: dict[int, _Step] = {}
        for plan in plans:
            found = self._steps(plans, plan, new_rows(plan, self.entry, keys), versions)
            self._write(plan, found)
            steps.update(zip(plan.places or range(len(found)), found, strict=True))
            created = sum(step.before is None for step in found)
            done.append(written_of(plan, [step.after for step in found], created))
        documents = [steps[place].after for place in sorted(steps)]
        check_documents(self.server, self.session, table, documents, self.catalog, single=single)
        before = [step.before for step in steps.values() if step.before is not None]
        self.releasing.change(before, {marked((document[KEY],)): document for document in documents})
        return tuple(done)

    def _write(self, plan: WritePlan, steps: Sequence[_Step]) -> None:
        try:
            self.server.collection(plan.table).bulk_write([step.command for step in steps], session=self.session)
        except PyMongoError as error:
            if _met_itself(error, plan) and not self.alone:
                raise crossed() from error
            raise

    def _steps(
        self, plans: Sequence[WritePlan], plan: WritePlan, rows: Sequence[dict[str, Json]], versions: Iterator[int]
    ) -> list[_Step]:
        table, now = plan.table, self.entry.now
        # By the keys that were sent: one that is made now is none of a stored row.
        stored = stored_by(self.server, table, plan.unique, plan.rows, self.session)
        numbers = [next(versions) for _ in rows]
        documents = new_documents(plans, plan, rows, self.entry, numbers)
        updated = _updated(plan)
        steps = []
        for document, row, version, before in zip(documents, rows, numbers, stored, strict=True):
            if before is None:
                steps.append(_Step(document, InsertOne(document)))
                continue
            if plan.pins_key and before[KEY] != document[KEY]:
                raise _OtherKeyError
            changes, removed = changes_of(table, updated, row, now=now, version=version, stored=before)
            command = UpdateOne({KEY: before[KEY]}, update_of(changes, removed))
            steps.append(_Step(_changed(before, changes, removed), command, before))
        return steps
