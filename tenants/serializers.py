"""The shapes of what is said about clients, users, keys and tokens, in and out. Nothing here writes."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from datar.api.fields import OneOf, Text
from datar.api.responses import instant
from datar.errors import InvalidFields
from records.limits import NAME_CHARACTERS, PASSWORD_CHARACTERS, TOKEN_CHARACTERS
from records.table import Json
from tenants.emails import EMAIL_CHARACTERS
from tenants.models import ApiKey, Client, Role, Scope, Status, User

LABEL_CHARACTERS = 100


class EmailText(Text):
    """An address as sent; whether it is one is ``tenants.emails``' to say, after folding its letters."""

    def run_validation(self, data: Any = serializers.empty) -> str:
        """The address. Raises InvalidFields ``invalid_email`` for what cannot be one."""
        if isinstance(data, str) and (self.forbidden.search(data) or not 0 < len(data) <= EMAIL_CHARACTERS):
            raise InvalidFields.one("", "invalid_email", "Enter a valid email address.")
        return super().run_validation(data)


class Future(serializers.DateTimeField):
    """An instant to come, ISO 8601 with its zone; or null."""

    def run_validation(self, data: Any = serializers.empty) -> datetime | None:
        """The instant."""
        if data is None:
            return None
        try:
            moment = datetime.fromisoformat(data) if isinstance(data, str) and len(data) <= 40 else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise InvalidFields.one("", "invalid_datetime", "This must be an instant like 2030-01-31T12:00:00Z.")
        try:
            moment = moment.astimezone(UTC)
            late = moment <= timezone.now()
        except OverflowError:
            raise InvalidFields.one("", "invalid_datetime", "This instant is out of range.") from None
        if late:
            raise InvalidFields.one("", "in_the_past", "This must lie in the future.")
        return moment


class Register(serializers.Serializer[Any]):
    """A new client."""

    email = EmailText(max_length=EMAIL_CHARACTERS)
    password = Text(max_length=PASSWORD_CHARACTERS)
    name = Text(max_length=NAME_CHARACTERS, required=False)


class LogIn(serializers.Serializer[Any]):
    """Credentials; ``email`` and ``username`` are the same thing, one of them is sent."""

    username = EmailText(max_length=EMAIL_CHARACTERS, required=False)
    email = EmailText(max_length=EMAIL_CHARACTERS, required=False)
    password = Text(max_length=PASSWORD_CHARACTERS)


class RefreshText(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = Text(max_length=TOKEN_CHARACTERS)


class TokenText(serializers.Serializer[Any]):
    """A token of either kind."""

    token = Text(max_length=TOKEN_CHARACTERS)


class PasswordChange(serializers.Serializer[Any]):
    """The password until now, and from now on."""

    old_password = Text(max_length=PASSWORD_CHARACTERS)
    new_password = Text(max_length=PASSWORD_CHARACTERS)


class PasswordAgain(serializers.Serializer[Any]):
    """The password, asked once more for what cannot be undone."""

    password = Text(max_length=PASSWORD_CHARACTERS)


class ClientUpdate(serializers.Serializer[Any]):
    """What of a client can be changed."""

    name = Text(max_length=NAME_CHARACTERS)


class ApiKeyCreate(serializers.Serializer[Any]):
    """A new key."""

    label = Text(max_length=LABEL_CHARACTERS, required=False)  # type: ignore[assignment]  # DRF has a label too
    scope = OneOf(choices=Scope.choices, required=False)
    expires_at = Future(required=False, allow_null=True)


class TokenPair(serializers.Serializer[Any]):
    """An access token (5 minutes) and a refresh token (one day, for one use)."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class ClientShown(serializers.Serializer[Any]):
    """A client."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    schema_name = serializers.CharField()
    email = serializers.EmailField()
    status = serializers.ChoiceField(choices=Status.choices)
    created_at = serializers.DateTimeField()


class Registered(TokenPair):
    """A new client, its key (shown this once) and its owner's tokens."""

    client = ClientShown()
    api_key = serializers.CharField()


class ApiKeyShown(serializers.Serializer[Any]):
    """A key; of the key itself only both ends."""

    id = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF has a label too
    scope = serializers.ChoiceField(choices=Scope.choices)
    prefix = serializers.CharField()
    last_four = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class ApiKeyMade(ApiKeyShown):
    """A new key, shown this once."""

    api_key = serializers.CharField()


class UserShown(serializers.Serializer[Any]):
    """A user."""

    id = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    created_at = serializers.DateTimeField()


class TenantShown(serializers.Serializer[Any]):
    """Where a request works."""

    schema_name = serializers.CharField()
    name = serializers.CharField()


class Me(serializers.Serializer[Any]):
    """Who is asking, where, and what they may do there."""

    user = UserShown()
    tenant = TenantShown()
    scope = serializers.ChoiceField(choices=Scope.choices)
    read_only = serializers.BooleanField(  # type: ignore[assignment]  # DRF has one too
        help_text="True for a tenant's user without a key, who reads `public`."
    )


class Nothing(serializers.Serializer[Any]):
    """An empty object."""


def client_shown(client: Client) -> dict[str, Json]:
    """ClientShown."""
    return {
        "id": client.pk,
        "name": client.name,
        "schema_name": client.schema_name,
        "email": client.email,
        "status": client.status,
        "created_at": instant(client.created_at),
    }


def key_shown(key: ApiKey) -> dict[str, Json]:
    """ApiKeyShown."""
    return {
        "id": key.pk,
        "label": key.label,
        "scope": key.scope,
        "prefix": key.prefix,
        "last_four": key.last_four,
        "created_at": instant(key.created_at),
        "expires_at": None if key.expires_at is None else instant(key.expires_at),
    }


def user_shown(user: User) -> dict[str, Json]:
    """UserShown."""
    return {
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "created_at": instant(user.created_at),
    }
