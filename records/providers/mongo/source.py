"""What one pipeline reads from: a table's documents and, in members of their own, the rows that relations lead to.

A to-one relation's row stands as a document in a member ``_h<n>``, absent where there is none. Whether some row of a
to-many relation satisfies a condition is told by a member ``_e<n>``: an array of at most one document.
"""

from collections.abc import Iterator
from typing import Any, Final

from records.providers.mongo.layout import KEY, collection_name, compared_path, is_in_key, path_of
from records.providers.mongo.server import Document, Pipeline
from records.relations import Relation
from records.table import Field, Table

_ONE: Final[Pipeline] = [{"$limit": 1}, {"$project": {KEY: 1}}]


class Source:
    """A table and the rows its to-one relations lead to, each looked up once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._hops: dict[tuple[str, ...], str] = {}
        self._made: list[str] = []
        self._waiting: Pipeline = []
        self._arrays: list[str] = []

    def path(self, hops: tuple[Relation, ...], field: Field) -> str:
        """The path of a field's compared value (of a duration its length) in the row that ``hops`` lead to."""
        table = hops[-1].target if hops else self.table
        return self.prefix(hops) + compared_path(table, field)

    def prefix(self, hops: tuple[Relation, ...]) -> str:
        """What stands before the paths of the row that ``hops`` lead to, looked up when it was not before."""
        if not hops:
            return ""
        names = tuple(hop.name for hop in hops)
        if names not in self._hops:
            here = self.prefix(hops[:-1])
            member = self._member("_h")
            self._waiting += self._lookup(hops[-1], here, member, [])
            self._arrays.append(member)
            self._hops[names] = f"{member}."
        return self._hops[names]

    def some(self, hops: tuple[Relation, ...], relation: Relation, stages: Pipeline) -> str:
        """The member that tells whether ``stages`` leave a row of those the relation leads to: an array of it."""
        here = self.prefix(hops)
        member = self._member("_e")
        self._waiting += self._lookup(relation, here, member, [*stages, *_ONE])
        return member

    @property
    def stages(self) -> Pipeline:
        """The lookups asked for so far and not yet handed out; they belong before what asked for them."""
        self._waiting += self._unpacked()
        stages, self._waiting = self._waiting, []
        return stages

    @property
    def members(self) -> list[str]:
        """Every member that was added to the documents: what a page need not carry any further."""
        return list(self._made)

    def _unpacked(self) -> Iterator[Document]:
        """What makes documents of the arrays of at most one that lookups leave.

        Not ``$unwind``, and late: only lookups that stand side by side the server's faster engine takes (five times).
        """
        if self._arrays:
            yield {"$set": {member: {"$first": f"${member}"} for member in self._arrays}}
        self._arrays = []

    def _member(self, kind: str) -> str:
        self._made.append(f"{kind}{len(self._made)}")
        return self._made[-1]

    def _lookup(self, relation: Relation, here: str, member: str, stages: Pipeline) -> Iterator[Document]:
        if len(relation.pairs) > 1:
            yield from self._unpacked()
        if _is_whole_key(relation):
            key = f"{member}k"
            self._made.append(key)
            parts = {theirs.name: f"${here}{path_of(relation.source, mine)}" for mine, theirs in relation.pairs}
            yield {"$set": {key: {field.column: parts[field.name] for field in relation.target.key_fields}}}
            yield _lookup(relation.target, key, KEY, member, stages)
        else:
            yield from pairs_lookup(relation, here, member, stages)


def pairs_lookup(relation: Relation, here: str, member: str, stages: Pipeline) -> Iterator[Document]:
    """Put the rows a relation leads to, as ``stages`` leave them, into a member: an array.

    A null leads nowhere: to ``$lookup`` itself two missing values are equal, so what is compared must be there.
    """
    (mine, theirs), *others = relation.pairs
    local, foreign = here + path_of(relation.source, mine), path_of(relation.target, theirs)
    match: Document = {}
    if foreign != KEY and (here or not _is_always_there(relation.source, mine)):
        match[foreign] = {"$exists": True}
    variables = {f"v{place}": f"${here}{path_of(relation.source, one)}" for place, (one, _) in enumerate(others)}
    equal: list[Any] = []
    for place, (_, other) in enumerate(others):
        there = path_of(relation.target, other)
        match[there] = {"$exists": True}
        equal.append({"$eq": [f"${there}", f"$$v{place}"]})
    if equal:
        match["$expr"] = {"$and": equal}
    lookup = _lookup(relation.target, local, foreign, member, [*([{"$match": match}] if match else []), *stages])
    if variables:
        lookup["$lookup"]["let"] = variables
    yield lookup


def _lookup(target: Table, local: str, foreign: str, member: str, stages: Pipeline) -> Document:
    lookup: Document = {"from": collection_name(target), "localField": local, "foreignField": foreign, "as": member}
    if stages:
        lookup["pipeline"] = stages
    return {"$lookup": lookup}


def _is_whole_key(relation: Relation) -> bool:
    """Whether it leads to rows by all parts of their composite key, which are one value there."""
    theirs = {field.name for _, field in relation.pairs}
    return len(relation.target.primary_key) > 1 and theirs == set(relation.target.primary_key)


def _is_always_there(table: Table, field: Field) -> bool:
    return field.required or is_in_key(table, field)
