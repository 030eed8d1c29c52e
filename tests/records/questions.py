"""Hypothesis strategies of worlds and questions: few values that often meet, among them those that break things."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.records.model import All, Condition, Is, No, Row, Some, Value, World, kind_of
from tests.records.model_operators import NEGATIONS, TEXTS
from tests.records.model_values import ORDERED_KINDS, TEXT_KINDS
from tests.records.spelling import Spelling
from tests.records.worlds import SHAPES

NOWHERE = World(SHAPES, {name: [] for name in SHAPES})
"""The tables without rows: enough to know kinds."""
LETTERS = "aAbBsSſßẞkKKσςΣiIıİéÉǆǅåÅ%_\\ ,\"'[日😀\n"
_TEXTS = ["", "a", "A", "ab", "aB", "straße", "STRASSE", "STRAẞE", "ﬁ", "5", "true", "null", "100%", "a_b", "\\", "[x]"]
_JSON_TEXTS = ["red", "Red", "5", "true", "", "null", '"q"', "a,b", "ß", "ſ"]
KEYS = ["color", "size", "deep", "0", "gt", "a b", 'q"k', "x__y"]

texts = st.one_of(st.sampled_from(_TEXTS), st.text(LETTERS, max_size=4))
json_scalars: SearchStrategy[Any] = st.sampled_from(
    [*_JSON_TEXTS, 0, 1, -1, 5, 10**30, Decimal("1.0"), Decimal("2.50"), Decimal("1E-7"), True, False]
)
_leaves = st.one_of(*[json_scalars] * 5, st.none())
_more: dict[Any, SearchStrategy[Any]] = {"0": _leaves, "gt": _leaves, 'q"k': _leaves, "x__y": _leaves}
_flat = st.fixed_dictionaries({"color": _leaves}, optional={"size": _leaves})
_inner: SearchStrategy[Any] = st.one_of(
    _leaves, _leaves, st.lists(_leaves, min_size=1, max_size=3), st.lists(_flat, max_size=2), _flat
)
objects: SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"color": _leaves, "size": _inner}),
    st.fixed_dictionaries({"color": _inner, "deep": _flat}),
    st.fixed_dictionaries({"color": _leaves, **_more}),
    st.fixed_dictionaries({}, optional={"color": _leaves, "size": _inner, "deep": _flat, **_more}),
)
arrays = st.one_of(st.lists(_inner, min_size=1, max_size=3), st.lists(_inner, max_size=3))
OBJECT_PATHS = [
    *[("color",)] * 8,
    *[("size",)] * 2,
    *(("size", "0"), ("size", "0", "color"), ("deep",), ("deep", "color"), ("deep", "size")),
    *(("0",), ("gt",), ('q"k',), ("x__y",), ("a b",), ("color", "size")),
]
ARRAY_PATHS = [("0",), ("0",), ("0",), ("1",), ("0", "color"), ("0", "0"), ("1", "size"), ("color",)]
_points = st.sampled_from([[0, 0], [Decimal("1.5"), 2], [-180, 90]])

POOLS: dict[str, list[Any]] = {
    "string/email": ["a@b.cd", "A@b.cd", "ß@b.cd", "x.y@z.org", "a%b@c.de"],
    "string/uri": ["http://a.b/c", "HTTP://a.b/c", "mailto:x", "urn:a:b_c", "https://ä.de/ſ"],
    "string/uuid": [
        *("00000000-0000-0000-0000-000000000000", "0a0a0a0a-0000-4000-8000-00000000000f"),
        *("7fffffff-ffff-ffff-ffff-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ],
    "string/binary": ["", "AA==", "AAA=", "/+8=", "aGVsbG8="],
    "integer": [0, 1, -1, 2, 3, 10, -(2**63), 2**63 - 1, 2**53 + 1],
    "number": [0, 1, 2, -1, 10**40, 10**100, *map(Decimal, ("1.10", "1.1", "-2.5", "1E-20", "0.3", "1e2", "99.995"))],
    "boolean": [True, False],
    "date": [
        *("0001-01-01", "9999-12-31", "1969-12-31", "1970-01-01", "2023-12-31", "2024-01-01", "2024-02-29"),
        *("2024-03-31", "2024-12-30", "2000-02-29"),
    ],
    "time": ["00:00:00", "23:59:59.999999", "12:00:00", "12:00:00.5", "12:30:00", "09:05:07.000001"],
    "datetime": [
        *("0001-01-03T00:00:00Z", "9999-12-29T23:59:59.999999Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"),
        *("2024-02-29T12:00:00Z", "2024-03-31T01:30:00Z", "2024-03-31T00:59:59.999999Z", "2024-11-03T05:30:00Z"),
        *("2023-12-31T23:00:00Z", "2024-01-01T00:00:00Z", "2024-01-01T05:00:00.25Z", "2024-10-27T00:30:00Z"),
    ],
    "year": [0, 1, 1999, 2000, 2024, 9999],
    "yearmonth": ["0000-01", "1999-12", "2000-01", "2024-02", "9999-12"],
    "duration": [
        "PT0S",
        "P1D",
        "PT24H",
        "-P1D",
        "P30D",
        "P1M",
        "P1Y",
        "P360D",
        "PT0.5S",
        "PT1.25S",
        "P1Y2M3DT4H5M6.7S",
    ],
    "geojson": [{"type": "Point", "coordinates": [1, 2]}, {"type": "Point", "coordinates": [Decimal("1.5"), 2]}],
}
VALUES: dict[str, SearchStrategy[Any]] = {
    **{kind: st.sampled_from(pool) for kind, pool in POOLS.items()},
    "string": texts,
    "object": objects,
    "array": arrays,
    "list": st.lists(json_scalars, max_size=3),
    "any": st.one_of(json_scalars, objects, arrays),
    "geopoint": _points,
}
NULLABLE = {kind: st.one_of(values, values, values, st.none()) for kind, values in VALUES.items()}
KEY_POOLS: dict[str, list[Any]] = {
    "regions": [("FR", 1), ("FR", 2), ("DE", 1), ("fr", 1), ("é,~/", 3)],
    "people": [1, 2, 3, 4, 5, 7],
    "things": ["a", "b", "B", "ä", "Z", "~1", "a b", "10"],
    "notes": [1, 2, 3, 4, 5, 6, 8],
}


@st.composite
def worlds(draw: st.DrawFn, columns: Mapping[str, Sequence[str]], *, most: int = 6) -> dict[str, list[Row]]:
    """Rows of the tables named, with these columns beside the key; foreign keys point at rows drawn before."""
    rows: dict[str, list[Row]] = {}
    for table in SHAPES:
        if table in columns:
            keys = draw(st.lists(st.sampled_from(KEY_POOLS[table]), unique=True, max_size=most))
            rows[table] = [draw(_row(table, key, columns[table], rows, keys)) for key in keys]
    return rows


@st.composite
def _row(
    draw: st.DrawFn, table: str, key: Any, columns: Sequence[str], rows: Mapping[str, list[Row]], own: list[Any]
) -> Row:
    shape = SHAPES[table]
    row: Row = dict(zip(shape.key, key if isinstance(key, tuple) else (key,), strict=True))
    for name in columns:
        if name in ("manager_id", "mentor"):
            row[name] = draw(st.sampled_from([None, *own, *([99] if name == "mentor" else [])]))
        elif name in ("owner_id", "maker_id"):
            row[name] = draw(st.sampled_from([None, *(one["id"] for one in rows["people"])]))
        elif name in ("thing_code", "copy_of"):
            row[name] = draw(st.sampled_from([None, *(one["sku"] for one in rows["things"])]))
        elif name == "country":
            places = [(None, None), ("FR", None), *((one["country"], one["code"]) for one in rows.get("regions", ()))]
            row["country"], row["code"] = draw(st.sampled_from(places))
        else:
            row[name] = draw(NULLABLE[shape.kinds[name]])
    return row


EQUALITY = ("eq", "ne", "in", "nin")
ORDER = ("gt", "gte", "lt", "lte", "between", "nbetween", "range")
NULLS = ("isnull", "null", "nnull")
TEXT = (*TEXTS, *(word for word, plain in NEGATIONS.items() if plain in TEXTS))
CONTENTS = ("contains", "ncontains", "contained_by", "has_key", "has_any_keys", "has_all_keys")


def operators_of(kind: str, *, keyed: bool = False) -> tuple[str, ...]:
    """Every operator that fits a kind; inside JSON they all do."""
    if kind == "json":
        return (*EQUALITY, *ORDER, *NULLS, *TEXT, *CONTENTS[1:]) if keyed else (*NULLS, *CONTENTS)
    if kind == "geopoint":
        return NULLS
    return (
        *EQUALITY,
        *NULLS,
        *(ORDER if kind in ORDERED_KINDS else ()),
        *(TEXT if kind in TEXT_KINDS else ()),
    )


patterns = st.text("aAßs%_\\b", max_size=5).filter(lambda text: (len(text) - len(text.rstrip("\\"))) % 2 == 0)
_BY_OPERATOR: dict[str, SearchStrategy[Any]] = {
    **dict.fromkeys(NULLS, st.booleans()),
    **dict.fromkeys(TEXT, texts),
    "like": patterns,
    "ilike": patterns,
}
_numbers: SearchStrategy[Any] = st.sampled_from([0, 1, 5, Decimal("2.5"), Decimal("1.0"), 10**30, -3])
_json_texts: SearchStrategy[Any] = st.sampled_from(_JSON_TEXTS)


def _pairs(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(values, min_size=2, max_size=2)


_JSON_OPERANDS: dict[str, SearchStrategy[Any]] = {
    **dict.fromkeys(("eq", "ne"), json_scalars),
    **dict.fromkeys(("in", "nin"), st.lists(json_scalars, min_size=1, max_size=3)),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), st.one_of(_numbers, _json_texts)),
    **dict.fromkeys(ORDER[4:], st.one_of(_pairs(_numbers), _pairs(_json_texts))),
    **dict.fromkeys(TEXT, _json_texts),
    **dict.fromkeys(("contains", "ncontains", "contained_by"), st.one_of(json_scalars, objects, arrays)),
    "has_key": st.sampled_from([*KEYS, "red"]),
    **dict.fromkeys(
        ("has_any_keys", "has_all_keys"), st.lists(st.sampled_from([*KEYS, "red"]), min_size=1, max_size=3)
    ),
    "like": patterns,
    "ilike": patterns,
}


def operands(kind: str, operator: str) -> SearchStrategy[Any]:
    """What may stand right of an operator on a value of this kind."""
    if kind == "json" and operator not in NULLS:
        return _JSON_OPERANDS[operator]
    if operator in _BY_OPERATOR:
        return _BY_OPERATOR[operator]
    values = VALUES[kind] if kind in VALUES else PART_VALUES[kind.removeprefix("/")]
    if operator in ("in", "nin"):
        return st.lists(values, min_size=1, max_size=4)
    if operator in ("between", "nbetween", "range"):
        return st.lists(values, min_size=2, max_size=2)
    return values


PART_VALUES: dict[str, SearchStrategy[Any]] = {
    "year": st.sampled_from([0, 1, 1969, 1970, 2000, 2023, 2024, 9999]),
    "month": st.integers(0, 13),
    "day": st.sampled_from([0, 1, 2, 3, 27, 28, 29, 30, 31]),
    "week_day": st.integers(1, 7),
    "hour": st.sampled_from([0, 1, 5, 12, 22, 23, 24]),
}


@st.composite
def comparisons(
    draw: st.DrawFn, table: str, values: SearchStrategy[Value], operators: Sequence[str] | None = None
) -> Is:
    """One comparison of one of these values, by one of these operators or any that fits."""
    value = draw(values)
    kind = kind_of(NOWHERE, table, value)
    keyed = bool(value.keys) or (kind == "json" and stored_kind(table, value) == "any")
    operator = draw(st.sampled_from(tuple(operators or operators_of(kind, keyed=keyed))))
    number_part = value.part in PART_VALUES
    return Is(value, operator, draw(operands(f"/{value.part}" if number_part else kind, operator)))


def stored_kind(table: str, value: Value) -> str:
    """The declared kind of the field a value ends at."""
    for name in value.ways:
        table = SHAPES[table].ways[name].target
    return SHAPES[table].kinds[value.label]


def trees(leaves: SearchStrategy[Is]) -> SearchStrategy[Condition]:
    """A comparison, or a tree of up to two levels of and, or, not."""
    few: SearchStrategy[Condition] = st.one_of(leaves, st.builds(No, leaves))
    return _over(_over(few))


def _over(inner: SearchStrategy[Condition]) -> SearchStrategy[Condition]:
    parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(inner, st.builds(All, parts), st.builds(Some, parts), st.builds(No, inner))


def plain_values(*labels: str, ways: tuple[str, ...] = ()) -> SearchStrategy[Value]:
    """One of these fields."""
    return st.sampled_from([Value(label, ways) for label in labels])


spellings = st.builds(
    Spelling,
    form=st.sampled_from(["url", "url", "filters", "body"]),
    quoted=st.booleans(),
    triples=st.booleans(),
    arrays=st.booleans(),
    offset=st.booleans(),
)
