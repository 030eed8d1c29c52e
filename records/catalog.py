"""Where the engine finds tables; ``datatables.catalog`` implements it."""

from typing import Protocol

from records.relations import Tables
from records.table import Table


class Catalog(Tables, Protocol):
    """The tables of one namespace, at most a second old."""

    @property
    def secret(self) -> bytes:
        """The key that signs cursors, the same in every process of the service."""

    def dependents(self, table: Table) -> tuple[Table, ...]:
        """The materialized tables, active or not, whose enforced foreign keys point at this one, itself too, as they
        are now: asked anew each time, for rows that must not be orphaned."""

    def parent(self, app: str, name: str) -> Table | None:
        """A materialized table, active or not, at most a second old; None: there is none."""

    @property
    def crossed(self) -> bool:
        """Whether any enforced foreign key leads from one store to another, at most a second old."""

    def reload(self, table: Table) -> Table:
        """The same table as it is now. Raises NotFound or Conflict when it is gone or not materialized."""

    def forget(self) -> None:
        """Forget what is known of every table: one of them was found to be older than the database."""
