"""Pages after a cursor: the rows whose place in the order comes after a given one, found through indexes.

Rows after (a, b) in an order of two terms are those with the first term equal and the second after b, then those with
the first term after a: disjoint ranges, each of which an index can serve, taken apart and merged. Where all terms go
one way and none can be null, one row comparison says the same.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from records.conditions import EVERYTHING, Expression
from records.plan import ListPlan, Sort
from records.providers.postgres.columns import compared
from records.providers.postgres.compile import (
    Values,
    limit_text,
    list_shape,
    order_term,
    page_columns,
    shared_values,
    sort_text,
    where_text,
)
from records.providers.postgres.folding import Folding
from records.providers.postgres.rowtext import populated_row
from records.providers.postgres.source import Source

_SLICE: Final = SQL("""
SELECT
    coalesce(string_agg(row, ',') FILTER (WHERE place <= {limit}), ''),
    count(*) > {limit},
    max(terms) FILTER (WHERE place = {limit})
FROM (
    SELECT {row} AS row, row_number() OVER () AS place, ARRAY[{terms}] AS terms
    FROM (SELECT * FROM ({pieces}) AS pieces ORDER BY {order} LIMIT {limit} + 1) AS page
) AS rows""")
_PIECE: Final = SQL("(SELECT {columns} FROM {source} WHERE {condition} ORDER BY {order} LIMIT {limit} + 1)")


@dataclass(frozen=True, slots=True)
class _Term:
    """A term of the order: whether it can be null, and the value that the page begins after (None: null)."""

    place: int
    sort: Sort
    nullable: bool
    value: str | None

    def text(self, source: Source) -> Composable:
        return sort_text(self.sort, source)

    @property
    def bound(self) -> Composable:
        """The value, as the term's type."""
        placeholder = Placeholder(f"after{self.place}")
        if isinstance(self.sort.expression, Expression):
            return compared(self.sort.expression.field).bound(placeholder)
        return SQL("{text}::real").format(text=placeholder)

    def equal(self, source: Source) -> Composable:
        """The term has the very value."""
        if self.value is None:
            return SQL("{term} IS NULL").format(term=self.text(source))
        return SQL("{term} = {value}").format(term=self.text(source), value=self.bound)

    def later(self, source: Source) -> Iterator[Composable]:
        """The term comes after the value: disjoint conditions, in the order of their rows."""
        term = self.text(source)  # ascending, nulls come last
        if self.sort.descending and self.value is None:
            yield SQL("{term} IS NOT NULL").format(term=term)
        elif self.sort.descending:
            yield SQL("{term} < {value}").format(term=term, value=self.bound)
        elif self.value is not None:
            yield SQL("{term} > {value}").format(term=term, value=self.bound)
            if self.nullable:
                yield SQL("{term} IS NULL").format(term=term)


def slice_shape(plan: ListPlan) -> Hashable:
    """What the statement depends on: that of a list, and which values of the place are null."""
    after = None if plan.after is None else tuple(value is None for value in plan.after)
    return "slice", list_shape(plan), after


def slice_statement(plan: ListPlan, folding: Folding) -> Composed:
    """One statement: the rows as JSON texts joined by commas, whether there are more, the last row's sort values."""
    ordered = [SQL("{name}{way}").format(name=_name(place), way=_way(sort)) for place, sort in enumerate(plan.order)]
    return _SLICE.format(
        limit=limit_text(plan),
        row=populated_row(plan.fields, plan.populated, "page", meta=plan.meta),
        terms=SQL(", ").join(SQL("{name}::text").format(name=_name(place)) for place in range(len(plan.order))),
        pieces=SQL(" UNION ALL ").join(_pieces(plan, folding)),
        order=SQL(", ").join(ordered),
    )


def slice_values(plan: ListPlan) -> Values:
    """The values of a slice's statement."""
    assert plan.page is not None
    after = enumerate(plan.after or ())
    place: Values = {f"after{number}": value for number, value in after if value is not None}
    return {"limit": str(plan.page.size), **place, **shared_values(plan)}


def _pieces(plan: ListPlan, folding: Folding) -> Iterator[Composable]:
    for number in range(1 if plan.after is None else _count_ranges(plan)):
        source = Source(plan.table)
        where = [] if plan.where == EVERYTHING else [where_text(plan, source, folding)]
        after = [] if plan.after is None else [_ranges(plan, source)[number]]
        terms = [sort_text(sort, source) for sort in plan.order]
        named = [SQL("{term} AS {name}").format(term=term, name=_name(place)) for place, term in enumerate(terms)]
        yield _PIECE.format(
            columns=SQL(", ").join([page_columns(plan, source), *named]),
            order=SQL(", ").join(order_term(sort, source) for sort in plan.order),
            condition=SQL(" AND ").join([*where, *after]) if where or after else SQL("TRUE"),
            source=source.text,
            limit=limit_text(plan),
        )


def _count_ranges(plan: ListPlan) -> int:
    return len(_ranges(plan, Source(plan.table)))


def _ranges(plan: ListPlan, source: Source) -> list[Composable]:
    """The disjoint conditions of the rows after the place, in the order of their rows."""
    assert plan.after is not None
    places = count()
    terms = [
        _Term(next(places), sort, value is None or _nullable(plan, sort), value)
        for sort, value in zip(plan.order, plan.after, strict=True)
    ]
    if len({term.sort.descending for term in terms}) == 1 and not any(term.nullable for term in terms):
        return [_row_comparison(terms, source)]
    found: list[Composable] = []
    for last in reversed(range(len(terms))):
        equal = [term.equal(source) for term in terms[:last]]
        found += [SQL(" AND ").join([*equal, later]) for later in terms[last].later(source)]
    return found


def _row_comparison(terms: Sequence[_Term], source: Source) -> Composable:
    return SQL("({terms}) {way} ({values})").format(
        terms=SQL(", ").join(term.text(source) for term in terms),
        way=SQL("<" if terms[0].sort.descending else ">"),
        values=SQL(", ").join(term.bound for term in terms),
    )


def _nullable(plan: ListPlan, sort: Sort) -> bool:
    expression = sort.expression
    if not isinstance(expression, Expression):
        return False
    if expression.hops:
        return True
    return not (expression.field.required or expression.field.name in plan.table.primary_key)


def _name(place: int) -> Identifier:
    return Identifier(f"s{place}")


def _way(sort: Sort) -> Composable:
    return SQL(" DESC" if sort.descending else "")
