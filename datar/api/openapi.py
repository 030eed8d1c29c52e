"""The OpenAPI document and its two pages. Assets come with the package; nothing is fetched from elsewhere."""

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView


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
