"""A client that was deleted while this process still remembered its keys: what fails then is a dead key, not a bug."""

from django.db import DatabaseError, connection

from datar.errors import NotAuthenticated
from tenants.authentication import forget_users
from tenants.context import PUBLIC
from tenants.keys import forget_grants

_ABSENT = {"42P01", "3F000"}
"""SQLSTATEs of a table and of a schema that is not there."""


def refusal_when_gone(error: Exception, namespace: str) -> Exception:
    """The error as it is, or NotAuthenticated ``invalid_api_key`` when it came of the namespace having gone.

    Keys and users are asked for anew from then on. Outside of a transaction.
    """
    if namespace == PUBLIC or not isinstance(error, DatabaseError):
        return error
    if getattr(error.__cause__, "sqlstate", "") not in _ABSENT or _is_there(namespace):
        return error
    forget_grants()
    forget_users()
    return NotAuthenticated("The Api-Key is unknown, revoked or expired.", code="invalid_api_key")


def _is_there(namespace: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_namespace WHERE nspname = %s", [namespace])
        return cursor.fetchone() is not None
