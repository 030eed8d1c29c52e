"""The OpenAPI document and its two pages. Assets come with the package; nothing is fetched from elsewhere."""

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView


def without_words(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leave out methods of ``data/upsert/`` and ``data/query/`` but POST: the words are record ids then."""
    words = ("/data/upsert/", "/data/query/")
    return [endpoint for endpoint in endpoints if endpoint[2] == "POST" or not endpoint[0].endswith(words)]


class Schema(SpectacularAPIView):  # type: ignore[misc]  # drf-spectacular's views are untyped
    """``/api/schema/``: OpenAPI 3.1."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []


class Docs(SpectacularSwaggerView):  # type: ignore[misc]  # drf-spectacular's views are untyped
    """``/api/docs/``: Swagger UI."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []


class Redoc(SpectacularRedocView):  # type: ignore[misc]  # drf-spectacular's views are untyped
    """``/api/redoc/``: the same document, to read."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
