"""What is known of tables beside their description: schemas, verdicts on rows, numbers, history, data packages."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.queries import datasources_of, find_app
from datar.api.fields import text_parameter
from datar.api.listing import PAGE_NUMBERS, read_window
from datar.api.operations import operation
from datar.api.responses import answer
from datar.errors import Invalid, InvalidFields, TooLarge
from datatables.definitions import resolver, stored_table
from datatables.models import SchemaOperation
from datatables.package import create_schema
from datatables.queries import find_table
from datatables.serializers import (
    AllTableNumbers,
    History,
    Package,
    PackageOutcome,
    Rows,
    TableSchema,
    Verdict,
    all_table_numbers,
    operation_item,
    package_outcome,
    table_schema,
)
from records.limits import ROWS_PER_REQUEST
from records.payload import render_validation
from records.table import Json
from tenants.namespace_view import TenantView


class TableSchemaOnly(TenantView):
    """``…/datatables/{name}/schema/``."""

    @operation("", tag="datatables", summary="Get a datatable's schema", answers={200: TableSchema}, unsafe=False)
    def get(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """As it was sent, and its hash."""
        return answer(table_schema(find_table(app_slug, name, datasource_slug)))


class TableValidate(TenantView):
    """``…/datatables/{name}/validate_data/``: it stores nothing, so it needs no more than the right to read."""

    rights = {**TenantView.rights, "POST": "read"}

    @operation("", tag="datatables", summary="Validate rows", request=Rows, answers={200: Verdict})
    def post(self, request: Request, app_slug: str, name: str, datasource_slug: str | None = None) -> HttpResponse:
        """The verdict that creating them would give without looking at stored rows."""
        row = find_table(app_slug, name, datasource_slug)
        rows = _rows_of(self.body_object())
        is_valid, errors, details = render_validation(stored_table(row, resolver()), rows)
        return answer({"is_valid": is_valid, "errors": errors, "validated_rows": len(rows), "error_details": details})


def _rows_of(body: dict[str, Json]) -> list[Json]:
    """The rows to look at. Raises InvalidFields, TooLarge."""
    for name in body:
        if name != "data":
            raise InvalidFields.one(name[:100], "unknown_field", "There is no field of this name. Known: data.")
    rows = body.get("data")
    if not isinstance(rows, list):
        raise InvalidFields.one("data", "invalid_type", "This must be an array of rows.")
    if len(rows) > ROWS_PER_REQUEST:
        raise TooLarge(f"More than {ROWS_PER_REQUEST} rows; send them in parts.", code="too_many_items")
    return rows


class TableNumbers(TenantView):
    """``/api/apps/{app_slug}/datatables/stats/``."""

    @operation(
        "datatables_stats",
        tag="datatables",
        summary="Count an app's datatables",
        answers={200: AllTableNumbers},
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str) -> HttpResponse:
        """By datasource."""
        return answer(all_table_numbers(datasources_of(find_app(app_slug))))


class PackageTables(TenantView):
    """``/api/apps/{app_slug}/datatables/create_schema/``."""

    parameters = frozenset({"datasource"})

    @operation(
        "datatables_create_schema",
        tag="datatables",
        summary="Create tables from a data package",
        request=Package,
        answers={200: PackageOutcome},
        parameters=[
            OpenApiParameter("datasource", description="A datasource's slug; the app's `default` unless given.")
        ],
    )
    def post(self, request: Request, app_slug: str) -> HttpResponse:
        """All of them, materialized, or none."""
        find_app(app_slug)
        query = request._request.GET
        slug = text_parameter(query["datasource"], "datasource") if "datasource" in query else None
        outcome = create_schema(
            app_slug=app_slug, datasource_slug=slug, user_id=self.actor.user_id, package=self.body_object()
        )
        return answer(package_outcome(outcome))


class TableHistory(TenantView):
    """``/api/apps/{app_slug}/datatables/{name}/operation-history/``.

    It shows SQL, so it needs the right to change schemas.
    """

    rights = {**TenantView.rights, "GET": "schema", "HEAD": "schema"}
    parameters = frozenset({"status", "page", "page_size"})

    @operation(
        "datatables_operation_history",
        tag="datatables",
        summary="List the changes of a physical table",
        answers={200: History},
        parameters=[
            OpenApiParameter("status", enum=SchemaOperation.Status.values, description="Only changes that ended so."),
            *(OpenApiParameter(name, kind) for name, kind in PAGE_NUMBERS.items()),
        ],
        unsafe=False,
    )
    def get(self, request: Request, app_slug: str, name: str) -> HttpResponse:
        """Newest last; all of them unless a page is asked for."""
        rows = find_table(app_slug, name).operations.order_by("pk")
        query = request._request.GET
        if "status" in query:
            if query["status"] not in SchemaOperation.Status.values:
                known = ", ".join(SchemaOperation.Status.values)
                raise Invalid(f"Query parameter 'status' is one of: {known}.", code="invalid_parameter")
            rows = rows.filter(status=query["status"])
        window = read_window(query)
        return answer({"data": [operation_item(row) for row in (rows if window is None else rows[window])]})
