"""Lists of descriptions: filters, search, ordering, pages. A bare array, or a page when the client asks for pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from datar.api.fields import text_parameter
from datar.api.responses import answer
from datar.errors import Invalid
from records.limits import OFFSET_MOST, PAGE_SIZE, PAGE_SIZE_MOST
from records.table import Json

Row = TypeVar("Row", bound=Model)
PAGE_NUMBERS: Mapping[str, Any] = {
    "page": {"type": "integer", "minimum": 1},
    "page_size": {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST},
}
"""What ``page`` and ``page_size`` may be, for OpenAPI."""
FLAGS = {"true": True, "false": False}


@dataclass(frozen=True)
class Listing:
    """What a list can be asked. ``flags`` and ``words``: parameter → the model's field; ``ordering`` likewise.

    ``search`` names the text fields looked through. ``active`` says whether the list shows only what is active unless
    ``is_active`` is given.
    """

    ordering: Mapping[str, str]
    search: tuple[str, ...]
    flags: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    active: bool = True

    @property
    def parameters(self) -> frozenset[str]:
        """Every query parameter the list reads."""
        names = {"page", "page_size", "ordering", "search", *self.flags, *self.words}
        return frozenset(names | {"is_active"} if self.active else names)

    @property
    def documented(self) -> list[OpenApiParameter]:
        """The parameters for OpenAPI."""
        kinds: dict[str, Any] = {**PAGE_NUMBERS, "is_active": OpenApiTypes.BOOL}
        kinds |= dict.fromkeys(self.flags, OpenApiTypes.BOOL)
        told = {
            "page": "A page's number, from 1; the answer is then `{count, next, previous, results}`.",
            "page_size": f"Items on a page: {PAGE_SIZE} unless given, at most {PAGE_SIZE_MOST}.",
            "ordering": f"Fields between commas, `-` for descending: {', '.join(self.ordering)}.",
            "search": f"Text that one of these holds: {', '.join(self.search)}.",
            "is_active": "`false` lists what was deleted and can be restored; `true` unless given.",
        }
        return [
            OpenApiParameter(name, kinds.get(name, OpenApiTypes.STR), description=told.get(name, ""))
            for name in sorted(self.parameters)
        ]


def list_response(
    request: HttpRequest, rows: QuerySet[Row], spec: Listing, render: Callable[[Row], Json]
) -> HttpResponse:
    """The rows that were asked for, each rendered; one statement, with pages two."""
    query = request.GET
    rows = _ordered(_filtered(rows, query, spec), query.get("ordering", ""), spec)
    window = read_window(query)
    if window is None:
        return answer([render(row) for row in rows])
    count = rows.count()
    shown = rows[window] if window.start < count else []
    number = window.stop // (window.stop - window.start)
    return answer(
        {
            "count": count,
            "next": _link(request, number + 1) if window.stop < count else None,
            "previous": _link(request, number - 1) if number > 1 else None,
            "results": [render(row) for row in shown],
        }
    )


def read_window(query: QueryDict) -> slice | None:
    """The rows of the page that ``page`` and ``page_size`` ask for; None when neither is given."""
    if "page" not in query and "page_size" not in query:
        return None
    number = _number(query, "page", 1, OFFSET_MOST // PAGE_SIZE_MOST)
    size = _number(query, "page_size", PAGE_SIZE, PAGE_SIZE_MOST)
    return slice((number - 1) * size, number * size)


def read_flag(query: QueryDict, name: str) -> bool | None:
    """A true/false parameter, None when it is absent."""
    if name not in query:
        return None
    word = str(query[name])
    if word not in FLAGS:
        raise Invalid(f"Query parameter '{name}' is true or false.", code="invalid_parameter")
    return FLAGS[word]


def _filtered(rows: QuerySet[Row], query: QueryDict, spec: Listing) -> QuerySet[Row]:
    wanted: dict[str, Any] = {}
    for name, column in spec.flags.items():
        flag = read_flag(query, name)
        if flag is not None:
            wanted[column] = flag
    for name, column in spec.words.items():
        if name in query:
            wanted[column] = text_parameter(str(query[name]), name)
    if spec.active:
        wanted["is_active"] = read_flag(query, "is_active") is not False
    rows = rows.filter(**wanted)
    text = text_parameter(query.get("search", ""), "search")
    if text:
        anywhere = Q()
        for column in spec.search:
            anywhere |= Q(**{f"{column}__icontains": text})
        rows = rows.filter(anywhere)
    return rows


def _ordered(rows: QuerySet[Row], text: str, spec: Listing) -> QuerySet[Row]:
    terms = []
    for term in text.split(",") if text else []:
        name = term.removeprefix("-")
        if name not in spec.ordering:
            known = ", ".join(spec.ordering)
            raise Invalid(f"'{name[:100]}' does not order this list; known: {known}.", code="invalid_ordering")
        terms.append("-" * (name != term) + spec.ordering[name])
    return rows.order_by(*terms, "pk")


def _number(query: QueryDict, name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 1 <= int(text) <= most):
        raise Invalid(f"Query parameter '{name}' is a number from 1 to {most}.", code="invalid_pagination")
    return int(text)


def _link(request: HttpRequest, page: int) -> str:
    query = request.GET.copy()
    query["page"] = str(page)
    return request.build_absolute_uri(f"{request.path_info}?{query.urlencode()}")
