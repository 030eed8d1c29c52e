"""The envelope of every answer: request id, JSON for what fails outside a view, common headers, CORS."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from datar import logs
from datar.api.exceptions import error_response
from datar.errors import NotFound

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
VARY = "Authorization, Api-Key, Cookie"
EXPOSED = "ETag, Location, X-Request-Id, X-Error-Code, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
ALLOWED_HEADERS = (
    "Authorization, Api-Key, Content-Type, Accept, If-Match, If-None-Match, Idempotency-Key, Prefer, X-Request-Id"
)
_BODILESS = frozenset({204, 304})
_SLASHED = ("/api/", "/health/")
"""Paths that may be asked for without their last slash; all others are names of files."""
_ANY_HOST = "/health/"
"""Asked by address by whoever watches over the process."""


class Envelope:
    """Outermost middleware. It never lets an exception, or Django's HTML, through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.origins = frozenset(settings.DATAR_CORS_ORIGINS)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        request.request_id = sent if REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex  # type: ignore[attr-defined]  # ours, on Django's
        logs.request_id.set(request.request_id)  # type: ignore[attr-defined]  # ours, on Django's
        if not request.path_info.endswith("/") and request.path_info.startswith(_SLASHED):
            request.path_info += "/"
            request.path += "/"
        response = self._wrong_host(request) or self._preflight(request) or self._respond(request)
        self._headers(request, response)
        return response

    def _wrong_host(self, request: HttpRequest) -> HttpResponse | None:
        """The refusal of a name that is not served here, whether or not a view would have asked for the name."""
        if request.path_info.startswith(_ANY_HOST):
            return None
        try:
            request.get_host()
        except DisallowedHost as error:
            return error_response(error, request)
        return None

    def _respond(self, request: HttpRequest) -> HttpResponse:
        try:
            response = self.get_response(request)
        except Exception as error:  # noqa: BLE001 - the last guard: whatever it is, the answer is JSON
            return error_response(error, request)
        foreign = response.status_code >= 400 and "X-Error-Code" not in response
        if foreign and request.path_info.startswith("/api/"):
            return error_response(NotFound(), request)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """Called by Django for what a view raised."""
        return error_response(error, request)

    def _preflight(self, request: HttpRequest) -> HttpResponse | None:
        if request.method != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in request.META:
            return None
        response = HttpResponse(status=204)
        if request.META.get("HTTP_ORIGIN") in self.origins:
            response["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            response["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response["Access-Control-Max-Age"] = "600"
        return response

    def _headers(self, request: HttpRequest, response: HttpResponse) -> None:
        headers = response.headers
        headers["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]  # ours, on Django's
        headers["X-Content-Type-Options"] = "nosniff"
        vary = headers["Vary"] = f"{VARY}, Accept" if "Accept" in headers.get("Vary", "") else VARY
        headers.setdefault("Cache-Control", "no-store")
        if not response.streaming and response.status_code not in _BODILESS:
            headers["Content-Length"] = str(len(response.content))
            if request.method == "HEAD":
                response.content = b""  # the server would leave it out, and log a warning each time
        if self.origins:
            headers["Vary"] = f"{vary}, Origin"
            origin = request.META.get("HTTP_ORIGIN")
            if origin in self.origins:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = EXPOSED
