"""Hypothesis strategies of table descriptors over all types and labels, and of rows that fit them.

Rows are JSON as ``parse_json`` makes it (int, Decimal, no float), in forms the canonical form may differ from.
"""

import base64
import string
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from records.canonical import INTEGER_LEAST, INTEGER_MOST
from records.descriptor_fields import RESERVED
from records.table import ABSENT, Field, Identity, Table

IDENTITY = Identity(
    id=1, app="crm", name="orders", namespace="acme_1", physical_name="crm_orders", revision=1, columns={}
)
"""A place for tables that never reach a database."""

STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
_AWKWARD = ["ctid", "xmin", "a__b", "a.b", "page", "filter", 'a"b', "%s", "%(x)s", "{0}", "a;b", "--", "A", "a", "año"]
_ASCII = string.ascii_letters + string.digits

labels: SearchStrategy[str] = st.one_of(
    st.sampled_from(_AWKWARD),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80),
).filter(lambda label: label not in RESERVED)
"""Every kind of label a field may have."""

texts = st.text(STORABLE, max_size=40)
numbers: SearchStrategy[Any] = st.one_of(
    st.integers(-(10**40), 10**40),
    st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**20), max_value=10**20),
    st.sampled_from([Decimal("1.10"), Decimal("1E+2"), Decimal("-0.0"), Decimal("1E-20"), Decimal("1E+100"), 0]),
)
json_values: SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), texts, numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
_positions = st.tuples(st.integers(-180, 180), st.integers(-90, 90)).map(list)
_geometries = st.one_of(
    _positions.map(lambda position: {"type": "Point", "coordinates": position}),
    st.lists(_positions, min_size=2, max_size=4).map(lambda line: {"type": "LineString", "coordinates": line}),
)
_offsets = st.sampled_from(["", "Z", "+02:00", "-23:59", "+14:00"])
_fractions = st.sampled_from(["", ".5", ".500000", ".123456"])
_days = st.dates().map(str)
_clocks = st.builds(
    "{:02}:{:02}:{:02}{}".format, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), _fractions
)
# The first and last days are left out: an offset could push them out of the years 1 to 9999.
_inner_days = st.dates(min_value=date(1, 1, 3), max_value=date(9999, 12, 29))
_domains = st.text(string.ascii_lowercase, min_size=1, max_size=10)

VALUES: dict[str, SearchStrategy[Any]] = {
    "string": texts,
    "string/email": st.builds("{}@{}.{}".format, st.text(_ASCII, min_size=1, max_size=10), _domains, _domains),
    "string/uri": st.builds("https://{}.{}/{}".format, _domains, _domains, st.text(_ASCII, max_size=10)),
    "string/uuid": st.builds(lambda uuid, upper: str(uuid).upper() if upper else str(uuid), st.uuids(), st.booleans()),
    "string/binary": st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode()),
    "integer": st.integers(INTEGER_LEAST, INTEGER_MOST),
    "number": numbers,
    "boolean": st.booleans(),
    "date": _days,
    "time": _clocks,
    "datetime": st.builds("{}T{}{}".format, _inner_days, _clocks, _offsets),
    "year": st.integers(0, 9999),
    "yearmonth": st.builds("{:04}-{:02}".format, st.integers(0, 9999), st.integers(1, 12)),
    "duration": st.sampled_from(["P1D", "PT24H", "-P1Y2M", "P3W", "PT0.5S", "P1Y2M3DT4H5M6.7S", "PT0S"]),
    "object": st.dictionaries(texts, json_values, max_size=3),
    "array": st.lists(json_values, max_size=3),
    "list": st.lists(st.one_of(texts, numbers, st.booleans()), max_size=3),
    "any": json_values.filter(lambda value: value is not None),
    "geojson": st.one_of(
        _geometries,
        _geometries.map(lambda geometry: {"type": "Feature", "geometry": geometry, "properties": None}),
    ),
    "geopoint": _positions,
}
"""Valid values of every type of the type table, by its name."""


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """A descriptor with fields of any type, some required, some unique, sometimes with a key of its own."""
    names = draw(
        st.lists(labels, min_size=1, max_size=6, unique_by=lambda label: unicodedata.normalize("NFC", label)).filter(
            lambda found: "id" not in found
        )
    )
    kinds = [draw(st.sampled_from(sorted(VALUES))) for _ in names]
    fields = [_described(draw, name, kind) for name, kind in zip(names, kinds, strict=True)]
    descriptor: dict[str, Any] = {"fields": fields}
    if draw(st.booleans()):
        kind = draw(st.sampled_from(["integer", "string", "string/uuid", "date", "datetime", "year", "yearmonth"]))
        fields.insert(0, {"name": "key of it", **_type_words(kind)})
        descriptor["primaryKey"] = draw(st.sampled_from(["key of it", ["key of it"]]))
    return descriptor


def _described(draw: st.DrawFn, name: str, kind: str) -> dict[str, Any]:
    described: dict[str, Any] = {"name": name, **_type_words(kind)}
    if draw(st.booleans()):
        described["constraints"] = {"required": draw(st.booleans())}
    return described


def _type_words(kind: str) -> dict[str, str]:
    word, _, variant = kind.partition("/")
    return {"type": word, "format": variant} if variant else {"type": word}


def rows_for(table: Table, *, most: int = 5) -> SearchStrategy[list[dict[str, Any]]]:
    """Valid rows of a table: keys differ between rows, optional fields are there, null or absent."""
    return st.lists(_row(table), min_size=1, max_size=most, unique_by=lambda row: _key_of(table, row))


@st.composite
def _row(draw: st.DrawFn, table: Table) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in table.fields:
        values = VALUES[field.type if field.format == "default" else f"{field.type}/{field.format}"]
        if not _may_lack(table, field) or draw(st.integers(0, 3)):
            row[field.name] = draw(values)
        elif field.default is ABSENT and field.name not in table.primary_key and draw(st.booleans()):
            row[field.name] = None
    return row


def _may_lack(table: Table, field: Field) -> bool:
    if field.name in table.primary_key:
        return table.generated_key is not None
    return not field.required


def _key_of(table: Table, row: dict[str, Any]) -> Any:
    # Letters of a UUID's case and spellings of an instant are one key; what is absent is generated, hence its own.
    if any(name not in row for name in table.primary_key):
        return id(row)
    return tuple(str(row[name]).lower()[:19] for name in table.primary_key)
