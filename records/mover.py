"""What a store does when a table leaves it or comes to it: the verbs beside those of rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from records.plan import ListPlan
from records.table import Json, Table

Resolve = Callable[[str, str], Table | None]


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, as somebody would type it, and what undoes it, in the order of what was done.

    ``loose`` says of each foreign key that was taken away whether it was deferrable.
    """

    statements: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    loose: Mapping[str, bool] = field(default_factory=dict)


class CannotHoldError(Exception):
    """Rows that the store cannot keep: how many, the places of the first of them, and why the first."""

    def __init__(self, said: str, places: Sequence[int], count: int) -> None:
        super().__init__(said)
        self.said, self.places, self.count = said, tuple(places), count


class Mover(Protocol):
    """``transaction`` is the caller's psycopg connection: what PostgreSQL keeps is kept with it. The caller holds the
    rows of ``datar_datatable`` of the table and of all that foreign keys tie it to."""

    def hold(self, tables: Sequence[Table], transaction: Any) -> None:
        """Nobody writes rows of these tables until the transaction ends; everybody reads them."""

    def set_aside(self, table: Table, number: int, transaction: Any) -> Done:
        """Free the names that another physical table of the same table needs; ``number`` makes new ones."""

    def make(self, table: Table, resolve: Resolve, transaction: Any) -> Done:
        """The physical table, with keys and indexes, without foreign keys."""

    def fill(self, table: Table, rows: Iterable[Mapping[str, Json]], transaction: Any) -> None:
        """Add rows that were read: canonical values of every field, and the service's own three. The version and the
        instants of each stay what they are. Raises CannotHoldError."""

    def written(self, plan: ListPlan, transaction: Any) -> Iterator[bytes]:
        """Rows as JSON lines, in pieces, those of the transaction too."""

    def standing(self, table: Table, transaction: Any) -> int | None:
        """The last integer key that was generated; None where none was, or none is."""

    def go_on(self, table: Table, last: int | None, transaction: Any) -> None:
        """Generate the keys after this one."""

    def untie(self, table: Table, transaction: Any) -> Done:
        """Take away the foreign keys that the store holds from the table and to it."""

    def tie(self, table: Table, children: Sequence[Table], resolve: Resolve, before: Done, transaction: Any) -> Done:
        """Hold the foreign keys from the table, and those of ``children`` to it, as far as the store keeps both sides.
        ``before`` is what ``untie`` did where the table was."""

    def discard(self, table: Table) -> bool:
        """Remove what was made and the caller's transaction does not take back; what cannot be reached stays. Whether
        nobody can ever have seen it."""

    def drop(self, namespace: str, name: str, transaction: Any) -> None:
        """Remove a physical table with its rows, if it is there."""
