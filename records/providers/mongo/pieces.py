"""The rows of a list as pieces of it, one after the other, each of which an index can give in its order.

An index of MongoDB has nulls first, so an order by a field that can be null is two pieces: rows with a value, rows
without one. Rows after (a, b) in an order of two terms are those with the first term equal and the second after b, then
those with the first term after a. Where no index leads the order all pieces are one question: any of the ranges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from records.conditions import EVERYTHING
from records.plan import ListPlan
from records.providers.mongo.indexes import MongoIndex, indexes_of
from records.providers.mongo.layout import KEY
from records.providers.mongo.ordering import Term
from records.providers.mongo.partial import present
from records.providers.mongo.server import Document
from records.providers.mongo.values import key_from_texts, operand
from records.table import Table


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that satisfy ``conditions``, in the order of ``terms``.

    The first ``constant`` terms are the same in all of them, those in ``absent`` null; the first ``known`` need no flag
    of nulls. ``indexed``: an index gives the rows in this very order; ``led``: at least in that of the first term that
    is not constant.
    """

    terms: tuple[Term, ...]
    conditions: tuple[Document, ...] = ()
    constant: int = 0
    known: int = 0
    absent: frozenset[int] = frozenset()
    indexed: bool = False
    led: bool = False


def pieces_of(plan: ListPlan, terms: tuple[Term, ...]) -> list[Piece]:
    """The pieces of a list, in its order; of a cursor's page those after its place."""
    led = all(term.own for term in terms) and _is_led(plan.table, (terms[0].path,))
    if plan.after is None:
        return [_with_index(plan.table, piece) for piece in _by_presence(terms)] if led else [Piece(terms)]
    if plan.where == EVERYTHING and None not in plan.after and _is_key_order(plan.table, terms):
        return [_after_key(plan.table, terms[0].descending, plan.after)]
    ranges = list(_ranges(terms, plan.after))
    if led or not ranges:
        return [_with_index(plan.table, piece) for piece in ranges]
    any_of = [{"$and": list(piece.conditions)} for piece in ranges]
    return [Piece(terms, ({"$or": any_of},))]


def _is_key_order(table: Table, terms: tuple[Term, ...]) -> bool:
    """Whether they are the parts of the key, as they stand in ``_id``, in one direction.

    MongoDB compares documents member by member. A duration in a key is its text, which is not what orders.
    """
    parts = tuple(term.field.name if term.own and term.field else None for term in terms)
    plain = all(field.type != "duration" for field in table.key_fields)
    return plain and parts == table.primary_key and len({term.descending for term in terms}) == 1


def _after_key(table: Table, descending: bool, key: Sequence[str | None]) -> Piece:
    """The rows after a whole key: one range, where its parts would be one for each."""
    whole = Term(0, KEY, descending, nullable=False, own=True)
    after = key_from_texts(table, [str(part) for part in key])
    return Piece((whole,), ({KEY: {"$lt" if descending else "$gt": after}},), known=1, indexed=True)


def _by_presence(terms: tuple[Term, ...]) -> list[Piece]:
    first = terms[0]
    if not first.nullable:
        return [Piece(terms, known=1)]
    there = Piece(terms, (_present(first),), known=1)
    absent = Piece(terms, (_absent(first),), constant=1, known=1, absent=frozenset({0}))
    return [absent, there] if first.descending else [there, absent]


def _ranges(terms: tuple[Term, ...], after: Sequence[str | None]) -> Iterator[Piece]:
    """The disjoint ranges of the rows after the place, in the order of their rows."""
    for last in reversed(range(len(terms))):
        equal = tuple(_equal(term, value) for term, value in zip(terms[:last], after, strict=False))
        nulls = frozenset(place for place, value in enumerate(after[:last]) if value is None)
        for condition, is_null in _later(terms[last], after[last]):
            yield Piece(
                terms,
                (*equal, condition),
                constant=last + is_null,
                known=last + 1,
                absent=nulls | {last} if is_null else nulls,
            )


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
    """The piece in the order of an index, where there is one; terms that are the same in all rows go any way."""
    way = piece.terms[min(piece.constant, len(piece.terms) - 1)].descending
    free = tuple(replace(term, descending=way) if term.place < piece.constant else term for term in piece.terms)
    for terms in (free, free[piece.constant :]):
        for index in ordered_by(table):
            head = _given(index, terms, piece)
            if head:
                return replace(piece, terms=head, indexed=True)
    paths = tuple(term.path for term in piece.terms[: piece.constant + 1])
    return replace(piece, led=piece.constant < piece.known and _is_led(table, paths))


def _given(index: "Ordered", terms: tuple[Term, ...], piece: Piece) -> tuple[Term, ...]:
    """The terms that the index is in the order of: all of them, or those beyond which no rows are equal. Else none."""
    head = terms[: len(index.paths)] if index.unique else terms
    if index.paths[: len(head)] != tuple(term.path for term in head) or len({term.descending for term in head}) != 1:
        return ()
    if any(term.nullable and term.place >= piece.known for term in head):
        return ()
    if index.unique and (len(head) < len(index.paths) or any(term.place in piece.absent for term in head)):
        return ()
    return head


@dataclass(frozen=True, slots=True)
class Ordered:
    """The paths that an index is in the order of; ``unique``, and then of rows with values only."""

    paths: tuple[str, ...]
    unique: bool = False


@lru_cache(maxsize=2_000)
def ordered_by(table: Table) -> tuple[Ordered, ...]:
    """The orders in which indexes give rows of this table."""
    found = [Ordered((KEY,), unique=True)] if len(table.primary_key) == 1 else []
    for index in indexes_of(table):
        if not index.of or (index.unique and _holds_every_value(index)):
            found.append(Ordered(index.paths, index.unique))
    return tuple(found)


def _holds_every_value(index: MongoIndex) -> bool:
    """Whether only rows without a value in its own paths are not in it."""
    parts: list[Document] = index.of.get("$and", [index.of])
    return all(part in [present(path) for path in index.paths] for part in parts)


def _is_led(table: Table, paths: tuple[str, ...]) -> bool:
    return any(index.paths[: len(paths)] == paths for index in ordered_by(table))
