"""Datatables over HTTP, as seed 003 describes them: under their datasource, and under the app alone.

A view under a datasource is the app's view with ``datasource_slug`` given; a table that lies elsewhere is not there.
"""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.serializers import Message
from datar.api.fields import read_body, read_nothing
from datar.api.listing import Listing, list_response
from datar.api.operations import operation, page_of
from datar.api.responses import answer, created, deleted
from datatables import moving, services
from datatables.models import DataTable
from datatables.queries import find_place, find_table, tables_of
from datatables.serializers import (
    TableCreate,
    TableDetail,
    TableItem,
    TableTarget,
    TableUpdate,
    table_detail,
    table_item,
)
from tenants.namespace_view import TenantView

ORDERING = ("id", "name", "physical_table_name", "is_materialized", "created_at", "updated_at")
IN_SOURCE = Listing(
    ordering={name: name for name in ORDERING},
    search=("name", "description"),
    flags={"is_materialized": "is_materialized"},
)
IN_APP = Listing(
    ordering={**IN_SOURCE.ordering, "datasource": "data_source__slug"},
    search=IN_SOURCE.search,
    flags=IN_SOURCE.flags,
    words={"datasource": "data_source__slug"},
)
SHOWN = frozenset(TableDetail().fields)
LIST = page_of(TableItem, "DataTable")


class TableList(TenantView):
    """``/api/apps/{app_slug}/datatables/``."""

    listing = IN_APP
    parameters_of = {"GET": IN_APP.parameters}

    @operation(
        "datatables_list",
        tag="datatables",
        summary="List an app's datatables",
        answers={200: LIST},
        parameters=IN_APP.documented,
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str, datasource_slug: str | None = None) -> HttpResponse:
        """Newest last."""
        rows = tables_of(find_place(app_slug, None), datasource_slug)
        return list_response(request._request, rows, self.listing, table_item)

    @operation(
        "datatables_create",
        tag="datatables",
        summary="Create a datatable in the app's default datasource",
        request=TableCreate,
        answers={201: TableDetail},
    )
    def post(self, request: Request, app_slug: str, datasource_slug: str | None = None) -> HttpResponse:
        """With ``materialize`` true its physical table is made at once."""
        find_place(app_slug, datasource_slug)
        values = read_body(TableCreate, self.body_object(), shown=SHOWN)
        row = services.create(app_slug=app_slug, datasource_slug=datasource_slug, user_id=self.actor.user_id, **values)
        return created(table_detail(row), location=f"{request._request.path_info}{row.name}/")


class SourceTableList(TableList):
    """``/api/apps/{app_slug}/datasources/{datasource_slug}/datatables/``."""

    listing = IN_SOURCE
    parameters_of = {"GET": IN_SOURCE.parameters}

    @operation(
        "datasource_datatables_list",
        tag="datatables",
        summary="List a datasource's datatables",
        answers={200: LIST},
        parameters=IN_SOURCE.documented,
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str, datasource_slug: str | None = None) -> HttpResponse:
        """Newest last."""
        return super().get(request, app_slug, datasource_slug)

    @operation(
        "datasource_datatables_create",
        tag="datatables",
        summary="Create a datatable",
        request=TableCreate,
        answers={201: TableDetail},
    )
    def post(self, request: Request, app_slug: str, datasource_slug: str | None = None) -> HttpResponse:
        """With ``materialize`` true its physical table is made at once."""
        return super().post(request, app_slug, datasource_slug)


class SourceTables(TenantView):
    """``/api/apps/{app_slug}/datasources/{datasource_slug}/tables/``."""

    parameters_of = {"GET": IN_SOURCE.parameters}

    @operation(
        "datasources_tables_list",
        tag="datasources",
        summary="List a datasource's datatables",
        answers={200: LIST},
        parameters=IN_SOURCE.documented,
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str, datasource_slug: str) -> HttpResponse:
        """Newest last."""
        rows = tables_of(find_place(app_slug, None), datasource_slug)
        return list_response(request._request, rows, IN_SOURCE, table_item)


class TableOne(TenantView):
    """``/api/apps/{app_slug}/datatables/{name}/``, and the same under a datasource."""

    @operation("", tag="datatables", summary="Get a datatable", answers={200: TableDetail}, unsafe=False)
    def get(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """With its schema."""
        return answer(table_detail(find_table(app_slug, name, datasource_slug)))

    @operation("", tag="datatables", summary="Update a datatable", request=TableUpdate, answers={200: TableDetail})
    def put(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """``json_schema`` is required; a description left out stays as it is."""
        row = find_table(app_slug, name, datasource_slug)
        return self._change(row, datasource_slug, partial=False)

    @operation(
        "",
        tag="datatables",
        summary="Update fields of a datatable",
        request=TableUpdate(partial=True),
        answers={200: TableDetail},
    )
    def patch(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """Only what is sent changes."""
        row = find_table(app_slug, name, datasource_slug)
        return self._change(row, datasource_slug, partial=True)

    @operation("", tag="datatables", summary="Delete a datatable", answers={204: None})
    def delete(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """Soft: its rows stay, and come back with ``restore/``."""
        services.delete(**self._place(app_slug, name, datasource_slug))
        return deleted()

    def _change(self, row: DataTable, datasource_slug: str | None, *, partial: bool) -> HttpResponse:
        current = table_detail(row)
        changes = read_body(TableUpdate, self.body_object(), shown=SHOWN, current=current, partial=partial)
        row = services.update(**self._place(row.app.slug, row.name, datasource_slug), changes=changes)
        return answer(table_detail(row))

    def _place(self, app_slug: str, name: str, datasource_slug: str | None) -> dict[str, Any]:
        return {
            "app_slug": app_slug,
            "name": name,
            "datasource_slug": datasource_slug,
            "user_id": self.actor.user_id,
        }


class TableMaterialize(TenantView):
    """``…/datatables/{name}/materialize/``."""

    @operation("", tag="datatables", summary="Make a datatable's physical table", answers={200: TableDetail})
    def post(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """From then on it takes rows. Asking again changes nothing."""
        read_nothing(request._request)
        row = services.materialize(
            app_slug=app_slug, name=name, datasource_slug=datasource_slug, user_id=self.actor.user_id
        )
        return answer(table_detail(row))


class TableMove(TenantView):
    """``…/datatables/{name}/move/``."""

    @operation(
        "",
        tag="datatables",
        summary="Move a datatable and its rows",
        request=TableTarget,
        answers={200: TableDetail},
    )
    def post(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """With its rows. Asking for the datasource where it is changes nothing."""
        find_table(app_slug, name, datasource_slug)
        target = read_body(TableTarget, self.body_object())["datasource"]
        row = moving.move(
            app_slug=app_slug, name=name, datasource_slug=datasource_slug, target=target, user_id=self.actor.user_id
        )
        return answer(table_detail(row))


class TableRestore(TenantView):
    """``…/datatables/{name}/restore/``."""

    @operation("", tag="datatables", summary="Restore a deleted datatable", answers={200: Message})
    def post(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """With the rows it had."""
        read_nothing(request._request)
        services.restore(app_slug=app_slug, name=name, datasource_slug=datasource_slug, user_id=self.actor.user_id)
        return answer({"message": "DataTable restored successfully"})
