"""What it takes to check rows of one table, compiled once per revision and purpose.

Two validators: a fast one over the whole batch, a little stricter than the rule, and an exact one per row that is only
asked when the fast one says no. Knows rows and fields; errors of batches are put together in ``payload``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, Final

from records.additional import check_additional
from records.canonical import INTEGER_LEAST, INTEGER_MOST, RefusedError
from records.fieldtypes import field_type
from records.jsonschema import Purpose, is_filled_instant, required_names, row_schema
from records.limits import INDEXED_TEXT_BYTES
from records.patterns import compile_schema
from records.rules import FieldRule
from records.table import ABSENT, Field, Json, Table

Row = dict[str, Json]

_NO_NUL: Final = {"pattern": r"^[^\x00]*$"}
_BYTES_PER_CHARACTER: Final = 4


class NotSurelyFineError(Exception):
    """The fast way found something; only the exact way can tell what, and whether it is wrong."""


@dataclass(frozen=True)
class RowCheck:
    """The compiled rules for rows of ``table``, sent for ``purpose``."""

    table: Table
    purpose: Purpose

    @cached_property
    def rules(self) -> dict[str, FieldRule]:
        """Every field's rule, by label."""
        return {field.name: FieldRule(field) for field in self.table.fields}

    @cached_property
    def exact(self) -> Any:
        """The validator of one row: exactly what OpenAPI shows."""
        return compile_schema(row_schema(self.table, self.purpose))

    @cached_property
    def fast(self) -> Any:
        """The validator of a whole batch; what it accepts needs no further look at text and integers."""
        schema = row_schema(self.table, self.purpose)
        lengths = self._safe_lengths()
        for field in self.table.fields:
            _tighten(schema["properties"][field.name], field, lengths.get(field.name))
        return compile_schema({"type": "array", "items": schema})

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Labels a new row must have."""
        return tuple(required_names(self.table)) if self.purpose is Purpose.CREATE else ()

    @cached_property
    def defaults(self) -> tuple[tuple[str, Json], ...]:
        """Labels and constants that fill an absent field of a new row."""
        if self.purpose is not Purpose.CREATE:
            return ()
        fields = [field for field in self.table.fields if field.default is not ABSENT]
        return tuple((field.name, field.default) for field in fields if not is_filled_instant(field))

    @cached_property
    def generated_uuid(self) -> str | None:
        """The label of the key that gets a new UUID when it is not sent."""
        if self.purpose is Purpose.CREATE and self.table.generated_key == "uuid":
            return self.table.primary_key[0]
        return None

    @cached_property
    def indexed_texts(self) -> tuple[tuple[str, ...], ...]:
        """For every key and index, its fields of unlimited text; together they must fit an index entry."""
        table = self.table
        groups: list[tuple[str, ...]] = [*table.uniques]
        groups += [key.fields for key in table.foreign_keys]
        groups += [index.fields for index in table.indexes if index.method in ("btree", "brin")]
        texts = (tuple(name for name in group if field_type(table.by_name[name]).is_text) for group in groups)
        return tuple(dict.fromkeys(group for group in texts if group))

    def canonicalise(self, rows: Sequence[Row]) -> None:
        """The fast way, in place. Raises ``NotSurelyFineError``; some values may then be canonical already."""
        try:
            if not self.fast.is_valid(rows):
                raise NotSurelyFineError
        except UnicodeEncodeError:
            raise NotSurelyFineError from None
        kinds = set(map(type, chain.from_iterable(map(dict.values, rows))))
        has_points = not kinds.isdisjoint(_POINTED)
        try:
            for rule in self.rules.values():
                if _needs_look(rule, has_points=has_points):
                    _canonicalise_column(rule, rows)
            if self.table.additional is not None:
                check_additional(rows, self.rules)
        except RefusedError:
            raise NotSurelyFineError from None

    def _safe_lengths(self) -> dict[str, int]:
        """Characters up to which a text surely fits every index it is in."""
        lengths: dict[str, int] = {}
        for group in self.indexed_texts:
            share = INDEXED_TEXT_BYTES // _BYTES_PER_CHARACTER // len(group)
            for name in group:
                lengths[name] = min(share, lengths.get(name, share))
        return lengths


@lru_cache(maxsize=128)
def row_check(table: Table, purpose: Purpose) -> RowCheck:
    """The compiled check of a table at its revision."""
    return RowCheck(table, purpose)


_POINTED: Final = frozenset({Decimal, float})
_SEEN_BY_SCHEMA: Final = frozenset({"string", "string/email", "string/uri", "boolean", "yearmonth"})
_WHOLE_NUMBERS: Final = frozenset({"integer", "year"})


def _needs_look(rule: FieldRule, *, has_points: bool) -> bool:
    """Whether the fast validator leaves something to see about this field.

    It takes 1.0 for an integer, but where a batch holds no number with a point, there is none.
    """
    if not rule.schema_says_all:
        return True
    if rule.kind.name in _WHOLE_NUMBERS:
        return has_points
    return rule.kind.name not in _SEEN_BY_SCHEMA


def _canonicalise_column(rule: FieldRule, rows: Sequence[Row]) -> None:
    name = rule.field.name
    holders = [row for row in rows if row.get(name) is not None]
    values = [row[name] for row in holders]
    if rule.kind.canonical_column is not None and rule.schema_says_all:
        forms = rule.kind.canonical_column(values)
        if forms is values:
            return
    else:
        forms = list(map(rule.canonical, values))
    for row, form in zip(holders, forms, strict=True):
        row[name] = form


def _tighten(schema: dict[str, Json], field: Field, safe_length: int | None) -> None:
    kind = field_type(field)
    more: list[dict[str, Json]] = []
    if kind.is_text:
        if kind.name == "string":
            more.append(_NO_NUL)
        if safe_length is not None:
            more.append({"maxLength": safe_length})
    elif kind.name == "integer":
        more.append({"minimum": INTEGER_LEAST, "maximum": INTEGER_MOST})
    if more:
        schema["allOf"] = [*schema.get("allOf", []), *more]


__all__ = ["NotSurelyFineError", "Purpose", "Row", "RowCheck", "row_check"]
