"""A Frictionless Data Package → tables, all in one transaction. Only the schemas in it are read; nothing is opened."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.models import App
from apps.naming import lock_names, taken
from apps.queries import lock_app
from datar.errors import FieldError, InvalidFields, NotFound, NotSupportedYet
from datasources.models import DataSource
from datatables.definitions import columns_for, define, placed, resolver, stored_table, without_relations
from datatables.materializing import make_physical
from datatables.models import DataTable
from datatables.naming import physical_names
from datatables.package_resources import Resource, read_resources
from datatables.relation_names import check_reverse_names
from datatables.services import datasource_for
from records.descriptor import InvalidDescriptor, schema_hash
from records.limits import ERRORS_SHOWN
from records.provider import Resolve
from records.table import Json, Table


@dataclass(frozen=True, slots=True)
class Outcome:
    """Names of tables by what happened to them, each in the package's order."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]


@transaction.atomic
def create_schema(
    *, app_slug: str, datasource_slug: str | None, user_id: int | None, package: Mapping[str, Json]
) -> Outcome:
    """Create and materialize the package's tables; a table that exists with the same schema is left alone.

    One that exists but is not materialized is materialized, and counts as updated. Raises NotFound, InvalidFields,
    Conflict (a deleted table has the name), NotSupportedYet (a table with another schema).
    """
    app = lock_app(app_slug)
    source = _source(app, datasource_slug, user_id)
    resources, mistakes = read_resources(package)
    defined, resolve = _define(app, resources, mistakes)
    existing = _existing(app, resources)
    fresh = [resource for resource in resources if resource.name not in existing]
    if existing:  # what is new points at the tables that are there, not at what was sent of them
        defined, resolve = _define(app, fresh, [])
    made = _insert(app, source, fresh, defined, user_id=user_id)
    pairs = [(row, placed(defined[row.name], row)) for row in made]
    waiting = [row for row in existing.values() if not row.is_materialized]
    pairs += [(row, stored_table(row, resolve)) for row in waiting]
    if pairs:
        make_physical(pairs, resolve, user_id=user_id)
    updated = {row.name for row in waiting}
    return Outcome(
        created=tuple(row.name for row in made),
        updated=tuple(resource.name for resource in resources if resource.name in updated),
        unchanged=tuple(name for name in existing if name not in updated),
    )


def _source(app: App, slug: str | None, user_id: int | None) -> DataSource:
    try:
        return datasource_for(app, slug, user_id=user_id)
    except NotFound:
        if slug is None:
            raise
        raise NotFound(f"App '{app.slug}' has no datasource '{slug[:100]}'.") from None


def _existing(app: App, resources: list[Resource]) -> dict[str, DataTable]:
    """The tables that are there already, all active and with the schema that was sent.

    Raises Conflict (deleted), NotSupportedYet (another schema).
    """
    names = [resource.name for resource in resources]
    rows = {
        row.name: row
        for row in DataTable.objects.select_related("app", "data_source")
        .select_for_update(of=("self",), no_key=True)
        .filter(app=app, name__in=names)
        .order_by("pk")
    }
    found: dict[str, DataTable] = {}
    for resource in resources:
        row = rows.get(resource.name)
        if row is None:
            continue
        if not row.is_active:
            restore = f"/api/apps/{app.slug}/datatables/{row.name}/restore/"
            raise taken("datatable", row.name, field="name", is_active=False, restore=restore)
        if row.schema_hash != schema_hash(resource.schema):
            what = f"{resource.path}.schema: table '{row.name}' exists with another schema"
            raise NotSupportedYet(f"{what}; changing it is not supported yet.")
        found[row.name] = row
    return found


def _define(app: App, resources: list[Resource], mistakes: list[FieldError]) -> tuple[dict[str, Table], Resolve]:
    """The tables, which may point at each other in any order: first each without its foreign keys, then whole.

    Raises InvalidFields with ``mistakes`` and those of every schema.
    """
    errors = list(mistakes)
    alone: dict[str, Table] = {}
    for resource in resources:
        table = _parse(app, resource, without_relations(resource.schema), lambda *_: None, errors)
        if table is not None:
            alone[resource.name] = table
    find = resolver({(app.slug, name): table for name, table in alone.items()})
    broken = bool(errors)
    whole: dict[str, Table] = {}
    for resource in resources:
        if resource.name not in alone:
            continue
        watch = _Watch(find)
        found: list[FieldError] = []
        table = _parse(app, resource, resource.schema, watch, found)
        if table is not None:
            whole[resource.name] = table
            errors += _meeting_names(resource, table, whole.values())
        elif not (broken and watch.missed):  # what it misses may be a resource that is broken itself
            errors += found
    if errors:
        raise InvalidFields(errors[:ERRORS_SHOWN])
    return whole, find


def _meeting_names(resource: Resource, table: Table, batch: Iterable[Table]) -> list[FieldError]:
    try:
        check_reverse_names(table, batch)
    except InvalidDescriptor as error:
        return [FieldError(f"{resource.path}.schema", item.code, item.message) for item in error.errors]
    return []


class _Watch:
    """A resolver that remembers whether something was not found."""

    def __init__(self, find: Resolve) -> None:
        self._find = find
        self.missed = False

    def __call__(self, app: str, name: str) -> Table | None:
        table = self._find(app, name)
        self.missed |= table is None
        return table


def _parse(app: App, resource: Resource, schema: Json, resolve: Resolve, errors: list[FieldError]) -> Table | None:
    """The table of a resource, or None and its mistakes added to ``errors``."""
    try:
        return define(app.slug, resource.name, schema, resolve)
    except InvalidDescriptor as error:
        errors.extend(FieldError(f"{resource.path}.schema", item.code, item.message) for item in error.errors)
        return None


def _insert(
    app: App, source: DataSource, resources: list[Resource], tables: Mapping[str, Table], *, user_id: int | None
) -> list[DataTable]:
    if not resources:
        return []
    lock_names()
    physical = physical_names(app.slug, [resource.name for resource in resources])
    return DataTable.objects.bulk_create(
        DataTable(
            **_columns(tables[resource.name]),
            app=app,
            data_source=source,
            name=resource.name,
            description=resource.description,
            json_schema=resource.schema,
            schema_hash=schema_hash(resource.schema),
            physical_table_name=physical[resource.name],
            created_by_id=user_id,
            created_at=(now := timezone.now()),
            updated_at=now,
        )
        for resource in resources
    )


def _columns(table: Table) -> dict[str, Any]:
    columns, used = columns_for(table, {}, 0)
    return {"columns": columns, "column_counter": used}
