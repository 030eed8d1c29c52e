"""Write plans that add rows → documents: one by one command, more in a transaction, all or none."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from pymongo.errors import PyMongoError

from datar.errors import Conflict
from records.canonical import RefusedError
from records.catalog import Catalog
from records.plan import WritePlan, Written, rows_of
from records.providers.mongo import retrying
from records.providers.mongo.conflicts import clash_of, explained
from records.providers.mongo.documents import documents_of
from records.providers.mongo.errors import crossed
from records.providers.mongo.generating import catch_up, keyless, make_room, repaired, with_keys
from records.providers.mongo.layout import path_of
from records.providers.mongo.ledger import Entry, Ledger
from records.providers.mongo.references import check_parents, held_keys, parents_of
from records.providers.mongo.rendering import row_writer
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import check_rows, instant_of, instant_text, json_of, value_at
from records.stamp import NOW
from records.system import VERSION
from records.table import Json

T = TypeVar("T")

_TRIES: Final = 3
"""Of a write whose generated keys met stored ones, or were used up."""
_BULK_ROWS: Final = 200


def insert(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog) -> Written:
    """Add the plan's rows. Raises Conflict, InvalidFields, InvalidRows, and Passed where the guard does not hold."""
    return settled(server, ledger, [plan], lambda alone: insert_once(server, ledger, plan, catalog, alone=alone))


def settled(server: Server, ledger: Ledger, plans: Sequence[WritePlan], attempt: Callable[[bool], T]) -> T:
    """What ``attempt(alone)`` of a whole write of these plans gives; keys that were sent move the sequence on.

    Raises what ``mended`` raises.
    """
    written = mended(server, ledger, plans, attempt)
    catch_up(ledger, plans)
    return written


def mended(server: Server, ledger: Ledger, plans: Sequence[WritePlan], attempt: Callable[[bool], T]) -> T:
    """What ``attempt(alone)`` of a whole write of these plans gives.

    It is made again where another write came between, or where the sequence of generated keys was to blame. Raises
    what else is refused, a value that is there already as Conflict.
    """
    for number in range(_TRIES):
        try:
            make_room(ledger, plans)
            return retrying.tried(attempt)
        except (PyMongoError, Conflict) as error:
            refusal = clash_of(error) if isinstance(error, PyMongoError) else error
            if refusal is None:
                raise
            if number < _TRIES - 1 and repaired(server, ledger, plans, refusal):
                continue
            if isinstance(refusal, Conflict):
                raise
            raise explained(server, refusal, plans[0].table, rows_of(plans), plans[0].unique) from error
    raise crossed()


def is_bulk(rows: int) -> bool:
    """Whether a write of so many has the deadline of bulk writes."""
    return rows > _BULK_ROWS


def new_rows(plan: WritePlan, entry: Entry, keys: Iterable[int]) -> list[dict[str, Json]]:
    """The plan's rows, each with its whole key: generated ones are the next of these."""
    rows = with_keys(plan.table, plan.rows, iter(keys))
    moments = [field.name for field in plan.table.key_fields if field.type == "datetime"]
    if not any(row.get(name) == NOW for name in moments for row in rows):
        return rows
    now = instant_text(instant_of(entry.now))
    return [row | {name: now for name in moments if row.get(name) == NOW} for row in rows]


def new_documents(
    plans: Sequence[WritePlan], plan: WritePlan, rows: Sequence[dict[str, Json]], entry: Entry, versions: Sequence[int]
) -> list[Document]:
    """Whole new documents of rows that have their keys. Raises InvalidFields or InvalidRows, of the rows of all plans,
    where MongoDB cannot hold a number."""
    try:
        return documents_of(plan.table, plan.fields, rows, now=entry.now, versions=versions)
    except RefusedError:
        check_rows(plan.table.fields, rows_of(plans) or plan.rows, single=plan.single, places=_places(plans))
        raise


def _places(plans: Sequence[WritePlan]) -> tuple[int, ...]:
    return plans[0].places if len(plans) == 1 else ()


def written_of(plan: WritePlan, documents: Sequence[Document], created: int) -> Written:
    """What became of the plan, its rows as they would be read."""
    if plan.minimal:
        return Written(len(documents), created=created)
    writer = row_writer(plan.table, plan.table.fields, meta=plan.meta)
    if plan.single:
        paths = [(field, path_of(plan.table, field)) for field in plan.table.key_fields]
        key = tuple(json_of(field, value_at(documents[0], path)) for field, path in paths)
        version = int(documents[0][VERSION])
        return Written(1, created=created, rows=writer.row(documents[0]), key=key, version=version)
    if plan.unique or plan.each:
        return Written(len(documents), created=created, each=tuple(writer.rows(documents)))
    return Written(len(documents), created=created, rows=writer.page(documents))


def insert_once(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog, *, alone: bool) -> Written:
    """One try at it, from the ledger's entry to the commit. Raises PyMongoError."""
    table, names = plan.table, frozenset(field.name for field in plan.fields)
    with ledger.entry(
        table,
        len(plan.rows),
        parents=parents_of(table, catalog, names),
        keys=keyless([plan]),
        alone=alone,
        bulk=is_bulk(len(plan.rows)),
    ) as entry:
        rows = new_rows(plan, entry, entry.keys)
        documents = new_documents([plan], plan, rows, entry, entry.versions)
        if len(documents) == 1 and not held_keys(table, names):
            server.collection(table).insert_one(documents[0])
        else:
            with retrying.transaction(server) as session:
                server.collection(table).insert_many(documents, session=session)
                check_parents(server, session, table, rows, catalog, names=names, single=plan.single, now=entry.now)
    return written_of(plan, documents, len(documents))
