"""What the record endpoints say about themselves in OpenAPI. Rows are any object here; typed ones are per tenant."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_view

from datar.api.operations import operation
from datatables.record_conditions import (
    FAILED,
    FILTER,
    IF_MATCH,
    IF_NONE_MATCH,
    ON_ERROR,
    REQUIRED,
    SKIPPED,
    UNCHANGED,
    etag,
)
from datatables.record_parameters import BODY, BODY_EXAMPLES, FIELDS, META, POPULATE, QUESTION, in_query

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
    "properties": {
        "data": _ROWS,
        "total": {"type": ["integer", "null"], "minimum": 0},
        **_PLACE,
        "next_cursor": {"type": ["string", "null"]},
        "aggregates": _ROW,
    },
    "required": ["data"],
}
_ANSWERS: Final = {
    200: OpenApiResponse(_PAGE, "A page of records or groups. By cursor: `next_cursor` and no total."),
    (200, "text/csv"): OpenApiResponse({"type": "string"}, "The rows as RFC 4180, without paging words all of them."),
    (200, "application/x-ndjson"): OpenApiResponse({"type": "string"}, "The rows, one JSON object a line."),
}
_SENT: Final = {**_ROWS, "minItems": 1}
_ONE_OR_MANY: Final = {"oneOf": [_ROW, _SENT]}
_JSON: Final = "application/json"


_BY_IDS: Final = _object(deleted=_COUNT, ids={"type": "array", "items": {}})
_IDS: Final = OpenApiParameter(
    "ids", OpenApiTypes.STR, OpenApiParameter.QUERY, description="The records to delete, separated by commas."
)
_UNIQUE: Final = in_query("unique_fields", OpenApiTypes.STR, "The primary key (default) or a unique constraint.")
_CHANGED: Final = {200: OpenApiResponse(_ONE, "Changed."), **FAILED, **REQUIRED}
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
        answers=_ANSWERS,
        parameters=QUESTION,
        unsafe=False,
    ),
    create=operation(
        "records_create",
        tag=_TAG,
        summary="Create one record, or many at once",
        request={_JSON: _ONE_OR_MANY},
        answers={
            200: OpenApiResponse(SKIPPED, "With `on_error=skip`: what was stored, and why the rest was not."),
            201: OpenApiResponse({"oneOf": [_ONE, _MANY, _object(created=_COUNT)]}, "Created."),
        },
        parameters=[ON_ERROR, META, _PREFER, etag(201)],
    ),
    partial_update=operation(
        "records_update_many",
        tag=_TAG,
        summary="Change many records by key, all or none",
        request={_JSON: _SENT},
        answers={200: OpenApiResponse({"oneOf": [_MANY, _object(updated=_COUNT)]}, "Changed."), **REQUIRED},
        parameters=[META, _PREFER],
    ),
    destroy=operation(
        "records_delete_many",
        tag=_TAG,
        summary="Delete records by id or by filter, all or none",
        answers={200: OpenApiResponse({"oneOf": [_BY_IDS, _object(deleted=_COUNT)]}, "Deleted."), **REQUIRED},
        parameters=[_IDS, FILTER],
    ),
)
detail_docs = extend_schema_view(
    retrieve=operation(
        "records_get",
        tag=_TAG,
        summary="Get a record",
        answers={200: OpenApiResponse(_ONE, "The record."), **UNCHANGED, **FAILED},
        parameters=[FIELDS, META, *POPULATE, IF_NONE_MATCH, IF_MATCH, etag(200, 304)],
        unsafe=False,
    ),
    update=operation(
        "records_replace",
        tag=_TAG,
        summary="Replace a record; absent fields take their default or null",
        request={_JSON: _ROW},
        answers=_CHANGED,
        parameters=[META, IF_MATCH, etag(200)],
    ),
    partial_update=operation(
        "records_update",
        tag=_TAG,
        summary="Change the sent fields of a record",
        request={_JSON: _ROW},
        answers=_CHANGED,
        parameters=[META, IF_MATCH, etag(200)],
    ),
    destroy=operation(
        "records_delete",
        tag=_TAG,
        summary="Delete a record",
        answers={204: None, **FAILED, **REQUIRED},
        parameters=[IF_MATCH],
    ),
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
            **REQUIRED,
        },
        parameters=[_UNIQUE, META, _PREFER, etag(200, 201)],
    ),
)
query_docs = extend_schema_view(
    create=operation(
        "records_query",
        tag=_TAG,
        summary="List records, with the query as a body",
        request={_JSON: BODY},
        answers=_ANSWERS,
        examples=BODY_EXAMPLES,
        unsafe=False,
    ),
)
