"""Kind of error → HTTP, decided once: the status, the one body, the headers. Nothing else names an error's status."""

import math
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses
from typing import Any

import psycopg
import structlog
from django.core.exceptions import BadRequest, DisallowedHost, PermissionDenied, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf

from datar import errors
from records.jsontext import dumps
from records.limits import ERRORS_SHOWN

log = structlog.get_logger("datar.api")

STATUSES: Mapping[type[errors.DatarError], int] = {
    errors.Invalid: 400,
    errors.NotAuthenticated: 401,
    errors.Denied: 403,
    errors.NotFound: 404,
    errors.NotAllowed: 405,
    errors.NotAcceptable: 406,
    errors.TooSlow: 408,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.PreconditionRequired: 428,
    errors.ClientGone: 499,
    errors.Unavailable: 503,
}


_LOST = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
_KINDS: Mapping[type[drf.APIException], type[errors.DatarError]] = {
    drf.NotFound: errors.NotFound,
    drf.PermissionDenied: errors.Denied,
    drf.NotAuthenticated: errors.NotAuthenticated,
    drf.AuthenticationFailed: errors.NotAuthenticated,
    drf.NotAcceptable: errors.NotAcceptable,
    drf.UnsupportedMediaType: errors.UnsupportedMedia,
}
_DETAILS: Mapping[type[errors.DatarError], str] = {
    errors.NotFound: "Not found.",
    errors.Denied: "You do not have permission to perform this action.",
    errors.NotAuthenticated: "Authentication credentials were not provided, or are not valid.",
    errors.NotAcceptable: "Answers are application/json; accept it.",
    errors.UnsupportedMedia: "Send JSON, with the header Content-Type: application/json.",
}


def status_of(error: errors.DatarError) -> int:
    """The HTTP status of a kind."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def as_datar_error(error: Exception) -> errors.DatarError | None:
    """What Django, DRF or the database raised, as one of ours; None for a bug."""
    if isinstance(error, errors.DatarError):
        return error
    if isinstance(error, drf.APIException):
        return _framework_error(error)
    if isinstance(error, Http404):
        return errors.NotFound()
    if isinstance(error, DisallowedHost):
        return errors.Invalid("This host name is not served here; see DATAR_ALLOWED_HOSTS.", code="invalid_host")
    if isinstance(error, PermissionDenied):
        return errors.Denied(_DETAILS[errors.Denied])
    if isinstance(error, SuspiciousOperation | BadRequest):
        return errors.Invalid("The request cannot be read.", code="bad_request")
    if isinstance(error, psycopg.Error | DatabaseError | InterfaceError):
        return _database_error(error)
    return None


def _framework_error(error: drf.APIException) -> errors.DatarError | None:
    """DRF's kinds, should one of its parts raise one; its texts are not ours and may quote what was sent."""
    if isinstance(error, drf.Throttled):
        wait = max(1, math.ceil(getattr(error, "wait", None) or 1))
        return errors.Unavailable("Too many requests; send it again later.", code="overloaded", retry_after=wait)
    if isinstance(error, drf.MethodNotAllowed):
        return errors.NotAllowed(str(error.detail).partition('"')[2].partition('"')[0], ())
    kind = next((ours for theirs, ours in _KINDS.items() if isinstance(error, theirs)), None)
    if kind is not None:
        return kind(_DETAILS[kind])
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return errors.Invalid("The request cannot be read.", code="bad_request")


def _database_error(error: Exception) -> errors.DatarError | None:
    """By SQLSTATE, the driver's or that of the driver's error that Django wrapped; none means a lost connection."""
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    if state is None and not isinstance(error, _LOST):
        return None
    return errors.from_sqlstate(state)


def error_response(error: Exception, request: HttpRequest) -> HttpResponse:
    """The answer to any exception: our kinds as themselves, everything else a logged 500 ``internal_error``."""
    known = as_datar_error(error)
    if known is None:
        log.error("unhandled error", exc_info=error, path=request.path)
        known = _Bug("Something broke on our side; it was logged. Quote the request id when you ask about it.")
        return _render(known, 500, request)
    status = status_of(known)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("unavailable", code=known.code, cause=type(error.__cause__ or error).__name__)
    return _render(known, status, request)


class _Bug(errors.DatarError):
    default_code = "internal_error"


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER."""
    request = context["request"]
    if isinstance(error, drf.MethodNotAllowed):
        error = errors.NotAllowed(str(request.method), context["view"].allowed_methods)
    return error_response(error, getattr(request, "_request", request))


def request_id(request: HttpRequest) -> str:
    """The id the envelope gave this request."""
    return getattr(request, "request_id", "") or uuid.uuid4().hex


def _render(error: errors.DatarError, status: int, request: HttpRequest) -> HttpResponse:
    problem = "application/problem+json" in request.headers.get("Accept", "")
    body = problem_body(error, status, request_id(request)) if problem else error_body(error, request_id(request))
    content_type = "application/problem+json" if problem else "application/json"
    response = HttpResponse(dumps(body), status=status, content_type=content_type)
    response["X-Error-Code"] = error.code
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.NotAuthenticated):
        response["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.NotAllowed):
        response["Allow"] = ", ".join(error.allowed)
    return response


def error_body(error: errors.DatarError, request_id: str) -> dict[str, Any]:
    """CONTRACT 3: field → messages for one object, a list of rows for an array, else detail and code."""
    if isinstance(error, errors.InvalidFields):
        return _by_field(error.errors)
    body: dict[str, Any] = {"detail": error.detail, "code": error.code}
    if isinstance(error, errors.InvalidRows):
        rows: dict[int, list[errors.FieldError]] = {}
        for item in error.errors:
            rows.setdefault(item.index or 0, []).append(item)
        shown = sorted(rows.items())[:ERRORS_SHOWN]
        body["errors"] = [{"index": index, "errors": _by_field(items)} for index, items in shown]
    return {**body, **error.extra, "request_id": request_id}


def _by_field(items: Any) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for item in items:
        fields.setdefault(item.field, []).append(item.message)
    return fields


def problem_body(error: errors.DatarError, status: int, request_id: str) -> dict[str, Any]:
    """RFC 9457, with the per-field codes."""
    body: dict[str, Any] = {
        "type": f"urn:datar:error:{error.code}",
        "title": responses.get(status, "Client Closed Request"),
        "status": status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
        **error.extra,
    }
    if isinstance(error, errors.InvalidFields | errors.InvalidRows):
        body["errors"] = [
            {
                **({} if item.index is None else {"index": item.index}),
                "field": item.field,
                "code": item.code,
                "message": item.message,
            }
            for item in error.errors[:ERRORS_SHOWN]
        ]
    return body


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return error_response(errors.NotFound(), request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return error_response(exception, request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; the envelope has met the exception before."""
    return _render(_Bug("Something broke on our side; it was logged."), 500, request)
