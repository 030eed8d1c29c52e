"""Many checked rows into a collection: for files of any length. What was added is found again by keys and versions."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from bson.int64 import Int64
from psycopg.sql import SQL, Composed, Identifier, Literal
from pymongo.errors import BulkWriteError

from datar.errors import SQLSTATES, InvalidRows
from records.catalog import Catalog
from records.orphans import lost_parent
from records.provider import RefusedLoad
from records.providers.mongo.conflicts import clash_of
from records.providers.mongo.documents import documents_of
from records.providers.mongo.errors import wrapped
from records.providers.mongo.layout import KEY
from records.providers.mongo.ledger import key_sequence
from records.providers.mongo.reach import patience
from records.providers.mongo.references import held_keys, orphans
from records.providers.mongo.server import Server
from records.providers.mongo.values import Bson, check_rows
from records.providers.postgres.columns import VERSION_SEQUENCE
from records.providers.postgres.ddl import sequence_text
from records.system import VERSION
from records.table import Field, ForeignKey, Json, Table

_BATCH: Final = 5_000
_PATIENCE_SECONDS: Final = 5.0
"""Of minutes of work none is lost for a moment in which the server, or this process, had no processor."""
_NUMBERS: Final = SQL("SELECT now(), ARRAY(SELECT nextval({sequence}::regclass) FROM generate_series(1, {count}))")
_ADVANCE: Final = SQL("SELECT {function}({sequence}::regclass, {key})")

Row = dict[str, Json]


class DocumentLoader:
    """Rows of a file into one collection."""

    def __init__(self, server: Server, table: Table, catalog: Catalog) -> None:
        self._server, self._table, self._catalog = server, table, catalog
        self._added: list[tuple[Bson, Int64]] = []
        """Key and version of each."""
        self._references: dict[ForeignKey, dict[tuple[Json, ...], int]] = {key: {} for key in held_keys(table)}
        """The first row that leads to each parent."""

    def cells(self, field: Field, value: Json) -> tuple[Json]:
        """The canonical value itself: documents are made of whole rows."""
        return (value,)

    @patience(_PATIENCE_SECONDS)
    def append(self, fields: Sequence[Field], rows: Iterable[Sequence[Json]], transaction: Any) -> int:
        """Add the rows, batch by batch; how many. Raises RefusedLoad."""
        count, greatest = 0, 0
        names = [field.name for field in fields]
        coming = iter(rows)
        generated = self._table.generated_key == "integer"
        key = self._table.primary_key[0]
        while batch := [dict(zip(names, row, strict=True)) for row in islice(coming, _BATCH)]:
            if generated and key in names:
                greatest = max(greatest, *(row[key] for row in batch))
            elif generated:
                _, numbers = self._take(transaction, key_sequence(self._table), len(batch))
                for row, number in zip(batch, numbers, strict=True):
                    row[key] = number
            self._note_references(batch, count)
            self._insert(batch, count, transaction)
            count += len(batch)
        self._check_references()
        if greatest > 0:
            transaction.execute(self._advance(greatest))
        return count

    @patience(_PATIENCE_SECONDS)
    def undo(self) -> None:
        """Remove what was added, found by its keys. A row that was there before with such a key has another version."""
        for start in range(0, len(self._added), _BATCH):
            keys, versions = zip(*self._added[start : start + _BATCH], strict=True)
            with wrapped(writes=True):
                self._server.collection(self._table).delete_many({KEY: {"$in": keys}, VERSION: {"$in": versions}})

    def _note_references(self, rows: Sequence[Row], before: int) -> None:
        for key, seen in self._references.items():
            for place, row in enumerate(rows, start=before):
                seen.setdefault(tuple(row.get(name) for name in key.fields), place)

    def _check_references(self) -> None:
        """Every parent must be there by now, for rows may lead to rows of the same file."""
        for key, seen in self._references.items():
            rows = [dict(zip(key.fields, values, strict=True)) for values in seen]
            with wrapped():
                lost = orphans(self._server, None, self._table, key, rows, self._catalog, home=False)
            if lost:
                values = list(seen)[lost[0]]
                shown = ", ".join(map(str, values))
                raise RefusedLoad(lost_parent(key).detail, place=seen[values], fields=key.fields, values=shown)

    def _insert(self, rows: Sequence[Row], before: int, transaction: Any) -> None:
        now, versions = self._take(transaction, VERSION_SEQUENCE, len(rows))
        try:
            check_rows(self._table.fields, rows)
        except InvalidRows as refused:
            first = refused.errors[0]
            raise RefusedLoad(first.message, place=before + (first.index or 0), fields=(first.field,)) from None
        moment = now.replace(tzinfo=None)
        documents = documents_of(self._table, self._table.fields, rows, now=moment, versions=versions)
        self._added += [(document[KEY], document[VERSION]) for document in documents]
        with wrapped(writes=True):
            try:
                self._server.collection(self._table).insert_many(documents)
            except BulkWriteError as error:
                if not error.details.get("writeErrors"):
                    raise
                raise _refused(error, self._table, before) from error

    def _take(self, transaction: Any, sequence: str, count: int) -> tuple[datetime, list[int]]:
        """The instant and numbers of a sequence of the tenant's."""
        place = Literal(sequence_text(self._table.identity.namespace, sequence))
        found = transaction.execute(_NUMBERS.format(sequence=place, count=Literal(count))).fetchone()
        return found[0].astimezone(UTC).replace(tzinfo=None), found[1]

    def _advance(self, key: int) -> Composed:
        """Moves the key's sequence past the keys that came from outside."""
        namespace = self._table.identity.namespace
        return _ADVANCE.format(
            function=Identifier(namespace, "datar_advance"),
            sequence=Literal(sequence_text(namespace, key_sequence(self._table))),
            key=Literal(key),
        )


def _refused(error: BulkWriteError, table: Table, before: int) -> RefusedLoad:
    """What MongoDB refused: a value that is there already, by its row and fields."""
    clash = clash_of(error)
    first = (error.details.get("writeErrors") or [{}])[0]
    values = ", ".join(str(value) for value in first.get("keyValue", {}).values())
    return RefusedLoad(
        SQLSTATES["23505"][2] if clash else str(first.get("errmsg", error)),
        place=before + int(first.get("index", 0)),
        fields=clash.fields(table) if clash else (),
        values=values,
    )
