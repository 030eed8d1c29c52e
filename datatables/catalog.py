"""DataTable → records.Table, kept per process for less than a second, and the RecordSet a request works on.

Every key of the cache begins with the namespace. A table is parsed once per revision, looked for once per period.
"""

import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.conf import settings
from django.db import ProgrammingError
from django.db.models import Exists, QuerySet

from apps.naming import is_slug
from datar.api.views import Actor
from datar.errors import Conflict, NotFound
from datasources.connect import provider_for, provider_of
from datasources.models import ProviderType
from datasources.providers import store_of
from datatables.definitions import identity_of, readable_table, without_relations
from datatables.models import DataTable
from datatables.naming import is_table_name
from records.descriptor import parse_table
from records.kept import Kept
from records.provider import Provider
from records.recordset import RecordSet
from records.table import Table
from tenants.context import current, use
from tenants.departed import refusal_when_gone

SECONDS: Final = 0.9
"""How old what was read from the database may be: a read is at most 1 s behind a schema change."""
_KEPT: Final = 10_000

_ELSEWHERE: Final = DataTable.objects.filter(
    is_materialized=True, data_source__provider_type__in=[kind for kind in ProviderType if store_of(kind) != "postgres"]
)
_Place = tuple[str, str, str]
"""namespace, app slug, table name"""


@dataclass(frozen=True, slots=True)
class _Entry:
    read_at: float
    table: Table | None
    provider_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Family:
    """Which active tables' foreign keys point at which place, by (app, name); whether any, also of a table that is
    not active, leads to another store."""

    read_at: float
    children: Mapping[tuple[str, str], tuple[Table, ...]]
    crossed: bool
    revisions: Mapping[int, int]
    """Of every materialized table, by its id."""


@dataclass(frozen=True, slots=True)
class _Spread:
    """Whether any materialized table of a namespace has its rows elsewhere than in PostgreSQL."""

    read_at: float
    elsewhere: bool


_entries: Kept[_Place, _Entry] = Kept(_KEPT)
_tables: Kept[tuple[str, int], Table] = Kept(_KEPT)
"""By namespace and id; of each only the revision met last."""
_families: Kept[str, _Family] = Kept(_KEPT)
"""By namespace."""
_spreads: Kept[str, _Spread] = Kept(_KEPT)
"""By namespace: learned with each entry, so that a tenant who has one store never asks for a family."""


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

    def children(self, table: Table) -> tuple[Table, ...]:
        """The active, materialized tables whose foreign keys point at this one, at most ``SECONDS`` old."""
        return self._family().children.get((table.identity.app, table.identity.name), ())

    @property
    def crossed(self) -> bool:
        """Whether any enforced foreign key leads from one store to another, at most ``SECONDS`` old."""
        spread = _spreads.get(self.namespace)
        if spread is not None and not spread.elsewhere and time.monotonic() - spread.read_at <= SECONDS:
            return False
        return self._family().crossed

    def _family(self) -> _Family:
        family = _families.get(self.namespace)
        if family is None or time.monotonic() - family.read_at > SECONDS:
            family = _load_family(self.namespace)
            _families.put(self.namespace, family)
        return family

    def parent(self, app: str, name: str) -> Table | None:
        """A materialized table, active or not; an active one is at most ``SECONDS`` old, another as it is now."""
        return self.find(app, name) or _load_inactive((self.namespace, app, name))

    def provider_of(self, table: Table) -> Provider:
        """The provider of the store that keeps a table."""
        return provider_of(table.identity.store)

    def dependents(self, table: Table) -> tuple[Table, ...]:
        """The materialized tables, active or not, whose enforced foreign keys point at this one, as they are now."""
        return _load_dependents(table)

    @property
    def secret(self) -> bytes:
        """The key that signs cursors."""
        return _cursor_key()

    def reload(self, table: Table) -> Table:
        """The same table as it is now."""
        identity = table.identity
        place = (self.namespace, identity.app, identity.name)
        entry = _load(place)
        _entries.put(place, entry)
        return _materialized(entry, identity.name)

    def forget(self) -> None:
        """Forget what is known of the namespace's tables."""
        _spreads.drop(lambda namespace: namespace == self.namespace)
        _families.drop(lambda namespace: namespace == self.namespace)
        _entries.drop(lambda place: place[0] == self.namespace)

    def entry(self, place: _Place) -> _Entry:
        """What is known of a place, read anew when it is too old, or when nothing was there: it may be now."""
        entry = _entries.get(place)
        if entry is None or entry.table is None or time.monotonic() - entry.read_at > SECONDS:
            entry = _load(place)
            if entry.table is not None:
                _entries.put(place, entry)
                _forget_older_family(place[0], entry.table)
        return entry


