"""Aggregate functions → accumulators of ``$group``, and what is made of what they gathered.

*Rows* hold the values that are looked at where a path alone does not say them. *Groups* hold what is gathered of them,
each once. *Shape* is what is sent of a group. What MongoDB cannot say exactly Python says of what was gathered: sums
beyond 34 digits, and the 15 digits of averages and spreads.
"""

from collections.abc import Callable, Collection
from decimal import Decimal
from itertools import combinations_with_replacement
from typing import Any, Final

from records.conditions import Expression
from records.plan import Aggregate, GroupPlan
from records.providers.mongo.expressions import expression_of
from records.providers.mongo.server import Document
from records.providers.mongo.shown import LENGTH, TEXT, Shown, array_shown, joining, json_shown, number_shown
from records.providers.mongo.source import Source
from records.providers.mongo.sums import (
    Distinct,
    Limbs,
    PlainIntegers,
    PlainNumbers,
    Summed,
    Sums,
    beyond,
    limbs_of,
    powers,
)
from records.table import Field

_REMOVED: Final = "$$REMOVE"
_EACH: Final = {"$sum": 1}
_FINISHED: Final[dict[str, Callable[[Summed], Decimal | None]]] = {
    "sum": lambda summed: summed.sum,
    "avg": lambda summed: summed.average,
    "variance": lambda summed: summed.variance,
    "stddev": lambda summed: summed.deviation,
}


