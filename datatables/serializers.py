"""The shapes of datatables, in and out, and the functions that fill the latter. Nothing here writes."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.models import SLUG_CHARACTERS
from datar.api.fields import Anything, Flag, JsonObject, Text, Word
from datar.api.responses import instant
from datatables.models import DataTable, SchemaOperation
from datatables.naming import NAME_RULE, RESERVED_NAMES, TABLE_NAME
from datatables.package import Outcome
from records.limits import DESCRIPTION_CHARACTERS
from records.table import Json


@extend_schema_field({"type": "object", "additionalProperties": True})
class Descriptor(Anything):
    """A Frictionless Table Schema. What is wrong with it, an object or not, is said elsewhere."""


class TableUpdate(serializers.Serializer[Any]):
    """What of a datatable can be changed."""

    description = Text(max_length=DESCRIPTION_CHARACTERS, lines=True, required=False)
    json_schema = Descriptor(help_text="A Frictionless Table Schema, as a JSON object.")


class TableCreate(TableUpdate):
    """A new datatable; with ``materialize`` its physical table is made at once."""

    name = Word(
        pattern=rf"(?!(?:{'|'.join(sorted(RESERVED_NAMES))})$){TABLE_NAME.pattern}",
        code="invalid_identifier",
        rule=f"{NAME_RULE} Not: {', '.join(sorted(RESERVED_NAMES))}.",
        max_length=63,
    )
    materialize = Flag(required=False)


class TableTarget(serializers.Serializer[Any]):
    """Where a datatable is to go."""

    datasource = Text(max_length=SLUG_CHARACTERS, help_text="The slug of a datasource of the same app.")


class Rows(serializers.Serializer[Any]):
    """Rows to look at."""

    data = serializers.ListField(child=JsonObject())  # type: ignore[assignment]  # the contract's word


class TableItem(serializers.Serializer[Any]):
    """A datatable in a list."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    datasource_name = serializers.CharField()
    datasource_slug = serializers.CharField()
    app_name = serializers.CharField()
    app_slug = serializers.CharField()
    physical_table_name = serializers.CharField()
    is_materialized = serializers.BooleanField()
    is_active = serializers.BooleanField()
    field_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TableDetail(TableItem):
    """A datatable."""

    data_source = serializers.IntegerField()
    json_schema = JsonObject()
    description = serializers.CharField()
    schema_hash = serializers.CharField()
    field_names = serializers.ListField(child=serializers.CharField())
    primary_key = serializers.ListField(child=serializers.CharField())
    created_by = serializers.IntegerField(allow_null=True)
    modified_by = serializers.IntegerField(allow_null=True)


class TableSchema(serializers.Serializer[Any]):
    """A table's schema alone."""

    name = serializers.CharField()
    schema = JsonObject()
    schema_hash = serializers.CharField()
    field_count = serializers.IntegerField()


class RowError(serializers.Serializer[Any]):
    """One thing wrong with one row, counted from 0."""

    row = serializers.IntegerField()
    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class Verdict(serializers.Serializer[Any]):
    """What creating these rows would say."""

    is_valid = serializers.BooleanField()  # type: ignore[assignment]  # the contract's word
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]  # the contract's word
    validated_rows = serializers.IntegerField()
    error_details = RowError(many=True)


class SourceNumbers(serializers.Serializer[Any]):
    """A datasource in the statistics of its app's tables."""

    name = serializers.CharField()
    provider_type = serializers.CharField()
    table_count = serializers.IntegerField()
    materialized_count = serializers.IntegerField()


class AllTableNumbers(serializers.Serializer[Any]):
    """How many tables an app has, by datasource."""

    total_tables = serializers.IntegerField()
    materialized_tables = serializers.IntegerField()
    unmaterialized_tables = serializers.IntegerField()
    datasource_count = serializers.IntegerField()
    datasources = serializers.DictField(child=SourceNumbers())


