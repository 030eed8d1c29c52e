"""A datasource: which provider keeps the tables of an app, and with which options."""

from django.db import models

from apps.models import SLUG_CHARACTERS, App, Described
from datasources.fields import JsonText


class ProviderType(models.TextChoices):
    """Seed 003's words for the kinds of storage."""

    FLAT_TABLE = "flat_table", "Traditional PostgreSQL tables"
    JSONB = "jsonb", "PostgreSQL JSONB storage"
    MONGODB = "mongodb", "MongoDB collections"


class DataSource(Described):
    """``slug`` is unique within the app and, like ``provider_type``, never changes."""

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="datasources")
    slug = models.CharField(max_length=SLUG_CHARACTERS)
    provider_type = models.CharField(max_length=20, choices=ProviderType.choices)
    provider_config = JsonText(default=dict)

    class Meta:
        db_table = "datar_datasource"
        constraints = [models.UniqueConstraint(fields=["app", "slug"], name="datar_datasource_slug")]

    def __str__(self) -> str:
        return f"{self.app_id}/{self.slug}"
