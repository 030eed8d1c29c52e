"""A request's body: its type, its encoding, its size. What the JSON means is ``records.payload``'s business."""

from django.http import HttpRequest

from datar.errors import Invalid, TooLarge, UnsupportedMedia
from records.limits import BODY_BYTES
from records.payload import parse_json
from records.table import Json

_CHUNK = 65_536


def read_json(request: HttpRequest) -> Json:
    """The body as JSON.

    Raises UnsupportedMedia (not JSON, unknown charset), TooLarge (more than BODY_BYTES), Invalid (not well-formed).
    """
    check_json_body(request)
    return parse_json(read_body(request))


def check_json_body(request: HttpRequest) -> None:
    """Raise UnsupportedMedia unless the body says it is JSON in UTF-8."""
    header = request.META.get("CONTENT_TYPE", "")
    if header == "application/json":
        return
    name, _, rest = header.partition(";")
    media = name.strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise UnsupportedMedia("Send JSON, with the header Content-Type: application/json.")
    for parameter in rest.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMedia("Send the body in UTF-8.", code="unsupported_charset")


def read_body(request: HttpRequest) -> bytes:
    """The body's bytes; reading stops at the limit, whatever was declared."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not declared.isdigit():
        raise Invalid("Content-Length is not a number.", code="bad_request")
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if int(declared) > BODY_BYTES:
        raise _too_large()
    stream = request.META.get("wsgi.input")
    if not chunked or stream is None:
        return request.body
    parts: list[bytes] = []
    size = 0
    while part := stream.read(_CHUNK):
        size += len(part)
        if size > BODY_BYTES:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {BODY_BYTES} bytes; send it in parts.", extra={"limit": BODY_BYTES})
