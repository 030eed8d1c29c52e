"""What a registration or a deletion left behind when it was interrupted between two databases, and its removal."""

from datetime import timedelta
from typing import Final

import structlog
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from datar.errors import Unavailable
from tenants.context import public
from tenants.elsewhere import elsewhere
from tenants.models import Client, Status

PROVISIONING_SECONDS: Final = 300
"""A client that is being made for longer is no longer being made."""

log = structlog.get_logger("datar.tenants")


def sweep() -> list[str]:
    """Remove clients that were never finished, and what deleted ones left elsewhere; the names of their schemas.

    One that is being made right now holds a lock on its row and is passed over. Raises Unavailable.
    """
    return [*_unfinished(), *_left_elsewhere()]


def sweep_unfinished() -> None:
    """Remove clients that were never finished, as far as what keeps their rows can be reached; the rest stays for the
    next sweep."""
    try:
        _unfinished()
    except Unavailable as error:
        log.warning("unfinished clients stay for the next sweep", code=error.code)


def discard(client: Client) -> None:
    """Undo a client that could not be finished; what cannot be undone now is left to the sweeper."""
    try:
        with public(), transaction.atomic():
            _remove(client)
    except Unavailable as error:
        log.warning("an unfinished client stays for the sweeper", schema=client.schema_name, code=error.code)


def _unfinished() -> list[str]:
    before = timezone.now() - timedelta(seconds=PROVISIONING_SECONDS)
    swept: list[str] = []
    with public():
        found = Client.objects.filter(status=Status.PROVISIONING, created_at__lt=before)
        keys = list(found.values_list("pk", flat=True))
    for pk in keys:
        with public(), transaction.atomic():
            waiting = Client.objects.select_for_update(skip_locked=True).filter(pk=pk, status=Status.PROVISIONING)
            client = waiting.first()
            if client is not None:
                _remove(client)
                swept.append(client.schema_name)
    return swept


def _remove(client: Client) -> None:
    """Within a transaction. The row stays, so that its schema's name is never given to anybody else."""
    elsewhere().drop(client.schema_name)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(client.schema_name)))
    Client.objects.filter(pk=client.pk).update(
        status=Status.DELETED, email="", email_identity=None, name="", deleted_at=timezone.now()
    )


def _left_elsewhere() -> list[str]:
    """Remove what is elsewhere of clients that are deleted: their deletion did not reach it."""
    with public():
        deleted = list(Client.objects.filter(status=Status.DELETED).values_list("schema_name", flat=True))
    left = elsewhere().present(deleted)
    for name in left:
        elsewhere().drop(name)
    return left
