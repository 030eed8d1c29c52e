"""The rows of a list, in its order: one pipeline, whatever it is of pieces, joins and relations."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from records.kept import Kept
from records.plan import ListPlan, Populated
from records.providers.mongo.asking import Asking
from records.providers.mongo.layout import KEY, SYSTEM_PATHS, collection_name, path_of
from records.providers.mongo.matching import condition_stages
from records.providers.mongo.ordering import Term, prepared, sort_stage, terms_of
from records.providers.mongo.pieces import Piece, pieces_of
from records.providers.mongo.populating import link_paths, populate_stages
from records.providers.mongo.server import Document, Pipeline
from records.providers.mongo.source import Source
from records.table import Field, Table

_PIECE: Final = "_piece"
_PROJECTIONS_KEPT: Final = 2_000
_projections: Kept[tuple[Table, tuple[str, ...], bool, tuple[str, ...]], Document] = Kept(_PROJECTIONS_KEPT)
"""Of rows without relations; what is sent is never changed."""


def listed(
    plan: ListPlan, terms: tuple[Term, ...], asking: Asking, *, skip: int, limit: int, keep: bool = False
) -> list[Document]:
    """``limit`` rows after the first ``skip``, as ``RowWriter`` takes them; ``keep``: with the values of ``terms``.

    ``terms`` are those of the plan's order, from a source of their own.
    """
    pieces = [_narrowed(plan, piece, asking, skip + limit) for piece in pieces_of(plan, terms)]
    if not pieces:
        return []
    stages = _united(plan, terms, pieces, skip + limit)
    if skip:
        stages.append({"$skip": skip})
    stages.append({"$limit": limit})
    kept = [term.path for term in terms] if keep else []
    stages += row_stages(plan.table, plan.fields, plan.populated, meta=plan.meta, kept=kept)
    return asking.rows(plan.table, stages, most=limit)


def streamed(plan: ListPlan) -> Iterator[Pipeline]:
    """Every row of a list, without a limit: pipelines whose rows come one after the other."""
    for piece in pieces_of(plan, terms_of(plan.order, Source(plan.table))):
        stages = _piece_stages(plan, piece)
        yield [*stages, *row_stages(plan.table, plan.fields, plan.populated, meta=plan.meta)]


def row_stages(
    table: Table, fields: Sequence[Field], populated: Sequence[Populated], *, meta: bool, kept: Iterable[str] = ()
) -> Pipeline:
    """What a row of these fields needs and no more, ``kept`` paths besides, then its relations."""
    shape = (table, tuple([field.column for field in fields]), meta, tuple(kept))
    own = _projections.get(shape) if not populated else None
    if own is None:
        paths = [path_of(table, field) for field in fields]
        own = projection([*paths, *link_paths(populated, table), *shape[3], *(SYSTEM_PATHS if meta else ())])
        if not populated:
            _projections.put(shape, own)
    return [{"$project": own}, *populate_stages(populated, table)]


def projection(paths: Iterable[str]) -> Document:
    """These paths as ``$project`` takes them: none that lies inside another."""
    wanted = dict.fromkeys(paths, 1)
    found = {path: 1 for path in wanted if "." not in path or not any(map(path.startswith, _inside(wanted)))}
    return found if any(path == KEY or path.startswith(f"{KEY}.") for path in found) else {KEY: 0, **found}


def _inside(paths: Iterable[str]) -> Iterator[str]:
    return (f"{path}." for path in paths)


def _united(plan: ListPlan, terms: tuple[Term, ...], pieces: Sequence[Piece], most: int) -> Pipeline:
    """The pieces one after the other, of each as many rows as are wanted of all."""
    if len(pieces) == 1:
        return _piece_stages(plan, pieces[0])
    first, *others = [
        [*_piece_stages(plan, piece), {"$limit": most}, {"$set": {_PIECE: place}}] for place, piece in enumerate(pieces)
    ]
    collection = collection_name(plan.table)
    unions: Pipeline = [{"$unionWith": {"coll": collection, "pipeline": other}} for other in others]
    # MongoDB promises no order of what it unites. Flags that a piece has no need of are the same in all its rows.
    return [*first, *unions, {"$sort": {_PIECE: 1, **sort_stage(terms)["$sort"]}}]


def _piece_stages(plan: ListPlan, piece: Piece) -> Pipeline:
    """The rows of a piece in its order.

    A sort that an index gives comes first: MongoDB moves the conditions on the row itself before it, and rows are
    joined one by one until there are enough. Any other comes last: it has fewer rows and knows how many are wanted.
    """
    source = Source(plan.table)
    sort = sort_stage(piece.terms, known=piece.known)
    own: Pipeline = [{"$match": {"$and": list(piece.conditions)}}] if piece.conditions else []
    if piece.indexed:
        return [*own, sort, *condition_stages(plan.where, source)]
    terms = terms_of(plan.order, source)
    where = condition_stages(plan.where, source)
    ready = prepared(plan.order, terms, source, known=piece.known)
    if all(term.own for term in terms):
        return [*own, *where, *ready, sort]
    return [*where, *ready, *own, sort]


def _narrowed(plan: ListPlan, piece: Piece, asking: Asking, most: int) -> Piece:
    """Where an index leads the order but has not all of it: no farther than to the value of the last row wanted.

    What is left to sort are as many rows as are wanted, and the equals of the last one.
    """
    if not piece.led:
        return piece
    term = piece.terms[piece.constant]
    ways = [replace(each, descending=term.descending) for each in piece.terms[: piece.constant + 1]]
    stages: Pipeline = [{"$match": {"$and": list(piece.conditions)}}] if piece.conditions else []
    stages += [sort_stage(ways, known=len(ways)), *condition_stages(plan.where, Source(plan.table))]
    stages += [{"$skip": most - 1}, {"$limit": 1}, {"$project": {term.path: 1}}]
    found = asking.rows(plan.table, stages, most=1)
    if not found:
        return piece
    bound = {term.path: {"$gte" if term.descending else "$lte": value_in(found[0], term.path)}}
    return replace(piece, conditions=(*piece.conditions, bound))


def value_in(document: Document, path: str) -> Any:
    """The value at a path of any depth; None where there is none."""
    found: Any = document
    for step in path.split("."):
        if found is None:
            return None
        found = found.get(step)
    return found
