"""The type table: every Frictionless type as one row. Knows how a value looks in JSON and which type of
PostgreSQL holds it.

It knows no table and builds no SQL: PostgreSQL's types stand here as plain words. ``docs/reference/types.md`` shows
the same two tables to users; a test keeps them equal.
"""

from collections.abc import Mapping
from datetime import time
from typing import Final

from records import canonical as forms
from records.durations import DURATION, duration_seconds
from records.geojson import GEOJSON_TYPES, geojson
from records.table import Field, Json
from records.typerow import ANY_TYPE, BOUNDS, LENGTHS, ONE_VALUE, TEXT, FieldType, json_type, text_type

_DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
_OFFSET = r"(?:Z|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_EMAIL = (
    r"^[^\s@<>()\[\],;:\\\x22\x00-\x20]+@[^\s@<>()\[\],;:\\\x22\x00-\x20.]+(?:\.[^\s@<>()\[\],;:\\\x22\x00-\x20.]+)+$"
)
_URI = r"^[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\x22{}|\\^`\x00-\x20]+$"
_UUID = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _pattern(pattern: str, **more: Json) -> dict[str, Json]:
    return {"type": "string", "pattern": pattern, **more}


_SCALAR: Final = {"type": ["string", "number", "boolean"]}
_ROWS: Final = (
    text_type("string", "text, as sent", "Must be text."),
    text_type(
        "string/email",
        "text, as sent",
        "Must be an e-mail address such as user@example.com.",
        code="invalid_email",
        pattern=_EMAIL,
    ),
    text_type(
        "string/uri",
        "text, as sent",
        "Must be an absolute URI such as https://example.com/page.",
        code="invalid_uri",
        pattern=_URI,
    ),
    FieldType(
        "string/uuid",
        ("uuid",),
        16,
        "text, lower case",
        _pattern(_UUID, format="uuid"),
        forms.uuid,
        "Must be a UUID: 8-4-4-4-12 hexadecimal digits.",
        code="invalid_uuid",
        canonical_column=forms.uuids,
        as_sent=False,
        key=True,
    ),
    FieldType(
        "string/binary",
        ("bytea",),
        1,
        "base64 text without line breaks",
        _pattern(_BASE64, contentEncoding="base64"),
        forms.binary,
        "Must be base64 (A-Z a-z 0-9 + /, padded with =, no line breaks).",
        code="invalid_base64",
        as_sent=False,
        constraints=ANY_TYPE,
        order=False,
        group=False,
        unique=False,
        index=frozenset(),
    ),
    FieldType(
        "integer",
        ("bigint",),
        8,
        "integer",
        {"type": "integer", "format": "int64"},
        forms.integer,
        "Must be an integer, written without point or exponent and without quotes.",
        canonical_column=forms.integers,
        constraints=ONE_VALUE | BOUNDS,
        key=True,
    ),
    FieldType(
        "number",
        ("numeric",),
        3,
        "number, equal as a decimal",
        {"type": "number"},
        forms.number,
        "Must be a number, without quotes.",
        canonical_column=forms.numbers,
        constraints=ONE_VALUE | BOUNDS,
    ),
    FieldType(
        "boolean",
        ("boolean",),
        1,
        "true or false",
        {"type": "boolean"},
        forms.as_sent,
        "Must be true or false, without quotes.",
        index=frozenset({"btree", "hash"}),
    ),
    FieldType(
        "date",
        ("date",),
        4,
        "`YYYY-MM-DD`",
        _pattern(rf"^{_DAY}$", format="date"),
        forms.calendar_date,
        "Must be a day as YYYY-MM-DD.",
        code="invalid_date",
        canonical_column=forms.dates,
        constraints=ONE_VALUE | BOUNDS,
        key=True,
    ),
    FieldType(
        "time",
        ("time",),
        8,
        "`HH:MM:SS[.f]`",
        _pattern(rf"^{_CLOCK}$"),
        forms.clock_time,
        "Must be a time of day as HH:MM:SS with up to 6 fraction digits, hours 00-23, seconds 00-59, without a zone.",
        code="invalid_time",
        comparable=time.fromisoformat,
        as_sent=False,
        constraints=ONE_VALUE | BOUNDS,
    ),
    FieldType(
        "datetime",
        ("timestamptz",),
        8,
        "`YYYY-MM-DDTHH:MM:SS[.f]Z`, in UTC",
        _pattern(rf"^{_DAY}T{_CLOCK}{_OFFSET}?$"),
        forms.instant,
        "Must be an instant as YYYY-MM-DDTHH:MM:SSZ: hours 00-23, seconds 00-59, up to 6 fraction digits, Z or an"
        " offset below 24 hours.",
        code="invalid_datetime",
        canonical_column=forms.instants,
        comparable=forms.moment,
        as_sent=False,
        constraints=ONE_VALUE | BOUNDS,
        key=True,
    ),
    FieldType(
        "year",
        ("integer",),
        4,
        "integer, 0 to 9999",
        {"type": "integer", "minimum": 0, "maximum": forms.YEAR_MOST},
        forms.year,
        "Must be a year as an integer, without quotes.",
        constraints=ONE_VALUE | BOUNDS,
        key=True,
    ),
    FieldType(
        "yearmonth",
        (TEXT,),
        1,
        "`YYYY-MM`",
        _pattern(r"^[0-9]{4}-(?:0[1-9]|1[0-2])$"),
        forms.as_sent,
        "Must be a month as YYYY-MM.",
        code="invalid_yearmonth",
        constraints=ONE_VALUE | BOUNDS,
        key=True,
    ),
    FieldType(
        "duration",
        (TEXT, "numeric"),
        4,
        "ISO 8601 text, as sent; compared by its length (a month is 30 days, a year 12 months)",
        _pattern(DURATION),
        forms.as_sent,
        "Must be an ISO 8601 duration such as P1DT2H30M, whole numbers but for seconds.",
        code="invalid_duration",
        comparable=duration_seconds,
        as_sent=False,
        constraints=ONE_VALUE | BOUNDS,
    ),
    json_type(
        "object",
        "object, equal as a JSON value",
        {"type": "object"},
        "Must be a JSON object.",
        LENGTHS | {"jsonSchema"},
    ),
    json_type(
        "array", "array, equal as a JSON value", {"type": "array"}, "Must be a JSON array.", LENGTHS | {"jsonSchema"}
    ),
    json_type(
        "list",
        "array of texts, numbers, booleans, equal as a JSON value",
        {"type": "array", "items": _SCALAR},
        "Must be an array of texts, numbers or booleans (of its itemType, if it has one).",
        LENGTHS,
    ),
    json_type("any", "any JSON value but null, equal as a JSON value", {}, "Must be a JSON value.", filter=True),
    json_type(
        "geojson",
        "GeoJSON object (RFC 7946), equal as a JSON value",
        {"type": "object", "required": ["type"], "properties": {"type": {"enum": list(GEOJSON_TYPES)}}},
        "Must be a GeoJSON object (RFC 7946).",
        check=geojson,
    ),
    FieldType(
        "geopoint",
        ("numeric", "numeric"),
        6,
        "`[lon, lat]`",
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        forms.geopoint,
        "Must be [longitude, latitude], two numbers.",
        code="invalid_geopoint",
        constraints=ANY_TYPE,
        filter=False,
        order=False,
        group=False,
        unique=False,
        index=frozenset(),
    ),
)

FIELD_TYPES: Final[Mapping[str, FieldType]] = {row.name: row for row in _ROWS}
"""The table, by name: a Frictionless type, for some strings ``string/<format>``."""
TYPES: Final = tuple(dict.fromkeys(name.partition("/")[0] for name in FIELD_TYPES))
"""Frictionless's words for types."""
STRING_FORMATS: Final = ("default", "email", "uri", "uuid", "binary")
"""Formats of ``string``. Formats of other types concern files and change nothing here."""


def field_type(of: Field | str, variant: str = "default") -> FieldType:
    """The row for a field, or for a type and its format. The words must be known ones: KeyError otherwise."""
    if isinstance(of, Field):
        return field_type(of.type, of.format)
    if of == "string" and variant != "default":
        return FIELD_TYPES[f"string/{variant}"]
    return FIELD_TYPES[of]
