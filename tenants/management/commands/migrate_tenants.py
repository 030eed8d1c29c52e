"""``manage.py migrate_tenants``: bring ``public`` and every client up to the code's migrations."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from tenants import migrating
from tenants.context import PUBLIC


class Command(BaseCommand):
    """Only namespaces that are behind are touched; one that breaks is reported, and the others are migrated."""

    help = "Migrate public, then every client that is behind."

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 1 when a namespace is broken; run it again once that is mended."""
        broken = []
        for namespace in migrating.behind([PUBLIC]):
            migrating.migrate(namespace)
            self.stdout.write(f"{namespace}: migrated")
        for namespace in migrating.behind(migrating.client_namespaces()):
            try:
                migrating.migrate(namespace)
            except Exception as error:  # noqa: BLE001 - whatever one client's migration does, the others go on
                connection.close()
                broken.append(namespace)
                self.stderr.write(f"{namespace}: broken: {type(error).__name__}: {error}")
            else:
                self.stdout.write(f"{namespace}: migrated")
        if broken:
            raise CommandError(f"{len(broken)} namespaces are broken: {', '.join(broken)}")
