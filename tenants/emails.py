"""E-mail addresses as names of people and of namespaces: which are valid, which are the same, what they become.

It knows Unicode's look-alikes and PostgreSQL's rules for a schema's name. It refuses to know who is registered.
"""

import re
import secrets
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from datar.errors import InvalidFields

EMAIL_CHARACTERS = 254
LOCAL_CHARACTERS = 64
SCHEMA_BYTES = 63
_DIGITS = 6
_UNSAFE = re.compile(r"[^a-z0-9_]+")
_COMBINING_DOT = "\u0307"
_validate = EmailValidator()


def lower_email(text: str) -> str:
    """The address as it is kept and compared at log-in: compatibility forms folded, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def identity_of(text: str) -> str:
    """What two addresses share when a person, or a careless mail server, could take them for one.

    Case, full-width and other compatibility forms, and the dotless and the dotted i fall together.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u0131", "i").replace(f"i{_COMBINING_DOT}", "i")
    return unicodedata.normalize("NFC", folded)


def require_email(email: str, field: str = "email") -> None:
    """Raise the field's 400 ``invalid_email`` unless it is an address that mail can be sent to."""
    local, _, _ = email.rpartition("@")
    try:
        if len(email) > EMAIL_CHARACTERS or len(local) > LOCAL_CHARACTERS:
            raise ValidationError("too long")
        _validate(email)
    except ValidationError:
        raise InvalidFields.one(field, "invalid_email", "Enter a valid email address.") from None


def schema_name_for(email: str) -> str:
    """A new schema name: the local part made safe, and six random digits; ``[a-z0-9_]``, at most 63 bytes.

    It is neither ``public`` nor ``pg_…``; that it was never used is for the caller to see.
    """
    local = email.partition("@")[0]
    plain = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode().lower()
    safe = _UNSAFE.sub("_", plain).strip("_") or "client"
    if safe.startswith("pg_") or safe == "pg":
        safe = f"t_{safe}"
    digits = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
    return f"{safe[: SCHEMA_BYTES - _DIGITS - 1]}_{digits}"
