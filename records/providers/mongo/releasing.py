"""What the removal of rows does to rows that refer to them, level by level, within one transaction.

What must hold in the end is looked at in the end, as PostgreSQL does: a row that refers to one that goes may go itself.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from datar.errors import Conflict
from records.catalog import Catalog
from records.orphans import still_referred_to
from records.providers.mongo.documents import changes_of, needs_stored
from records.providers.mongo.families import Family, Link
from records.providers.mongo.layout import KEY
from records.providers.mongo.ledger import Entry
from records.providers.mongo.references import Reference, check_documents, filters, find_by, marked, paths_of, reader
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import Bson
from records.table import ABSENT, Json, Table

_AT_ONCE: Final = 5_000
"""Keys in one command."""


class Releasing:
    """One removal, or change of what others refer to. ``root`` is the table that was asked to change."""

    def __init__(
        self, server: Server, session: ClientSession, entry: Entry, family: Family, root: Table, catalog: Catalog
    ) -> None:
        self._server, self._session, self._entry = server, session, entry
        self._family, self._root, self._catalog = family, root, catalog
        self._left: list[tuple[Link, list[Reference]]] = []
        self._changed: list[tuple[Link, list[Bson]]] = []

    def remove(self, documents: Sequence[Document]) -> None:
        """Remove these rows of the root, and do what their leaving does. The documents hold ``Family.paths``.

        Raises Conflict (``conflict_foreign_key``).
        """
        waiting: deque[tuple[Table, Sequence[Document]]] = deque([(self._root, documents)])
        while waiting:
            table, gone = waiting.popleft()
            self._delete(table, [document[KEY] for document in gone])
            for link in self._family.links_to(table):
                references = _references(table, link, gone)
                if references:
                    found = self._leave(link, references)
                    waiting.extend([(link.child, found)] if found else ())
        self.settle()

    def change(self, before: Iterable[Document], after: Mapping[Json, Document]) -> None:
        """Rows of the root were changed; ``after`` are they now, by ``marked`` key. Raises Conflict."""
        pairs = [(document, after.get(marked((document[KEY],)), {})) for document in before]
        for link in self._family.links_to(self._root):
            read = reader(self._root, link.key.target_fields)
            left = [old for was, now in pairs if (old := read(was)) is not None and not _same(old, read(now))]
            if left:
                self._left.append((link, left))
        self.settle()

    def settle(self) -> None:
        """Raise Conflict where a row refers to nothing now."""
        for link, references in self._left:
            self._refuse_left(link, references)
        for link, keys in self._changed:
            self._check_changed(link, keys)

    def _delete(self, table: Table, keys: Sequence[Bson]) -> None:
        collection = self._server.collection(table)
        for start in range(0, len(keys), _AT_ONCE):
            collection.delete_many({KEY: {"$in": list(keys[start : start + _AT_ONCE])}}, session=self._session)

    def _leave(self, link: Link, references: list[Reference]) -> list[Document]:
        """Do what the key says; the rows that go too."""
        match link.key.on_delete:
            case "CASCADE":
                names, shown = link.key.fields, self._family.paths(link.child)
                return list(find_by(self._server, self._session, link.child, names, references, shown))
            case "SET NULL":
                self._set(link, references, dict.fromkeys(link.key.fields))
            case "SET DEFAULT":
                self._set(link, references, _defaults(link))
            case "RESTRICT":
                self._refuse_left(link, references)
            case "NO ACTION":
                self._left.append((link, references))
        return []

    def _set(self, link: Link, references: list[Reference], row: Mapping[str, Json]) -> None:
        """Give the referring rows other values; each is changed as if it had been written to."""
        child = link.child
        fields = [child.by_name[name] for name in link.key.fields]
        whole = needs_stored(child, fields)
        shown = None if whole else self._family.paths(child)
        found = list(find_by(self._server, self._session, child, link.key.fields, references, shown))
        if not found:
            return
        versions = self._entry.more(len(found))
        changes = []
        for document, version in zip(found, versions, strict=True):
            values, gone = changes_of(child, fields, row, now=self._entry.now, version=version, stored=document)
            changes.append(UpdateOne({KEY: document[KEY]}, update_of(values, gone)))
        self._server.collection(child).bulk_write(changes, session=self._session)
        self._changed.append((link, [document[KEY] for document in found]))
        for below in self._family.links_to(child):
            if not set(below.key.target_fields).isdisjoint(link.key.fields):
                self._left.append((below, _references(child, below, found)))

    def _check_changed(self, link: Link, keys: Sequence[Bson]) -> None:
        """Rows that were given defaults refer to something by them, too."""
        child = link.child
        for start in range(0, len(keys), _AT_ONCE):
            asked = {KEY: {"$in": list(keys[start : start + _AT_ONCE])}}
            rows = list(self._server.collection(child).find(asked, session=self._session))
            try:
                names = link.key.fields
                check_documents(self._server, self._session, child, rows, self._catalog, names=names, single=True)
            except Conflict:
                raise self._kept(link) from None

    def _refuse_left(self, link: Link, references: list[Reference]) -> None:
        """Raise Conflict where a row still refers to what left and did not come back."""
        collection = self._server.collection(link.child)
        for asked in filters(link.child, link.key.fields, references):
            if collection.find_one(asked, {KEY: 1}, session=self._session) is None:
                continue
            names = link.key.target_fields
            read = reader(link.parent, names)
            shown = paths_of(link.parent, names)
            found = find_by(self._server, self._session, link.parent, names, references, shown)
            back = {marked(read(row)) for row in found}
            gone = [each for each in references if marked(each) not in back]
            if len(gone) == len(references):
                raise self._kept(link)
            return self._refuse_left(link, gone) if gone else None
        return None

    def _kept(self, link: Link) -> Conflict:
        fields: list[str] = []
        if link.parent.identity.id == self._root.identity.id:
            fields = [field.name for field in self._root.fields if field.name in link.key.target_fields]
        return still_referred_to(link.child.identity.name, fields, active=self._entry.is_active(link.child))


def update_of(values: Mapping[str, Bson], gone: Sequence[str]) -> Document:
    """The update that sets these members and removes those."""
    return {"$set": dict(values)} | ({"$unset": dict.fromkeys(gone, "")} if gone else {})


def _references(table: Table, link: Link, documents: Iterable[Document]) -> list[Reference]:
    """What the key finds in these documents, each once."""
    read = reader(table, link.key.target_fields)
    found = [reference for document in documents if (reference := read(document)) is not None]
    return list({marked(reference): reference for reference in found}.values())


def _same(one: Reference, other: Reference | None) -> bool:
    return other is not None and marked(one) == marked(other)


def _defaults(link: Link) -> dict[str, Json]:
    fields = [link.child.by_name[name] for name in link.key.fields]
    return {field.name: None if field.default is ABSENT else field.default for field in fields}
