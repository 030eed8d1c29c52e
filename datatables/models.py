"""A datatable (the stored description of a table) and the history of what was done to its physical table."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.models import App, Described
from datasources.fields import JsonText
from datasources.models import DataSource


class DataTable(Described):
    """A table's description; rows of it exist once it is materialized.

    ``app`` repeats the datasource's app, for names are unique per app. ``columns`` maps each label to its generated
    column, ``column_counter`` counts the columns ever made, so that none is made twice. ``revision`` grows with each
    change that concerns records. A DataTable row is never removed: its ``physical_table_name`` stays taken for good.
    """

    data_source = models.ForeignKey(DataSource, on_delete=models.PROTECT, related_name="datatables")
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="datatables")
    json_schema = JsonText()
    physical_table_name = models.CharField(max_length=63, unique=True)
    is_materialized = models.BooleanField(default=False)
    schema_hash = models.CharField(max_length=64)
    columns = JsonText(default=dict)
    column_counter = models.PositiveIntegerField(default=0)
    revision = models.BigIntegerField(default=1)

    class Meta:
        db_table = "datar_datatable"
        constraints = [models.UniqueConstraint(fields=["app", "name"], name="datar_datatable_name")]

    def __str__(self) -> str:
        return f"{self.app_id}/{self.name}"


class KeptTable(models.Model):
    """A physical name that a move took: of the table that was left behind, or of one that is being made.

    ``kept_at`` None: being made, or left over from a move that was interrupted. Its row is never removed, so no
    physical name is given twice; ``purged_at`` says when what stood under it went.
    """

    datatable = models.ForeignKey(DataTable, on_delete=models.PROTECT, related_name="kept_tables")
    physical_table_name = models.CharField(max_length=63, unique=True)
    provider_type = models.CharField(max_length=20)
    created_at = models.DateTimeField(default=timezone.now)
    kept_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "datar_kept_table"

    def __str__(self) -> str:
        return self.physical_table_name


class SchemaOperation(models.Model):
    """One change of a physical table: what was run, what would undo it, how it went."""

    class Status(models.TextChoices):
        """How the change ended."""

        SUCCESS = "success", "Done"
        FAILED = "failed", "Failed, nothing changed"
        ROLLED_BACK = "rolled_back", "Done and undone again"

    datatable = models.ForeignKey(DataTable, on_delete=models.PROTECT, related_name="operations")
    operation_type = models.CharField(max_length=20)
    description = models.TextField()
    sql = models.TextField()
    rollback_sql = models.TextField()
    status = models.CharField(max_length=20, choices=Status.choices)
    execution_time_ms = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "datar_schema_operation"

    def __str__(self) -> str:
        return f"{self.operation_type} {self.datatable_id}"
