"""``/api/auth/`` over HTTP."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from datar.api.fields import read_body
from datar.api.operations import operation
from datar.api.responses import answer, created, deleted
from datar.api.views import ApiView
from datar.errors import InvalidFields, NotFound
from tenants import accounts, clients, keys, registration
from tenants.authentication import GRANT
from tenants.context import PUBLIC
from tenants.departed import refusal_when_gone
from tenants.keys import Grant
from tenants.namespace_view import TenantView
from tenants.serializers import (
    ApiKeyCreate,
    ApiKeyMade,
    ApiKeyShown,
    ClientShown,
    ClientUpdate,
    LogIn,
    Me,
    Nothing,
    PasswordAgain,
    PasswordChange,
    RefreshText,
    Register,
    Registered,
    TokenPair,
    TokenText,
    client_shown,
    key_shown,
    user_shown,
)

_ID_DIGITS = 18


class OpenView(ApiView):
    """An endpoint that needs no token; a key, when one is sent, still has to be good."""

    open_to_all = True

    @property
    def grant(self) -> Grant | None:
        """What the request's key opens."""
        grant: Grant | None = self.request._request.META.get(GRANT)
        return grant

    def handle_exception(self, exc: Exception) -> Any:
        """What fails because the key's client was deleted a moment ago is the refusal it will be in a second."""
        namespace = self.grant.namespace if self.grant else PUBLIC
        return super().handle_exception(refusal_when_gone(exc, namespace))


class RegisterView(OpenView):
    """``/api/auth/register/``."""

    @operation("auth_register", tag="auth", summary="Register a client", request=Register, answers={201: Registered})
    def post(self, request: Request) -> HttpResponse:
        """A copy of the public data in a schema of your own. The key is shown this once."""
        made = registration.register(**read_body(Register, self.body_object()))
        return created(
            {
                "client": client_shown(made.client),
                "api_key": made.api_key,
                "access": made.access,
                "refresh": made.refresh,
            },
            location="/api/auth/client/",
        )


class TokenView(OpenView):
    """``/api/auth/token/``."""

    @operation("auth_token", tag="auth", summary="Log in", request=LogIn, answers={200: TokenPair})
    def post(self, request: Request) -> HttpResponse:
        """With your Api-Key; without one, operators of the service log in."""
        values = read_body(LogIn, self.body_object())
        names = {values[field] for field in ("username", "email") if field in values}
        if not names:
            raise InvalidFields.one("email", "required", "Send email, or username with the same meaning.")
        if len(names) > 1:
            raise InvalidFields.one("username", "contradiction", "This differs from email; send one of them.")
        namespace = self.grant.namespace if self.grant else PUBLIC
        return answer(accounts.log_in(namespace=namespace, email=names.pop(), password=values["password"]))


class TokenRefresh(OpenView):
    """``/api/auth/token/refresh/``."""

    @operation("auth_token_refresh", tag="auth", summary="Renew tokens", request=RefreshText, answers={200: TokenPair})
    def post(self, request: Request) -> HttpResponse:
        """Each refresh token works once; a second use revokes all tokens of its log-in."""
        values = read_body(RefreshText, self.body_object())
        return answer(accounts.refresh(token=values["refresh"], grant=self.grant))


class TokenVerify(OpenView):
    """``/api/auth/token/verify/``."""

    @operation("auth_token_verify", tag="auth", summary="Check a token", request=TokenText, answers={200: Nothing})
    def post(self, request: Request) -> HttpResponse:
        """200 if the token, access or refresh, would be accepted now."""
        accounts.verify(token=read_body(TokenText, self.body_object())["token"], grant=self.grant)
        return answer({})


class TokenBlacklist(OpenView):
    """``/api/auth/token/blacklist/``."""

    @operation("auth_token_blacklist", tag="auth", summary="Log out", request=RefreshText, answers={200: Nothing})
    def post(self, request: Request) -> HttpResponse:
        """Revoke the refresh token and all others of its log-in."""
        values = read_body(RefreshText, self.body_object())
        accounts.blacklist(token=values["refresh"], grant=self.grant)
        return answer({})


class MeView(TenantView):
    """``/api/auth/me/``."""

    @operation("auth_me", tag="auth", summary="Who am I", answers={200: Me}, unsafe=False)
    def get(self, request: Request) -> HttpResponse:
        """The user of the token, and the tenant this request works in."""
        actor = self.actor
        user = accounts.find_user(namespace=actor.home, user_id=actor.home_user_id)
        name = PUBLIC if actor.client_id is None else clients.find_client(client_id=actor.client_id).name
        return answer(
            {
                "user": user_shown(user),
                "tenant": {"schema_name": actor.namespace, "name": name},
                "scope": actor.scope,
                "read_only": actor.visiting,
            }
        )


