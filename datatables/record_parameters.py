"""The parameters of a question in OpenAPI, each with examples of the demo data, and the same words as a JSON body."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from records.limits import PAGE_SIZE, PAGE_SIZE_MOST, POPULATED_ROWS
from records.operators import OPERATORS

_TEXT: Final = OpenApiTypes.STR
_SIZE: Final = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST}
_OPERATORS: Final = ", ".join(f"`{row.name}` ({row.summary})" for row in OPERATORS.values())
_TREE: Final = '{"or": [{"dest__in": ["HNL", "ANC"]}, {"and": [{"month": 7}, {"distance__gte": 2500}]}]}'
_TRIPLES: Final = '[{"field": "dest", "operator": "in", "value": ["HNL", "ANC"]}]'


def in_query(name: str, kind: Any, text: str, **examples: str) -> OpenApiParameter:
    """A query parameter; each example's name is what it shows, with ``_`` for blanks.

    The first one is empty: the page for people fills a form with the first example of every parameter.
    """
    shown = [OpenApiExample(title.replace("_", " "), value) for title, value in {"not_asked": "", **examples}.items()]
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, examples=shown if examples else [])


META: Final = in_query("_meta", OpenApiTypes.BOOL, "Show `_created_at`, `_updated_at` and `_version` of each row.")
FIELDS: Final = in_query(
    "fields", _TEXT, "Only these fields, in this order, separated by commas.", three_of_them="carrier,flight,dep_delay"
)
POPULATE: Final = [
    in_query(
        "populate",
        _TEXT,
        "Related rows inside the rows: relation names separated by commas, up to 3 deep; `*` is every direct one.",
        airline_and_origin="airline,origin_airport",
        the_hours_weather_and_its_airport="weather.airport",
        all_of_them="*",
    ),
    in_query(
        "populate_limit",
        {"type": "integer", "minimum": 1, "maximum": POPULATED_ROWS},
        f"Rows of each to-many relation at the most ({POPULATED_ROWS}).",
        the_first_five="5",
    ),
]
_FILTERS: Final = OpenApiParameter(
    "filters by field",
    {"type": "object", "additionalProperties": {"type": "string"}},
    OpenApiParameter.QUERY,
    style="form",
    explode=True,
    description="`path=value` or `path__operator=value`; all must hold. A path is a field, perhaps of a relation "
    "(`airline.name`), perhaps a part of a date (`time_hour__month`) or a key of an object (`meta__color`). "
    f"Operators: {_OPERATORS}.",
    examples=[
        OpenApiExample("not asked", {}),
        OpenApiExample("equal", {"origin": "JFK"}),
        OpenApiExample("at least, and one of", {"dep_delay__gte": "60", "carrier__in": "UA,AA"}),
        OpenApiExample("between", {"distance__between": "2000,2500"}),
        OpenApiExample("a text's beginning", {"tailnum__startswith": "N5"}),
        OpenApiExample("null", {"dep_time__isnull": "true"}),
        OpenApiExample("a part of an instant", {"time_hour__week_day": "7"}),
        OpenApiExample("a related row", {"plane.manufacturer__icontains": "boeing"}),
    ],
)
_TREES: Final = in_query(
    "filters",
    _TEXT,
    'Conditions joined by and, or, not, as JSON: `{"and": […]}`, `{"or": […]}`, `{"not": …}`, '
    '`{"path__operator": value}`, or an array of `{"field", "operator", "value"}`.',
    a_tree=_TREE,
    a_list=_TRIPLES,
)
_SEARCH: Final = in_query(
    "search",
    _TEXT,
    'Words that a row must hold: all of them, "phrases", `-not`, `OR`. `ordering=-rank` brings the best first.',
    all_words="san francisco",
    phrase_without_a_word='"new york" -heliport',
    either="honolulu OR kahului",
)
_ORDERING: Final = in_query(
    "ordering",
    _TEXT,
    "Paths to order by, `-` for descending; also an aggregate's name, or a search's `rank`. The key comes last.",
    latest_first="-dep_delay,carrier",
    by_a_related_row="airline.name",
    best_match_first="-rank",
)
_PAGING: Final = [
    in_query("page", {"type": "integer", "minimum": 1}, "The page, from 1."),
    in_query("page_size", _SIZE, f"Rows a page ({PAGE_SIZE}); with `page` or `cursor`."),
    in_query("limit", _SIZE, "Rows; with `offset`, not `page`."),
    in_query("offset", {"type": "integer", "minimum": 0}, "Rows to pass over."),
    in_query(
        "cursor",
        _TEXT,
        "Pages by place instead of number: sent empty to start, then the answer's `next_cursor`. No total.",
    ),
    in_query(
        "_count",
        {"type": "string", "enum": ["exact", "estimated", "none"]},
        "How the total is found, `exact` when absent; `none` never counts: null. Leave it out with `cursor`.",
        never_count="none",
    ),
]
_GROUPS: Final = [
    in_query(
        "_aggregate",
        _TEXT,
        "Groups instead of rows: count(*), count, sum, avg, min, max, stddev, variance, array_agg, string_agg, "
        "json_agg of a path, `distinct` before it, `as` a name after it; separated by commas.",
        one_number="count(*)",
        named="count(*) as flights, avg(dep_delay) as delay",
        distinct="count(distinct tailnum) as planes",
    ),
    in_query(
        "_group_by",
        _TEXT,
        "The keys of groups: paths, parts of dates, `date_trunc('unit',path[,zone])`; separated by commas.",
        by_field="carrier",
        by_related_row="airline.name",
        by_month="date_trunc('month',time_hour,America/New_York) as month,origin",
    ),
    in_query(
        "_having",
        _TEXT,
        "What must hold of a group: `name__operator=value` or `name > number`, separated by commas.",
        big_groups="flights>10000",
        as_a_filter="flights__gte=10000",
    ),
]
QUESTION: Final = [
    _FILTERS, _TREES, _SEARCH, _ORDERING, *_PAGING, FIELDS, META, *POPULATE, *_GROUPS,
]  # fmt: skip
"""Everything a list can be asked."""


def _body_word(parameter: OpenApiParameter) -> dict[str, Any]:
    """A word of the body: as in the URL, or an array of its terms where it is a list."""
    kinds: dict[Any, dict[str, Any]] = {_TEXT: {"type": "string"}, OpenApiTypes.BOOL: {"type": "boolean"}}
    kind = parameter.type if isinstance(parameter.type, dict) else kinds[parameter.type]
    listed = parameter.name in ("ordering", "fields", "populate", "_aggregate", "_group_by", "_having")
    if listed:
        kind = {"oneOf": [kind, {"type": "array", "items": {"type": "string"}}]}
    if parameter.name == "_having":
        kind["oneOf"].append({"type": "object"})
    return {**kind, "description": parameter.description}


BODY: Final = {
    "type": "object",
    "properties": {
        "filters": {
            "oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}],
            "description": _TREES.description,
        },
        **{row.name: _body_word(row) for row in QUESTION if row not in (_FILTERS, _TREES)},
    },
    "additionalProperties": False,
}
"""The same words as the body of ``data/query/``."""
BODY_EXAMPLES: Final = [
    OpenApiExample(
        "a page of rows",
        {
            "filters": {"or": [{"dest__in": ["HNL", "ANC"]}, {"airline.name__icontains": "hawaii"}]},
            "ordering": ["-dep_delay"],
            "populate": ["airline"],
            "page_size": 5,
        },
        request_only=True,
    ),
    OpenApiExample(
        "groups",
        {
            "_aggregate": ["count(*) as flights", "avg(dep_delay) as delay"],
            "_group_by": ["airline.name"],
            "_having": {"flights__gte": 1000},
            "ordering": "-delay",
        },
        request_only=True,
    ),
]
