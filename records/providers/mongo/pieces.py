"""The rows of a list as pieces of it, one after the other, each of which an index can give in its order.

An index of MongoDB has nulls first, so an order by a field that can be null is two pieces: rows with a value, rows
without one. Rows after (a, b) in an order of two terms are those with the first term equal and the second after b, then
those with the first term after a. Where no index leads the order all pieces are one question: any of the ranges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from records.plan import ListPlan
from records.providers.mongo.indexes import indexes_of
from records.providers.mongo.layout import KEY, compared_path
from records.providers.mongo.ordering import Term
from records.providers.mongo.server import Document
from records.providers.mongo.values import operand
from records.table import Table


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that satisfy ``conditions``, in the order of ``terms``.

    The first ``constant`` terms are the same in all of them, the first ``known`` need no flag of nulls. ``indexed``: an
    index gives them in this very order; ``led``: at least in that of the first term that is not constant.
    """

    terms: tuple[Term, ...]
    conditions: tuple[Document, ...] = ()
    constant: int = 0
    known: int = 0
    indexed: bool = False
    led: bool = False


def pieces_of(plan: ListPlan, terms: tuple[Term, ...]) -> list[Piece]:
    """The pieces of a list, in its order; of a cursor's page those after its place."""
    if plan.after is None:
        found = _by_presence(terms)
    else:
        found = list(_ranges(terms, plan.after))
    pieces = [_with_index(plan.table, piece) for piece in found]
    if any(piece.indexed or piece.led for piece in pieces):
        return pieces
    if plan.after is None:
        return [Piece(terms)]
    ranges = [{"$and": list(piece.conditions)} if piece.conditions else {} for piece in pieces]
    if not ranges:
        return []
    return [Piece(terms, ({"$or": ranges} if len(ranges) > 1 else ranges[0],))]


def _by_presence(terms: tuple[Term, ...]) -> list[Piece]:
    first = terms[0]
    if not first.nullable:
        return [Piece(terms, known=1)]
    there = Piece(terms, (_present(first),), known=1)
    absent = Piece(terms, (_absent(first),), constant=1, known=1)
    return [absent, there] if first.descending else [there, absent]


def _ranges(terms: tuple[Term, ...], after: Sequence[str | None]) -> Iterator[Piece]:
    """The disjoint ranges of the rows after the place, in the order of their rows."""
    for last in reversed(range(len(terms))):
        equal = tuple(_equal(term, value) for term, value in zip(terms[:last], after, strict=False))
        for condition, constant in _later(terms[last], after[last]):
            yield Piece(terms, (*equal, condition), constant=last + constant, known=last + 1)


def _later(term: Term, value: str | None) -> Iterator[tuple[Document, bool]]:
    """The term comes after the value: disjoint conditions in the order of their rows, and whether it is one value."""
    if term.descending and value is None:
        yield _present(term), False
    elif value is not None:
        yield {term.path: {"$lt" if term.descending else "$gt": _operand(term, value)}}, False
        if term.nullable and not term.descending:
            yield _absent(term), True


def _equal(term: Term, value: str | None) -> Document:
    return _absent(term) if value is None else {term.path: {"$eq": _operand(term, value)}}


def _absent(term: Term) -> Document:
    return {term.path: {"$eq": None}}


def _present(term: Term) -> Document:
    """Said twice: so an index of all rows passes its nulls over, and one of rows with a value is known to serve."""
    return {term.path: {"$exists": True, "$ne": None}}


def _operand(term: Term, text: str) -> object:
    return float(text) if term.field is None else operand(term.field, text)


def _with_index(table: Table, piece: Piece) -> Piece:
    terms = piece.terms
    if not all(term.own for term in terms):
        return piece
    # Terms that are the same in all rows go any way.
    way = terms[min(piece.constant, len(terms) - 1)].descending
    terms = tuple(replace(term, descending=way) if term.place < piece.constant else term for term in terms)
    one_way = len({term.descending for term in terms}) == 1
    flagged = any(term.nullable for term in terms[piece.known :])
    paths = tuple(term.path for term in terms)
    indexed = one_way and not flagged and any(_gives(index, paths, piece.known) for index in ordered_by(table))
    led = not indexed and piece.constant < piece.known and _is_led(table, paths[: piece.constant + 1])
    return replace(piece, terms=terms, indexed=indexed, led=led)


@dataclass(frozen=True, slots=True)
class Ordered:
    """The paths that an index is in the order of; ``unique``, and then of rows with values only."""

    paths: tuple[str, ...]
    unique: bool = False


@lru_cache(maxsize=2_000)
def ordered_by(table: Table) -> tuple[Ordered, ...]:
    """The orders in which indexes give rows of this table."""
    found = [Ordered((KEY,), unique=True)] if len(table.primary_key) == 1 and _key_is_compared(table) else []
    for index in indexes_of(table):
        if not index.inside and (index.unique or not index.of):
            found.append(Ordered(index.paths, index.unique))
    return tuple(found)


def _key_is_compared(table: Table) -> bool:
    return compared_path(table, table.key_fields[0]) == KEY


def _gives(index: Ordered, paths: tuple[str, ...], known: int) -> bool:
    """Whether the index is in this very order: it goes as far as the order does, or to where rows are distinct."""
    if index.unique:
        count = len(index.paths)
        return count <= known and paths[:count] == index.paths
    return index.paths[: len(paths)] == paths


def _is_led(table: Table, paths: tuple[str, ...]) -> bool:
    return any(index.paths[: len(paths)] == paths for index in ordered_by(table))
