"""Write plans that add rows → documents: one by one command, more in a transaction, all or none."""

from collections.abc import Iterable, Sequence
from typing import Final

from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from datar.errors import Conflict
from records.catalog import Catalog
from records.plan import WritePlan, Written
from records.providers.mongo import retrying
from records.providers.mongo.conflicts import Rows, clash_of, explained
from records.providers.mongo.documents import documents_of as whole_documents
from records.providers.mongo.errors import crossed
from records.providers.mongo.generating import catch_up, keyless, make_room, repaired, with_keys
from records.providers.mongo.ledger import Entry, Ledger
from records.providers.mongo.rendering import RowWriter
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import check_rows, instant_of, instant_text
from records.stamp import NOW
from records.system import VERSION
from records.table import Json, Table

TRIES: Final = 3
"""Of a write whose generated keys met stored ones, or were used up."""
_BULK_ROWS: Final = 200


def insert(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog) -> Written:
    """Add the plan's rows. Raises Conflict, InvalidFields, InvalidRows, and Passed where the guard does not hold."""
    check_rows(plan.fields, plan.rows, single=plan.single, places=plan.places)
    for attempt in range(TRIES):
        try:
            make_room(ledger, plan)
            written = retrying.tried(lambda alone: _insert_once(server, ledger, plan, catalog, alone=alone))
        except (PyMongoError, Conflict) as error:
            refusal = clash_of(error) if isinstance(error, PyMongoError) else error
            if refusal is None:
                raise
            if attempt < TRIES - 1 and repaired(server, ledger, plan, refusal):
                continue
            if isinstance(refusal, Conflict):
                raise
            raise explained(server, refusal, plan.table, _told_apart(plan)) from error
        catch_up(ledger, plan)
        return written
    raise crossed()


def is_bulk(rows: Sequence[object]) -> bool:
    """Whether a write of these has the deadline of bulk writes."""
    return len(rows) > _BULK_ROWS


def new_rows(plan: WritePlan, entry: Entry, keys: Iterable[int]) -> list[dict[str, Json]]:
    """The plan's rows, each with its whole key: generated ones are the next of these."""
    rows = with_keys(plan.table, plan.rows, iter(keys))
    moments = [field.name for field in plan.table.key_fields if field.type == "datetime"]
    if not any(row.get(name) == NOW for name in moments for row in rows):
        return rows
    now = instant_text(instant_of(entry.now))
    return [row | {name: now for name in moments if row.get(name) == NOW} for row in rows]


def documents_of(plan: WritePlan, rows: Rows, entry: Entry, versions: Iterable[int]) -> list[Document]:
    """Whole new documents of rows that have their keys."""
    return whole_documents(plan.table, plan.fields, rows, now=entry.now, versions=list(versions))


def written_of(plan: WritePlan, documents: Sequence[Document], rows: Rows, created: int) -> Written:
    """What became of the plan, its rows as they would be read."""
    if plan.minimal:
        return Written(len(documents), created=created)
    writer = RowWriter(plan.table, plan.table.fields, meta=plan.meta)
    if plan.single:
        key = tuple(rows[0][name] for name in plan.table.primary_key)
        version = int(documents[0][VERSION])
        return Written(1, created=created, rows=writer.row(documents[0]), key=key, version=version)
    if plan.unique or plan.each:
        return Written(len(documents), created=created, each=tuple(writer.rows(documents)))
    return Written(len(documents), created=created, rows=writer.page(documents))


def _insert_once(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog, *, alone: bool) -> Written:
    wanted = keyless(plan)
    with ledger.entry(plan.table, len(plan.rows), keys=wanted, alone=alone, bulk=is_bulk(plan.rows)) as entry:
        rows = new_rows(plan, entry, entry.keys)
        documents = documents_of(plan, rows, entry, entry.versions)
        if len(documents) == 1:
            server.collection(plan.table).insert_one(documents[0])
        else:
            with retrying.transaction(server) as session:
                insert_all(server, plan.table, documents, session)
    return written_of(plan, documents, rows, len(documents))


def insert_all(server: Server, table: Table, documents: Sequence[Document], session: ClientSession) -> None:
    """Insert within a transaction. Raises BulkWriteError and OperationFailure."""
    server.collection(table).insert_many(documents, session=session)


def _told_apart(plan: WritePlan) -> Rows:
    """The rows among which the refused one is to be named; none for a single row."""
    return [] if plan.single else plan.rows
