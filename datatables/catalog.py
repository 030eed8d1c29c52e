"""DataTable → records.Table, kept per process for less than a second, and the RecordSet a request works on.

Every key of the cache begins with the namespace. A table is parsed once per revision, looked for once per period.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import ProgrammingError

from apps.naming import is_slug
from datar.api.views import Actor
from datar.errors import Conflict, NotFound
from datasources.connect import provider_for
from datatables.definitions import identity_of, readable_table, without_relations
from datatables.models import DataTable
from datatables.naming import is_table_name
from records.descriptor import parse_table
from records.recordset import RecordSet
from records.table import Table
from tenants.context import current, use
from tenants.departed import refusal_when_gone

SECONDS: Final = 0.9
"""How old what was read from the database may be: a read is at most 1 s behind a schema change."""
_KEPT: Final = 10_000

K = TypeVar("K")
V = TypeVar("V")
_Place = tuple[str, str, str]
"""namespace, app slug, table name"""


@dataclass(frozen=True, slots=True)
class _Entry:
    read_at: float
    table: Table | None
    provider_type: str
    reason: str


_lock = threading.Lock()
_entries: OrderedDict[_Place, _Entry] = OrderedDict()
_tables: OrderedDict[tuple[str, int], Table] = OrderedDict()
"""By namespace and id; of each only the revision met last."""


def record_set(actor: Actor, app: str, name: str) -> RecordSet:
    """The rows of a table as this actor may see them. Raises NotFound, Conflict (``not_materialized``)."""
    catalog = TableCatalog(actor.namespace)
    entry = catalog.entry((actor.namespace, app, name))
    table = _materialized(entry, name)
    return RecordSet(table, catalog, provider_for(entry.provider_type))


@dataclass(frozen=True, slots=True)
class TableCatalog:
    """The tables of one namespace."""

    namespace: str

    def find(self, app: str, name: str) -> Table | None:
        """A materialized, active table, at most ``SECONDS`` old; None when there is none."""
        return self.entry((self.namespace, app, name)).table

    def reload(self, table: Table) -> Table:
        """The same table as it is now."""
        identity = table.identity
        place = (self.namespace, identity.app, identity.name)
        entry = _load(place)
        _keep(_entries, place, entry)
        return _materialized(entry, identity.name)

    def entry(self, place: _Place) -> _Entry:
        """What is known of a place, read anew when it is too old, or when nothing was there: it may be now."""
        entry = _entries.get(place)
        if entry is None or entry.table is None or time.monotonic() - entry.read_at > SECONDS:
            entry = _load(place)
            if entry.table is not None:
                _keep(_entries, place, entry)
        return entry


def _load(place: _Place) -> _Entry:
    namespace, app, name = place
    read_at = time.monotonic()
    if not (is_slug(app) and is_table_name(name)):
        return _Entry(read_at, None, "", "absent")
    try:
        with use(namespace):
            return _read(read_at, app, name)
    except ProgrammingError as error:
        raise refusal_when_gone(error, namespace) from error


def _read(read_at: float, app: str, name: str) -> _Entry:
    """What the current namespace holds there. The descriptor, which may be long, is read once per revision."""
    rows = DataTable.objects.select_related("app", "data_source").filter(app__slug=app, name=name, is_active=True)
    row = rows.defer("json_schema", "columns").first()
    table = None if row is None else _tables.get((current(), row.pk))
    if row is not None and row.is_materialized and (table is None or table.identity.revision != row.revision):
        row, table = rows.first(), None
    if row is None:
        return _Entry(read_at, None, "", "absent")
    if not row.is_materialized:
        return _Entry(read_at, None, row.data_source.provider_type, "not_materialized")
    if table is None:
        table = readable_table(row, _find_stored)
        _keep(_tables, (current(), row.pk), table)
    return _Entry(read_at, table, row.data_source.provider_type, "")


def _find_stored(app: str, name: str) -> Table | None:
    """Any stored table, active or not: a descriptor was accepted once, so its references stand as they are."""
    row = DataTable.objects.select_related("app").filter(app__slug=app, name=name).first()
    if row is None:
        return None
    return parse_table(without_relations(row.json_schema), identity_of(row), lambda *_: None)


def _materialized(entry: _Entry, name: str) -> Table:
    if entry.table is not None:
        return entry.table
    if entry.reason == "absent":
        raise NotFound
    raise Conflict(f"Table '{name}' is not materialized; POST to its materialize/ first.", code="not_materialized")


def _keep(store: OrderedDict[K, V], key: K, value: V) -> None:
    """Store, and forget what was stored longest ago when there is too much."""
    with _lock:
        store[key] = value
        store.move_to_end(key)
        while len(store) > _KEPT:
            store.popitem(last=False)
