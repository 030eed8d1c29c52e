"""``populate`` → the relations that are put into each row, as a tree. Knows relations, no SQL."""

from dataclasses import dataclass, field

from datar.errors import Invalid
from records import limits
from records.names import resolve_relations
from records.plan import Populated
from records.relations import Lookups, Relation
from records.table import Table


@dataclass
class _Node:
    """A relation on its way into the tree; a path may be named before or after its parts."""

    relation: Relation
    below: "dict[str, _Node]" = field(default_factory=dict)


def plan_populate(
    paths: tuple[str, ...], limit: int | None, table: Table, lookups: Lookups, *, rows: int = 1
) -> tuple[Populated, ...]:
    """The tree of relations that the paths name, put into ``rows`` rows at once.

    Raises Invalid: ``unknown_field``, ``query_too_complex``.
    """
    roots: dict[str, _Node] = {}
    for path in paths:
        for relations in _paths(path, table, lookups):
            below = roots
            for relation in relations:
                below = below.setdefault(relation.name, _Node(relation)).below
    if _size(roots) > limits.POPULATED_RELATIONS:
        raise Invalid(f"More than {limits.POPULATED_RELATIONS} populated relations.", code="query_too_complex")
    populated = _frozen(roots, limits.POPULATED_ROWS if limit is None else limit)
    if rows * _most_rows(populated) > limits.POPULATED_ROWS_MOST:
        raise Invalid(
            f"These relations could come to more than {limits.POPULATED_ROWS_MOST} rows; ask for smaller pages or a"
            " smaller 'populate_limit'.",
            code="query_too_complex",
        )
    return populated


def _paths(path: str, table: Table, lookups: Lookups) -> list[tuple[Relation, ...]]:
    """The relations of a path; of ``*`` every foreign key of the table that leads to rows."""
    if path != "*":
        return [resolve_relations(path, table, lookups)]
    relations = lookups.of(table)
    return [(relation,) for name in relations.forward if (relation := relations.find(name)) is not None]


def _size(nodes: dict[str, _Node]) -> int:
    return sum(1 + _size(node.below) for node in nodes.values())


def _frozen(nodes: dict[str, _Node], limit: int) -> tuple[Populated, ...]:
    return tuple(Populated(node.relation, limit, _frozen(node.below, limit)) for node in nodes.values())


def _most_rows(populated: tuple[Populated, ...]) -> int:
    """How many rows of to-many relations one row could carry."""
    total = 0
    for each in populated:
        below = _most_rows(each.populated)
        total += each.limit * (1 + below) if each.relation.many else below
    return total
