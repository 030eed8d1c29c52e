"""What a role and a key's scope allow, and the actor who may do what both allow."""

from collections.abc import Mapping
from dataclasses import dataclass

from datar.api.views import Right
from datar.errors import Denied
from tenants.models import Role, Scope

RIGHTS_OF_ROLE: Mapping[str, frozenset[Right]] = {
    Role.VIEWER: frozenset({"read"}),
    Role.EDITOR: frozenset({"read", "rows"}),
    Role.ADMIN: frozenset({"read", "rows", "schema", "users"}),
    Role.OWNER: frozenset({"read", "rows", "schema", "users", "owner"}),
}
RIGHTS_OF_SCOPE: Mapping[str, frozenset[Right]] = {
    Scope.READ: frozenset({"read"}),
    Scope.WRITE: frozenset({"read", "rows"}),
    Scope.ADMIN: RIGHTS_OF_ROLE[Role.OWNER],
}
_NEEDED: Mapping[Right, str] = {
    "read": "read",
    "rows": "write rows",
    "schema": "change apps, datasources and tables",
    "users": "manage users and keys",
    "owner": "manage the client itself",
}


@dataclass(frozen=True, slots=True)
class TenantActor:
    """Who is asking. ``namespace`` is where the request works, ``home`` where its user lives.

    They differ for a tenant's user without a key, who reads ``public``; then ``user_id`` is None, for no row of
    ``public`` is theirs. ``scope`` is the key's; an operator, who has no key, has the scope ``admin``.
    """

    namespace: str
    home: str
    home_user_id: int
    role: str
    scope: str
    client_id: int | None
    key_id: int | None

    @property
    def visiting(self) -> bool:
        """Whether this is another tenant's user reading ``public``."""
        return self.namespace != self.home

    @property
    def user_id(self) -> int | None:
        """The user within ``namespace``."""
        return None if self.namespace != self.home else self.home_user_id

    def require(self, right: Right) -> None:
        """Raise Denied unless role and scope both allow it."""
        if self.namespace != self.home:
            if right != "read":
                self.require_home()
            return
        if right not in RIGHTS_OF_ROLE[self.role]:
            raise Denied(f"Your role '{self.role}' does not allow to {_NEEDED[right]}.")
        if right not in RIGHTS_OF_SCOPE[self.scope]:
            raise Denied(f"This Api-Key's scope '{self.scope}' does not allow to {_NEEDED[right]}.")

    def require_home(self) -> None:
        """Raise Denied ``public_read_only`` for another tenant's user who reads ``public``."""
        if self.namespace != self.home:
            raise Denied(
                "Without an Api-Key your token reads the public data only; send your Api-Key to change your own.",
                code="public_read_only",
            )
