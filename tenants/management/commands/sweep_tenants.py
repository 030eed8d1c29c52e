"""``manage.py sweep_tenants``: remove what interrupted registrations and deletions left behind."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from datar.errors import DatarError
from tenants.sweeping import sweep


class Command(BaseCommand):
    """To be run now and then; each registration also removes clients that were never finished."""

    help = "Remove clients that were never finished, and rows in MongoDB of clients that are deleted."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say why not."""
        try:
            swept = sweep()
        except DatarError as error:
            raise CommandError(error.detail) from error
        for name in swept:
            self.stdout.write(f"{name} is gone.")
        self.stdout.write(f"{len(swept)} swept.")
