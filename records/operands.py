"""An operator and what stands right of ``=`` → a condition on one value, of plain operators only."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from datar.errors import Invalid
from records import limits
from records.coerce import coerce, coerce_json, json_text, key_text, read_items, read_json, read_text, read_whole
from records.conditions import AllOf, Condition, Expression, Match, Not, Output, Reading
from records.fieldtypes import field_type
from records.lists import read_values
from records.operators import JSON_TYPES, OPERATORS, Operator
from records.params.flat import read_flag
from records.partranges import part_range
from records.query import Comparison
from records.table import Field, Json

_TEXT: Final = Field("", "string", "")
_ORDERED: Final = frozenset({"gt", "gte", "lt", "lte"})
_OF_LISTS: Final = {"eq": "in", "ne": "nin"}
_SEEKING: Final = frozenset({"contains", "icontains", "like", "ilike"})
"""Those that look for a text anywhere in another."""


def match_of(left: Expression | Output, operator: Operator, asked: Comparison) -> Condition:
    """``left operator value``.

    Raises Invalid: ``operator_not_supported``, ``invalid_filter``, ``query_too_complex``, or the type's own code.
    """
    if operator.means:
        plain = OPERATORS[operator.means]
        _check_fit(operator, left)
        found = match_of(left, plain, asked)
        return _negated(found) if operator.negated else found
    _check_fit(operator, left)
    if operator.operand == "pair":
        return _between(left, asked)
    if _reads_json(left):
        return _json_match(left, operator, asked)
    return _plain_match(left, operator, asked)


def _negated(found: Condition) -> Condition:
    """The negation; unknown stays unknown. Of a test for null, which is never unknown, the other test."""
    if isinstance(found, Match) and isinstance(found.value, bool):
        return replace(found, value=not found.value)
    return Not(found)


def _check_fit(operator: Operator, left: Expression | Output) -> None:
    if not _fits(operator, left):
        raise Invalid(
            f"Operator '{operator.name}' does not fit field '{left.result.name}' of type {left.result.type}.",
            code="operator_not_supported",
        )


def _fits(operator: Operator, left: Expression | Output) -> bool:
    field = left.result
    if operator.fits == "any":
        return True
    if isinstance(left, Output) and field.type in JSON_TYPES:
        return False
    if _reads_json(left):
        return True
    if field.type in JSON_TYPES:
        return operator.fits in ("json", "contents")
    kind = field_type(field)
    text = field.type == "string" and kind.is_text
    return {"filter": kind.filter, "order": kind.order, "text": text, "contents": text, "json": False}[operator.fits]


def _reads_json(left: Expression | Output) -> bool:
    return isinstance(left, Expression) and left.reading == "json"


def _between(left: Expression | Output, asked: Comparison) -> Condition:
    values = _values(asked, left)
    if len(values) != 2:
        raise Invalid(f"'{asked.name}' takes two values, the least and the greatest.", code="invalid_filter")
    if _reads_json(left) and len({isinstance(value, str) for value in values}) > 1:
        raise Invalid(f"'{asked.name}' takes two numbers or two texts.", code="invalid_filter")
    typed = asked.typed or _reads_json(left)
    least, most = (replace(asked, value=value, typed=typed) for value in values)
    return AllOf((match_of(left, OPERATORS["gte"], least), match_of(left, OPERATORS["lte"], most)))


def _plain_match(left: Expression | Output, operator: Operator, asked: Comparison) -> Condition:
    field = left.result
    match operator.operand:
        case "flag":
            return Match(left, operator.name, _flag(asked))
        case "list":
            return Match(left, operator.name, tuple(_coerced(field, asked, each) for each in _values(asked, left)))
        case "text" | "pattern" if field.type not in JSON_TYPES:
            text = _coerced(replace(_TEXT, name=field.name), asked)
            return Match(left, operator.name, _pattern(asked, operator, text))
        case "text" | "json":
            return Match(left, operator.name, json_text(asked.name, _contents(asked)))
        case "key":
            return Match(left, operator.name, _key(asked, _text(asked)))
        case "keys":
            return Match(left, operator.name, tuple(_key(asked, each) for each in _values(asked, left, of_keys=True)))
    value = _one(field, operator, asked)
    narrowed = part_range(left, operator.name, value) if isinstance(left, Expression) and left.part else None
    return narrowed or Match(left, operator.name, value)


def _json_match(left: Expression | Output, operator: Operator, asked: Comparison) -> Condition:
    """A comparison of a value inside JSON: the operand's type says how the value is read."""
    assert isinstance(left, Expression)
    name = asked.name
    if operator.name in _ORDERED:
        value = _scalar(asked)
        if isinstance(value, bool):
            raise Invalid(f"'{name}' compares with a number or a text.", code="invalid_filter")
        reading: Reading = "text" if isinstance(value, str) else "number"
        read = replace(left, reading=reading)
        return Match(read, operator.name, coerce_json(read.result, value))
    if operator.operand == "value":
        return Match(left, operator.name, json_text(name, _scalar(asked)))
    if operator.name == "in":
        items = (replace(asked, value=each, typed=True) for each in _values(asked, left))
        return Match(left, "in", tuple(json_text(name, _scalar(item)) for item in items))
    if operator.fits == "text":
        text = replace(left, reading="text")
        return Match(text, operator.name, _pattern(asked, operator, coerce_json(text.result, _text(asked))))
    return _plain_match(left, operator, asked)


