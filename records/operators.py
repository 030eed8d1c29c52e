"""The operator table: a new operator is a row here, a template per provider, a row in the conformance suite.

Only rows without ``means`` reach a provider: ``filters`` rewrites an alias, a negation and a range to these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from records.fieldtypes import FIELD_TYPES

Operand = Literal["value", "list", "pair", "text", "pattern", "flag", "json", "key", "keys"]
"""One value of the field's type; several; two; a text; a text with wildcards; yes or no; any JSON; a key; keys."""
Fits = Literal["filter", "order", "text", "contents", "json", "any"]
"""What can be compared for equality; what has an order; text; text and JSON; JSON; everything."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A row: the word in the URL, what stands right of ``=``, which types it fits.

    ``means`` is the operator it is rewritten to; ``negated``: to its negation.
    """

    name: str
    operand: Operand
    fits: Fits
    summary: str
    means: str = ""
    negated: bool = False


_PLAIN: Final = (
    Operator("eq", "value", "filter", "equal; the default"),
    Operator("ne", "value", "filter", "not equal; a null is neither equal nor unequal"),
    Operator("gt", "value", "order", "greater"),
    Operator("gte", "value", "order", "greater or equal"),
    Operator("lt", "value", "order", "less"),
    Operator("lte", "value", "order", "less or equal"),
    Operator("between", "pair", "order", "from the first to the second of two values, both included"),
    Operator("in", "list", "filter", "one of a list"),
    Operator("isnull", "flag", "any", "null (true) or not (false)"),
    Operator("contains", "text", "contents", "contains this text, letter for letter; of JSON, contains this value"),
    Operator("startswith", "text", "text", "begins with this text"),
    Operator("endswith", "text", "text", "ends with this text"),
    Operator("iexact", "text", "text", "equal, whatever the case"),
    Operator("icontains", "text", "text", "contains this text, whatever the case"),
    Operator("istartswith", "text", "text", "begins with this text, whatever the case"),
    Operator("iendswith", "text", "text", "ends with this text, whatever the case"),
    Operator("like", "pattern", "text", "matches a pattern of SQL: % any text, _ one character, \\ before these"),
    Operator("ilike", "pattern", "text", "as like, whatever the case"),
    Operator("contained_by", "json", "json", "the JSON value is contained in this one"),
    Operator("has_key", "key", "json", "an object with this key, or an array with this text"),
    Operator("has_any_keys", "keys", "json", "has at least one of these keys"),
    Operator("has_all_keys", "keys", "json", "has all of these keys"),
)
_NEGATED: Final = {
    "nbetween": "between",
    "nin": "in",
    "ncontains": "contains",
    "nstartswith": "startswith",
    "nendswith": "endswith",
    "niexact": "iexact",
    "nicontains": "icontains",
    "nistartswith": "istartswith",
    "niendswith": "iendswith",
    "nnull": "isnull",
}
_ALIASES: Final = {"range": "between", "null": "isnull"}


def _rows() -> Iterator[Operator]:
    plain = {row.name: row for row in _PLAIN}
    yield from _PLAIN
    for name, means in _NEGATED.items():
        of = plain[means]
        yield Operator(name, of.operand, of.fits, f"not {means}; a null is neither", means, negated=True)
    for name, means in _ALIASES.items():
        of = plain[means]
        yield Operator(name, of.operand, of.fits, f"as {means}", means)


OPERATORS: Final[dict[str, Operator]] = {row.name: row for row in _rows()}
"""Every word of CONTRACT 7, by name."""

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "year": ("date", "datetime"),
    "month": ("date", "datetime"),
    "day": ("date", "datetime"),
    "week_day": ("date", "datetime"),
    "hour": ("datetime",),
    "date": ("datetime",),
}
"""Parts of days and instants, and the types that have them; all in UTC."""
JSON_TYPES: Final = frozenset(name for name, kind in FIELD_TYPES.items() if kind.is_json)
"""Types whose values are JSON: keys lead into them."""
