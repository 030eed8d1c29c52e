"""What the record endpoints say about themselves in OpenAPI. Rows are any object here; typed ones are per tenant."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema_view

from datar.api.operations import operation
from records.limits import PAGE_SIZE, PAGE_SIZE_MOST
from records.operators import OPERATORS

_TAG: Final = "records"
_ROW: Final = {"type": "object", "additionalProperties": True}
_ROWS: Final = {"type": "array", "items": _ROW}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_ONE: Final = _object(data=_ROW)
_MANY: Final = _object(data=_ROWS)
_PLACE: Final = dict.fromkeys(("page", "page_size", "limit", "offset"), _COUNT)
_PAGE: Final = {
    "type": "object",
    "properties": {"data": _ROWS, "total": _COUNT, **_PLACE},
    "required": ["data", "total"],
}
_ONE_OR_MANY: Final = {"oneOf": [_ROW, _ROWS]}
_JSON: Final = "application/json"


def _query(name: str, kind: Any, text: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **more)


_META: Final = _query("_meta", OpenApiTypes.BOOL, "Show `_created_at`, `_updated_at` and `_version` of each row.")
_FIELDS: Final = _query("fields", OpenApiTypes.STR, "Only these fields, separated by commas.")
_FILTERS: Final = OpenApiParameter(
    "filters by field",
    {"type": "object", "additionalProperties": {"type": "string"}},
    OpenApiParameter.QUERY,
    style="form",
    explode=True,
    description="`field=value` or `field__operator=value`; all must hold. Operators: "
    + ", ".join(f"`{row.name}` ({row.summary})" for row in OPERATORS.values())
    + ".",
    examples=[
        OpenApiExample("equal", {"origin": "JFK"}),
        OpenApiExample("at least, and one of", {"dep_delay__gte": "60", "carrier__in": "UA,AA"}),
    ],
)
_PAGING: Final = [
    _query("page", {"type": "integer", "minimum": 1}, "The page, from 1."),
    _query("page_size", {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST}, f"Rows a page ({PAGE_SIZE})."),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST}, "Rows; with `offset`, not `page`."),
    _query("offset", {"type": "integer", "minimum": 0}, "Rows to pass over."),
    _query(
        "ordering",
        OpenApiTypes.STR,
        "Fields to order by, `-` for descending; the primary key always comes last.",
        examples=[OpenApiExample("newest first", "-created_at,title")],
    ),
]
_IDS: Final = _query("ids", OpenApiTypes.STR, "The records to delete, separated by commas.", required=True)
_UNIQUE: Final = _query("unique_fields", OpenApiTypes.STR, "The primary key (default) or a unique constraint.")
_PREFER: Final = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`return=minimal` answers a count instead of the rows.",
)

list_docs = extend_schema_view(
    list=operation(
        "records_list",
        tag=_TAG,
        summary="List records",
        answers={200: OpenApiResponse(_PAGE, "A page of records.")},
        parameters=[*_PAGING, _FIELDS, _META, _FILTERS],
        unsafe=False,
    ),
    create=operation(
        "records_create",
        tag=_TAG,
        summary="Create one record, or many at once",
        request={_JSON: _ONE_OR_MANY},
        answers={201: OpenApiResponse({"oneOf": [_ONE, _MANY, _object(created=_COUNT)]}, "Created.")},
        parameters=[_META, _PREFER],
    ),
    partial_update=operation(
        "records_update_many",
        tag=_TAG,
        summary="Change many records by key, all or none",
        request={_JSON: _ROWS},
        answers={200: OpenApiResponse({"oneOf": [_MANY, _object(updated=_COUNT)]}, "Changed.")},
        parameters=[_META, _PREFER],
    ),
    destroy=operation(
        "records_delete_many",
        tag=_TAG,
        summary="Delete records by id, all or none",
        answers={200: OpenApiResponse(_object(deleted=_COUNT, ids={"type": "array", "items": {}}), "Deleted.")},
        parameters=[_IDS],
    ),
)
detail_docs = extend_schema_view(
    retrieve=operation(
        "records_get",
        tag=_TAG,
        summary="Get a record",
        answers={200: OpenApiResponse(_ONE, "The record.")},
        parameters=[_FIELDS, _META],
        unsafe=False,
    ),
    update=operation(
        "records_replace",
        tag=_TAG,
        summary="Replace a record; absent fields take their default or null",
        request={_JSON: _ROW},
        answers={200: OpenApiResponse(_ONE, "Changed.")},
        parameters=[_META],
    ),
    partial_update=operation(
        "records_update",
        tag=_TAG,
        summary="Change the sent fields of a record",
        request={_JSON: _ROW},
        answers={200: OpenApiResponse(_ONE, "Changed.")},
        parameters=[_META],
    ),
    destroy=operation("records_delete", tag=_TAG, summary="Delete a record", answers={204: None}),
)
upsert_docs = extend_schema_view(
    create=operation(
        "records_upsert",
        tag=_TAG,
        summary="Create records, or change those that the unique fields find",
        request={_JSON: _ONE_OR_MANY},
        answers={
            200: OpenApiResponse({"oneOf": [_ONE, _MANY]}, "Changed, or a batch."),
            201: OpenApiResponse(_object(data=_ROW, created={"type": "boolean"}), "Created."),
        },
        parameters=[_UNIQUE, _META, _PREFER],
    ),
)
query_docs = extend_schema_view(
    create=operation(
        "records_query",
        tag=_TAG,
        summary="List records, with the query as a body (not supported yet)",
        request={_JSON: _ROW},
        answers={200: OpenApiResponse(_PAGE, "A page of records.")},
    ),
)
