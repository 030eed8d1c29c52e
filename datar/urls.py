"""The whole product as one table of URLs."""

from django.urls import include, path, re_path

from datar.api import health, openapi
from datar.api.views import Unknown

urlpatterns = [
    path("api/", include("datatables.record_urls")),  # first: it is asked most
    path("", openapi.home),
    path("health/live/", health.live),
    path("health/ready/", health.ready),
    path("api/schema/", openapi.Schema.as_view(), name="schema"),
    path("api/docs/", openapi.Docs.as_view(url_name="schema"), name="docs"),
    path("api/redoc/", openapi.Redoc.as_view(url_name="schema"), name="redoc"),
    path("api/auth/", include("tenants.urls")),
    path("api/", include("datatables.urls")),
    path("api/", include("datasources.urls")),
    path("api/", include("apps.urls")),
    re_path(r"^api/.*$", Unknown.as_view()),
]
handler404 = "datar.api.exceptions.not_found"
handler500 = "datar.api.exceptions.server_error"
handler400 = "datar.api.exceptions.bad_request"
