"""The seam between the engine and a database: a few verbs, every name in them already resolved.

A provider never meets a client's string as a name, and raises only kinds of ``datar.errors``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from records.catalog import Catalog
from records.exports import Form, Pieces
from records.mover import Mover
from records.plan import GroupPlan, KeyedPlan, LinkedPlan, ListPlan, Row, Sifted, Slice, WritePlan, Written
from records.table import Field, Json, Table

Resolve = Callable[[str, str], Table | None]
"""(app slug, table name) → the table, or None when there is none."""


Statement = TypeVar("Statement")


@dataclass(frozen=True, slots=True)
class Change(Generic[Statement]):
    """One physical change of the table of that id: what it does in words, its statements, and those that undo it.

    Only the provider that computed it knows what a statement is.
    """

    table_id: int
    operation: str
    description: str
    statements: tuple[Statement, ...]
    rollback: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that was made: its SQL as text, the SQL that undoes it, how long it took."""

    table_id: int
    operation: str
    description: str
    sql: str
    rollback_sql: str
    milliseconds: int


class Stale(Exception):
    """A statement met another schema than it was made for: reload the table and try once more."""


class RefusedLoad(Exception):
    """A row that a store will not have: its place among those that were sent (None: not told), the labels, why, and
    the values, where the store tells them. Only for whoever may see everything."""

    def __init__(self, said: str, *, place: int | None = None, fields: Sequence[str] = (), values: str = "") -> None:
        super().__init__(said)
        self.said, self.place, self.fields, self.values = said, place, tuple(fields), values


class Loader(Protocol):
    """Checked rows, of any number, into one table: for files, not for requests."""

    def cells(self, field: Field, value: Json) -> tuple[Any, ...]:
        """A canonical value, None or ``stamp.NOW`` in the store's own form; kept by the caller for equal values."""

    def append(self, fields: Sequence[Field], rows: Iterable[Sequence[Any]], transaction: Any) -> int:
        """Add the rows, each the cells of ``fields`` one after the other; how many. Fields left out become null, a
        generated key is generated. ``transaction`` as in ``Provider.apply``. Raises RefusedLoad."""

    def undo(self) -> None:
        """Take back what ``append`` added and the caller's transaction does not."""


class Provider(Protocol):
    """What a store must do. Bytes are finished JSON text; the catalog finds the tables that foreign keys lead to."""

    def create(self, tables: Sequence[Table], resolve: Resolve) -> tuple[Change[Any], ...]:
        """The changes that make these tables; ``resolve`` finds those that are there already. Nothing is done yet."""

    def apply(self, changes: Sequence[Change[Any]], transaction: Any) -> tuple[Applied, ...]:
        """Make the changes. ``transaction`` is the caller's psycopg connection: what PostgreSQL keeps is kept with it,
        what another store keeps is taken back when it is not."""

    def loader(self, table: Table, catalog: Catalog) -> Loader:
        """What fills the table from files."""

    def mover(self) -> Mover:
        """What takes a table in, and lets it go."""

    def read(self, plan: ListPlan | GroupPlan) -> bytes:
        """The list or the groups as ``{"data":[…],"total":…,…}``; one statement."""

    def read_slice(self, plan: ListPlan) -> Slice:
        """The rows of a list after a cursor's place; one statement."""

    def stream(self, plan: ListPlan | GroupPlan, form: Form) -> Pieces:
        """The rows or groups as lines, all of them where the plan has no page; one statement, the first piece made."""

    def get(self, plan: KeyedPlan) -> Row | None:
        """One row, or None."""

    def linked(self, plan: LinkedPlan) -> bytes:
        """Rows that other rows, perhaps of another store, belong to: JSON texts joined by commas, in the order of
        the primary key among those of one value; one statement."""

    def insert(self, plan: WritePlan, catalog: Catalog) -> Written:
        """All rows or none."""

    def insert_each(self, plan: WritePlan, catalog: Catalog) -> Sifted:
        """The rows that can be stored, in one transaction. Raises Stale where the guard did not hold."""

    def upsert(self, plans: Sequence[WritePlan], catalog: Catalog) -> tuple[Written, ...]:
        """Insert, or change what each plan's unique fields find; all plans or none."""

    def update(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Change rows by key, only the sent fields; all rows or none."""

    def delete(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Remove rows by key, all or none, or all that a condition holds of."""


class Stores(Catalog, Protocol):
    """The tables of one namespace, and what keeps their rows."""

    def provider_of(self, table: Table) -> Provider:
        """The provider of the store that keeps a table."""
