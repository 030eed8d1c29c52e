"""An order as ``$sort``: nulls last ascending, first descending, though MongoDB knows them as least.

A term that can be null has a flag before it. One that cannot be (a key, a required field) has none, so that an index
serves; ``pieces`` takes the others apart where an index would.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from records.conditions import Expression
from records.plan import Rank, Sort
from records.providers.mongo.layout import compared_path
from records.providers.mongo.ranking import rank_of
from records.providers.mongo.server import Document, Pipeline
from records.providers.mongo.source import Source
from records.table import Field, Table


@dataclass(frozen=True, slots=True)
class Term:
    """One term: the path of its value, whether that can be null, and its field; a rank has none.

    ``own`` says that the value is a member of the row itself.
    """

    place: int
    path: str
    descending: bool
    nullable: bool
    field: Field | None = None
    own: bool = False

    @property
    def way(self) -> int:
        """As ``$sort`` says it."""
        return -1 if self.descending else 1

    @property
    def flag(self) -> str:
        """The member that says that the value is null."""
        return f"_n{self.place}"


def order_stages(order: Sequence[Sort], source: Source) -> Pipeline:
    """The lookups an order needs, what it computes, and the sort."""
    terms = terms_of(order, source)
    return [*prepared(order, terms, source), sort_stage(terms)]


def terms_of(order: Sequence[Sort], source: Source) -> tuple[Term, ...]:
    """The terms; the lookups they need are asked for in ``source``."""
    return tuple(_term(place, sort, source) for place, sort in enumerate(order))


def prepared(order: Sequence[Sort], terms: Sequence[Term], source: Source, *, known: int = 0) -> Pipeline:
    """The lookups and the members that a sort by these terms needs; the first ``known`` terms need no flag."""
    members: Document = {}
    for term, sort in zip(terms, order, strict=True):
        if isinstance(sort.expression, Rank):
            members[term.path] = rank_of(sort.expression.words, source)
        elif term.nullable and term.place >= known:
            members[term.flag] = {"$lte": [f"${term.path}", None]}
    stages = source.stages
    return [*stages, {"$set": members}] if members else stages


def sort_stage(terms: Sequence[Term], *, known: int = 0) -> Document:
    """The sort; the first ``known`` terms are not flagged."""
    keys: dict[str, int] = {}
    for term in terms:
        if term.nullable and term.place >= known:
            keys[term.flag] = term.way
        keys[term.path] = term.way
    return {"$sort": keys}


def can_be_null(table: Table, field: Field) -> bool:
    """Whether a row of this table can lack the field's value."""
    return not (field.required or field.name in table.primary_key)


def _term(place: int, sort: Sort, source: Source) -> Term:
    expression = sort.expression
    if isinstance(expression, Rank):
        return Term(place, f"_r{place}", sort.descending, nullable=False)
    assert isinstance(expression, Expression)
    if expression.hops:
        path = source.path(expression.hops, expression.field)
        return Term(place, path, sort.descending, nullable=True, field=expression.field)
    nullable = can_be_null(source.table, expression.field)
    path = compared_path(source.table, expression.field)
    return Term(place, path, sort.descending, nullable, expression.field, own=True)
