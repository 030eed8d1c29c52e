"""What the database itself can hold to: bounds, lengths, enums as CHECK constraints. Patterns stay with the payload."""

from collections.abc import Iterator

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from records.providers.postgres.columns import columns_of, compared
from records.providers.postgres.values import texts_of
from records.table import Field, Json, Table

_BOUNDS = (
    ("minimum", SQL("{column} >= {value}")),
    ("maximum", SQL("{column} <= {value}")),
    ("exclusive_minimum", SQL("{column} > {value}")),
    ("exclusive_maximum", SQL("{column} < {value}")),
)
_LENGTHS = (
    ("min_length", SQL("char_length({column}) >= {value}")),
    ("max_length", SQL("char_length({column}) <= {value}")),
)


def literal(field: Field, value: Json) -> Composable:
    """A canonical value of the field's first column as a constant."""
    column = columns_of(field)[0]
    return column.bound(Literal(texts_of(field, value)[0]))


def _compared_literal(field: Field, value: Json) -> Composable:
    return compared(field).bound(Literal(texts_of(field, value)[-1]))


def checks_of(table: Table) -> Iterator[Composed]:
    """The table's CHECK constraints, named ``dt<id>_c_<column>``; that of what a document must hold ``dt<id>_r``."""
    required = [field for field in table.fields if field.inside and field.required]
    if required:
        yield SQL("CONSTRAINT {name} CHECK ({document} ?& {keys}::text[])").format(
            name=Identifier(f"dt{table.identity.id}_r"),
            document=Identifier(required[0].inside),
            keys=Literal([field.column for field in required]),
        )
    for field in table.fields:
        parts = list(_field_checks(field))
        if parts:
            yield SQL("CONSTRAINT {name} CHECK ({checks})").format(
                name=Identifier(f"dt{table.identity.id}_c_{field.column}"), checks=SQL(" AND ").join(parts)
            )


def _field_checks(field: Field) -> Iterator[Composable]:
    column = compared(field)
    for name, template in _BOUNDS:
        bound = getattr(field.constraints, name)
        if bound is not None:
            yield template.format(column=column.of(), value=_compared_literal(field, bound))
    if field.type == "string":
        for name, template in _LENGTHS:
            length = getattr(field.constraints, name)
            if length is not None:
                yield template.format(column=column.of(), value=Literal(length))
    if field.constraints.enum is not None and field.type != "geopoint":
        values = [_compared_literal(field, value) for value in field.constraints.enum]
        yield SQL("{column} IN ({values})").format(column=column.of(), values=SQL(", ").join(values))
