"""What must hold of a row, understood: fields resolved, values coerced. One vocabulary for lists, scopes and indexes.

``condition_of`` turns what was asked into it, or refuses, naming the word that is wrong and the nearest that is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from datar.errors import Invalid, NotSupportedYet
from records import limits
from records.coerce import coerce, coerce_json
from records.fieldtypes import field_type
from records.lists import read_values
from records.nearest import nearest
from records.operators import LATER, OPERATORS, Operator
from records.params.flat import KNOWN_LATER, RESERVED, read_flag
from records.query import AllAsked, AnyAsked, Asked, Comparison, NotAsked
from records.table import Field, Json, Table


@dataclass(frozen=True, slots=True)
class Match:
    """``field operator value``; value is canonical text, a tuple of them, or a bool for ``isnull``."""

    field: Field
    operator: str
    value: str | tuple[str, ...] | bool


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds; of none, everything."""

    conditions: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold; unknown stays unknown."""

    condition: "Condition"


Condition = Match | AllOf | AnyOf | Not
EVERYTHING = AllOf()


def matches_of(condition: Condition) -> Iterator[Match]:
    """Every comparison of a condition, in one fixed order: the order in which a provider numbers its values."""
    match condition:
        case Match():
            yield condition
        case Not(inner):
            yield from matches_of(inner)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from matches_of(part)


def condition_of(asked: Asked, table: Table) -> Condition:
    """What was asked, understood. Raises Invalid (``unknown_field``, ``unknown_operator``, …), NotSupportedYet."""
    match asked:
        case Comparison():
            return _match(asked, table)
        case NotAsked(inner):
            return Not(condition_of(inner, table))
        case AllAsked(parts):
            return AllOf(tuple(condition_of(part, table) for part in parts))
        case AnyAsked(parts):
            return AnyOf(tuple(condition_of(part, table) for part in parts))


def unknown_field(name: str, table: Table) -> Invalid:
    """The 400 for a word that is neither a field nor a parameter, with the nearest that is."""
    hint = nearest(name, [*table.by_name, *(RESERVED - KNOWN_LATER)])
    return Invalid(f"'{name}' is neither a field of this table nor a parameter.{hint}", code="unknown_field")


def _match(comparison: Comparison, table: Table) -> Match:
    field, word = _resolve(comparison.name, table)
    operator = OPERATORS.get(word)
    if operator is None:
        raise _unknown_operator(word, field)
    _check_fit(operator, field)
    return Match(field, word, _operand(operator, field, comparison))


def _resolve(name: str, table: Table) -> tuple[Field, str]:
    """Label and operator of a parameter's name: quoted label, else the longest label that fits."""
    if name.startswith('"'):
        return _resolve_quoted(name, table)
    if name in table.by_name and not name.startswith("_"):
        return table.by_name[name], "eq"
    cut = name.rfind("__")
    while cut > 0:
        field = table.by_name.get(name[:cut])
        if field is not None:
            return field, name[cut + 2 :]
        cut = name.rfind("__", 0, cut)
    refuse_relation(name, table)
    raise unknown_field(name, table)


def refuse_relation(name: str, table: Table) -> None:
    """A path through a relation is asked for, not mistyped: it is not built yet."""
    head, dot, _ = name.partition(".")
    if dot and head in {key.relation for key in table.foreign_keys}:
        raise NotSupportedYet(f"'{name}' goes through a relation; that is not supported yet.")


def _resolve_quoted(name: str, table: Table) -> tuple[Field, str]:
    end = name.rfind('"')
    label, rest = name[1:end].replace('""', '"'), name[end + 1 :]
    if end == 0 or label not in table.by_name or (rest and not rest.startswith("__")):
        raise unknown_field(name, table)
    return table.by_name[label], rest[2:] or "eq"


def _unknown_operator(word: str, field: Field) -> Invalid:
    if word.split("__")[0] in LATER or field.type in ("object", "array", "any"):
        return NotSupportedYet(f"Operator '{word}' is not supported yet.")
    hint = nearest(word, OPERATORS) or f" Known: {', '.join(OPERATORS)}."
    return Invalid(f"Field '{field.name}' has no operator '{word}'.{hint}", code="unknown_operator")


def _check_fit(operator: Operator, field: Field) -> None:
    kind = field_type(field)
    text = field.type == "string" and kind.is_text
    fits = {"filter": kind.filter, "order": kind.order, "text": text, "any": True}[operator.fits]
    if operator.fits == "text" and field.type in ("object", "array"):
        raise NotSupportedYet(f"Operator '{operator.name}' on fields of type {field.type} is not supported yet.")
    if not fits:
        raise Invalid(
            f"Operator '{operator.name}' does not fit field '{field.name}' of type {field.type}.",
            code="operator_not_supported",
        )


def _operand(operator: Operator, field: Field, comparison: Comparison) -> str | tuple[str, ...] | bool:
    value, name = comparison.value, comparison.name
    if operator.operand == "flag":
        return value if isinstance(value, bool) else read_flag(name, value)
    if operator.operand == "list":
        values = _typed_list(value, name) if comparison.typed else read_values(value, name)
        if not values:
            raise Invalid(f"'{comparison.name}' has an empty list.", code="invalid_filter")
        if len(values) > limits.IN_VALUES:
            raise Invalid(f"More than {limits.IN_VALUES} values in '{comparison.name}'.", code="query_too_complex")
        return tuple(coerce_json(field, each) if comparison.typed else coerce(field, each) for each in values)
    return coerce_json(field, value) if comparison.typed else coerce(field, value)


def _typed_list(value: Json, name: str) -> list[Json]:
    if not isinstance(value, list):
        raise Invalid(f"'{name}' takes an array.", code="invalid_filter")
    return value
