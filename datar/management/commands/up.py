"""``manage.py up``: the whole product on this machine, with one command."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from datar import env
from datar.launch import up


class Command(BaseCommand):
    """Starts the database (the embedded one unless DATABASE_URL is set), migrates, loads the demo data, serves."""

    help = "Start Datar: database, migrations, demo data on the first start, HTTP server. Ctrl-C ends it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--host`` and ``--port``."""
        parser.add_argument("--host", default=env.text("DATAR_HOST", "127.0.0.1"), help="address to listen on")
        parser.add_argument("--port", default="8000", help="port to listen on (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until told to stop."""
        text = options["port"]
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
            sys.exit(f"{text!r} is not a port: give a number from 1 to 65535, e.g. make up PORT=8001.")
        sys.exit(up(host=options["host"], port=int(text)))
