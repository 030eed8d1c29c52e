"""A Frictionless Data Package → tables, all in one transaction. Only the schemas in it are read; nothing is opened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.models import App
from apps.naming import lock_names, taken
from apps.queries import lock_app
from datar.errors import FieldError, InvalidFields, NotSupportedYet
from datasources.models import DataSource
from datatables.definitions import columns_for, define, placed, resolver, stored_table, without_relations
from datatables.materializing import check_provider, make_physical
from datatables.models import DataTable
from datatables.naming import NAME_RULE, RESERVED_NAMES, is_table_name, physical_names
from datatables.services import datasource_for
from records.descriptor import InvalidDescriptor, schema_hash
from records.limits import DESCRIPTION_CHARACTERS, PACKAGE_RESOURCES
from records.provider import Resolve
from records.table import Json, Table

PACKAGE_WORDS = frozenset(
    {
        "name",
        "id",
        "title",
        "description",
        "homepage",
        "version",
        "licenses",
        "sources",
        "contributors",
        "keywords",
        "image",
        "created",
        "profile",
        "$schema",
        "resources",
    }
)
RESOURCE_WORDS = frozenset(
    {
        "name",
        "path",
        "data",
        "schema",
        "title",
        "description",
        "format",
        "mediatype",
        "encoding",
        "bytes",
        "hash",
        "sources",
        "licenses",
        "profile",
        "$schema",
        "type",
        "dialect",
        "homepage",
        "scheme",
        "compression",
        "innerpath",
        "extrapaths",
    }
)


@dataclass(frozen=True, slots=True)
class Resource:
    """What is used of a resource. ``path`` is where it stands in the package, for messages."""

    path: str
    name: str
    description: str
    schema: dict[str, Json]


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
    source = datasource_for(app, datasource_slug, user_id=user_id)
    check_provider(source)
    resources = read_package(package)
    existing = _existing(app, resources)
    fresh = [resource for resource in resources if resource.name not in existing]
    defined, resolve = _define(app, fresh)
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


def read_package(package: Mapping[str, Json]) -> list[Resource]:
    """The package's resources. Raises InvalidFields with every mistake, each under its path."""
    errors = list(_unknown(package, PACKAGE_WORDS, ""))
    sent = package.get("resources")
    if not isinstance(sent, list) or not sent:
        raise InvalidFields([*errors, FieldError("resources", "required", "This must be an array of resources.")])
    if len(sent) > PACKAGE_RESOURCES:
        message = f"This has {len(sent)} resources; at most {PACKAGE_RESOURCES} are allowed."
        raise InvalidFields([*errors, FieldError("resources", "schema_too_large", message)])
    seen: set[str] = set()
    for place, resource in enumerate(sent):
        errors += _mistakes(resource, f"resources[{place}]", seen)
    if errors:
        raise InvalidFields(errors)
    return [
        Resource(f"resources[{place}]", item["name"], item.get("description", ""), item["schema"])
        for place, item in enumerate(sent)
    ]


def _mistakes(resource: Json, path: str, seen: set[str]) -> Iterator[FieldError]:
    if not isinstance(resource, dict):
        yield FieldError(path, "invalid_type", "This must be a JSON object.")
        return
    yield from _unknown(resource, RESOURCE_WORDS, f"{path}.")
    name = resource.get("name")
    if not isinstance(name, str) or not is_table_name(name):
        rule = f"{NAME_RULE} Not: {', '.join(sorted(RESERVED_NAMES))}."
        yield FieldError(f"{path}.name", "invalid_identifier", rule)
    elif name in seen:
        yield FieldError(f"{path}.name", "duplicate_name", f"Two resources are called '{name}'.")
    else:
        seen.add(name)
    description = resource.get("description", "")
    if not isinstance(description, str) or len(description) > DESCRIPTION_CHARACTERS:
        rule = f"This must be text of at most {DESCRIPTION_CHARACTERS} characters."
        yield FieldError(f"{path}.description", "invalid_type", rule)
    if not isinstance(resource.get("schema"), dict):
        rule = "This must be a Table Schema as a JSON object; paths and URLs are not opened."
        yield FieldError(f"{path}.schema", "schema_must_be_object", rule)


def _unknown(sent: Mapping[str, Json], words: frozenset[str], prefix: str) -> Iterator[FieldError]:
    for word in sent:
        if word not in words and ":" not in word and not word.startswith("x-"):
            near = get_close_matches(word, words, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else " Properties of your own begin with x-."
            yield FieldError(f"{prefix}{word[:100]}", "unknown_field", f"There is no property of this name.{hint}")


def _existing(app: App, resources: list[Resource]) -> dict[str, DataTable]:
    """The tables that are there already, all active and with the schema that was sent."""
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
            raise NotSupportedYet(f"Table '{row.name}' exists with another schema; changing it is not supported yet.")
        if not row.is_materialized:
            check_provider(row.data_source)
        found[row.name] = row
    return found


def _define(app: App, resources: list[Resource]) -> tuple[dict[str, Table], Resolve]:
    """The tables, which may point at each other in any order: first each without its foreign keys, then whole."""
    errors: list[FieldError] = []

    def one(resource: Resource, schema: Json, resolve: Resolve) -> Table | None:
        try:
            return define(app.slug, resource.name, schema, resolve)
        except InvalidDescriptor as error:
            errors.extend(FieldError(f"{resource.path}.schema", item.code, item.message) for item in error.errors)
            return None

    alone = {
        resource.name: table
        for resource in resources
        if (table := one(resource, without_relations(resource.schema), lambda *_: None)) is not None
    }
    if errors:
        raise InvalidFields(errors)
    resolve = resolver({(app.slug, name): table for name, table in alone.items()})
    whole = {
        resource.name: table for resource in resources if (table := one(resource, resource.schema, resolve)) is not None
    }
    if errors:
        raise InvalidFields(errors)
    return whole, resolve


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
