"""How an answer is written: JSON text once, with the headers of CONTRACT 1."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.http import HttpResponse

from records.jsontext import dumps
from records.table import Json

NO_STORE = "no-store"
RECORDS_CACHE = "private, no-cache"


def answer(data: Json, status: int = 200, *, location: str = "") -> HttpResponse:
    """Data as JSON; authenticated answers other than records are not stored by anybody."""
    response = HttpResponse(dumps(data), status=status, content_type="application/json")
    response["Cache-Control"] = NO_STORE
    if location:
        response["Location"] = location
    return response


def created(data: Json, *, location: str = "") -> HttpResponse:
    """201 with what was made."""
    return answer(data, 201, location=location)


def deleted() -> HttpResponse:
    """204, nothing to say."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response


def records(body: bytes, status: int = 200) -> HttpResponse:
    """Finished JSON text from a provider, passed on untouched."""
    response = HttpResponse(body, status=status, content_type="application/json")
    response["Cache-Control"] = RECORDS_CACHE
    return response


def unchanged(tag: str) -> HttpResponse:
    """304: the client has the record as it is; without its tag where what was asked for has none."""
    response = HttpResponse(status=304)
    del response["Content-Type"]
    response["Cache-Control"] = RECORDS_CACHE
    if tag:
        response["ETag"] = tag
    return response


def instant(moment: datetime) -> str:
    """An instant as CONTRACT 1 writes it: UTC, ISO 8601, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def options(methods: Sequence[str]) -> HttpResponse:
    """204 to OPTIONS: the methods that are allowed here."""
    response = deleted()
    response["Allow"] = ", ".join(methods)
    return response
