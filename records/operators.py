"""The operator table: a new operator is a row here, a template per provider, a row in the conformance suite.

What fits which type follows from the field type's own abilities (``fieldtypes``).
"""

from dataclasses import dataclass
from typing import Literal

Operand = Literal["value", "list", "text", "flag"]
"""One value of the field's type; several; a piece of text; yes or no."""
Fits = Literal["filter", "order", "text", "any"]
"""Types that can be compared for equality; ordered ones; text; every type."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A row: the word in the URL, what stands right of ``=``, which types it fits."""

    name: str
    operand: Operand
    fits: Fits
    summary: str


OPERATORS: dict[str, Operator] = {
    row.name: row
    for row in (
        Operator("eq", "value", "filter", "equal; the default"),
        Operator("ne", "value", "filter", "not equal; a null is neither equal nor unequal"),
        Operator("gt", "value", "order", "greater"),
        Operator("gte", "value", "order", "greater or equal"),
        Operator("lt", "value", "order", "less"),
        Operator("lte", "value", "order", "less or equal"),
        Operator("in", "list", "filter", "one of a list"),
        Operator("nin", "list", "filter", "none of a list; a null is neither in nor out"),
        Operator("isnull", "flag", "any", "null (true) or not (false)"),
        Operator("contains", "text", "text", "contains this text, letter for letter"),
        Operator("icontains", "text", "text", "contains this text, whatever the case"),
    )
}

LATER = frozenset(
    {
        *("between", "nbetween", "range", "like", "ilike", "null", "nnull"),
        *("startswith", "endswith", "iexact", "istartswith", "iendswith"),
        *("ncontains", "nstartswith", "nendswith", "niexact", "nicontains", "nistartswith", "niendswith"),
        *("contained_by", "has_key", "has_any_keys", "has_all_keys"),
        *("year", "month", "day", "week_day", "hour", "date"),
    }
)
"""Words of CONTRACT 7 that are not built yet: using one is ``not_supported_yet``."""
