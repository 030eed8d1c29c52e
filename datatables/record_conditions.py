"""Conditional requests, creates that skip and removals by filter in OpenAPI: headers, parameters, answers."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from datar.api.operations import FIELD_ERRORS, Error
from datatables.record_parameters import in_query

_COUNT: Final = {"type": "integer", "minimum": 0}

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description='Only in one of these versions: tags such as `"12-1"`, separated by commas, or `*`.',
)
IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The versions the client has, as tags, or `*`; one of them is answered by 304 without a body.",
)
ON_ERROR: Final = in_query(
    "on_error",
    {"type": "string", "enum": ["fail", "skip"]},
    "Of an array: `skip` stores the rows that can be stored and reports the others.",
    keep_the_good_rows="skip",
)
FILTER: Final = in_query(
    "filter",
    OpenApiTypes.STR,
    "What to delete, as a filter tree; not with `ids` or any other parameter.",
    late_and_small='{"status": "late", "total__lt": 10}',
)
FAILED: Final[dict[int, Any]] = {
    412: OpenApiResponse(Error, "The record is in another version than `If-Match` names."),
}
REQUIRED: Final[dict[int, Any]] = {
    428: OpenApiResponse(Error, "The table requires `If-Match`: records are changed one by one."),
}
UNCHANGED: Final[dict[int, Any]] = {304: OpenApiResponse(None, "The client has this version.")}
SKIPPED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "created": _COUNT,
        "skipped": _COUNT,
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"index": _COUNT, "errors": FIELD_ERRORS}},
        },
    },
    "required": ["created", "skipped", "errors"],
}


def etag(*statuses: int) -> OpenApiParameter:
    """The header ``ETag`` of answers of these statuses."""
    return OpenApiParameter(
        "ETag",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        response=list(statuses),
        description="The record's version and the table's revision; of one record, without `fields` and `populate`.",
    )
