"""The floor plan of every endpoint: who calls, may they, what do they accept. It knows an Actor by Protocol only."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework.views import APIView

from datar.api.accepting import check_accept
from datar.api.body import read_json
from datar.api.responses import options
from datar.errors import Invalid, NotAllowed, NotFound, NotSupportedYet
from records.limits import QUERY_PARAMETERS
from records.table import Json

Right = Literal["read", "rows", "schema", "users", "owner"]
"""What a request needs: to read; to write rows; to change apps and tables; users and keys; the client itself."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
RECORDS_LATER = ("HTTP_IDEMPOTENCY_KEY",)
_LATER_HEADERS = (*RECORDS_LATER, "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")


class Actor(Protocol):
    """Who is asking, and in which namespace. ``tenants`` implements it."""

    @property
    def namespace(self) -> str:
        """The PostgreSQL schema everything of this request lies in."""

    @property
    def user_id(self) -> int | None:
        """The user, an id within the namespace; None for a reader of ``public`` from another tenant."""

    def require(self, right: Right) -> None:
        """Raise Denied when role and key scope do not allow it."""


def authenticate(request: HttpRequest) -> Actor:
    """The actor of a request, by the function the settings name. Raises NotAuthenticated, Denied, Unavailable."""
    actor: Actor = _authenticator()(request)
    return actor


@cache
def _authenticator() -> Callable[[HttpRequest], Actor]:
    found: Callable[[HttpRequest], Actor] = import_string(settings.DATAR_AUTHENTICATE)
    return found


class ApiView(APIView):
    """An endpoint. ``rights`` says per method what the actor needs; ``open_to_all`` needs no credentials."""

    rights: ClassVar[Mapping[str, Right]] = {
        "GET": "read",
        "HEAD": "read",
        "OPTIONS": "read",
        "POST": "schema",
        "PUT": "schema",
        "PATCH": "schema",
        "DELETE": "schema",
    }
    open_to_all: ClassVar[bool] = False
    parameters: ClassVar[frozenset[str]] = frozenset()
    """Names of the query parameters this endpoint reads; any other is a 400 that names it."""
    parameters_of: ClassVar[Mapping[str, frozenset[str]]] = {}
    """The same by method, where methods differ; HEAD is GET."""
    actor: Actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, authorize, check what is accepted: in this order."""
        method = str(request.method)
        if not self.open_to_all:
            self.actor = authenticate(request._request)
            self.actor.require(self.rights.get(method, "read"))
        if method not in self.allowed_methods:
            raise NotAllowed(method, self.allowed_methods)
        self.check_accept(request)
        if not _SAFE.issuperset(self.allowed_methods):
            refuse_later_headers(request.META)
        self.check_parameters(request)

    def check_accept(self, request: Request) -> None:
        """Refuse a client that does not take JSON."""
        check_accept(request.META.get("HTTP_ACCEPT", ""))

    def check_parameters(self, request: Request) -> None:
        """Refuse what this endpoint would ignore."""
        query = request._request.GET
        method = "GET" if request.method == "HEAD" else str(request.method)
        known = self.parameters_of.get(method, self.parameters)
        if len(query) > QUERY_PARAMETERS:
            raise Invalid(f"More than {QUERY_PARAMETERS} query parameters.", code="query_too_complex")
        for name in query:
            if name not in known:
                allowed = ", ".join(sorted(known)) or "none"
                raise Invalid(f"Unknown query parameter '{name}'; allowed: {allowed}.", code="unknown_parameter")
            if len(query.getlist(name)) > 1:
                raise Invalid(f"Query parameter '{name}' is given twice.", code="invalid_parameter")

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Which methods there are; what they do is said in the API document."""
        return options(self.allowed_methods)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """One renderer; what the client accepts is checked in ``initial``."""
        return self.get_renderers()[0], "application/json"

    def handle_exception(self, exc: Exception) -> Any:
        """Every exception through the one handler."""
        return self.get_exception_handler()(exc, self.get_exception_handler_context())

    def body_object(self) -> dict[str, Json]:
        """The body as a JSON object; an array or scalar is a 400."""
        value = read_json(self.request._request)
        if not isinstance(value, dict):
            raise Invalid("The body must be a JSON object.", code="invalid_type")
        return value


class Unknown(APIView):
    """Every path under ``/api/`` that leads nowhere: 404 as JSON, whatever the method."""

    schema = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """No method is looked at: there is nothing here."""
        raise NotFound


def refuse_later_headers(meta: Mapping[str, Any], later: Sequence[str] = _LATER_HEADERS) -> None:
    """Raise NotSupportedYet for the headers that would make a write conditional or safe to repeat, once built."""
    for header in later:
        if header in meta:
            raise NotSupportedYet(f"The header {header[5:].title().replace('_', '-')} is not supported yet.")