class Gathering:
    """The rows and the groups of one pipeline, and its outputs, groups' keys first.

    ``compared`` are the places of outputs that order or ``_having`` look at. ``wide`` sums are always exact, plain ones
    are quicker and may raise Inexact when they are read.
    """

    def __init__(self, plan: GroupPlan, source: Source, compared: Collection[int], *, wide: bool) -> None:
        self._table = plan.table
        self._source, self._compared, self._wide = source, compared, wide
        self.rows: Document = {}
        self.limbs: Document = {}
        self.keys: Document = {}
        self.groups: Document = {}
        self.shape: Document = {"_id": 0}
        self.in_key_order = False
        self.outputs: list[Shown] = []
        self._names: dict[str, str] = {}
        for group in plan.groups:
            self.outputs.append(self._key(group.expression))
        for aggregate in plan.aggregates:
            self.outputs.append(self._aggregate(aggregate))

    @property
    def nothing(self) -> Document:
        """The group of no rows."""
        empty = {"$sum": 0, "$push": [], "$addToSet": []}
        return {name: empty.get(next(iter(gathered))) for name, gathered in self.groups.items()}

    @property
    def _place(self) -> int:
        return len(self.outputs)

    def _value(self, expression: Expression) -> str:
        """The expression as a path with its ``$``."""
        value = expression_of(expression, self._source)
        if isinstance(value, str) and value.startswith("$") and not value.startswith("$$"):
            return value
        return "$" + self._named(self.rows, "_x", value)

    def _text(self, expression: Expression) -> str:
        """A duration as it was sent."""
        field = expression.field
        path = self._source.path(expression.hops, field)
        return f"${path.removesuffix(field.beside)}{field.column}"

    def _gathered(self, **accumulator: Any) -> str:
        return self._named(self.groups, "g", {f"${name}": value for name, value in accumulator.items()})

    def _sent(self, **accumulator: Any) -> str:
        """The same, sent as it is."""
        name = self._gathered(**accumulator)
        self.shape[name] = f"${name}"
        return name

    def _named(self, among: Document, prefix: str, value: Any) -> str:
        """The name of the member that holds the value, one for equal ones."""
        key = f"{prefix}{value!r}"
        if key not in self._names:
            self._names[key] = f"{prefix}{len(among)}"
            among[self._names[key]] = value
        return self._names[key]

    def _made(self, expression: Any) -> str:
        """The member of this place that MongoDB compares, made of what was gathered."""
        name = f"o{self._place}"
        self.shape[name] = expression
        return name

    def _key(self, expression: Expression) -> Shown:
        name = f"k{self._place}"
        self.keys[name] = {"$ifNull": [self._value(expression), None]}
        member = self._made(f"$_id.{name}")
        shown = member
        if expression.result.type == "duration":
            shown = self._sent(min=self._text(expression))
        return Shown(expression.result, lambda group: json_shown(expression.result, group.get(shown)), member)

    def _aggregate(self, aggregate: Aggregate) -> Shown:
        expression = aggregate.expression
        if expression is None:
            return self._plain(aggregate.result, f"${self._gathered(sum=1)}")
        match aggregate.function:
            case "count":
                return self._plain(aggregate.result, self._count(expression, distinct=aggregate.distinct))
            case "min" | "max":
                return self._bound(aggregate, expression)
            case "string_agg":
                return self._joined(aggregate, expression)
            case "array_agg" | "json_agg":
                return self._items(aggregate, expression)
        return self._number(aggregate, expression)

    def _plain(self, result: Field, expression: Any) -> Shown:
        member = self._made(expression)
        return Shown(result, lambda group: json_shown(result, group.get(member)), member)

    def _count(self, expression: Expression, *, distinct: bool) -> Any:
        if distinct:
            return {"$size": f"${self._different(self._value(expression))}"}
        return f"${self._counted(expression)}"

    def _counted(self, expression: Expression) -> str:
        """How many values there are. Of a field without nulls every row is counted, which costs nothing."""
        plain = not (expression.hops or expression.keys)
        if plain and (expression.field.required or expression.field in self._table.key_fields):
            return self._gathered(sum=1)
        return self._gathered(sum={"$cond": [_is_there(self._value(expression)), 1, 0]})

    def _different(self, value: str) -> str:
        """The different values that are not null."""
        return self._gathered(addToSet={"$ifNull": [value, _REMOVED]})

    def _bound(self, aggregate: Aggregate, expression: Expression) -> Shown:
        value = self._value(expression)
        if aggregate.result.type != "duration":
            return self._plain(aggregate.result, f"${self._gathered(**{aggregate.function: value})}")
        both = {LENGTH: value, TEXT: self._text(expression)}
        if aggregate.function == "min":
            name = self._gathered(min={"$cond": [_is_there(value), both, _REMOVED]})
        else:
            order = {value[1:]: -1, both[TEXT][1:]: 1}
            name = self._gathered(top={"output": both, "sortBy": order})
        text = f"t{self._place}"
        self.shape[text] = f"${name}.{TEXT}"
        member = self._made(f"${name}.{LENGTH}")
        return Shown(aggregate.result, lambda group: group.get(text), member)

    def _joined(self, aggregate: Aggregate, expression: Expression) -> Shown:
        value = self._value(expression)
        if aggregate.distinct:
            name = self._different(value)
        else:
            self.in_key_order = True
            name = self._gathered(push={"$ifNull": [value, _REMOVED]})
        if self._place in self._compared:
            return self._plain(
                aggregate.result,
                joining({"$sortArray": {"input": f"${name}", "sortBy": 1}} if aggregate.distinct else f"${name}"),
            )
        self.shape[name] = f"${name}"
        order = sorted if aggregate.distinct else list
        return Shown(aggregate.result, lambda group: ",".join(order(group[name])) if group[name] else None)

    def _items(self, aggregate: Aggregate, expression: Expression) -> Shown:
        result = expression.result
        is_duration = result.type == "duration"
        value: Any = self._text(expression) if is_duration else self._value(expression)
        if is_duration and aggregate.distinct:
            value = {LENGTH: self._value(expression), TEXT: value}
        if aggregate.distinct:
            name = self._sent(addToSet={"$ifNull": [value, None]})
        else:
            self.in_key_order = True
            name = self._sent(push={"$ifNull": [value, None]})
        member = ""
        if self._place in self._compared:
            member = self._made({"$cond": [{"$eq": [f"${name}", []]}, None, True]})
        return Shown(
            aggregate.result, lambda group: array_shown(result, group[name], distinct=aggregate.distinct), member
        )

    def _number(self, aggregate: Aggregate, expression: Expression) -> Shown:
        whole = aggregate.function == "sum" and not aggregate.distinct and _is_whole(expression)
        if whole and (self._wide or self._place in self._compared):
            return self._whole_sum(aggregate, expression)
        sums = self._sums(aggregate, expression)
        finish = _FINISHED[aggregate.function]
        return Shown(
            aggregate.result,
            lambda group: number_shown(finish(sums.read(group))),
            computed=lambda group: finish(sums.read(group)),
        )

    def _whole_sum(self, aggregate: Aggregate, expression: Expression) -> Shown:
        """A sum of integers that MongoDB can compare: decimal128 holds that of 1e15 rows."""
        total = self._gathered(sum={"$toDecimal": self._value(expression)})
        count = self._counted(expression)
        return self._plain(aggregate.result, {"$cond": [{"$gt": [f"${count}", 0]}, f"${total}", None]})

    def _sums(self, aggregate: Aggregate, expression: Expression) -> Sums:
        value, squares = self._value(expression), aggregate.function in ("stddev", "variance")
        if aggregate.distinct:
            name = self._different(value)
            self.shape[name] = f"${name}"
            return Distinct(name)
        count = self._counted(expression)
        self.shape[count] = f"${count}"
        if self._wide:
            return self._limbs(value, count, integer=_is_whole(expression), squares=squares)
        total = self._sent(sum=value)
        square = self._sent(sum={"$multiply": [value, value]}) if squares else ""
        if _is_whole(expression):
            return PlainIntegers(count, total, square)
        least, most = self._sent(min=value), self._sent(max=value)
        return PlainNumbers(count, total, self._sent(max=beyond(value, squares=squares)), least, most, square)

    def _limbs(self, value: str, count: str, *, integer: bool, squares: bool) -> Sums:
        limbs = self._named(self.limbs, "_w", limbs_of(value, integer=integer))
        places = range(len(powers(integer=integer)))
        each: list[Any] = [{"$arrayElemAt": [f"${limbs}", place]} for place in places]
        products = {
            (one, other): self._sent(sum={"$multiply": [each[one], each[other]]})
            for one, other in (combinations_with_replacement(places, 2) if squares else ())
        }
        odd = self._sent(push={"$cond": [{"$eq": [f"${limbs}", []]}, value, _REMOVED]})
        names = tuple(self._sent(sum=limb) for limb in each)
        return Limbs(count, powers(integer=integer), names, products, odd)


def _is_there(value: Any) -> Document:
    return {"$gt": [value, None]}


def _is_whole(expression: Expression) -> bool:
    return expression.result.type != "number"