def _forget_older_family(namespace: str, table: Table) -> None:
    """A table at another revision than its family knows may be referred to by others: never look at both together."""
    family = _families.get(namespace)
    if family is not None and family.revisions.get(table.identity.id) != table.identity.revision:
        _families.drop(lambda each: each == namespace)


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
    rows = _active().filter(app__slug=app, name=name).annotate(elsewhere=Exists(_ELSEWHERE))
    row = rows.first()
    if row is None:
        return _Entry(read_at, None, "", "absent")
    _learn(_Spread(read_at, row.elsewhere))
    if not row.is_materialized:
        return _Entry(read_at, None, row.data_source.provider_type, "not_materialized")
    table = _table_of(row)
    if table is None:
        return _Entry(read_at, None, "", "absent")
    return _Entry(read_at, table, row.data_source.provider_type, "")


def _learn(spread: _Spread) -> None:
    known = _spreads.get(current())
    if known is None or known.read_at <= spread.read_at:
        _spreads.put(current(), spread)


def _active() -> "QuerySet[DataTable]":
    """Active tables, as ``_light``."""
    return _light().filter(is_active=True)


def _light() -> "QuerySet[DataTable]":
    """Tables without their descriptors, which may be long."""
    return DataTable.objects.select_related("app", "data_source").defer("json_schema", "columns")


def _table_of(row: DataTable) -> Table | None:
    """The table of a materialized row, parsed once per revision; None when it has gone meanwhile."""
    place = (current(), row.pk)
    table = _tables.get(place)
    if table is None or table.identity.revision != row.revision:
        whole: DataTable | None = row
        if row.get_deferred_fields():
            whole = DataTable.objects.select_related("app", "data_source").filter(pk=row.pk).first()
        if whole is None:
            return None
        table = readable_table(whole, find_stored)
        _tables.put(place, table)
    return table


def _unparsed(rows: Sequence[DataTable]) -> dict[int, DataTable]:
    """The rows whose table was not parsed yet at its revision, with their descriptors, in one query."""
    known = {row.pk: _tables.get((current(), row.pk)) for row in rows}
    new = [row.pk for row in rows if (table := known[row.pk]) is None or table.identity.revision != row.revision]
    return {row.pk: row for row in DataTable.objects.select_related("app", "data_source").filter(pk__in=new)}


def _load_family(namespace: str) -> _Family:
    read_at = time.monotonic()
    children: dict[tuple[str, str], list[Table]] = {}
    crossed = False
    revisions: dict[int, int] = {}
    try:
        with use(namespace):
            rows = list(_light().filter(is_materialized=True).order_by("pk"))
            whole = _unparsed(rows)
            for row in rows:
                table = _table_of(whole.get(row.pk, row))
                revisions[row.pk] = row.revision
                crossed = crossed or (table is not None and bool(table.remote_keys))
                if table is not None and row.is_active and table.foreign_keys:
                    place = (namespace, table.identity.app, table.identity.name)
                    _entries.put(place, _Entry(read_at, table, row.data_source.provider_type, ""))
                    for target in {(key.target_app, key.target_table) for key in table.foreign_keys}:
                        children.setdefault(target, []).append(table)
    except ProgrammingError as error:
        raise refusal_when_gone(error, namespace) from error
    return _Family(read_at, {target: tuple(tables) for target, tables in children.items()}, crossed, revisions)


def _load_inactive(place: _Place) -> Table | None:
    namespace, app, name = place
    if not (is_slug(app) and is_table_name(name)):
        return None
    with use(namespace):
        row = _light().filter(app__slug=app, name=name, is_materialized=True).first()
        return None if row is None else _table_of(row)


def _load_dependents(table: Table) -> tuple[Table, ...]:
    here = (table.identity.app, table.identity.name)
    with use(table.identity.namespace):
        rows = _light().filter(is_materialized=True).order_by("pk")
        whole = _unparsed(list(rows))
        tables = [each for row in rows if (each := _table_of(whole.get(row.pk, row))) is not None]
    return tuple(
        child
        for child in tables
        if any(key.enforced and (key.target_app, key.target_table) == here for key in child.foreign_keys)
    )


@cache
def _cursor_key() -> bytes:
    """A key of its own, made from the installation's secret."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"datar.cursors", "sha256")


def find_stored(app: str, name: str) -> Table | None:
    """Any stored table, active or not: a descriptor was accepted once, so its references stand as they are."""
    rows = DataTable.objects.select_related("app", "data_source")
    row = rows.filter(app__slug=app, name=name).first()
    if row is None:
        return None
    return parse_table(without_relations(row.json_schema), identity_of(row), lambda *_: None)


def _materialized(entry: _Entry, name: str) -> Table:
    if entry.table is not None:
        return entry.table
    if entry.reason == "absent":
        raise NotFound
    raise Conflict(f"Table '{name}' is not materialized; POST to its materialize/ first.", code="not_materialized")
