"""Aggregates and groups that were asked for → a plan: names resolved, functions fitted to types, outputs named.

An *output* is a group key or an aggregate; ``having`` and ``ordering`` speak of outputs only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from datar.errors import Invalid
from records.coerce import key_text
from records.conditions import EVERYTHING, Condition, Expression, Output, Reading
from records.fieldtypes import field_type
from records.filters import outputs_condition
from records.lists import unquoted
from records.names import Resolved, resolve
from records.nearest import nearest
from records.operators import JSON_TYPES, PARTS
from records.plan import Aggregate, Group, GroupPlan, Sort
from records.query import AskedAggregate, AskedExpression, AskedGroup, Page, Query, SortTerm
from records.relations import Lookups, refuse_remote
from records.table import Field, Table

_NUMERIC: Final = frozenset({"integer", "number", "year"})
_OF_NUMBERS: Final = frozenset({"sum", "avg", "stddev", "variance"})
_ARRAYS: Final = frozenset({"array_agg", "json_agg"})
_READINGS: Final[dict[str, Reading]] = {
    **dict.fromkeys((*_OF_NUMBERS, "min", "max"), "number"),
    "string_agg": "text",
}
"""How a function looks at a value inside a JSON field; the other functions, and groups, see it as JSON."""
_UNITS_OF_DAYS: Final = ("year", "quarter", "month", "week", "day")
_RESULTS: Final = {
    "count": "integer",
    "string_agg": "string",
    **dict.fromkeys(_OF_NUMBERS, "number"),
    **dict.fromkeys(_ARRAYS, "array"),
}
"""The type a function gives; ``min`` and ``max`` give that of their values."""


def plan_groups(query: Query, table: Table, lookups: Lookups, where: Condition) -> GroupPlan:
    """The plan of a question with ``_aggregate`` or ``_group_by``, about the rows of which ``where`` holds.

    Raises Invalid: ``invalid_aggregate``, ``invalid_ordering``, ``invalid_pagination``, ``query_too_complex``, and
    what ``outputs_condition`` raises.
    """
    groups = tuple(_group(asked, table, lookups) for asked in query.group_by)
    aggregates = tuple(_aggregate(asked, table, lookups) for asked in query.aggregates)
    outputs = _outputs(groups, aggregates)
    return GroupPlan(
        table=table,
        groups=groups,
        aggregates=aggregates,
        where=where,
        having=outputs_condition(query.having, outputs) if query.having else EVERYTHING,
        order=_order(query, outputs),
        page=_page(query),
        count=query.count,
    )


def _page(query: Query) -> Page | None:
    assert isinstance(query.page, Page)
    if query.group_by:
        return query.page
    if query.page.offset:
        raise Invalid("Without '_group_by' there is one row, on page 1.", code="invalid_pagination")
    return None


def _group(asked: AskedGroup, table: Table, lookups: Lookups) -> Group:
    expression, path = _expression(asked.expression, table, lookups, "json")
    if not expression.keys and not field_type(expression.result).group:
        raise _refused(f"'_group_by' cannot take '{path}': {_typed(expression)} cannot be grouped by.")
    return Group(asked.alias or _call(asked.expression, path), expression)


def _aggregate(asked: AskedAggregate, table: Table, lookups: Lookups) -> Aggregate:
    name = asked.function
    if asked.expression is None:
        return Aggregate(asked.alias or name, asked.function, None, Field(name, "integer", ""))
    reading = _READINGS.get(asked.function, "json")
    expression, path = _expression(asked.expression, table, lookups, reading)
    _check_fit(asked, expression)
    name += "_distinct_" if asked.distinct else "_"
    name = asked.alias or name + _call(asked.expression, path)
    type_ = _RESULTS.get(asked.function)
    result = replace(expression.result, name=name) if type_ is None else Field(name, type_, "")
    return Aggregate(name, asked.function, expression, result, asked.distinct)


def _check_fit(asked: AskedAggregate, expression: Expression) -> None:
    """Raise Invalid where the function does not take values of this type."""
    kind = field_type(expression.result)
    function = asked.function
    fits, takes = True, ""
    if function in _OF_NUMBERS:
        fits, takes = expression.result.type in _NUMERIC, "integers, numbers and years"
    elif function in ("min", "max"):
        fits, takes = kind.order, "values that have an order"
    elif function == "string_agg":
        fits, takes = kind.is_text, "texts"
    if not fits:
        raise _refused(f"'{function}' takes {takes}; {_typed(expression)} is none of them.")
    if asked.distinct and not expression.keys and not kind.group:
        raise _refused(f"'distinct' needs values that can be grouped by; {_typed(expression)} cannot.")


def _typed(expression: Expression) -> str:
    result = expression.result
    kind = "string of format binary" if result.format == "binary" else result.type
    of = f"'{expression.part}' of " if expression.part else ""
    return f"{of}field '{expression.field.name}' of type {kind}"


def _expression(asked: AskedExpression, table: Table, lookups: Lookups, reading: Reading) -> tuple[Expression, str]:
    """The value that is meant, and its path without quotes."""
    found = _resolved(asked.path, table, lookups)
    field = found.field
    path = ".".join([*(hop.name for hop in found.hops), field.name])
    if field.type in JSON_TYPES:
        keys = tuple(key_text(asked.path, word.text) for word in found.words)
        seen: Reading = reading if keys else ("json" if field.type == "any" else "")
        expression = Expression(field, found.hops, keys, seen)
        path = "__".join([path, *(keys[1:] if field.is_additional else keys)])
    elif found.words:
        raise _refused(_more(asked.path, found))
    else:
        expression = Expression(field, found.hops)
    if asked.part:
        _check_part(asked.part, expression)
    if asked.unit:
        _check_unit(asked, expression)
    return replace(expression, part=asked.part, unit=asked.unit, zone=asked.zone), path


def _resolved(path: str, table: Table, lookups: Lookups) -> Resolved:
    try:
        found = resolve(path, table, lookups)
    except Invalid as refused:
        if refused.code == "query_too_complex":
            raise
        raise _refused(refused.detail) from None
    for hop in found.hops:
        if hop.many:
            raise _refused(f"Groups and aggregates go through to-one relations; '{hop.name}' in '{path}' is to-many.")
    refuse_remote(found.hops, "_group_by' and '_aggregate", path)
    return found


def _more(path: str, found: Resolved) -> str:
    word = found.words[0].text
    if word in PARTS:
        return f"'{path}': write a part as {word}({path.rpartition('__')[0]})."
    return f"'{path}' says more than field '{found.field.name}'; only JSON fields have keys.{nearest(word, PARTS)}"


def _check_part(part: str, expression: Expression) -> None:
    if expression.keys or expression.field.type not in PARTS[part]:
        raise _refused(f"'{part}' is a part of {' and '.join(PARTS[part])} fields; {_typed(expression)} has none.")


def _check_unit(asked: AskedExpression, expression: Expression) -> None:
    type_ = expression.field.type
    if type_ not in ("date", "datetime"):
        raise _refused(f"'date_trunc' takes date and datetime fields; {_typed(expression)} is none.")
    if type_ == "date" and asked.unit not in _UNITS_OF_DAYS:
        raise _refused(f"'date_trunc' of a date takes {', '.join(_UNITS_OF_DAYS)}; not '{asked.unit}'.")
    if not asked.zone:
        return
    if type_ == "date":
        raise _refused(f"'date_trunc' takes a zone with instants; {_typed(expression)} has no time.")
    if asked.zone not in _zones():
        hint = nearest(asked.zone, (zone for zone in _zones() if zone[:1] == asked.zone[:1]))
        raise _refused(f"'{asked.zone}' is no IANA time zone such as Europe/Paris.{hint}")


@cache
def _zones() -> frozenset[str]:
    """The zones of the IANA database; ``localtime`` is what some systems call their own."""
    return frozenset(available_timezones() - {"localtime"})


def _call(asked: AskedExpression, path: str) -> str:
    """The name of a value: its path, after the part or ``date_trunc``."""
    return "_".join(word for word in (asked.part, "date_trunc" if asked.unit else "", path) if word)


def _outputs(groups: tuple[Group, ...], aggregates: tuple[Aggregate, ...]) -> dict[str, Output]:
    """Every output by its name, groups first. Raises Invalid where two have one name."""
    results = [(group.name, group.expression.result) for group in groups]
    results += [(aggregate.name, aggregate.result) for aggregate in aggregates]
    outputs: dict[str, Output] = {}
    for place, (name, result) in enumerate(results):
        if name in outputs:
            raise _refused(f"Two columns of the answer are called '{name}'; give one an alias: … as other_name.")
        outputs[name] = Output(place, result)
    return outputs


def _order(query: Query, outputs: Mapping[str, Output]) -> tuple[Sort, ...]:
    """The client's terms, then the group keys that are not among them: an order without ties."""
    keys = list(outputs.values())[: len(query.group_by)]
    written = dict(_written(query, list(outputs.values())))
    sorts: list[Sort] = []
    for term in query.ordering:
        output = _sorted_by(term, outputs, written)
        if not (field_type(output.result).order or output in keys):
            raise Invalid(f"'{term.name}' is an array, which has no order.", code="invalid_ordering")
        if any(sort.expression == output for sort in sorts):
            raise Invalid(f"'ordering' names '{term.name}' twice.", code="invalid_ordering")
        sorts.append(Sort(output, term.descending))
    named = [sort.expression for sort in sorts]
    return (*sorts, *(Sort(key) for key in keys if key not in named))


