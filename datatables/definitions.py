"""Stored descriptions ↔ the engine's tables, for defining and materializing. What records read is the catalog's."""

from collections.abc import Mapping
from dataclasses import replace

from apps.naming import is_slug
from datasources.models import DataSource, ProviderType
from datasources.providers import store_of
from datatables.models import DataTable
from datatables.naming import is_table_name
from records.descriptor import InvalidDescriptor, assign_columns, parse_table
from records.documents import own_columns
from records.documents import placed as placed_fields
from records.provider import Resolve
from records.table import Document, Identity, Json, Table
from tenants import context

Batch = Mapping[tuple[str, str], Table]


def identity_of(row: DataTable) -> Identity:
    """Where the stored table lives. ``row.app`` and ``row.data_source`` are read: select them with the row."""
    return Identity(
        id=row.pk,
        app=row.app.slug,
        name=row.name,
        namespace=context.current(),
        physical_name=row.physical_table_name,
        revision=row.revision,
        columns=row.columns,
        document=_document_of(row.data_source, row.json_schema),
        store=store_of(row.data_source.provider_type),
    )


def _document_of(source: DataSource, descriptor: Json) -> Document | None:
    """How rows of a table of this datasource are kept together; None where every field has a column."""
    if source.provider_type != ProviderType.JSONB:
        return None
    config = source.provider_config
    return Document(
        columns=own_columns(descriptor),
        indexed=config.get("indexing", "none") == "gin",
        compression=config.get("compression"),
        additional=config.get("additional_fields", False),
    )


def define(app_slug: str, name: str, descriptor: Json, resolve: Resolve) -> Table:
    """The table a descriptor would make, before it has an id or a physical name. Raises InvalidDescriptor."""
    identity = Identity(
        id=0, app=app_slug, name=name, namespace=context.current(), physical_name="", revision=0, columns={}
    )
    return parse_table(descriptor, identity, resolve)


def columns_for(table: Table, columns: Mapping[str, str], used: int) -> tuple[dict[str, str], int]:
    """The column of each field, in the order of the fields, and the counter after it."""
    return assign_columns([field.name for field in table.fields], columns, used)


def placed(table: Table, row: DataTable) -> Table:
    """A defined table in its place: with the identity and the columns of its row."""
    columns = row.columns
    fields = tuple(replace(field, column=columns[field.name]) for field in table.fields)
    identity = identity_of(row)
    return replace(table, identity=identity, fields=placed_fields(fields, identity))


def stored_table(row: DataTable, resolve: Resolve) -> Table:
    """The table of a row, with its foreign keys. Raises InvalidDescriptor when a target has gone."""
    return parse_table(row.json_schema, identity_of(row), resolve)


def readable_table(row: DataTable, resolve: Resolve) -> Table:
    """The table of a row, without those foreign keys whose target has gone or changed: its rows can still be read."""
    try:
        return stored_table(row, resolve)
    except InvalidDescriptor:
        whole = row.json_schema
    standing = [key for key in whole.get("foreignKeys", []) if _stands({**whole, "foreignKeys": [key]}, row, resolve)]
    return parse_table({**whole, "foreignKeys": standing}, identity_of(row), resolve)


def _stands(descriptor: Json, row: DataTable, resolve: Resolve) -> bool:
    try:
        parse_table(descriptor, identity_of(row), resolve)
    except InvalidDescriptor:
        return False
    return True


def without_relations(descriptor: Json) -> Json:
    """The descriptor as the target of foreign keys: its own are left out, so that looking one up never goes round."""
    if not isinstance(descriptor, dict):
        return descriptor
    return {word: value for word, value in descriptor.items() if word != "foreignKeys"}


def resolver(batch: Batch | None = None) -> Resolve:
    """Finds the tables of ``batch`` first, then active tables of the tenant; each is looked up once."""
    found: dict[tuple[str, str], Table | None] = dict(batch or {})

    def resolve(app_slug: str, name: str) -> Table | None:
        place = (app_slug, name)
        if place not in found:
            found[place] = _find(app_slug, name)
        return found[place]

    return resolve


def _find(app_slug: str, name: str) -> Table | None:
    if not (is_slug(app_slug) and is_table_name(name)):
        return None
    rows = DataTable.objects.select_related("app", "data_source").filter(app__slug=app_slug, app__is_active=True)
    row = rows.filter(name=name, is_active=True).first()
    if row is None:
        return None
    return parse_table(without_relations(row.json_schema), identity_of(row), lambda *_: None)
