"""How an answer is written: JSON text once, with the headers of CONTRACT 1."""

import errno
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import structlog
from django.http import HttpResponse, StreamingHttpResponse

from datar.errors import ClientGone, DatarError
from records.jsontext import dumps
from records.table import Json

NO_STORE = "no-store"
RECORDS_CACHE = "private, no-cache"
log = structlog.get_logger("datar.api")


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


def lines(pieces: Iterator[bytes], content_type: str, *, head: bool = False) -> StreamingHttpResponse:
    """Rows as text while they come; ``pieces`` have a ``close``, and of a HEAD nothing is wanted."""
    coming = Cutting(pieces)
    if head:
        coming.close()
    response = StreamingHttpResponse(iter(()) if head else coming, content_type=content_type)
    response["Cache-Control"] = RECORDS_CACHE
    return response


class Cutting:
    """Pieces of an answer whose status is said already: what fails among them cuts the connection, and is logged."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except ClientGone:
            raise _cut() from None
        except Exception as error:  # noqa: BLE001 - whatever it is, no more can be said than that it is not the end
            log.warning("answer cut off", code=error.code if isinstance(error, DatarError) else type(error).__name__)
            raise _cut() from None

    def close(self) -> None:
        """Nothing more is wanted."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


def _cut() -> OSError:
    return ConnectionResetError(errno.ECONNRESET, "the answer was cut off")


def instant(moment: datetime) -> str:
    """An instant as CONTRACT 1 writes it: UTC, ISO 8601, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def options(methods: Sequence[str]) -> HttpResponse:
    """204 to OPTIONS: the methods that are allowed here."""
    response = deleted()
    response["Allow"] = ", ".join(methods)
    return response
