"""``manage.py create_operator EMAIL``: a user of ``public``, who may change what every new client starts with."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datar import env
from datar.errors import DatarError
from tenants.accounts import create_operator
from tenants.models import Role


class Command(BaseCommand):
    """The password comes from DATAR_OPERATOR_PASSWORD, else from a prompt, else from the first line of stdin."""

    help = "Create an operator: a user of the public namespace."

    def add_arguments(self, parser: CommandParser) -> None:
        """EMAIL and the role."""
        parser.add_argument("email")
        parser.add_argument("--role", choices=Role.values, default=Role.ADMIN)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the operator, or say why not."""
        try:
            user = create_operator(email=options["email"], password=_password(), role=options["role"])
        except DatarError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"Operator {user.email} ({user.role}) can log in without an Api-Key.")


def _password() -> str:
    given = env.text("DATAR_OPERATOR_PASSWORD", "")
    if given:
        return given
    return getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
