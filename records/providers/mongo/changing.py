"""Write plans that change rows → one command for one row, a transaction for many: all of them or none."""

from collections.abc import Sequence
from typing import Any

from bson.int64 import Int64
from pymongo import ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from datar.errors import Conflict
from records.catalog import Catalog
from records.plan import WritePlan, Written
from records.providers.mongo import retrying
from records.providers.mongo.conflicts import clash_of, explained
from records.providers.mongo.documents import changes_of, needs_stored
from records.providers.mongo.families import Family, Size, entered
from records.providers.mongo.inserting import is_bulk
from records.providers.mongo.layout import KEY
from records.providers.mongo.ledger import Entry, Ledger
from records.providers.mongo.references import (
    check_documents,
    check_parents,
    held_keys,
    marked,
    parents_of,
)
from records.providers.mongo.releasing import Releasing, update_of
from records.providers.mongo.rendering import row_writer
from records.providers.mongo.server import Document, Server
from records.providers.mongo.standing import check_standing
from records.providers.mongo.values import Bson, check_rows, key_from_texts, key_of
from records.system import VERSION


def update(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog) -> Written:
    """Change the plan's rows, each in the fields it sends. Raises Conflict, InvalidFields, InvalidRows, Stale."""
    check_rows(plan.fields, plan.rows, single=plan.single)
    try:
        return retrying.tried(lambda alone: _Change(server, plan, catalog).run(ledger, alone=alone))
    except PyMongoError as error:
        clash = clash_of(error)
        if clash is None:
            raise
        rows = [] if plan.single else plan.rows
        raise explained(server, clash, plan.table, rows, plan.table.primary_key) from error


class _Change:
    """One try of a change."""

    def __init__(self, server: Server, plan: WritePlan, catalog: Catalog) -> None:
        self.server, self.plan, self.table, self.catalog = server, plan, plan.table, catalog
        self.collection = server.collection(plan.table)
        self.names = [field.name for field in plan.fields]
        self.keys = [key_from_texts(plan.table, plan.key)] if plan.single else _keys(plan)

    def run(self, ledger: Ledger, *, alone: bool) -> Written:
        plan, table = self.plan, self.table
        parents = parents_of(table, self.catalog, self.names)
        size = Size(len(plan.rows), is_bulk=is_bulk(len(plan.rows)))
        held = entered(ledger, table, size, self.catalog, names=self.names, parents=parents, alone=alone)
        with held as (entry, family):
            if plan.single and not self._needs_transaction(family):
                return self._change_one(entry)
            with retrying.transaction(self.server) as session:
                return self._change_all(entry, family, session)

    def _needs_transaction(self, family: Family) -> bool:
        """Whether one command is not enough: what it depends on, or what depends on it, is not sent with the row."""
        row = self.plan.rows[0]
        partly = any(not set(key.fields) <= set(row) for key in held_keys(self.table, self.names))
        return partly or bool(family.links_to(self.table)) or needs_stored(self.table, self.plan.fields)

    def _change_one(self, entry: Entry) -> Written:
        plan = self.plan
        try:
            check_parents(
                self.server, None, self.table, plan.rows, self.catalog, names=self.names, single=True, now=entry.now
            )
        except Conflict:
            if self._is_there(None, exactly=True):
                raise
            return self._absent(None)
        values, gone = changes_of(self.table, plan.fields, plan.rows[0], now=entry.now, version=entry.versions[0])
        row = self.collection.find_one_and_update(
            self._wanted(), update_of(values, gone), return_document=ReturnDocument.AFTER
        )
        return self._absent(None) if row is None else self._changed([row])

    def _change_all(self, entry: Entry, family: Family, session: ClientSession) -> Written:
        """Look which rows are there, change them, look whether all that refers to something still does."""
        plan, table = self.plan, self.table
        whole = bool(family.links_to(table)) or needs_stored(table, plan.fields)
        asked = self._wanted() if plan.single else {KEY: {"$in": self.keys}}
        before = _by_key(self.collection.find(asked, None if whole else {KEY: 1}, session=session))
        marks = [marked((key,)) for key in self.keys]
        missing = tuple(place for place, mark in enumerate(marks) if mark not in before)
        if missing and plan.single:
            return self._absent(session)
        if missing:
            check_standing(self.server, table)
            return Written(0, missing=missing, held=True)
        changes = []
        for place, key in enumerate(self.keys):
            values, gone = changes_of(
                table,
                plan.fields,
                plan.rows[place],
                now=entry.now,
                version=entry.versions[place],
                stored=before[marks[place]],
            )
            changes.append(UpdateOne({KEY: key}, update_of(values, gone)))
        self.collection.bulk_write(changes, session=session)
        rows = self._read_back(session) if self._is_looked_at(family) else []
        check_documents(self.server, session, table, rows, self.catalog, names=self.names, single=plan.single)
        if family.links_to(table):
            releasing = Releasing(self.server, session, entry, family, table, self.catalog)
            releasing.change(before.values(), _by_key(rows))
        return self._changed(rows)

    def _read_back(self, session: ClientSession) -> list[Document]:
        """The rows as they are now, in the order they were sent."""
        after = _by_key(self.collection.find({KEY: {"$in": self.keys}}, session=session))
        return [after[marked((key,))] for key in self.keys]

    def _is_looked_at(self, family: Family) -> bool:
        return not self.plan.minimal or bool(held_keys(self.table, self.names)) or bool(family.links_to(self.table))

    def _wanted(self) -> Document:
        """What finds the single row, in one of the versions that were named."""
        if self.plan.versions is None:
            return {KEY: self.keys[0]}
        return in_versions(self.keys[0], self.plan.versions)

    def _is_there(self, session: ClientSession | None, *, exactly: bool = False) -> bool:
        asked = self._wanted() if exactly else {KEY: self.keys[0]}
        return self.collection.find_one(asked, {KEY: 1}, session=session) is not None

    def _absent(self, session: ClientSession | None) -> Written:
        check_standing(self.server, self.table)
        return Written(0, found=self.plan.versions is not None and self._is_there(session), held=True)

    def _changed(self, rows: Sequence[Document]) -> Written:
        plan = self.plan
        if plan.minimal:
            return Written(len(plan.rows), held=True)
        writer = row_writer(self.table, self.table.fields, meta=plan.meta)
        version = int(rows[0][VERSION]) if plan.single else 0
        return Written(len(rows), rows=writer.page(rows), version=version, found=True, held=True)


def in_versions(key: Bson, versions: Sequence[str]) -> Document:
    """What finds a row in one of these versions."""
    return {KEY: key, VERSION: {"$in": [Int64(version) for version in versions]}}


def _keys(plan: WritePlan) -> list[Bson]:
    return [key_of(plan.table, row) for row in plan.rows]


def _by_key(documents: Any) -> dict[Any, Document]:
    return {marked((document[KEY],)): document for document in documents}
