"""Typed readers of the environment. A bad value stops the start with one sentence that names the variable."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

SECRET_CHARACTERS = 32
_MONGODB_URL = re.compile(r"mongodb(\+srv)?://([^:@/?#\s]+(:[^:@/?#\s]*)?@)?[^@/?#\s]+(/[^@/?#\s]*)?(\?[^@?#\s]*)?")


class BadSetting(SystemExit):
    """A setting that cannot be used; the process ends with exit code 1 and this sentence on stderr."""


@dataclass(frozen=True, slots=True)
class SecretUrl:
    """A URL with a password in it: printed or logged by mistake, it shows nothing. ``text`` is the URL."""

    text: str = field(repr=False)


def text(name: str, default: str) -> str:
    """The variable as text, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """The variable as a whole number in ``least..most``."""
    raw = os.environ.get(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise BadSetting(f"{name}={raw!r} is not a whole number.") from None
    if not least <= value <= most:
        raise BadSetting(f"{name}={value} is out of range: {least} to {most}.")
    return value


def seconds(name: str, default: float, *, least: float, most: float) -> float:
    """The variable as a number of seconds in ``least..most``."""
    raw = os.environ.get(name)
    if not raw:
        return default
    try:
        value = float(raw)
    except ValueError:
        raise BadSetting(f"{name}={raw!r} is not a number of seconds.") from None
    if not least <= value <= most:
        raise BadSetting(f"{name}={value} is out of range: {least} to {most} seconds.")
    return value


def flag(name: str, *, default: bool = False) -> bool:
    """The variable as yes or no: ``1 true yes on`` or ``0 false no off``."""
    raw = os.environ.get(name, "").lower()
    if not raw:
        return default
    if raw in ("1", "true", "yes", "on"):
        return True
    if raw in ("0", "false", "no", "off"):
        return False
    raise BadSetting(f"{name}={raw!r} is neither yes nor no; use 1 or 0.")


def words(name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
    """The variable as words between commas, blanks around them dropped."""
    raw = os.environ.get(name)
    if not raw:
        return tuple(default)
    return tuple(word.strip() for word in raw.split(",") if word.strip())


def secret(name: str) -> str:
    """A signing secret of at least 32 characters; there is no default, for a known secret signs anybody's token."""
    raw = os.environ.get(name, "")
    if len(raw) < SECRET_CHARACTERS:
        raise BadSetting(f"{name} must be set to at least {SECRET_CHARACTERS} random characters (`make up` makes one).")
    return raw


def mongodb_url(name: str) -> SecretUrl | None:
    """The address of a MongoDB server, or None when it is unset; the complaint never quotes it."""
    raw = os.environ.get(name)
    if not raw:
        return None
    if not _MONGODB_URL.fullmatch(raw):
        raise BadSetting(
            f"{name} cannot be read: it is mongodb://user:password@host:27017/?replicaSet=name, with the characters"
            " @ : / ? # % [ ] of user and password percent-encoded."
        )
    return SecretUrl(raw)
