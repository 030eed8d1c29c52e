"""A tenant's rows in MongoDB, as a whole: cloned with its schema, dropped with it. Named by ``DATAR_ELSEWHERE``."""

from collections.abc import Collection

from django.db.models import QuerySet

from datasources.connect import mongodb_holds_rows, mongodb_server
from datasources.models import ProviderType
from datatables.models import DataTable, KeptTable
from records.providers.mongo import whole
from tenants.context import use


class MongoRows:
    """``tenants.elsewhere.Elsewhere`` for tables of MongoDB datasources."""

    def is_needed(self, namespace: str) -> bool:
        """Whether a table of the namespace, active or not, has its rows in MongoDB."""
        with use(namespace):
            return DataTable.objects.filter(
                is_materialized=True, data_source__provider_type=ProviderType.MONGODB
            ).exists()

    def holds_any(self, namespace: str) -> bool:
        """The same, and what a table that has moved away left there."""
        with use(namespace):
            kept = KeptTable.objects.filter(provider_type=ProviderType.MONGODB, purged_at=None).exists()
        return kept or self.is_needed(namespace)

    def clone(self, source: str, target: str) -> None:
        """Copy every collection. Who writes them holds its table's row FOR SHARE, so they wait for us."""
        with use(source):
            tables = _in_mongodb().select_for_update(of=("self",)).order_by("pk")
            names = list(tables.values_list("physical_table_name", flat=True))
        whole.clone(mongodb_server(), source, target, names)

    def drop(self, namespace: str) -> None:
        """Drop the namespace's database; where no MongoDB is known there is none."""
        if mongodb_holds_rows():
            whole.drop(mongodb_server(), namespace)

    def present(self, namespaces: Collection[str]) -> list[str]:
        """Those with a database."""
        if not namespaces or not mongodb_holds_rows():
            return []
        return whole.present(mongodb_server(), namespaces)


def _in_mongodb() -> "QuerySet[DataTable]":
    return DataTable.objects.filter(is_materialized=True, data_source__provider_type=ProviderType.MONGODB)
