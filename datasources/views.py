"""Datasources over HTTP, as seed 003 describes them."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.models import App
from apps.queries import find_app
from apps.serializers import Message
from datar.api.fields import read_body, read_nothing
from datar.api.listing import Listing, list_response
from datar.api.operations import operation, page_of
from datar.api.responses import answer, created, deleted
from datasources import services
from datasources.models import DataSource
from datasources.queries import all_datasources, find_datasource
from datasources.serializers import (
    DataSourceCreate,
    DataSourceDetail,
    DataSourceItem,
    DataSourceUpdate,
    TableNumbers,
    datasource_detail,
    datasource_item,
    table_numbers,
)
from tenants.namespace_view import TenantView

LISTING = Listing(
    ordering={
        name: name for name in ("id", "name", "slug", "provider_type", "created_at", "updated_at", "table_count")
    },
    search=("name", "slug", "description"),
    words={"provider_type": "provider_type"},
)
SHOWN = frozenset(DataSourceDetail().fields)


class DataSourceList(TenantView):
    """``/api/apps/{app_slug}/datasources/``."""

    parameters_of = {"GET": LISTING.parameters}

    @operation(
        "datasources_list",
        tag="datasources",
        summary="List datasources",
        answers={200: page_of(DataSourceItem, "DataSource")},
        parameters=LISTING.documented,
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str) -> HttpResponse:
        """Newest last."""
        app = find_app(app_slug)
        return list_response(request._request, all_datasources(app), LISTING, partial(datasource_item, app=app))

    @operation(
        "datasources_create",
        tag="datasources",
        summary="Create a datasource",
        request=DataSourceCreate,
        answers={201: DataSourceDetail},
    )
    def post(self, request: Request, app_slug: str) -> HttpResponse:
        """The slug is made from the name unless it is given."""
        find_app(app_slug)
        values = read_body(DataSourceCreate, self.body_object(), shown=SHOWN)
        source = services.create(app_slug=app_slug, user_id=self.actor.user_id, **values)
        body = datasource_detail(source, source.app, tables=0, materialized=0)
        return created(body, location=f"/api/apps/{app_slug}/datasources/{source.slug}/")


class DataSourceOne(TenantView):
    """``/api/apps/{app_slug}/datasources/{datasource_slug}/``."""

    @operation(
        "datasources_retrieve",
        tag="datasources",
        summary="Get a datasource",
        answers={200: DataSourceDetail},
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str, datasource_slug: str) -> HttpResponse:
        """With how many tables it has."""
        app = find_app(app_slug)
        source = find_datasource(app, datasource_slug)
        return answer(_detail(source, source, app))

    @operation(
        "datasources_update",
        tag="datasources",
        summary="Update a datasource",
        request=DataSourceUpdate,
        answers={200: DataSourceDetail},
    )
    def put(self, request: Request, app_slug: str, datasource_slug: str) -> HttpResponse:
        """``name`` is required; fields left out stay as they are."""
        return self._change(app_slug, datasource_slug, partial=False)

    @operation(
        "datasources_partial_update",
        tag="datasources",
        summary="Update fields of a datasource",
        request=DataSourceUpdate(partial=True),
        answers={200: DataSourceDetail},
    )
    def patch(self, request: Request, app_slug: str, datasource_slug: str) -> HttpResponse:
        """Only what is sent changes."""
        return self._change(app_slug, datasource_slug, partial=True)

    @operation("datasources_destroy", tag="datasources", summary="Delete a datasource", answers={204: None})
    def delete(self, request: Request, app_slug: str, datasource_slug: str) -> HttpResponse:
        """Soft: the datasource and its tables become inactive until ``restore/``."""
        services.delete(app_slug=app_slug, slug=datasource_slug, user_id=self.actor.user_id)
        return deleted()

    def _change(self, app_slug: str, slug: str, *, partial: bool) -> HttpResponse:
        app = find_app(app_slug)
        before = find_datasource(app, slug)
        current = _detail(before, before, app)
        changes = read_body(DataSourceUpdate, self.body_object(), shown=SHOWN, current=current, partial=partial)
        after = services.update(app_slug=app_slug, slug=slug, user_id=self.actor.user_id, changes=changes)
        return answer(_detail(after, before, app))


class DataSourceStats(TenantView):
    """``/api/apps/{app_slug}/datasources/{datasource_slug}/stats/``."""

    @operation(
        "datasources_stats",
        tag="datasources",
        summary="Count a datasource's tables",
        answers={200: TableNumbers},
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str, datasource_slug: str) -> HttpResponse:
        """How many tables there are, and how many of them hold rows."""
        source: Any = find_datasource(find_app(app_slug), datasource_slug)
        return answer(table_numbers(source, tables=source.table_count, materialized=source.materialized_count))


class DataSourceRestore(TenantView):
    """``/api/apps/{app_slug}/datasources/{datasource_slug}/restore/``."""

    @operation("datasources_restore", tag="datasources", summary="Restore a deleted datasource", answers={200: Message})
    def post(self, request: Request, app_slug: str, datasource_slug: str) -> HttpResponse:
        """Bring back the datasource and exactly the tables its delete made inactive."""
        read_nothing(request._request)
        services.restore(app_slug=app_slug, slug=datasource_slug, user_id=self.actor.user_id)
        return answer({"message": "DataSource restored successfully"})


def _detail(source: DataSource, counted: Any, app: App) -> dict[str, Any]:
    """The datasource with the counts of ``counted``, the same one as read by a query that counts."""
    return datasource_detail(source, app, tables=counted.table_count, materialized=counted.materialized_count)
