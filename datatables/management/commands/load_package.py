"""``manage.py load_package``: a Frictionless data package from this machine into a tenant."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from datasources.models import ProviderType
from datatables.demo.source import NAME, open_demo
from datatables.files import CannotLoad, PackageFiles, Where, open_package
from datatables.loading import load_package
from datatables.progress import Progress


class Command(BaseCommand):
    """Makes app and tables where they are missing, then loads the rows: all or nothing."""

    help = "Load a Frictionless data package (tables and rows) into a tenant. All or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to load, where to, and which rows."""
        parser.add_argument(
            "package", help=f"a directory with datapackage.json, such a file, or {NAME} (the demo data)"
        )
        parser.add_argument("--tenant", required=True, metavar="SCHEMA", help="the tenant's schema name, or public")
        parser.add_argument("--app", required=True, metavar="SLUG", help="the app; made when it is missing")
        parser.add_argument("--datasource", metavar="SLUG", help="a datasource of the app (its default one)")
        parser.add_argument(
            "--provider",
            choices=sorted(ProviderType.values),
            help="the datasource's kind; a datasource that is missing is made",
        )
        parser.add_argument("--resource", action="append", default=[], metavar="NAME", help="load only this one's rows")
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="[RESOURCE.]FIELD=VALUES",
            help="load only rows with these values: month=1, flights.month=2-12, carrier=UA,AA",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, and say how many rows each table was given."""
        try:
            self._require_tenant(options["tenant"])
            loaded = load_package(
                files=self._open(options["package"]),
                tenant=options["tenant"],
                app_slug=options["app"],
                datasource_slug=options["datasource"],
                provider_type=options["provider"],
                conditions=[Where.parse(text) for text in options["where"]],
                resources=options["resource"],
                report=Progress(self.stderr),
            )
        except CannotLoad as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            if connection.connection is not None:
                raise
            raise CommandError(
                "The database is not running: start `make up` in another terminal, or set DATABASE_URL."
            ) from error
        for name, count in loaded.items():
            self.stdout.write(f"{name}: {count:,} rows")

    def _open(self, package: str) -> PackageFiles:
        return open_demo() if package == NAME and not Path(package).exists() else open_package(Path(package))

    def _require_tenant(self, schema: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(quote_ident(%s) || '.datar_datatable') IS NOT NULL", [schema])
            row = cursor.fetchone()
        if row is None or not row[0]:
            raise CannotLoad(f"There is no tenant {schema!r}.")
