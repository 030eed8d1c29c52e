"""What is said of rows whose parent is missing, and of rows that others still refer to: the same in every store."""

from collections.abc import Sequence

from datar.errors import Conflict
from records.table import ForeignKey, Table


def lost_parent(key: ForeignKey) -> Conflict:
    """The conflict of a row whose parent is not there."""
    return Conflict(
        f"This row refers to a row of table '{key.target_table}' that does not exist.", code="conflict_foreign_key"
    )


def still_referred_to(name: str, fields: Sequence[str], *, active: bool) -> Conflict:
    """The conflict of a row that rows of a table still refer to, by ``fields`` of it; what is not known is empty."""
    extra = ({"table": name} if name else {}) | ({"fields": list(fields)} if fields else {})
    which = f"table '{name}'" if name else "another table"
    if active:
        detail = f"Rows of {which} still refer to this one; delete or change those first."
    else:
        detail = (
            f"Rows of {which}, which was deleted, still refer to this one;"
            " restore it (restore/) and change those first."
        )
    return Conflict(detail, code="conflict_foreign_key", extra=extra)


def points_home(table: Table, key: ForeignKey) -> bool:
    """Whether it points at its own table."""
    return points_at(key, table)


def points_at(key: ForeignKey, table: Table) -> bool:
    """Whether a foreign key leads to this table."""
    return (key.target_app, key.target_table) == (table.identity.app, table.identity.name)