def _one(field: Field, operator: Operator, asked: Comparison) -> str:
    """The operand where one is due; where an array came, the refusal says which operator takes it."""
    try:
        return _coerced(field, asked)
    except Invalid as refused:
        plural = _OF_LISTS.get(operator.name)
        if plural is None or not (asked.typed and isinstance(asked.value, list)):
            raise
        path = asked.name.removesuffix(f"__{'ne' if asked.name.endswith('__ne') else 'eq'}")
        raise Invalid(f"{refused.detail} An array goes with '{path}__{plural}'.", code=refused.code) from None


def _coerced(field: Field, asked: Comparison, value: Json = None) -> str:
    given = asked.value if value is None else value
    return coerce_json(field, given) if asked.typed else coerce(field, given)


def _values(asked: Comparison, left: Expression | Output, *, of_keys: bool = False) -> list[Json]:
    """The values of a list, as sent. Raises Invalid when there are none, or too many."""
    if asked.typed:
        if not isinstance(asked.value, list):
            raise Invalid(f"'{asked.name}' takes an array.", code="invalid_filter")
        values = asked.value
    elif of_keys or _reads_json(left):
        values = read_items(asked.value, asked.name, read_text if of_keys else read_json)
    else:
        values = read_values(asked.value, asked.name)
    if not values:
        raise Invalid(f"'{asked.name}' has an empty list.", code="invalid_filter")
    if len(values) > limits.IN_VALUES:
        raise Invalid(f"More than {limits.IN_VALUES} values in '{asked.name}'.", code="query_too_complex")
    return values


def _scalar(asked: Comparison) -> str | int | Decimal:
    """A JSON text, number or boolean."""
    value = asked.value if asked.typed else read_json(asked.value)
    if not isinstance(value, str | int | Decimal):
        raise Invalid(f"'{asked.name}' takes a text, a number or a boolean.", code="invalid_filter")
    return value


def _whole(asked: Comparison) -> Json:
    """Any JSON value but null."""
    value = asked.value if asked.typed else read_whole(asked.value, asked.name)
    if value is None:
        raise Invalid(f"'{asked.name}' takes a JSON value that is not null.", code="invalid_filter")
    return value


def _contents(asked: Comparison) -> Json:
    """A JSON value that is sought in another, or that another is sought in.

    Raises Invalid where it is large: PostgreSQL compares every value with every one, and cannot be stopped meanwhile.
    """
    value = _whole(asked)
    if isinstance(value, str):
        _check_sought(asked, value)
    parts, seen = [value], 0
    while parts:
        part = parts.pop()
        seen += 1
        if seen > limits.SOUGHT_JSON_VALUES:
            raise Invalid(
                f"More than {limits.SOUGHT_JSON_VALUES} values in '{asked.name}', nested ones too.",
                code="query_too_complex",
            )
        parts += part if isinstance(part, list) else part.values() if isinstance(part, dict) else ()
    return value


def _text(asked: Comparison) -> str:
    value = asked.value if asked.typed else read_text(asked.value)
    if not isinstance(value, str):
        raise Invalid(f"'{asked.name}' takes a text.", code="invalid_filter")
    return value


def _key(asked: Comparison, value: Json) -> str:
    if not isinstance(value, str):
        raise Invalid(f"'{asked.name}' takes keys, which are texts.", code="invalid_filter")
    return key_text(asked.name, value)


def _flag(asked: Comparison) -> bool:
    if asked.typed:
        if not isinstance(asked.value, bool):
            raise Invalid(f"'{asked.name}' is true or false.", code="invalid_filter")
        return asked.value
    return read_flag(asked.name, asked.value)


def _pattern(asked: Comparison, operator: Operator, text: str) -> str:
    """The text; of a pattern, one that SQL can read."""
    if operator.name in _SEEKING:
        _check_sought(asked, text)
    if operator.operand == "pattern" and (len(text) - len(text.rstrip("\\"))) % 2:
        raise Invalid(
            f"The pattern of '{asked.name}' ends in a backslash; write two for one backslash.", code="invalid_filter"
        )
    return text


def _check_sought(asked: Comparison, text: str) -> None:
    """Raise Invalid for a long text: PostgreSQL may try it at every letter, and cannot be stopped within one value."""
    if len(text) > limits.SOUGHT_CHARACTERS:
        raise Invalid(
            f"'{asked.name}' looks for more than {limits.SOUGHT_CHARACTERS} characters.", code="query_too_complex"
        )