class Package(serializers.Serializer[Any]):
    """A Frictionless Data Package; only ``name``, ``description`` and ``schema`` of its resources are read."""

    resources = serializers.ListField(child=JsonObject())


class PackageOutcome(serializers.Serializer[Any]):
    """Names of tables by what happened to them."""

    created = serializers.ListField(child=serializers.CharField())
    updated = serializers.ListField(child=serializers.CharField())
    unchanged = serializers.ListField(child=serializers.CharField())


class OperationItem(serializers.Serializer[Any]):
    """One change of the physical table."""

    id = serializers.IntegerField()
    operation_type = serializers.CharField()
    description = serializers.CharField()
    sql = serializers.CharField()
    rollback_sql = serializers.CharField()
    status = serializers.ChoiceField(choices=SchemaOperation.Status.choices)
    execution_time_ms = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class History(serializers.Serializer[Any]):
    """Changes of a physical table, newest last."""

    data = OperationItem(many=True)  # type: ignore[assignment]  # the contract's word


def table_item(row: DataTable) -> dict[str, Json]:
    """TableItem; app and datasource come with the row."""
    return {
        "id": row.pk,
        "name": row.name,
        "datasource_name": row.data_source.name,
        "datasource_slug": row.data_source.slug,
        "app_name": row.app.name,
        "app_slug": row.app.slug,
        "physical_table_name": row.physical_table_name,
        "is_materialized": row.is_materialized,
        "is_active": row.is_active,
        "field_count": len(row.columns),
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
    }


def table_detail(row: DataTable) -> dict[str, Json]:
    """TableDetail, in the order of seed 003; app and datasource come with the row."""
    return {
        "id": row.pk,
        "data_source": row.data_source.pk,
        "datasource_name": row.data_source.name,
        "datasource_slug": row.data_source.slug,
        "app_name": row.app.name,
        "app_slug": row.app.slug,
        "name": row.name,
        "json_schema": row.json_schema,
        "physical_table_name": row.physical_table_name,
        "is_materialized": row.is_materialized,
        "is_active": row.is_active,
        "description": row.description,
        "schema_hash": row.schema_hash,
        "field_count": len(row.columns),
        "field_names": list(row.columns),
        "primary_key": _primary_key(row.json_schema),
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "created_by": row.created_by_id,
        "modified_by": row.modified_by_id,
    }


def _primary_key(descriptor: dict[str, Json]) -> list[str]:
    """The labels of the key; ``id`` is the key of a table that declares none."""
    declared = descriptor.get("primaryKey") or ["id"]
    return [declared] if isinstance(declared, str) else declared


def table_schema(row: DataTable) -> dict[str, Json]:
    """TableSchema."""
    return {
        "name": row.name,
        "schema": row.json_schema,
        "schema_hash": row.schema_hash,
        "field_count": len(row.columns),
    }


def all_table_numbers(datasources: Sequence[dict[str, Any]]) -> dict[str, Json]:
    """AllTableNumbers, from the datasources of ``apps.queries.datasources_of``."""
    total = sum(source["table_count"] for source in datasources)
    materialized = sum(source["materialized_count"] for source in datasources)
    shown = ("name", "provider_type", "table_count", "materialized_count")
    return {
        "total_tables": total,
        "materialized_tables": materialized,
        "unmaterialized_tables": total - materialized,
        "datasource_count": len(datasources),
        "datasources": {source["slug"]: {name: source[name] for name in shown} for source in datasources},
    }


def package_outcome(outcome: Outcome) -> dict[str, Json]:
    """PackageOutcome."""
    return {"created": outcome.created, "updated": outcome.updated, "unchanged": outcome.unchanged}


def operation_item(operation: SchemaOperation) -> dict[str, Json]:
    """OperationItem."""
    return {
        "id": operation.pk,
        "operation_type": operation.operation_type,
        "description": operation.description,
        "sql": operation.sql,
        "rollback_sql": operation.rollback_sql,
        "status": operation.status,
        "execution_time_ms": operation.execution_time_ms,
        "created_at": instant(operation.created_at),
    }
