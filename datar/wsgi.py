"""The WSGI application: Django's handler, with the work it does for every request done once.

Two things are taken off the request path. A path is resolved once, for the URL table never changes while a process
lives. And Django's connection is looked after only by requests that used it, not by two signals around each: records
have connections of their own.
"""

import os
from functools import lru_cache
from typing import Any

import django
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, get_resolver

from datar.api import requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datar.settings")

PATHS_KEPT = 10_000
PATH_CHARACTERS = 500
"""Longer paths are resolved each time, so that made-up ones cannot fill the memory."""


class Application(requests.Application):
    """Our WSGI handler, resolving each path once and looking after the connection where it was used."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The view of a request. Raises Resolver404."""
        path = request.path_info
        match = _resolved(path) if len(path) <= PATH_CHARACTERS else get_resolver().resolve(path)
        request.resolver_match = match
        return match

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """The answer; Django's connection is given back in order when this request used it."""
        try:
            return super().get_response(request)
        finally:
            wrapper: Any = connection
            if wrapper.errors_occurred or wrapper.health_check_done:
                wrapper.close_if_unusable_or_obsolete()


@lru_cache(maxsize=PATHS_KEPT)
def _resolved(path: str) -> ResolverMatch:
    return get_resolver().resolve(path)


def make_application() -> Application:
    """The application of this process."""
    django.setup(set_prefix=False)
    request_started.disconnect(reset_queries)
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    return Application()


application = make_application()
