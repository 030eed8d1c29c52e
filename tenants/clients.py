"""What can be done to a client that exists: rename, suspend, open again, delete."""

import structlog
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from datar.errors import Conflict, NotFound, Unavailable
from tenants.accounts import find_user, require_password
from tenants.authentication import forget_users
from tenants.context import public
from tenants.elsewhere import elsewhere
from tenants.emails import identity_of
from tenants.keys import forget_grants
from tenants.models import Client, Status

log = structlog.get_logger("datar.tenants")


def find_client(*, client_id: int | None) -> Client:
    """The client. Raises NotFound (``public`` is nobody's client)."""
    with public():
        client: Client | None = Client.objects.exclude(status=Status.DELETED).filter(pk=client_id).first()
    if client is None:
        raise NotFound
    return client


def find_named(name: str) -> Client:
    """The client of that e-mail address or schema, for commands. Raises NotFound."""
    found = {"email_identity": identity_of(name)} if "@" in name else {"schema_name": name}
    with public():
        client: Client | None = Client.objects.exclude(status=Status.DELETED).filter(**found).first()
    if client is None:
        raise NotFound(f"There is no client '{name}'.")
    return client


def rename(*, client_id: int, name: str) -> Client:
    """Change what the client calls itself; its schema keeps its name. Raises NotFound."""
    client = find_client(client_id=client_id)
    client.name = name
    with public():
        Client.objects.filter(pk=client_id).update(name=name)
    return client


def suspend(*, schema_name: str) -> None:
    """Close the client to everybody, within a second; its data stays. Raises NotFound, Conflict."""
    _change_status(schema_name, Status.READY, Status.SUSPENDED)


def unsuspend(*, schema_name: str) -> None:
    """Open the client again. Raises NotFound, Conflict."""
    _change_status(schema_name, Status.SUSPENDED, Status.READY)


def _change_status(schema_name: str, before: str, after: str) -> None:
    with public():
        clients = Client.objects.exclude(status=Status.DELETED).filter(schema_name=schema_name)
        if not clients.filter(status=before).update(status=after):
            client = clients.first()
            if client is None:
                raise NotFound(f"There is no client '{schema_name}'.")
            raise Conflict(f"The client is {client.status}, not {before}.", code="wrong_status")
    _forget()


def delete(*, client_id: int, user_id: int, password: str) -> None:
    """Remove the client's schema with every row in it; its keys and tokens are dead, its e-mail is free again.

    The client's row stays, so that the schema's name is never given to anybody else.
    Raises NotFound, InvalidFields ``wrong_password``, psycopg's LockNotAvailable while long writes are under way.
    """
    client = find_client(client_id=client_id)
    user = find_user(namespace=client.schema_name, user_id=user_id)
    require_password(user=user, password=password)
    with public(), transaction.atomic():
        now = timezone.now()
        living = Client.objects.filter(pk=client_id).exclude(status=Status.DELETED)
        if not living.update(status=Status.DELETED, email="", email_identity=None, name="", deleted_at=now):
            raise NotFound
        client.keys.filter(revoked_at=None).update(revoked_at=now)
        with connection.cursor() as cursor:
            needed = elsewhere().holds_any(client.schema_name)
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(client.schema_name)))
    _forget()
    if needed:
        _drop_elsewhere(client.schema_name)


def _drop_elsewhere(namespace: str) -> None:
    """Nobody reaches these rows any more, so a server that is away is no reason to refuse: the sweeper comes by."""
    try:
        elsewhere().drop(namespace)
    except Unavailable as error:
        log.warning("rows of a deleted client stay for the sweeper", schema=namespace, code=error.code)


def _forget() -> None:
    forget_grants()
    forget_users()
