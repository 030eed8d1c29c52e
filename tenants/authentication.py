"""Who is asking: a token, and the key the middleware has looked at, become an actor. CONTRACT 2's table, row by row.

Nothing here is remembered longer than ``tenants.memory`` allows, and what is remembered begins with the tenant.
"""

from dataclasses import dataclass

from django.db import ProgrammingError, connection
from django.http import HttpRequest
from psycopg import sql

from datar.errors import Denied, NotAuthenticated, Unavailable
from tenants.context import PUBLIC
from tenants.keys import Grant
from tenants.memory import ShortMemory
from tenants.models import Scope, Status
from tenants.roles import TenantActor
from tenants.tokens import Claims, read_token, revoked

GRANT = "datar.grant"
"""Where in ``request.META`` the middleware leaves the key's Grant; no header can be called so."""

_FIND = sql.SQL("""
SELECT u.role, u.token_version, u.is_active, coalesce(c.status, 'ready')
FROM {schema}.datar_user u LEFT JOIN public.datar_client c ON c.schema_name = %s
WHERE u.id = %s
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """A user as the database knows them now, and the status of their client."""

    role: str
    token_version: int
    is_active: bool
    status: str


def _load(key: tuple[str, int]) -> Standing | None:
    namespace, user_id = key
    try:
        with connection.cursor() as cursor:
            cursor.execute(_FIND.format(schema=sql.Identifier(namespace)), [namespace, user_id])
            row = cursor.fetchone()
    except ProgrammingError:  # the namespace is gone
        return None
    return None if row is None else Standing(*row)


_standings: ShortMemory[tuple[str, int], Standing | None] = ShortMemory(_load)


def authenticate(request: HttpRequest) -> TenantActor:
    """The actor of a request. Raises NotAuthenticated, Denied (suspended), Unavailable (being made)."""
    meta = request.META
    grant: Grant | None = meta.get(GRANT)
    claims = read_token(_bearer(meta.get("HTTP_AUTHORIZATION", "")), "access")
    require_same_tenant(claims, grant)
    standing = standing_of(claims)
    if grant is not None:
        return TenantActor(
            grant.namespace,
            claims.tenant,
            claims.user_id,
            standing.role,
            grant.scope,
            grant.client_id,
            grant.key_id,
        )
    return TenantActor(PUBLIC, claims.tenant, claims.user_id, standing.role, Scope.ADMIN, None, None)


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(
            "Send a token: Authorization: Bearer <access token>; POST /api/auth/token/ gives you one."
        )
    return token


def require_same_tenant(claims: Claims, grant: Grant | None) -> None:
    """Raise NotAuthenticated when a key was sent that is not of the token's tenant."""
    if grant is not None and claims.tenant != grant.namespace:
        raise NotAuthenticated(
            "The token is not of the Api-Key's tenant; log in with this key.", code="token_tenant_mismatch"
        )


def standing_of(claims: Claims) -> Standing:
    """The token's user, if they are still who they were when it was made.

    Raises NotAuthenticated ``token_revoked``, and what ``require_open`` raises.
    """
    standing = _standings.get((claims.tenant, claims.user_id))
    if standing is None or not standing.is_active or standing.token_version != claims.token_version:
        raise revoked()
    require_open(standing.status)
    return standing


def require_open(status: str) -> None:
    """Raise Denied for a suspended client, Unavailable for one that is being made, NotAuthenticated for a deleted."""
    if status == Status.READY:
        return
    if status == Status.SUSPENDED:
        raise Denied("This client is suspended; ask the operator of the service.", code="tenant_suspended")
    if status == Status.PROVISIONING:
        raise Unavailable("This client is being made; try again.", code="tenant_provisioning", retry_after=5)
    raise revoked()


def forget_user(namespace: str, user_id: int) -> None:
    """Ask the database again about a user, after a change (other processes follow within a second)."""
    _standings.forget((namespace, user_id))


def forget_users() -> None:
    """Ask the database again about everybody, after a client's status changed."""
    _standings.clear()
