"""The OpenAPI document and its two pages. Assets come with the package; nothing is fetched from elsewhere."""

import threading
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView
from rest_framework.request import Request

from datar.api.accepting import choose
from datar.api.views import ApiView
from datar.errors import Invalid, NotAllowed

_READ: Final = ["get", "head", "options"]
_FORMATS: Final = {"json": "application/json", "yaml": "application/vnd.oai.openapi"}
_FORMS: Final = (
    "application/json",
    "application/vnd.oai.openapi+json",
    "application/vnd.oai.openapi",
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
)
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"
)
_EXAMPLES: Final = {
    "app_slug": "nycflights",
    "name": "flights",
    "datasource_slug": "default",
    "record_id": "2013-01-01T10:00:00Z,UA,1545",
}
_lock = threading.Lock()


def without_words(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leave out methods of ``data/upsert/`` and ``data/query/`` but POST: the words are record ids then."""
    words = ("/data/upsert/", "/data/query/")
    return [endpoint for endpoint in endpoints if endpoint[2] == "POST" or not endpoint[0].endswith(words)]


def fit_for_a_form(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put what a path needs first, filled in with the demo's names, and let ``cursor`` be sent empty.

    What removes something is not filled in: one click too many would remove the demo.
    """
    for methods in result["paths"].values():
        for method, told in methods.items():
            told["parameters"] = sorted(told.get("parameters", ()), key=lambda one: one["in"] != "path")
            for one in told["parameters"]:
                if one["in"] == "path" and one["name"] in _EXAMPLES and method != "delete":
                    one["example"] = _EXAMPLES[one["name"]]
                if one["in"] == "query" and one["name"] == "cursor":
                    one["allowEmptyValue"] = True
    return result


class Schema(ApiView):
    """``/api/schema/``: OpenAPI 3.1, as JSON, or as YAML for who asks for it."""

    schema = None
    open_to_all = True
    http_method_names = _READ
    parameters = frozenset({"format"})

    def check_accept(self, request: Request) -> None:
        """Leave it to ``get``: there are two forms."""

    def get(self, request: Request) -> HttpResponse:
        """The document, the same for everybody."""
        form = request._request.GET.get("format")
        if form not in (None, "json", "yaml"):
            raise Invalid("Parameter 'format' is json or yaml.", code="invalid_parameter")
        kind = _FORMATS[form] if form else choose(request.META.get("HTTP_ACCEPT", ""), _FORMS)
        with _lock:
            content = _document(yaml="json" not in kind)
        return HttpResponse(content, content_type=kind)


class _Page(ApiView):
    """A page for people. It may load and ask nothing but this service, whatever its scripts would like."""

    schema = None
    open_to_all = True
    http_method_names = _READ

    def check_accept(self, request: Request) -> None:
        """Accept everybody: a page is HTML."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """With the browser told to stay here."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Content-Security-Policy"] = _POLICY
        return response


class Docs(_Page, SpectacularSwaggerView):  # type: ignore[misc]  # drf-spectacular's views are untyped
    """``/api/docs/``: Swagger UI."""


class Redoc(_Page, SpectacularRedocView):  # type: ignore[misc]  # drf-spectacular's views are untyped
    """``/api/redoc/``: the same document, to read."""

    template_name = "datar/redoc.html"


def home(request: HttpRequest) -> HttpResponse:
    """``/``: to the documentation."""
    if request.method not in ("GET", "HEAD"):
        raise NotAllowed(str(request.method), ("GET", "HEAD"))
    return HttpResponseRedirect("/api/docs/")


@cache
def _document(*, yaml: bool) -> bytes:
    document = SchemaGenerator().get_schema(request=None, public=True)
    renderer = OpenApiYamlRenderer() if yaml else OpenApiJsonRenderer()
    text: str | bytes = renderer.render(document, renderer_context={})
    return text.encode() if isinstance(text, str) else text
