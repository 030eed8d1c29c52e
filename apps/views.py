"""Apps over HTTP, as seed 003 describes them."""

from django.http import HttpResponse
from rest_framework.request import Request

from apps import services
from apps.queries import all_apps, datasources_of, find_app
from apps.serializers import (
    AppCreate,
    AppDetail,
    AppItem,
    AppNumbers,
    AppUpdate,
    Links,
    Message,
    app_detail,
    app_item,
    app_numbers,
)
from datar.api.fields import read_body, read_nothing
from datar.api.listing import Listing, list_response
from datar.api.operations import operation, page_of
from datar.api.responses import answer, created, deleted
from tenants.namespace_view import TenantView

LISTING = Listing(
    ordering={name: name for name in ("id", "name", "slug", "created_at", "updated_at", "datasource_count")},
    search=("name", "slug", "description"),
)
SHOWN = frozenset(AppDetail().fields)


LINKS = {
    "apps": "/api/apps/",
    "me": "/api/auth/me/",
    "token": "/api/auth/token/",
    "schema": "/api/schema/",
    "docs": "/api/docs/",
    "redoc": "/api/redoc/",
}


class Index(TenantView):
    """``/api/``: where everything begins."""

    @operation("index", tag="index", summary="Index of links", answers={200: Links}, unsafe=False)
    def get(self, request: Request) -> HttpResponse:
        """Name → URL."""
        return answer({name: request._request.build_absolute_uri(path) for name, path in LINKS.items()})


class AppList(TenantView):
    """``/api/apps/``."""

    parameters_of = {"GET": LISTING.parameters}

    @operation(
        "apps_list",
        tag="apps",
        summary="List apps",
        answers={200: page_of(AppItem, "App")},
        parameters=LISTING.documented,
        unsafe=False,
    )
    def get(self, request: Request) -> HttpResponse:
        """Newest last."""
        return list_response(request._request, all_apps(), LISTING, app_item)

    @operation("apps_create", tag="apps", summary="Create an app", request=AppCreate, answers={201: AppDetail})
    def post(self, request: Request) -> HttpResponse:
        """The slug is made from the name unless it is given."""
        values = read_body(AppCreate, self.body_object(), shown=SHOWN)
        app = services.create(user_id=self.actor.user_id, **values)
        return created(app_detail(app, []), location=f"/api/apps/{app.slug}/")


class AppOne(TenantView):
    """``/api/apps/{app_slug}/``."""

    @operation("apps_retrieve", tag="apps", summary="Get an app", answers={200: AppDetail}, unsafe=False)
    def get(self, request: Request, app_slug: str) -> HttpResponse:
        """With its datasources."""
        app = find_app(app_slug)
        return answer(app_detail(app, datasources_of(app)))

    @operation("apps_update", tag="apps", summary="Update an app", request=AppUpdate, answers={200: AppDetail})
    def put(self, request: Request, app_slug: str) -> HttpResponse:
        """``name`` is required; fields left out stay as they are."""
        return self._change(app_slug, partial=False)

    @operation(
        "apps_partial_update",
        tag="apps",
        summary="Update fields of an app",
        request=AppUpdate(partial=True),
        answers={200: AppDetail},
    )
    def patch(self, request: Request, app_slug: str) -> HttpResponse:
        """Only what is sent changes."""
        return self._change(app_slug, partial=True)

    @operation("apps_destroy", tag="apps", summary="Delete an app", answers={204: None})
    def delete(self, request: Request, app_slug: str) -> HttpResponse:
        """Soft: the app, its datasources and tables become inactive until ``restore/``."""
        services.delete(slug=app_slug, user_id=self.actor.user_id)
        return deleted()

    def _change(self, slug: str, *, partial: bool) -> HttpResponse:
        app = find_app(slug)
        datasources = datasources_of(app)
        current = app_detail(app, datasources)
        changes = read_body(AppUpdate, self.body_object(), shown=SHOWN, current=current, partial=partial)
        app = services.update(slug=slug, user_id=self.actor.user_id, changes=changes)
        return answer(app_detail(app, datasources))


class AppStats(TenantView):
    """``/api/apps/{app_slug}/stats/``."""

    @operation("apps_stats", tag="apps", summary="Count an app's tables", answers={200: AppNumbers}, unsafe=False)
    def get(self, request: Request, app_slug: str) -> HttpResponse:
        """How many tables there are, by datasource."""
        app = find_app(app_slug)
        return answer(app_numbers(app, datasources_of(app)))


class AppRestore(TenantView):
    """``/api/apps/{app_slug}/restore/``."""

    @operation("apps_restore", tag="apps", summary="Restore a deleted app", answers={200: Message})
    def post(self, request: Request, app_slug: str) -> HttpResponse:
        """Bring back the app and exactly what its delete made inactive."""
        read_nothing(request._request)
        services.restore(slug=app_slug, user_id=self.actor.user_id)
        return answer({"message": "App restored successfully"})
