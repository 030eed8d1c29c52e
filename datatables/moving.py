"""A table to another datasource of its app, with its rows. It knows the order of things; stores know how.

First the new physical name is written down for good. Then, in one transaction, writers are made to wait, the rows are
copied and read back, and the table's row says where they are. What is left behind stays until it is purged.
"""

from contextlib import suppress
from copy import copy
from typing import Final

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Q

from apps.models import App
from apps.naming import is_slug, lock_names
from apps.queries import lock_app
from datar.crashpoints import crash_point
from datar.errors import Conflict, NotFound, Unavailable
from datasources.connect import provider_for
from datasources.models import DataSource
from datatables.catalog import TableCatalog, find_stored
from datatables.definitions import identity_of, readable_table
from datatables.models import DataTable, KeptTable
from datatables.naming import physical_names
from datatables.queries import lock_table
from datatables.relocation import Relocation, Traces, save_place
from records.limits import LOCK_MILLISECONDS, LOCK_TRIES
from records.provider import Stale
from tenants.context import current

CRASH_POINTS: Final = ("move_named", "move_copied", "move_switched", "move_done")
"""In the order they are passed; the middle two stand in ``relocation``."""
_DEADLOCK: Final = "40P01"
_FIRST: Final = (
    "SET LOCAL statement_timeout = 0;"
    "LOCK TABLE datar_datatable, datar_kept_table, datar_schema_operation IN ROW EXCLUSIVE MODE"
)
"""A clone of the namespace locks these first: it waits here, or we do, and never in a ring."""


def move(*, app_slug: str, name: str, datasource_slug: str | None, target: str, user_id: int | None) -> DataTable:
    """Move the table to the app's datasource ``target``; nothing to do where it is there.

    Raises NotFound, Conflict (``datasource_inactive``, ``migration_data_conflict``), Unavailable.
    """
    row, kept = _begin(app_slug, name, datasource_slug, target, user_id)
    if kept is None:
        return row
    crash_point("move_named")
    traces = Traces()
    try:
        row = _move(app_slug, row.pk, target, kept, user_id, traces)
    except Stale as error:
        raise _changing() from error
    except OperationalError as error:
        raise (_changing() if getattr(error.__cause__, "sqlstate", "") == _DEADLOCK else error) from error.__cause__
    finally:
        if traces.left is False:
            _free(kept)
    crash_point("move_done")
    TableCatalog(current()).forget()
    return row


@transaction.atomic
def _begin(
    app_slug: str, name: str, datasource_slug: str | None, target: str, user_id: int | None
) -> tuple[DataTable, KeptTable | None]:
    """The table, and the name that is taken for its rows; None where there are no rows to move."""
    row = lock_table(app_slug, name, datasource_slug)
    source = _target(row.app, target)
    if source.pk == row.data_source_id:
        return row, None
    moved = _moved(row, source, row.physical_table_name)
    if not row.is_materialized or _lies_alike(row, moved):
        save_place(moved, user_id)
        return moved, None
    provider_for(source.provider_type)
    lock_names()
    chosen = physical_names(app_slug, [name])[name]
    return row, KeptTable.objects.create(datatable=row, physical_table_name=chosen, provider_type=source.provider_type)


def _target(app: App, slug: str) -> DataSource:
    source = DataSource.objects.select_for_update(no_key=True).filter(app=app, slug=slug).first()
    if source is None or not is_slug(slug):
        raise NotFound(f"The app has no datasource '{slug}'; 'datasource' takes the slug of one of its own.")
    if not source.is_active:
        path = f"/api/apps/{app.slug}/datasources/{slug}/restore/"
        raise Conflict(f"The datasource '{slug}' is deleted: POST to {path} first.", code="datasource_inactive")
    return source


def _moved(row: DataTable, source: DataSource, physical_name: str) -> DataTable:
    """The table's row as it will be."""
    moved = copy(row)
    moved.data_source = source
    moved.physical_table_name = physical_name
    moved.revision = row.revision + 1
    return moved


def _lies_alike(row: DataTable, moved: DataTable) -> bool:
    """Whether both datasources keep rows in one place and in one way: then they stay where they are."""
    one, other = identity_of(row), identity_of(moved)
    return (one.store, one.document) == (other.store, other.document)


def _free(kept: KeptTable) -> None:
    """The name was not used."""
    with suppress(DatabaseError):
        KeptTable.objects.filter(pk=kept.pk, kept_at=None, purged_at=None).delete()


@transaction.atomic
def _move(app_slug: str, pk: int, target: str, kept: KeptTable, user_id: int | None, traces: Traces) -> DataTable:
    """The move itself: all of it or nothing. Where it fails before it is committed, ``traces`` says what is left."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_FIRST)
        source = _target(lock_app(app_slug), target)
        family = _held(pk)
        row = family.pop(pk)
        kept = KeptTable.objects.get(pk=kept.pk)
        if not row.is_active or kept.purged_at is not None:
            raise _changing()
        if row.data_source_id == source.pk:  # somebody else was faster
            kept.delete()
            return row
        moved = _moved(row, source, kept.physical_table_name)
        return Relocation(row, moved, list(family.values()), kept, user_id, traces).run()
    except BaseException:
        traces.left = bool(traces.left)
        raise


def _held(pk: int) -> dict[int, DataTable]:
    """The table and all that enforced foreign keys tie it to, by id, held against writers of MongoDB and changes.

    They are taken in the order of their ids, as each write takes them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MILLISECONDS * LOCK_TRIES}ms"])
    wanted = _family(pk)
    rows = DataTable.objects.select_related("app", "data_source").filter(pk__in=wanted)
    held = {row.pk: row for row in rows.select_for_update(of=("self",)).order_by("pk")}
    if _family(pk) != wanted:
        raise _changing()
    return held


def _family(pk: int) -> set[int]:
    row = DataTable.objects.select_related("app", "data_source").get(pk=pk)
    table = readable_table(row, find_stored)
    parents = Q(pk=pk)
    for key in table.foreign_keys:
        if key.enforced:
            parents |= Q(app__slug=key.target_app, name=key.target_table)
    ids = set(DataTable.objects.filter(parents, is_materialized=True).values_list("pk", flat=True))
    return ids | {child.identity.id for child in TableCatalog(current()).dependents(table)}


def _changing() -> Unavailable:
    return Unavailable("The table, or one that it is tied to, is being changed; try again.", code="schema_locked")
