"""Rows of a create, but for those that are refused: all at once, else those that nothing stands against.

MongoDB ends a transaction with the first row that it refuses. So what it would refuse is found before anything is
written: what stored rows have against the rows by a question per key, what rows have against each other by a trial in
memory. Meanwhile this is the only writer of the table and of those it refers to, so what was found stays true.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import bson
from bson.int64 import Int64
from pymongo.client_session import ClientSession
from pymongo.errors import DocumentTooLarge, PyMongoError

from datar.errors import Conflict, DatarError, FieldError, Invalid, InvalidFields, Unavailable
from records import limits
from records.catalog import Catalog
from records.orphans import points_home
from records.payload import unique_groups
from records.plan import Sifted, WritePlan
from records.providers.mongo import retrying
from records.providers.mongo.conflicts import mark_of, stored_marks, taken
from records.providers.mongo.documents import documents_of
from records.providers.mongo.errors import is_too_large
from records.providers.mongo.generating import catch_up, keyless, with_keys
from records.providers.mongo.indexes import partial_uniques
from records.providers.mongo.inserting import insert_once, mended, new_rows, written_of
from records.providers.mongo.ledger import Entry, Ledger
from records.providers.mongo.partial import satisfies
from records.providers.mongo.references import held_keys, orphans, parents_of
from records.providers.mongo.server import Document, Server
from records.providers.mongo.trial import Distinct, Home, Trial
from records.providers.mongo.values import numeric, row_errors
from records.screening import screened
from records.sieve import Sieve, repeats_of
from records.system import VERSION
from records.table import ForeignKey, Json

_OF_A_ROW: Final = frozenset({"conflict_unique", "conflict_foreign_key"})
"""Conflicts that are one row's; others (another write, keys used up) end the whole."""
_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
_SOME_DAY: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - as the ledger's instants


def insert_each(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog, *, measured: bool = False) -> Sifted:
    """Add the rows that can be stored, in one transaction; ``measured``: after a look at how large each of them is.

    Raises Stale where the guard does not hold.
    """
    until = time.monotonic() + limits.BULK_SECONDS
    wrong = _unstorable(plan) | (_too_large(plan) if measured else {})
    left = [place for place in range(len(plan.rows)) if place not in wrong]
    part = _part(plan, left)
    try:
        done = _stored(server, ledger, part, catalog, until)
    except (PyMongoError, DocumentTooLarge) as error:
        if measured or not is_too_large(error):
            raise
        return insert_each(server, ledger, plan, catalog, measured=True)
    return Sifted(
        {left[place]: row for place, row in done.stored.items()},
        {**wrong, **{left[place]: refusal for place, refusal in done.refused.items()}},
    )


def _part(plan: WritePlan, places: Sequence[int]) -> WritePlan:
    rows, named = [plan.rows[place] for place in places], tuple(plan.places[place] for place in places)
    return replace(plan, rows=rows, places=named)


def _unstorable(plan: WritePlan) -> dict[int, DatarError]:
    """What is wrong with rows whose numbers MongoDB cannot hold."""
    exact = numeric(plan.fields)
    found = {place: row_errors(exact, row, place) for place, row in enumerate(plan.rows)} if exact else {}
    return {
        place: InvalidFields([FieldError(each.field, each.code, each.message) for each in errors])
        for place, errors in found.items()
        if errors
    }


def _too_large(plan: WritePlan) -> dict[int, DatarError]:
    """Rows that no document can hold; a key that is to be generated takes as much as any other."""
    unstorable = _unstorable(plan)
    rows = with_keys(plan.table, plan.rows, iter([0] * len(plan.rows)))
    found: dict[int, DatarError] = {}
    for place, row in enumerate(rows):
        if place not in unstorable:
            document = documents_of(plan.table, plan.fields, [row], now=_SOME_DAY, versions=[0])[0]
            if len(bson.encode(document)) > _DOCUMENT_BYTES:
                found[place] = Invalid(
                    "A row is larger than MongoDB can hold (16 MB); shorten it.", code="row_too_large"
                )
    return found


