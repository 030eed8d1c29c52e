"""The guard of every write: the table's row in the catalogue is still at the revision the write was made for.

Where it is not, the statement touches nothing, and the caller reloads, validates again and retries.
"""

from typing import Final

from psycopg.sql import SQL, Composed, Identifier, Literal

from records.table import Table

CATALOG_TABLE: Final = "datar_datatable"


def guard(table: Table) -> Composed:
    """The condition; identifier and revision are numbers of ours, so they stand in the text."""
    return SQL("EXISTS (SELECT FROM {catalog} WHERE id = {id} AND revision = {revision})").format(
        catalog=Identifier(table.identity.namespace, CATALOG_TABLE),
        id=Literal(table.identity.id),
        revision=Literal(table.identity.revision),
    )
