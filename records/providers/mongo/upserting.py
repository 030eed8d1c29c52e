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
from records.providers.mongo.documents import changes_of, documents_of, needs_stored
from records.providers.mongo.errors import crossed
from records.providers.mongo.generating import keyless
from records.providers.mongo.inserting import insert, is_bulk, new_rows, rows_of, settled, written_of
from records.providers.mongo.layout import KEY, compared_path
from records.providers.mongo.ledger import Entry, Ledger
from records.providers.mongo.references import check_documents, held_keys, parents_of
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import check_rows
from records.table import Field, Json


class _OtherKeyError(Exception):
    """A key that was sent is not that of the row that was found: the whole is left out."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What becomes of a row: the whole document as it will be, and the command that makes it so."""

    document: Document
    command: InsertOne[Document] | UpdateOne


def upsert(server: Server, ledger: Ledger, plans: Sequence[WritePlan], catalog: Catalog) -> tuple[Written, ...]:
    """Add rows, or change those that are found. Nothing is touched, and nothing told, where a found row has another
    key than the one that was sent."""
    first = plans[0]
    if len(plans) == 1 and not _finds(first):
        return (insert(server, ledger, first, catalog),)
    check_rows(first.table.fields, rows_of(plans) or first.rows, single=first.single)

    def attempt(alone: bool) -> tuple[Written, ...]:
        names = frozenset(each.name for plan in plans for each in plan.fields)
        count = sum(len(plan.rows) for plan in plans)
        with ledger.entry(
            first.table,
            count,
            parents=parents_of(first.table, catalog, names),
            keys=keyless(plans),
            alone=alone,
            bulk=is_bulk(range(count)),
        ) as entry:
            if _is_one_command(plans):
                return (_upsert_one(server, first, entry),)
            with retrying.transaction(server) as session:
                return _upsert_all(server, session, plans, entry, catalog, alone=alone)

    try:
        return settled(server, ledger, plans, attempt)
    except _OtherKeyError:
        return (Written(0),) * len(plans)


def _finds(plan: WritePlan) -> bool:
    """Whether stored rows are looked for: a generated key that was not sent finds nothing, and must not."""
    return plan.unique != plan.table.primary_key or keyless([plan]) < len(plan.rows)


def _is_one_command(plans: Sequence[WritePlan]) -> bool:
    """Whether all that is needed is known without a look at stored rows, of this table and others."""
    plan = plans[0]
    if not plan.single or plan.pins_key or needs_stored(plan.table, _updated(plan)) or held_keys(plan.table):
        return False
    return plan.unique == plan.table.primary_key or not set(plan.unique) & set(plan.table.primary_key)


def _updated(plan: WritePlan) -> list[Field]:
    """What changes in a row that is found: what was sent, but no part of a key."""
    sent = plan.sent if plan.sent is not None else plan.fields
    return [each for each in sent if each.name not in plan.unique and each.name not in plan.table.primary_key]


def _upsert_one(server: Server, plan: WritePlan, entry: Entry) -> Written:
    row = new_rows(plan, entry, entry.keys)[0]
    new = documents_of(plan.table, plan.fields, [row], now=entry.now, versions=entry.versions)[0]
    changes, removed = changes_of(plan.table, _updated(plan), row, now=entry.now, version=entry.versions[0])
    found = _filter(plan, new)
    once = {name: value for name, value in new.items() if name not in changes and name not in found}
    order = {"$set": changes, "$setOnInsert": once} | ({"$unset": dict.fromkeys(removed, "")} if removed else {})
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


def _changed(before: Mapping[str, object], changes: Document, removed: Sequence[str]) -> Document:
    return {name: value for name, value in before.items() if name not in removed} | changes


def _upsert_all(
    server: Server,
    session: ClientSession,
    plans: Sequence[WritePlan],
    entry: Entry,
    catalog: Catalog,
    *,
    alone: bool,
) -> tuple[Written, ...]:
    keys, versions = iter(entry.keys), iter(entry.versions)
    done: list[Written] = []
    documents: dict[int, Document] = {}
    for plan in plans:
        steps = _steps(server, session, plan, entry, new_rows(plan, entry, keys), versions)
        try:
            server.collection(plan.table).bulk_write([step.command for step in steps], session=session)
        except PyMongoError as error:
            if _met_itself(error, plan) and not alone:
                raise crossed() from error
            raise
        documents.update(zip(plan.places or range(len(steps)), (step.document for step in steps), strict=True))
        created = sum(isinstance(step.command, InsertOne) for step in steps)
        done.append(written_of(plan, [step.document for step in steps], created))
    table, single = plans[0].table, plans[0].single
    check_documents(server, session, table, [documents[place] for place in sorted(documents)], catalog, single=single)
    return tuple(done)


def _steps(
    server: Server,
    session: ClientSession,
    plan: WritePlan,
    entry: Entry,
    rows: Sequence[dict[str, Json]],
    versions: Iterator[int],
) -> list[_Step]:
    table, updated = plan.table, _updated(plan)
    stored = stored_by(server, table, plan.unique, plan.rows, session)  # by keys that were sent, not by new ones
    numbers = [next(versions) for _ in rows]
    steps = []
    for document, row, version, before in zip(
        documents_of(table, plan.fields, rows, now=entry.now, versions=numbers), rows, numbers, stored, strict=True
    ):
        if before is None:
            steps.append(_Step(document, InsertOne(document)))
            continue
        if plan.pins_key and before[KEY] != document[KEY]:
            raise _OtherKeyError
        changes, removed = changes_of(table, updated, row, now=entry.now, version=version, stored=before)
        order = {"$set": changes} | ({"$unset": dict.fromkeys(removed, "")} if removed else {})
        steps.append(_Step(_changed(before, changes, removed), UpdateOne({KEY: before[KEY]}, order)))
    return steps
