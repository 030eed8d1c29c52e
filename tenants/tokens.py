"""Access and refresh tokens: what stands in them, which are accepted, how a refresh token is used once.

A token names its tenant (schema), its user, and the user's token version; a refresh token also its family. Only the
very header that we write is accepted, so no other algorithm, key or critical extension is ever looked at.
"""

import base64
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from datar.errors import NotAuthenticated
from records.limits import TOKEN_CHARACTERS
from tenants.context import use
from tenants.models import TokenFamily, User

Kind = Literal["access", "refresh"]
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode() + "."
_REMEMBERED = 4_096
_FAR = 2**40
_EXPIRED = (
    "The token has expired; get a new one: POST the refresh token to /api/auth/token/refresh/,"
    " or e-mail and password to /api/auth/token/."
)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says; times in Unix seconds. ``family`` is that of a refresh token, else empty."""

    kind: str
    tenant: str
    user_id: int
    token_version: int
    jti: str
    family: str
    expires: int


_verified: dict[str, Claims] = {}
"""Tokens whose signature was found good, by their exact text; what changes with time is looked at each time."""


def read_token(text: str, kind: Kind | None = None) -> Claims:
    """The claims of a token that is genuine and alive, of that kind if one is named.

    Raises NotAuthenticated ``token_malformed``, ``token_not_valid``, ``token_expired`` or ``token_wrong_type``.
    Whether its user still lives is for ``tenants.authentication`` to say.
    """
    claims = _verified.get(text) or _verify(text)
    if claims.expires <= time.time():
        _verified.pop(text, None)
        raise NotAuthenticated(_EXPIRED, code="token_expired")
    if kind is not None and claims.kind != kind:
        raise NotAuthenticated(f"This is a {claims.kind} token; send the {kind} token.", code="token_wrong_type")
    return claims


def _verify(text: str) -> Claims:
    if not text.isascii() or len(text) > TOKEN_CHARACTERS or text.count(".") != 2:
        raise NotAuthenticated("This is no token of this service.", code="token_malformed")
    if not text.startswith(_HEADER):
        raise _not_valid()
    try:
        claims = _claims(token_backend.decode(text))
    except TokenBackendExpiredToken as error:
        raise NotAuthenticated(_EXPIRED, code="token_expired") from error
    except TokenBackendError as error:
        raise _not_valid() from error
    if len(_verified) >= _REMEMBERED:
        for oldest in list(_verified)[: _REMEMBERED // 4]:
            _verified.pop(oldest, None)
    _verified[text] = claims
    return claims


def _claims(payload: dict[str, Any]) -> Claims:
    """Strictly what we write: an ``exp`` that is no whole number, say, would live forever somewhere."""
    expires, kind, family = payload.get("exp"), payload.get("token_type"), payload.get("family", "")
    numbers = (expires, payload.get("user_id"), payload.get("tv"))
    words = (kind, payload.get("tenant"), payload.get("jti"), family)
    if not all(type(one) is int and 0 <= one < _FAR for one in numbers) or not all(type(one) is str for one in words):
        raise _not_valid()
    if kind not in ("access", "refresh") or bool(family) != (kind == "refresh"):
        raise _not_valid()
    return Claims(kind, payload["tenant"], payload["user_id"], payload["tv"], payload["jti"], family, payload["exp"])


def _not_valid() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code="token_not_valid")


def issue_pair(user: User, *, namespace: str) -> dict[str, str]:
    """A new family for a user of the namespace: ``{"access", "refresh"}``. It writes a row and clears expired ones."""
    family = uuid4()
    refresh = _mint(RefreshToken(), user, namespace, family)
    with use(namespace):
        TokenFamily.objects.filter(user=user, expires_at__lt=timezone.now()).delete()
        TokenFamily.objects.create(id=family, user=user, jti=refresh["jti"], expires_at=_expiry(refresh))
    return {"access": str(_mint(AccessToken(), user, namespace)), "refresh": str(refresh)}


def _mint(token: Token, user: User, namespace: str, family: UUID | None = None) -> Token:
    token["user_id"] = user.pk
    token["tenant"] = namespace
    token["tv"] = user.token_version
    if family is not None:
        token["family"] = str(family)
    return token


def _expiry(token: Token) -> datetime:
    return datetime.fromtimestamp(token["exp"], UTC)


def rotate(claims: Claims, user: User) -> dict[str, str]:
    """Use a refresh token up: a new pair of the same family.

    Raises NotAuthenticated ``token_reused`` when it was used before, and then the whole family is dead;
    ``token_revoked`` when it was dead already.
    """
    family = UUID(claims.family)
    refresh = _mint(RefreshToken(), user, claims.tenant, family)
    with use(claims.tenant):
        alive = TokenFamily.objects.filter(id=family, user_id=user.pk, revoked_at=None)
        if not alive.filter(jti=claims.jti).update(jti=refresh["jti"], expires_at=_expiry(refresh)):
            if alive.update(revoked_at=timezone.now()):
                raise NotAuthenticated(
                    "This refresh token was used before; all tokens of that log-in have been revoked.",
                    code="token_reused",
                )
            raise revoked()
    return {"access": str(_mint(AccessToken(), user, claims.tenant)), "refresh": str(refresh)}


def require_newest(claims: Claims) -> None:
    """Raise NotAuthenticated ``token_revoked`` for a refresh token that could not be used."""
    with use(claims.tenant):
        if not TokenFamily.objects.filter(id=UUID(claims.family), jti=claims.jti, revoked_at=None).exists():
            raise revoked()


def revoke_family(claims: Claims) -> None:
    """End the log-in a refresh token belongs to; ending it twice is no error."""
    with use(claims.tenant):
        TokenFamily.objects.filter(id=UUID(claims.family), revoked_at=None).update(revoked_at=timezone.now())


def revoke_families(user: User, *, namespace: str) -> None:
    """End all log-ins of a user."""
    with use(namespace):
        TokenFamily.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())


def revoked() -> NotAuthenticated:
    """What a token meets whose user, log-in or password is no longer the same."""
    return NotAuthenticated("The token has been revoked; log in again.", code="token_revoked")
