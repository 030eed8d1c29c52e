"""A table as JSON Schema 2020-12: what a body must look like, and what OpenAPI shows. Knows no values."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from records.fieldtypes import field_type
from records.patterns import full_match
from records.stamp import CREATED_FIELD, UPDATED_FIELD
from records.table import ABSENT, Field, Json, Table
from records.typerow import FieldType

_LENGTH_WORDS: Final = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


class Purpose(Enum):
    """What rows are for: a whole new row, or the changed fields of one that exists."""

    CREATE = "create"
    UPDATE = "update"


def row_schema(table: Table, purpose: Purpose) -> dict[str, Json]:
    """The schema of one row. Numbers in it may be Decimals."""
    fields = {field.name: property_schema(field, nullable=is_nullable(table, field)) for field in table.fields}
    schema: dict[str, Json] = {
        "type": "object",
        "properties": fields,
        "additionalProperties": table.additional is not None,
    }
    if purpose is Purpose.CREATE and (names := required_names(table)):
        schema["required"] = names
    return schema


def is_nullable(table: Table, field: Field) -> bool:
    """Whether the field takes null."""
    return not field.required and field.name not in table.primary_key


def is_filled_instant(field: Field) -> bool:
    """Whether the service fills this field itself when it is not sent."""
    return field.type == "datetime" and field.name in (CREATED_FIELD, UPDATED_FIELD)


def required_names(table: Table) -> list[str]:
    """The fields a new row must have: neither generated nor filled by a default or by the service."""
    generated = table.primary_key if table.generated_key else ()
    return [
        field.name
        for field in table.fields
        if not is_nullable(table, field)
        and field.name not in generated
        and field.default is ABSENT
        and not is_filled_instant(field)
    ]


def property_schema(field: Field, *, nullable: bool) -> dict[str, Json]:
    """The schema of one field's value with its constraints, as far as JSON Schema can say them."""
    kind = field_type(field)
    schema: dict[str, Json] = {}
    if field.title:
        schema["title"] = field.title
    if field.description:
        schema["description"] = field.description
    schema |= kind.schema
    _add_constraints(schema, field, kind)
    if nullable:
        _accept_null(schema)
    if field.default is not ABSENT:
        schema["default"] = field.default
    return schema


def bounds_in_schema(kind: FieldType) -> bool:
    """Whether JSON Schema compares values of this type; it only does so with numbers."""
    return kind.schema.get("type") in ("integer", "number")


def _add_constraints(schema: dict[str, Json], field: Field, kind: FieldType) -> None:
    constraints = field.constraints
    if constraints.enum is not None and kind.as_sent:
        schema["enum"] = list(constraints.enum)
    if bounds_in_schema(kind):
        bounds = {
            "minimum": constraints.minimum,
            "maximum": constraints.maximum,
            "exclusiveMinimum": constraints.exclusive_minimum,
            "exclusiveMaximum": constraints.exclusive_maximum,
        }
        schema |= {word: bound for word, bound in bounds.items() if bound is not None}
    if constraints.min_length is not None or constraints.max_length is not None:
        lengths = zip(_LENGTH_WORDS[kind.schema["type"]], (constraints.min_length, constraints.max_length), strict=True)
        schema |= {word: length for word, length in lengths if length is not None}
    if constraints.pattern is not None:
        whole = full_match(constraints.pattern)
        # A type with a pattern of its own keeps it: two patterns need two schemas.
        schema |= {"allOf": [{"pattern": whole}]} if "pattern" in schema else {"pattern": whole}
    if constraints.json_schema is not None:
        _add_json_schema(schema, field, constraints.json_schema)


def _add_json_schema(schema: dict[str, Json], field: Field, inner: Mapping[str, Json]) -> None:
    # Its own $id makes "#/..." inside it mean itself, not the row. Null stays outside of it.
    embedded = {key: value for key, value in inner.items() if key != "$schema"}
    schema["if"] = {"not": {"type": "null"}}
    schema["then"] = {"$id": f"urn:datar:{field.column}", **embedded}


def _accept_null(schema: dict[str, Json]) -> None:
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*kinds, "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
