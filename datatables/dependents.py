"""Which tables point at a table, and whether a new description of it would leave their foreign keys in the air."""

from django.db.models import TextField
from django.db.models.functions import Cast

from datar.errors import Conflict
from datatables.definitions import resolver, stored_table
from datatables.models import DataTable
from records.descriptor import InvalidDescriptor
from records.limits import ERRORS_SHOWN
from records.table import Table


def refuse_to_break(row: DataTable, described: Table) -> None:
    """Raise Conflict ``has_dependents`` naming the active tables whose foreign keys do not fit ``described``."""
    place = (row.app.slug, row.name)
    broken = [
        f"{other.app.slug}:{other.name}"
        for other in _pointing(row)
        if _stands(other, {}) and not _stands(other, {place: described})
    ]
    if broken:
        names = ", ".join(broken[:ERRORS_SHOWN])
        raise Conflict(
            f"Foreign keys of other tables need what this schema takes away: {names}. Change or delete them first.",
            code="has_dependents",
            extra={"dependents": broken[:ERRORS_SHOWN]},
        )


def _pointing(row: DataTable) -> list[DataTable]:
    """Active tables that may point at the row: the text of their schema has foreign keys and the name in it."""
    text = DataTable.objects.annotate(text=Cast("json_schema", TextField()))
    rows = text.filter(text__contains='"foreignKeys"', is_active=True, app__is_active=True).exclude(pk=row.pk)
    return list(rows.filter(text__contains=row.name).select_related("app").order_by("pk"))


def _stands(row: DataTable, batch: dict[tuple[str, str], Table]) -> bool:
    try:
        stored_table(row, resolver(batch))
    except InvalidDescriptor:
        return False
    return True
