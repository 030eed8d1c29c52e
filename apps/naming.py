"""Slugs: the names that URLs and physical tables are made from. They never change."""

import re
from collections.abc import Collection

from django.db import connection

from apps.models import SLUG_CHARACTERS
from datar.errors import Conflict

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SLUG_RULE = (
    f"A slug is lower-case letters, digits and single hyphens between them, at most {SLUG_CHARACTERS} characters."
)
_NAMES_LOCK = 1_684_108_385


def is_slug(text: str) -> bool:
    """Whether a slug of this text can exist."""
    return len(text) <= SLUG_CHARACTERS and SLUG.fullmatch(text) is not None


def slug_of(name: str, fallback: str) -> str:
    """The slug a name suggests; ``fallback`` when nothing of it is left."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return words[:SLUG_CHARACTERS].rstrip("-") or fallback


def free_slug(wanted: str, taken: Collection[str]) -> str:
    """``wanted``, or it with the first of -2, -3 … that is not taken, cut to fit."""
    slug, number = wanted, 1
    while slug in taken:
        number += 1
        suffix = f"-{number}"
        slug = wanted[: SLUG_CHARACTERS - len(suffix)].rstrip("-") + suffix
    return slug


def lock_names() -> None:
    """Until the transaction ends, nobody else chooses a generated name in this namespace."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_NAMES_LOCK])


def taken(kind: str, name: str, *, field: str, is_active: bool, restore: str) -> Conflict:
    """The 409 for a name that is in use, also by something deleted: then it points at ``restore`` (a path)."""
    if is_active:
        detail = f"The {kind} '{name}' exists already; choose another {field}."
    else:
        detail = f"The {field} '{name}' belongs to a deleted {kind}: POST to {restore} brings it back."
    return Conflict(detail, code="conflict_unique", extra={"fields": [field]})