def _stored(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog, until: float) -> Sifted:
    if not plan.rows:
        with ledger.entry(plan.table, 0):
            return Sifted({}, {})
    if not repeats_of(plan, list(range(len(plan.rows)))):
        done = _all_at_once(server, ledger, plan, catalog)
        if done is not None:
            return done

    def attempt(alone: bool) -> Sifted:
        parents = parents_of(plan.table, catalog)
        with (
            ledger.entry(plan.table, 0, parents=parents, keys=keyless([plan]), alone=True, bulk=True) as entry,
            retrying.transaction(server) as session,
        ):
            return _Writing(server, session, plan, catalog, entry, until).run()

    done = mended(server, ledger, [plan], attempt)
    catch_up(ledger, [_part(plan, sorted(done.stored))])
    return done


def _all_at_once(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog) -> Sifted | None:
    """All rows, stored; None where one is refused."""
    try:
        done = mended(server, ledger, [plan], lambda alone: insert_once(server, ledger, plan, catalog, alone=alone))
    except Conflict as refusal:
        if refusal.code not in _OF_A_ROW:
            raise
        return None
    catch_up(ledger, [plan])
    return Sifted(dict(enumerate(done.each or [b""] * done.count)), {})


@dataclass(frozen=True, slots=True)
class _Writing:
    """One try at a batch of which refused rows are left out, as the only writer of its tables."""

    server: Server
    session: ClientSession
    plan: WritePlan
    catalog: Catalog
    entry: Entry
    until: float

    def run(self) -> Sifted:
        """Find what is refused, then write the others. Raises PyMongoError."""
        plan, entry = self.plan, self.entry
        rows = new_rows(plan, entry, entry.keys)
        documents = documents_of(plan.table, plan.fields, rows, now=entry.now, versions=[0] * len(rows))
        refused = screened(plan.table, plan.rows, self._taken, self._orphans)
        trial = Trial(self._distinct(rows, documents), self._homes(rows))

        def attempt(places: list[int]) -> DatarError | None:
            if time.monotonic() > self.until:
                raise Unavailable(
                    "Leaving out the refused rows took too long; send fewer at once.", code="query_timeout"
                )
            refusal = trial.refusal(places)
            if refusal is None:
                sieve.stored.update(dict.fromkeys(places, b""))
            return refusal

        sieve = Sieve(plan, attempt)
        sieve.refused.update(refused)
        sieve.run([place for place in range(len(rows)) if place not in refused])
        kept = sorted(sieve.stored)
        return Sifted(dict(zip(kept, self._written([documents[place] for place in kept]), strict=True)), sieve.refused)

    def _written(self, documents: Sequence[Document]) -> Sequence[bytes]:
        for document, version in zip(documents, self.entry.more(len(documents)), strict=True):
            document[VERSION] = Int64(version)
        if documents:
            self.server.collection(self.plan.table).insert_many(documents, session=self.session)
        return written_of(self.plan, documents, len(documents)).each or [b""] * len(documents)

    def _taken(self, names: tuple[str, ...]) -> list[int]:
        return taken(self.server, self.plan.table, names, self.plan.rows, session=self.session)

    def _orphans(self, key: ForeignKey) -> list[int]:
        plan, now = self.plan, self.entry.now
        return orphans(self.server, self.session, plan.table, key, plan.rows, self.catalog, now=now, home=False)

    def _distinct(self, rows: Sequence[Mapping[str, Json]], documents: Sequence[Document]) -> list[Distinct]:
        """Every set of fields in which rows are distinct; of an index of some rows only these have marks."""
        table = self.plan.table
        found = [Distinct(names, [mark_of(table, names, row) for row in rows]) for names in unique_groups(table)]
        for names, of in partial_uniques(table):
            inside = [satisfies(document, of) for document in documents]
            marks = [mark_of(table, names, row) if there else None for row, there in zip(rows, inside, strict=True)]
            used = stored_marks(self.server, table, names, rows, of, self.session)
            found.append(Distinct(names, marks, used))
        return found

    def _homes(self, rows: Sequence[Mapping[str, Json]]) -> list[Home]:
        table = self.plan.table
        return [
            Home(
                key,
                frozenset(self._orphans(key)),
                [mark_of(table, key.fields, row) for row in rows],
                [mark_of(table, key.target_fields, row) for row in rows],
            )
            for key in held_keys(table)
            if points_home(table, key)
        ]
