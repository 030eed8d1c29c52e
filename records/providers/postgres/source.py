"""What one SELECT reads from: a table under an alias, and the to-one joins its expressions need, each made once."""

from collections.abc import Iterator
from itertools import count

from psycopg.sql import SQL, Composable, Identifier

from records.providers.postgres.columns import Column, columns_of, qualified
from records.relations import Relation
from records.table import Table

_JOIN = SQL(" LEFT JOIN {table} AS {alias} ON {condition}")


class Source:
    """A table and the rows its to-one relations lead to; every column is written with its alias."""

    def __init__(self, table: Table, numbers: Iterator[int] | None = None) -> None:
        self.table = table
        self._numbers = count() if numbers is None else numbers
        self.alias = self._next()
        self._joins: dict[tuple[str, ...], tuple[str, Composable]] = {}

    def column(self, hops: tuple[Relation, ...], column: Column) -> Composable:
        """The column of the row that ``hops`` lead to."""
        return column.of(self.alias_of(hops))

    def alias_of(self, hops: tuple[Relation, ...]) -> str:
        """The alias of the table that ``hops`` lead to, joined when it was not before."""
        if not hops:
            return self.alias
        path = tuple(hop.name for hop in hops)
        if path not in self._joins:
            here = self.alias_of(hops[:-1])
            alias = self._next()
            join = _JOIN.format(
                table=qualified(hops[-1].target), alias=Identifier(alias), condition=joined(hops[-1], here, alias)
            )
            self._joins[path] = (alias, join)
        return self._joins[path][0]

    def child(self, table: Table) -> "Source":
        """The source of a subquery inside this SELECT."""
        return Source(table, self._numbers)

    @property
    def text(self) -> Composable:
        """The FROM list. Read it last: only joins that were asked for by then are in it."""
        return self.sampled(SQL(""))

    def sampled(self, clause: Composable) -> Composable:
        """The same with a TABLESAMPLE clause after the table itself."""
        own = SQL("{table} AS {alias}").format(table=qualified(self.table), alias=Identifier(self.alias))
        return SQL("").join([own, clause, *(join for _, join in self._joins.values())])

    def _next(self) -> str:
        return f"t{next(self._numbers)}"


class Bare(Source):
    """A table whose columns are written without an alias: for what stands inside a definition of the table."""

    def column(self, hops: tuple[Relation, ...], column: Column) -> Composable:
        """The column alone. There are no joins in a definition."""
        assert not hops
        return column.of()


def joined(relation: Relation, here: str, there: str) -> Composable:
    """The condition under which a row of alias ``there`` belongs to one of alias ``here``."""
    pairs = (
        SQL("{there} = {here}").format(there=columns_of(theirs)[0].of(there), here=columns_of(mine)[0].of(here))
        for mine, theirs in relation.pairs
    )
    return SQL(" AND ").join(pairs)