def _sorted_by(term: SortTerm, outputs: Mapping[str, Output], written: Mapping[str, Output]) -> Output:
    name = term.name.strip()
    found = outputs.get(name) or outputs.get(unquoted(name)) or written.get(_squeezed(name))
    if found is None:
        raise Invalid(
            f"'ordering' takes the names of this query's groups and aggregates; '{term.name}' is none of them."
            f"{nearest(name, outputs)}",
            code="invalid_ordering",
        )
    return found


def _written(query: Query, outputs: list[Output]) -> Iterator[tuple[str, Output]]:
    """Every output by its expression as it was written, in reverse: of equal ones the first is found."""
    terms = [_term(group.expression) for group in query.group_by]
    terms += [f"{each.function}({'distinct' * each.distinct}{_term(each.expression)})" for each in query.aggregates]
    for text, output in reversed(list(zip(terms, outputs, strict=True))):
        yield _squeezed(text), output


def _term(asked: AskedExpression | None) -> str:
    if asked is None:
        return "*"
    if asked.unit:
        return f"date_trunc('{asked.unit}',{asked.path}{',' * bool(asked.zone)}{asked.zone})"
    return f"{asked.part}({asked.path})" if asked.part else asked.path


def _squeezed(text: str) -> str:
    """Without blanks and quotes, which an expression may be written with or without."""
    return text.translate({ord(" "): None, ord("'"): None, ord('"'): None})


def _refused(detail: str) -> Invalid:
    return Invalid(detail, code="invalid_aggregate")
