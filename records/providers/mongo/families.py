"""Which tables a removal of rows reaches along foreign keys, and what holds them while it goes on.

Only keys within one store are followed: rows that refer to ours from another store are the engine's to look for.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from records.catalog import Catalog
from records.orphans import points_at
from records.providers.mongo.errors import crossed
from records.providers.mongo.layout import path_of
from records.providers.mongo.ledger import Entry, Ledger
from records.table import ForeignKey, Table

_WRITING = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
_Children = Callable[[Table], Sequence[Table]]


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key of ``child`` that leads to ``parent``."""

    parent: Table
    child: Table
    key: ForeignKey


@dataclass(slots=True)
class Family:
    """A table, and all that its rows leave or change when they go. ``written`` are the other tables that are written
    to, by id."""

    links: dict[int, list[Link]] = field(default_factory=dict)
    written: dict[int, Table] = field(default_factory=dict)

    def links_to(self, table: Table) -> list[Link]:
        """The keys that lead to a table."""
        return self.links.get(table.identity.id, [])

    def paths(self, table: Table) -> list[str]:
        """The paths of a table's documents that others refer to."""
        names = {name for link in self.links_to(table) for name in link.key.target_fields}
        return [path_of(table, table.by_name[name]) for name in sorted(names)]

    def within(self, other: "Family") -> bool:
        """Whether whoever holds the other's tables holds this one's too."""
        if any(self.links.values()) and not any(other.links.values()):
            return False
        return all(
            (held := other.written.get(number)) is not None and held.identity.revision == table.identity.revision
            for number, table in self.written.items()
        )


def family_of(table: Table, children: _Children, names: Collection[str] | None = None) -> Family:
    """The family of a table whose rows go, or (``names``) change in these fields only."""
    found = Family()
    if names is not None and not _is_referable(table, names):
        return found
    found.links[table.identity.id] = [
        link for link in _links(table, children) if names is None or not set(names).isdisjoint(link.key.target_fields)
    ]
    waiting = deque(found.links_to(table)) if names is None else deque()
    removed = {table.identity.id}
    while waiting:
        link = waiting.popleft()
        child, number = link.child, link.child.identity.id
        if link.key.on_delete not in _WRITING:
            continue
        if number != table.identity.id:
            found.written[number] = child
        if number not in found.links:
            found.links[number] = _links(child, children)
        if link.key.on_delete == "CASCADE" and number not in removed:
            removed.add(number)
            waiting.extend(found.links_to(child))
    return found


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows a write has that were counted before, how many keys it needs; ``is_bulk``: it may take long."""

    rows: int = 0
    keys: int = 0
    is_bulk: bool = False


@contextmanager
def entered(
    ledger: Ledger,
    table: Table,
    size: Size,
    catalog: Catalog,
    *,
    names: Collection[str] | None = None,
    parents: Sequence[Table] = (),
    alone: bool,
) -> Iterator[tuple[Entry, Family]]:
    """Hold what a removal (or a change of these fields, ``names``) reaches, each table at its revision.

    Which tables these are may be known too late: so it is looked up before, from what the catalogue keeps, and again
    while they are held. Raises Conflict (``conflict_retry``) where more have come; with ``alone`` it knows them all.
    """
    guess = family_of(table, catalog.dependents if alone else catalog.children, names)
    held = [*parents, *guess.written.values()]
    alone = alone or any(guess.links.values())
    with ledger.entry(table, size.rows, parents=held, keys=size.keys, alone=alone, bulk=size.is_bulk) as entry:
        family = family_of(table, catalog.dependents, names)
        if (not alone and any(family.links.values())) or not family.within(guess):
            raise crossed()
        yield entry, family


def _is_referable(table: Table, names: Collection[str]) -> bool:
    """Whether a foreign key may lead to one of these fields: it is the key, or unique."""
    return any(name in unique for unique in table.uniques for name in names)


def _links(table: Table, children: _Children) -> list[Link]:
    return [
        Link(table, child, key)
        for child in children(table)
        for key in child.foreign_keys
        if key.enforced and points_at(key, table) and child.identity.store == table.identity.store
    ]