class PasswordChangeView(TenantView):
    """``/api/auth/password/change/``."""

    rights = {**ApiView.rights, "POST": "read"}

    @operation(
        "auth_password_change",
        tag="auth",
        summary="Change your password",
        request=PasswordChange,
        answers={200: TokenPair},
    )
    def post(self, request: Request) -> HttpResponse:
        """Every token you have is dead; the answer holds new ones. Whoever may read may change their own password."""
        self.actor.require_home()
        values = read_body(PasswordChange, self.body_object())
        pair = accounts.change_password(namespace=self.actor.home, user_id=self.actor.home_user_id, **values)
        return answer(pair)


class ApiKeyList(TenantView):
    """``/api/auth/api-keys/``."""

    rights = {**ApiView.rights, "GET": "users", "HEAD": "users", "POST": "users"}

    @operation(
        "auth_api_keys_list",
        tag="auth",
        summary="List Api-Keys",
        answers={200: ApiKeyShown(many=True)},
        unsafe=False,
    )
    def get(self, request: Request) -> HttpResponse:
        """Those not revoked, newest last."""
        client = clients.find_client(client_id=self.actor.client_id)
        return answer([key_shown(key) for key in keys.list_keys(client_id=client.pk)])

    @operation(
        "auth_api_keys_create",
        tag="auth",
        summary="Make an Api-Key",
        request=ApiKeyCreate,
        answers={201: ApiKeyMade},
    )
    def post(self, request: Request) -> HttpResponse:
        """The key is shown this once. ``scope`` is `admin` unless given."""
        shown = ApiKeyMade().fields
        values = read_body(ApiKeyCreate, self.body_object(), shown=shown)
        row, key = keys.create_key(client=clients.find_client(client_id=self.actor.client_id), **values)
        return created({**key_shown(row), "api_key": key})


class ApiKeyOne(TenantView):
    """``/api/auth/api-keys/{id}/``."""

    rights = {**ApiView.rights, "DELETE": "users"}

    @operation(
        "auth_api_keys_destroy",
        tag="auth",
        summary="Revoke an Api-Key",
        answers={204: None},
        parameters=[OpenApiParameter("key_id", int, OpenApiParameter.PATH)],
    )
    def delete(self, request: Request, key_id: str) -> HttpResponse:
        """It opens nothing any more, within a second everywhere."""
        if not (key_id.isascii() and key_id.isdigit()) or len(key_id) > _ID_DIGITS:
            raise NotFound
        client = clients.find_client(client_id=self.actor.client_id)
        keys.revoke_key(client_id=client.pk, key_id=int(key_id))
        return deleted()


class ClientView(TenantView):
    """``/api/auth/client/``."""

    rights = {**ApiView.rights, "PATCH": "owner", "DELETE": "owner"}

    @operation("auth_client_retrieve", tag="auth", summary="Your client", answers={200: ClientShown}, unsafe=False)
    def get(self, request: Request) -> HttpResponse:
        """The client of the Api-Key."""
        return answer(client_shown(clients.find_client(client_id=self.actor.client_id)))

    @operation(
        "auth_client_partial_update",
        tag="auth",
        summary="Rename your client",
        request=ClientUpdate,
        answers={200: ClientShown},
    )
    def patch(self, request: Request) -> HttpResponse:
        """Only the name changes; the schema keeps its own."""
        client = clients.find_client(client_id=self.actor.client_id)
        current = client_shown(client)
        values = read_body(ClientUpdate, self.body_object(), shown=current, current=current, partial=True)
        return answer(
            {**current, **values} if not values else client_shown(clients.rename(client_id=client.pk, **values))
        )

    @operation(
        "auth_client_destroy", tag="auth", summary="Delete your client", request=PasswordAgain, answers={204: None}
    )
    def delete(self, request: Request) -> HttpResponse:
        """With the owner's password. Every table and row is gone for good; every key and token is dead."""
        client = clients.find_client(client_id=self.actor.client_id)
        password = read_body(PasswordAgain, self.body_object())["password"]
        clients.delete(client_id=client.pk, user_id=self.actor.home_user_id, password=password)
        return deleted()
