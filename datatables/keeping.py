"""What moves left behind: physical tables that nobody reads any more, and those that a move never finished."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from datasources.connect import provider_for
from datatables.materializing import in_turns
from datatables.models import DataTable, KeptTable
from tenants.context import current

LEAST: Final = timedelta(minutes=1)
"""Reads that were planned before a move end within it."""


def purge(older_than: timedelta) -> Iterator[str]:
    """Drop, for good, what is older, of the current namespace; the physical names that have gone, one by one.

    A table that is being moved right now is passed over. Raises Unavailable.
    """
    before = timezone.now() - max(older_than, LEAST)
    old = Q(kept_at__lt=before) | Q(kept_at=None, created_at__lt=before)
    for pk in KeptTable.objects.filter(old, purged_at=None).order_by("pk").values_list("pk", flat=True):
        if name := _purge_one(pk):
            yield name


@transaction.atomic
def _purge_one(pk: int) -> str:
    """A move holds the table's row as long as it runs, and what it has written is known once it has ended."""
    owner = KeptTable.objects.values_list("datatable_id", flat=True).get(pk=pk)
    row = DataTable.objects.select_for_update(skip_locked=True).filter(pk=owner).first()
    kept = KeptTable.objects.filter(pk=pk, purged_at=None).first()
    if row is None or kept is None or kept.physical_table_name == row.physical_table_name:
        return ""
    name, mover = kept.physical_table_name, provider_for(kept.provider_type).mover()
    in_turns(lambda: mover.drop(current(), name, connection.connection))
    kept.purged_at = timezone.now()
    kept.save(update_fields=["purged_at"])
    return name
