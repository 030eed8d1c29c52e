"""``manage.py create_api_key NAME``: a new key for a client that lost its own; keys are stored hashed, never shown again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datar.errors import DatarError
from tenants.clients import find_named
from tenants.keys import create_key
from tenants.models import Scope


class Command(BaseCommand):
    """The key alone goes to standard output; the lost ones stay until they are revoked."""

    help = "Make an Api-Key for a client, named by its e-mail address or its schema."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, the client's e-mail address or schema, and the key's scope and label."""
        parser.add_argument("name")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.ADMIN)
        parser.add_argument("--label", default="made by an operator")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the key, or say why not."""
        try:
            client = find_named(options["name"])
            _, key = create_key(client=client, label=options["label"], scope=options["scope"])
        except DatarError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(key)
