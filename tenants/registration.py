"""A new client: its row, its schema with all that is in it, its owner and its first key, in one transaction.

Where rows of ``public`` live in another database too, there is no such transaction: then the row comes first, as
``provisioning``, and the client is ready when both sides are done. What is interrupted in between is swept.
"""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import OperationalError, connection, transaction
from psycopg import errors as pg

from datar.crashpoints import crash_point
from datar.errors import Conflict, Unavailable
from tenants import tokens
from tenants.accounts import require_good_password
from tenants.cloning import clone
from tenants.context import PUBLIC, public, use
from tenants.elsewhere import elsewhere
from tenants.emails import identity_of, lower_email, require_email, schema_name_for
from tenants.keys import create_key
from tenants.models import Client, Role, Status, User
from tenants.sweeping import discard, sweep_unfinished

CRASH_POINTS = (
    "registration_locked",
    "registration_client_saved",
    "registration_cloned",
    "registration_owner_saved",
    "registration_key_saved",
)
"""Where a test ends the process; nothing may be left of the client then."""
CRASH_POINTS_IN_PARTS = ("registration_begun", *CRASH_POINTS[2:], "registration_cloned_elsewhere")
"""The same where rows go to two databases: then a row is left, and perhaps rows elsewhere, until they are swept."""

_ONE_AT_A_TIME = 0x6461_7461
"""The advisory lock of registrations. One clone takes some 22 locks a table, so two at once could use up the
server's lock table; and under the lock an e-mail or a schema name that is free stays free."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registration gives, once: the key is never shown again."""

    client: Client
    api_key: str
    access: str
    refresh: str


def register(*, email: str, password: str, name: str = "") -> Registration:
    """Make a client with the e-mail's person as its owner.

    Raises InvalidFields (e-mail, password), Conflict ``conflict_unique`` (the e-mail has a client), Unavailable.
    """
    identity = identity_of(email)
    sweep_unfinished()
    _refuse_taken(identity)
    email = lower_email(email)
    require_email(email)
    require_good_password(password, email=email)
    hashed = make_password(password)  # slow on purpose, so it is done before anybody has to wait for us
    with public(), transaction.atomic():
        _wait_until_alone()
        crash_point("registration_locked")
        _refuse_taken(identity)
        client = Client(name=name, email=email, email_identity=identity, schema_name=_free_schema_name(email))
        in_parts = elsewhere().is_needed(PUBLIC)
        client.status = Status.PROVISIONING if in_parts else Status.READY
        client.save()
        crash_point("registration_client_saved")
        if not in_parts:
            made = _filled(client, hashed)
            _refuse_newcomers()
            return made
    crash_point("registration_begun")
    try:
        return _provisioned(client, hashed)
    except BaseException:
        discard(client)
        raise


def _provisioned(client: Client, hashed: str) -> Registration:
    """The rest of a client whose rows go to two databases; its row is locked all the while, so it is not swept."""
    with public(), transaction.atomic():
        _wait_until_alone()
        if not Client.objects.select_for_update().filter(pk=client.pk, status=Status.PROVISIONING).exists():
            raise Unavailable("Making this client took too long; try again.", retry_after=5)
        made = _filled(client, hashed)
        elsewhere().clone(PUBLIC, client.schema_name)
        crash_point("registration_cloned_elsewhere")
        client.status = Status.READY
        client.save(update_fields=["status"])
    return made


def _filled(client: Client, hashed: str) -> Registration:
    """The schema, the owner and the first key, within the caller's transaction."""
    with connection.wrap_database_errors:  # below Django: a lock that is not free must be told as Django's
        clone(connection.connection, PUBLIC, client.schema_name)
    crash_point("registration_cloned")
    with use(client.schema_name):
        owner = User.objects.create(email=client.email, password=hashed, role=Role.OWNER, name=client.name)
    crash_point("registration_owner_saved")
    _, key = create_key(client=client, label="first key")
    pair = tokens.issue_pair(owner, namespace=client.schema_name)
    crash_point("registration_key_saved")
    return Registration(client, key, pair["access"], pair["refresh"])


def _refuse_newcomers() -> None:
    """Asked again once ``public`` is cloned, and so locked: tables that came since have rows that were not copied."""
    if elsewhere().is_needed(PUBLIC):
        raise Unavailable("The public data was changed just now; try again.", retry_after=1)


def _refuse_taken(identity: str) -> None:
    """Asked before the work, and again under the lock; the unique index is the last word.

    Raises Conflict, Unavailable.
    """
    with public():
        status = Client.objects.filter(email_identity=identity).values_list("status", flat=True).first()
        if status == Status.PROVISIONING:
            raise Unavailable(
                "A client of this e-mail is being made; try again.", code="tenant_provisioning", retry_after=30
            )
        if status is not None:
            raise Conflict(
                "This e-mail has a client already; log in with its Api-Key.",
                code="conflict_unique",
                extra={"fields": ["email"]},
            )


def _wait_until_alone() -> None:
    """One registration at a time, waited for at most as long as the connection's ``lock_timeout``."""
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        except OperationalError as error:
            if isinstance(error.__cause__, pg.LockNotAvailable):
                raise Unavailable("Many clients are being made just now; try again.", retry_after=5) from error
            raise


def _free_schema_name(email: str) -> str:
    while name_was_used(name := schema_name_for(email)):
        pass
    return name


def name_was_used(name: str) -> bool:
    """Whether a client ever had this schema name (rows of deleted ones stay), or a schema has it now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM public.datar_client WHERE schema_name = %s)"
            " OR EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)",
            [name, name],
        )
        row = cursor.fetchone()
    return row is not None and bool(row[0])
