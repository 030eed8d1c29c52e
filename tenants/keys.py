"""Api keys: made, listed, revoked, and known again on every request.

A key is 256 random bits, so a single SHA-256 is a safe way to keep it: there is no dictionary to try, and a slow hash
would be paid on each request. It is found by that hash, so no comparison's time tells anything about a key.
"""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from datar.errors import Conflict, NotFound
from records.limits import API_KEYS_PER_CLIENT
from tenants.context import public
from tenants.memory import ShortMemory
from tenants.models import ApiKey, Client, Scope

_PREFIX = "datar_"
_KEY = re.compile(r"datar_[A-Za-z0-9_-]{43}")
_SHOWN = len(_PREFIX) + 4

_FIND = """
SELECT k.id, k.client_id, c.schema_name, c.status, k.scope, extract(epoch FROM k.expires_at)::float8
FROM public.datar_api_key k JOIN public.datar_client c ON c.id = k.client_id
WHERE k.digest = %s AND k.revoked_at IS NULL AND c.status <> 'deleted'
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key opens: a client's namespace, up to a scope. ``expires_at`` in Unix seconds, None for never."""

    key_id: int
    client_id: int
    namespace: str
    status: str
    scope: str
    expires_at: float | None


def digest_of(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def _load(digest: str) -> Grant | None:
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [digest])
        row = cursor.fetchone()
    return None if row is None else Grant(*row)


_grants: ShortMemory[str, Grant | None] = ShortMemory(_load)


def grant_of(key: str) -> Grant | None:
    """What the key opens; None when it is malformed, unknown, revoked or expired. No statement when it is known."""
    if not _KEY.fullmatch(key):
        return None
    grant = _grants.get(digest_of(key))
    if grant is None or (grant.expires_at is not None and grant.expires_at <= time.time()):
        return None
    return grant


def create_key(
    *, client: Client, label: str = "", scope: str = Scope.ADMIN, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key for the client; the stored row and the key itself, which is never seen again. Raises Conflict."""
    key = f"{_PREFIX}{secrets.token_urlsafe(32)}"
    with public():
        if client.keys.filter(revoked_at=None).count() >= API_KEYS_PER_CLIENT:
            raise Conflict(f"There are {API_KEYS_PER_CLIENT} keys already; revoke one first.", code="too_many_keys")
        row = ApiKey.objects.create(
            client=client,
            label=label,
            prefix=key[:_SHOWN],
            last_four=key[-4:],
            digest=digest_of(key),
            scope=scope,
            expires_at=expires_at,
        )
    return row, key


def list_keys(*, client_id: int) -> list[ApiKey]:
    """The client's keys that are not revoked, oldest first."""
    with public():
        return list(ApiKey.objects.filter(client_id=client_id, revoked_at=None).order_by("id"))


def revoke_key(*, client_id: int, key_id: int) -> None:
    """End a key of the client: at once in this process, within a second in the others. Raises NotFound."""
    with public():
        key = ApiKey.objects.filter(client_id=client_id, id=key_id, revoked_at=None).first()
        if key is None or not ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=timezone.now()):
            raise NotFound
    _grants.forget(key.digest)


def forget_grants() -> None:
    """Ask the database again about every key, after a client's status changed."""
    _grants.clear()
