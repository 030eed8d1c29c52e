"""A table's indexes as MongoDB keeps them, under the names that PostgreSQL gives them, so that a conflict leads back
to fields by ``ddl.named_fields``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from datar.errors import Invalid
from records import limits
from records.conditions import Condition
from records.filters import own_condition
from records.jsonschema import is_nullable
from records.params.tree import parse_tree
from records.providers.mongo.layout import KEY, WORDS, compared_path, path_of
from records.providers.mongo.partial import InexpressibleError, partial_filter, presence
from records.providers.mongo.server import Document
from records.providers.postgres.ddl import constraint_name, index_name, unique_name
from records.table import Index, Table

_INSIDE: Final = "gin"
"""The method of indexes of what is inside JSON values: conditions there are expressions, which no index serves."""


@dataclass(frozen=True, slots=True)
class MongoIndex:
    """One index: the paths it holds in ascending order, of which rows, and whether they are distinct.

    An ``implied`` one is a foreign key's, which nobody declared: the table can do without.
    """

    name: str
    paths: tuple[str, ...]
    unique: bool = False
    of: Document = field(default_factory=dict)
    implied: bool = False

    @property
    def document(self) -> Document:
        """It as ``createIndexes`` takes it."""
        found: Document = {"name": self.name, "key": dict.fromkeys(self.paths, 1)}
        if self.unique:
            found["unique"] = True
        if self.of:
            found["partialFilterExpression"] = self.of
        return found

    def serves(self, other: "MongoIndex") -> bool:
        """Whether the other need not be made beside this one."""
        return self.paths == other.paths and self.of == other.of and (self.unique or not other.unique)


def indexes_of(table: Table) -> tuple[MongoIndex, ...]:
    """Every index of the table but that of ``_id``, which every collection has.

    Raises Invalid: ``schema_too_large``, and ``invalid_index`` for a unique index whose condition MongoDB cannot hold.
    """
    kept: list[MongoIndex] = []
    # Unique ones first, so that a plain one that says the same is left out.
    for index in sorted((_ended(table, each) for each in _all(table)), key=lambda each: not each.unique):
        if index.paths != (KEY,) and not any(other.serves(index) for other in kept):
            kept.append(index)
    needed = [index for index in kept if not index.implied]
    room = limits.MONGODB_INDEXES - 1 - len(needed)
    if room < 0:
        raise Invalid(
            f"Table '{table.identity.name}' needs {len(needed) + 1} indexes, for its keys too; MongoDB holds"
            f" {limits.MONGODB_INDEXES} of a table.",
            code="schema_too_large",
        )
    implied = [index for index in kept if index.implied]
    return (*needed, *implied[:room])


def partial_uniques(table: Table) -> list[tuple[tuple[str, ...], Document]]:
    """The fields of each unique index of only some rows, and the filter of these rows."""
    return [
        (index.fields, _declared(table, index).of)
        for index in table.indexes
        if index.unique and index.where is not None
    ]


def _ended(table: Table, index: MongoIndex) -> MongoIndex:
    """The index with the primary key behind its own paths: of rows that are equal there, lists have the key's order."""
    if index.unique or index.paths == (WORDS,):
        return index
    paths = dict.fromkeys((*index.paths, *_paths(table, table.primary_key)))
    return replace(index, paths=tuple(paths)) if len(paths) <= limits.KEY_FIELDS else index


def _all(table: Table) -> Iterator[MongoIndex]:
    for names in table.uniques:
        paths = _paths(table, names)
        if names == table.primary_key:
            yield MongoIndex(unique_name(table, names), paths)  # of a composite key, which `_id` holds as a whole
        else:
            yield MongoIndex(unique_name(table, names), paths, unique=True, of=presence(_nullable(table, names)))
    declared = [index for index in table.indexes if index.method != _INSIDE]
    for index in declared:
        yield _declared(table, index)
    led = [*table.uniques, *(index.fields for index in declared if index.where is None)]
    # Enforced ones first: should there not be room for all, a removal still finds the rows that refer to its own.
    for names in dict.fromkeys(key.fields for key in sorted(table.foreign_keys, key=lambda key: not key.enforced)):
        if not any(other[: len(names)] == names and _holds_all(table, other) for other in led):
            yield MongoIndex(index_name(table, names), _paths(table, names), implied=True)
    if table.search_fields:
        yield MongoIndex(constraint_name(table, "s", [WORDS]), (WORDS,))


def _paths(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(compared_path(table, table.by_name[name]) for name in names)


def _nullable(table: Table, names: Sequence[str]) -> list[str]:
    """The paths of those fields that may be null: a unique index compares only rows without a null in its fields."""
    fields = [table.by_name[name] for name in names]
    return [path_of(table, each) for each in fields if is_nullable(table, each)]


def _holds_all(table: Table, names: Sequence[str]) -> bool:
    """Whether an index of these fields has every row: a unique one of fields that may be null has not."""
    return names not in table.uniques or not _nullable(table, names)


def _declared(table: Table, index: Index) -> MongoIndex:
    name = index_name(table, index.fields, index.name)
    present = _nullable(table, index.fields) if index.unique else []
    of = presence(present)
    if index.where is not None:
        try:
            of = partial_filter(_condition(table, index), table, present)
        except InexpressibleError:
            if index.unique:
                raise _cannot_hold(index) from None
    return MongoIndex(name, _paths(table, index.fields), index.unique, of)


def _condition(table: Table, index: Index) -> Condition:
    return own_condition(parse_tree(index.where), table)


def _cannot_hold(index: Index) -> Invalid:
    return Invalid(
        f"Index '{index.name}': on MongoDB the 'where' of a unique index compares fields only with eq, ne, gt, gte, lt,"
        " lte, between, in and isnull, joined by and, or and not, with few alternatives.",
        code="invalid_index",
    )
