"""``manage.py suspend_tenant NAME``: close a client to everybody; its data stays."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datar.errors import DatarError
from tenants import clients


class Command(BaseCommand):
    """Every worker follows within a second."""

    help = "Suspend a client, named by its schema."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, the client's schema."""
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say why not."""
        try:
            clients.suspend(schema_name=options["name"])
        except DatarError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{options['name']} is suspended.")
