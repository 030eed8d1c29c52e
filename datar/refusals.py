"""What the server refuses before there is an application: the status, and the same JSON as everywhere.

The table below is the one place outside ``datar.api`` that names statuses: at this depth no framework is loaded yet.
"""

import json
import uuid
from http import HTTPStatus

from gunicorn.http import errors as http

from datar.errors import DatarError, Invalid, TooLarge, TooSlow, Unavailable
from datar.gathering import HeadTooLarge

_OWN: tuple[tuple[type[DatarError], int], ...] = (
    (TooSlow, 408),
    (TooLarge, 413),
    (HeadTooLarge, 431),
    (Unavailable, 503),
    (Invalid, 400),
)
_GUNICORNS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (http.LimitRequestLine, 414, "uri_too_long", "The address is too long: 8,190 bytes with the method are the most."),
    (http.LimitRequestHeaders, 431, "headers_too_large", "There are too many headers, or one is larger than 16 KB."),
    (http.UnsupportedTransferCoding, 501, "not_implemented", "This Transfer-Encoding is not known here; use chunked."),
    (http.ExpectationFailed, 417, "expectation_failed", "This Expect header cannot be met; leave it out."),
    (http.ForbiddenProxyRequest, 403, "permission_denied", "This address may not speak the proxy protocol."),
    (http.ConfigurationProblem, 500, "internal_error", "The server is not set up for this request."),
    (http.ParseException, 400, "malformed_request", "This is not a well-formed HTTP request."),
)


def refusal(error: BaseException) -> tuple[int, str, str]:
    """Status, code and detail for what went wrong; 500 ``internal_error`` for what nobody foresaw."""
    for kind, status in _OWN:
        if isinstance(error, kind):
            return status, error.code, error.detail
    for other, status, code, detail in _GUNICORNS:
        if isinstance(error, other):
            return status, code, detail
    return 500, "internal_error", "Something broke on our side; it was logged. Quote the request id when you ask."


def refusal_bytes(error: BaseException, request_id: str) -> bytes:
    """The whole HTTP answer, behind which the connection is to be closed. An empty ``request_id`` becomes a new one."""
    status, code, detail = refusal(error)
    known = request_id or uuid.uuid4().hex
    body = json.dumps({"detail": detail, "code": code, "request_id": known}, separators=(",", ":")).encode()
    retry = f"Retry-After: {error.retry_after or 1}\r\n" if isinstance(error, Unavailable) else ""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        f"X-Request-Id: {known}\r\nX-Error-Code: {code}\r\n{retry}"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode("ascii") + body
