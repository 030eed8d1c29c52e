"""Named ways from one table's rows to another's, as foreign keys make them. Knows tables and a catalog, no syntax.

Forward names are the foreign key's own; reverse names are ``x-reverse-name``, else the child table's name where
nothing else here is called so; ``table.field`` reaches every child. Planning looks tables up through ``Lookups``,
which remembers what it was told, so that a plan made once can be used as long as the answers stay the same.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from datar.errors import Invalid
from records.table import Field, ForeignKey, Table


@dataclass(frozen=True, slots=True)
class Relation:
    """From ``source`` to ``target``, whose rows belong together where each pair (here, there) is equal.

    ``many`` says that a row may have several: a reverse relation.
    """

    name: str
    source: Table
    target: Table
    pairs: tuple[tuple[Field, Field], ...]
    many: bool = False

    @property
    def is_local(self) -> bool:
        """Whether one store keeps both ends, so that it can follow the relation by itself."""
        return self.source.identity.store == self.target.identity.store


class Tables(Protocol):
    """Where planning finds other tables; a catalog."""

    def find(self, app: str, name: str) -> Table | None:
        """An active, materialized table, at most a second old; None when there is none."""

    def children(self, table: Table) -> tuple[Table, ...]:
        """The active, materialized tables whose foreign keys point at this one, itself too, in a stable order."""


class Lookups:
    """One planning's view of the catalog; ``hold`` tells later whether the catalog would still answer the same."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._found: dict[tuple[str, str], Table | None] = {}
        self._children: dict[int, tuple[Table, tuple[Table, ...]]] = {}
        self._relations: dict[int, Relations] = {}

    def find(self, app: str, name: str) -> Table | None:
        """The table there, the same one for the whole planning."""
        place = (app, name)
        if place not in self._found:
            self._found[place] = self._tables.find(app, name)
        return self._found[place]

    def children(self, table: Table) -> tuple[Table, ...]:
        """The tables that point at this one."""
        known = self._children.get(table.identity.id)
        if known is None:
            known = self._children[table.identity.id] = (table, self._tables.children(table))
        return known[1]

    def of(self, table: Table) -> "Relations":
        """The relations of a table."""
        found = self._relations.get(table.identity.id)
        if found is None:
            found = self._relations[table.identity.id] = Relations(table, self)
        return found

    def hold(self, tables: Tables) -> bool:
        """Whether every answer would be the same now; tables are compared by identity, for a catalog keeps them."""
        return all(tables.find(*place) is table for place, table in self._found.items()) and all(
            _same(tables.children(table), children) for table, children in self._children.values()
        )


class Relations:
    """The relations of one table, by name. Reverse ones are looked for only when no forward one has the name.

    Of a table with many foreign keys only those targets are looked up that are asked for.
    """

    def __init__(self, table: Table, lookups: Lookups) -> None:
        self.table = table
        self._lookups = lookups
        self._found: dict[str, Relation | None] = {}

    @cached_property
    def forward(self) -> dict[str, ForeignKey]:
        """This table's own foreign keys, by the names of their relations."""
        return {key.relation: key for key in self.table.foreign_keys}

    @cached_property
    def reverse(self) -> dict[str, Relation]:
        """Relations along foreign keys that point here."""
        declared: dict[str, list[Relation]] = {}
        defaults: dict[str, list[Relation]] = {}
        aliases: dict[str, list[Relation]] = {}
        for child, key in self._references():
            if key.reverse_name is not None:
                declared.setdefault(key.reverse_name, []).append(self._backward(child, key, key.reverse_name))
            else:
                name = child.identity.name
                defaults.setdefault(name, []).append(self._backward(child, key, name))
            alias = f"{child.identity.name}.{key.fields[0]}"
            aliases.setdefault(alias, []).append(self._backward(child, key, alias))
        found = _free(declared, {*self.table.by_name, *self.forward})
        found |= _free(defaults, {*self.table.by_name, *self.forward, *declared})
        return {name: each for name, each in _free(aliases, set()).items() if not _hides(found, each)} | found

    def find(self, name: str) -> Relation | None:
        """The relation of that name, None when there is none.

        A forward relation to a table that is inactive or unmaterialized is not found either.
        """
        key = self.forward.get(name)
        if key is None:
            return self.reverse.get(name)
        if name not in self._found:
            self._found[name] = self._forward(key)
        return self._found[name]

    def has(self, name: str) -> bool:
        """Whether something is called so, even when it leads to no table at the moment."""
        return name in self.forward or name in self.reverse

    def names(self) -> list[str]:
        """Every name, for hints."""
        return [*self.forward, *self.reverse]

    def _forward(self, key: ForeignKey) -> Relation | None:
        target = self._target(key)
        if target is None or not all(name in target.by_name for name in key.target_fields):
            return None
        named = zip(key.fields, key.target_fields, strict=True)
        pairs = tuple((self.table.by_name[here], target.by_name[there]) for here, there in named)
        return Relation(key.relation, self.table, target, pairs)

    def _target(self, key: ForeignKey) -> Table | None:
        place = (key.target_app, key.target_table)
        own = self.table.identity
        return self.table if place == (own.app, own.name) else self._lookups.find(*place)

    def _references(self) -> Iterator[tuple[Table, ForeignKey]]:
        own = self.table.identity
        for child in self._lookups.children(self.table):
            for key in child.foreign_keys:
                here = (key.target_app, key.target_table) == (own.app, own.name)
                if here and all(name in self.table.by_name for name in key.target_fields):
                    yield child, key

    def _backward(self, child: Table, key: ForeignKey, name: str) -> Relation:
        named = zip(key.target_fields, key.fields, strict=True)
        pairs = tuple((self.table.by_name[here], child.by_name[there]) for here, there in named)
        return Relation(name, self.table, child, pairs, many=True)


def refuse_remote(hops: Collection[Relation], words: str, path: str) -> None:
    """Raise Invalid (``relation_not_local``) when a path of ``ordering``, groups or aggregates leaves the store."""
    for hop in hops:
        if not hop.is_local:
            raise Invalid(
                f"'{words}' cannot go through '{hop.name}' in '{path}': table '{hop.target.identity.name}' is kept in"
                " another database. Filters and 'populate' can.",
                code="relation_not_local",
            )


def _free(named: dict[str, list[Relation]], taken: Collection[str]) -> dict[str, Relation]:
    """Those whose name nothing else has."""
    return {name: each[0] for name, each in named.items() if len(each) == 1 and name not in taken}


def _hides(named: dict[str, Relation], alias: Relation) -> bool:
    """Whether ``table.field`` would stand in the way of ``table`` and that table's own forward relation."""
    plain = named.get(alias.target.identity.name)
    own = {key.relation for key in alias.target.foreign_keys}
    return plain is not None and alias.pairs[0][1].name in own


def _same(now: tuple[Table, ...], then: tuple[Table, ...]) -> bool:
    return len(now) == len(then) and all(one is other for one, other in zip(now, then, strict=True))
