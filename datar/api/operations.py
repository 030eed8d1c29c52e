"""What an endpoint says about itself in OpenAPI: one short decorator, with the refusals every endpoint can give."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import is_list_serializer
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers

Method = TypeVar("Method", bound=Callable[..., Any])
Shape = type[serializers.Serializer[Any]]


class Error(serializers.Serializer[Any]):
    """Every refusal but errors of single fields."""

    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable; see the reference of errors.")
    request_id = serializers.CharField()


FIELD_ERRORS = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
"""Field → what is wrong with it."""

REFUSALS = {
    400: "What was sent cannot be understood or is not allowed.",
    401: "No credentials, or none that are valid.",
    403: "Known, but not allowed to do this.",
    404: "Not there.",
    405: "This method is not for this path; `Allow` says which are.",
    406: "`Accept` takes no form that this can be had in.",
    409: "The stored state does not allow it.",
    413: "The body is too large, or has too many rows.",
    415: "The body is not JSON in UTF-8.",
    503: "Not now; `Retry-After` says when to try again.",
}


class ViewSchema(AutoSchema):  # type: ignore[misc]  # drf-spectacular is untyped
    """How an endpoint is described: what is open to all needs no credentials."""

    def get_auth(self) -> list[Any]:
        """The security requirements; none for a view that says so."""
        return [] if getattr(self.view, "open_to_all", False) else list(super().get_auth())

    def _get_request_body(self, direction: str = "request") -> Any:
        """The body, where there is one; no endpoint takes one and does without."""
        body = super()._get_request_body(direction)
        return {**body, "required": True} if body else body

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Only where an answer says ``many``: a shape of a view's ``list`` is whole, and would be put into an array."""
        return bool(is_list_serializer(serializer))


def operation(
    name: str,
    *,
    tag: str,
    summary: str,
    request: Any = None,
    answers: Mapping[Any, Any] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
    unsafe: bool = True,
) -> Callable[[Method], Method]:
    """Document a view's method.

    ``name`` is its operationId, made from the path when empty; ``answers`` are by status, or by (status, media type);
    ``unsafe`` adds 409 to what it may answer, and
    ``request`` what can be wrong with a body.
    """
    left_out = {*(() if unsafe else (409,)), *(() if request else (405, 413, 415))}
    refusals = {status: OpenApiResponse(Error, text) for status, text in REFUSALS.items() if status not in left_out}
    refusal = {"oneOf": [{"$ref": "#/components/schemas/Error"}, FIELD_ERRORS]}
    refusals[400] = OpenApiResponse(refusal, REFUSALS[400])
    decorate: Callable[[Method], Method] = extend_schema(
        operation_id=name or None,
        tags=[tag],
        summary=summary,
        request=request,
        parameters=list(parameters),
        examples=list(examples),
        responses={**(answers or {}), **refusals},
    )
    return decorate


def page_of(item: Shape, name: str) -> Any:
    """The shape of a list: a bare array, or a page when ``page`` or ``page_size`` is given."""
    page = type(
        f"{name}Page",
        (serializers.Serializer,),
        {
            "__doc__": "One page of the list.",
            "count": serializers.IntegerField(),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": item(many=True),
        },
    )
    return PolymorphicProxySerializer(f"{name}List", [item(many=True), page], resource_type_field_name=None, many=False)
