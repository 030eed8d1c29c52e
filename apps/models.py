"""An app, and what every stored description has in common: authors, dates, and a delete that can be undone.

What lies below an app is reached by the relations that the higher rooms declare (``datasources``, ``datatables``);
nothing here imports them.
"""

from django.conf import settings
from django.db import models
from django.utils import timezone

from records.limits import NAME_CHARACTERS

SLUG_CHARACTERS = 50


class Described(models.Model):
    """Fields of apps, datasources and datatables alike.

    ``deletion`` names the delete that made the row inactive, so that a restore brings back exactly what that delete
    took away, and nothing that had been deleted before.
    """

    name = models.CharField(max_length=NAME_CHARACTERS)
    description = models.TextField(default="")
    is_active = models.BooleanField(default=True)
    deletion = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    modified_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        abstract = True


class App(Described):
    """A group of datasources and tables. ``slug`` never changes: URLs and physical names are made from it."""

    slug = models.CharField(max_length=SLUG_CHARACTERS, unique=True)

    class Meta:
        db_table = "datar_app"

    def __str__(self) -> str:
        return self.slug
