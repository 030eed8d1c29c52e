"""``Api-Key`` → tenant, and nothing else. It runs for every path under ``/api/``, also where no user is needed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from datar.api.exceptions import error_response
from datar.errors import Invalid, NotAuthenticated
from tenants.authentication import GRANT, require_open
from tenants.keys import Grant, grant_of


class ApiKeyMiddleware:
    """Leaves the key's Grant in ``request.META``; a key that opens nothing ends the request, never falls back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """A key that is already known costs no statement."""
        key = request.META.get("HTTP_API_KEY")
        if key is not None and request.path_info.startswith("/api/"):
            try:
                request.META[GRANT] = read_key(key)
            except Exception as error:  # noqa: BLE001 - a refusal or an absent database: here nobody else answers
                return error_response(error, request)
        return self.get_response(request)


def read_key(text: str) -> Grant:
    """What a header's value opens. Two headers arrive joined by a comma, which no key contains.

    Raises Invalid ``ambiguous_tenant``, NotAuthenticated ``invalid_api_key``, Denied, Unavailable.
    """
    if "," in text:
        raise Invalid("Send one Api-Key, not two.", code="ambiguous_tenant")
    grant = grant_of(text)
    if grant is None:
        raise NotAuthenticated("The Api-Key is unknown, revoked or expired.", code="invalid_api_key")
    require_open(grant.status)
    return grant
