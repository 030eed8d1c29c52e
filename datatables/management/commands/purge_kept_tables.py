"""``manage.py purge_kept_tables``: drop, for good, what moves of tables left behind."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datar.errors import DatarError
from datatables.keeping import purge
from tenants.context import PUBLIC, use
from tenants.migrating import client_namespaces


class Command(BaseCommand):
    """To be run now and then. A rollback of a move needs what this drops."""

    help = "Drop the physical tables that moved tables left behind, and what interrupted moves began."

    def add_arguments(self, parser: CommandParser) -> None:
        """How old, and whose."""
        parser.add_argument("--older-than", type=int, default=30, metavar="DAYS", help="days since the move (30)")
        parser.add_argument("--tenant", metavar="SCHEMA", help="only this client's, or public's")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say why not."""
        if options["older_than"] < 0:
            raise CommandError("--older-than is a number of days, 0 or more.")
        known = [PUBLIC, *client_namespaces()]
        if options["tenant"] not in (None, *known):
            raise CommandError(f"There is no client with the schema '{options['tenant']}'.")
        count = 0
        for namespace in known if options["tenant"] is None else [options["tenant"]]:
            count += self._purge(namespace, timedelta(days=options["older_than"]))
        self.stdout.write(f"{count} dropped.")

    def _purge(self, namespace: str, older_than: timedelta) -> int:
        count = 0
        try:
            with use(namespace):
                for name in purge(older_than):
                    self.stdout.write(f"{namespace}.{name} is gone.")
                    count += 1
        except DatarError as error:
            raise CommandError(error.detail) from error
        return count
