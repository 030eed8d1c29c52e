"""Which tables of ``public`` a clone gets, and with what in them. A table in none of the lists stops a clone.

A service's table begins with one of ``SERVICE_PREFIXES`` and must be listed here; any other table of ``public`` is a
physical table of a datatable, and is copied with its rows.
"""

from enum import Enum

SERVICE_PREFIXES = ("datar_", "auth_", "django_", "token_blacklist_")

SHARED = frozenset({"datar_client", "datar_domain", "datar_api_key", "django_session"})
"""They lie in ``public`` alone."""

STRUCTURE_ONLY = frozenset({"datar_user", "datar_token_family", "django_admin_log"})
"""Every namespace has its own, empty at first: who works there is nobody else's business."""

STRUCTURE_AND_ROWS = frozenset(
    {
        "datar_app",
        "datar_datasource",
        "datar_datatable",
        "datar_kept_table",
        "datar_schema_operation",
        "datar_rowcount",
        "django_content_type",
        "django_migrations",
        "auth_permission",
        "auth_group",
        "auth_group_permissions",
    }
)
"""What a clone begins with, as do all physical tables."""

WRITTEN_LAST = frozenset({"datar_rowcount"})
"""Of these, what a writer touches after a physical table, and a clone must lock after them, or the two would cross."""


class Kind(Enum):
    """What a clone does with a table."""

    SHARED = "shared"
    STRUCTURE_ONLY = "structure only"
    STRUCTURE_AND_ROWS = "structure and rows"


class UnlistedTable(Exception):
    """A table of the service that nobody has decided about."""


def kind_of(table: str) -> Kind:
    """What a clone does with the table of that name. Raises UnlistedTable."""
    if table in SHARED:
        return Kind.SHARED
    if table in STRUCTURE_ONLY:
        return Kind.STRUCTURE_ONLY
    if table in STRUCTURE_AND_ROWS or not table.startswith(SERVICE_PREFIXES):
        return Kind.STRUCTURE_AND_ROWS
    raise UnlistedTable(f"{table}: list it in tenants/tables.py as shared, structure only, or structure and rows.")
