"""What is MongoDB's own about conditions: its regular expressions, its indexes, its zones, its bounds."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from datar.errors import Invalid
from records.casefold import letters_like, simple_fold
from records.filters import condition_of
from records.params.tree import parse_tree
from records.providers.mongo.matching import condition_stages
from records.providers.mongo.source import Source
from records.relations import Lookups
from tests.quick import quickest
from tests.records.engine import Engine, Rows
from tests.records.test_filters import INDEXED
from tests.records.test_folding import LETTERS


@pytest.fixture
def mongo(database_url: str) -> Iterator[Engine]:
    """A namespace whose tables MongoDB keeps."""
    engine = Engine(database_url, "mongo")
    yield engine
    engine.close()


def stages_of(rows: Rows, tree: Any) -> list[Any]:
    """The pipeline of a filter tree."""
    condition = condition_of(parse_tree(tree), rows.table, Lookups(rows.records.catalog))
    return condition_stages(condition, Source(rows.table))


def ids(rows: Rows, filters: Any) -> list[int]:
    """The keys of what is found."""
    return [row["id"] for row in rows.query({"filters": filters, "fields": "id", "page_size": 1000})["data"]]


def test_every_letter_is_matched_whatever_its_case(mongo: Engine) -> None:
    """A class of a letter holds all that fold as it does, and of ASCII's letters the server's own folding does too."""
    rows = mongo.table("letters", {"fields": [{"name": "letter"}]})
    cased = [letter for letter in LETTERS if len(letters_like(letter)) > 1]
    rows.create([{"letter": letter} for letter in cased])
    for begin in range(0, len(cased), 300):
        some = cased[begin : begin + 300]
        found = rows.query({"filters": {"or": [{"letter__iexact": letter} for letter in some[:50]]}, "page_size": 1000})
        expected = {other for other in cased if simple_fold(other) in {simple_fold(letter) for letter in some[:50]}}
        assert {row["letter"] for row in found["data"]} == expected
    for letter in "abcdefghijklmnopqrstuvwxyz":
        found = rows.ask(("letter__icontains", letter))
        assert {row["letter"] for row in found["data"]} == {other for other in cased if simple_fold(other) == letter}


def test_long_texts_whatever_the_case(mongo: Engine) -> None:
    """Longer than one regular expression may be."""
    rows = mongo.table("texts", {"fields": [{"name": "w"}]})
    long = "Straße Ελλάς " * 8_000
    rows.create([{"w": long}, {"w": long + "!"}, {"w": "x" + long}, {"w": long[:-2] + "x "}, {"w": "short"}, {}])
    other = long.swapcase().replace("SS", "ß")
    assert ids(rows, {"w__iexact": other}) == [1]
    assert ids(rows, {"w__istartswith": other}) == [1, 2]
    assert ids(rows, {"w__iendswith": other}) == [1, 3]
    assert ids(rows, {"w__startswith": long}) == [1, 2]
    assert ids(rows, {"w__endswith": long}) == [1, 3]
    assert ids(rows, {"w__niexact": other}) == [2, 3, 4, 5]


SLOW = [
    "%a%a%a%a%a%a%a%a%a%b",
    "%a_a%a_a%a_a%c",
    "a%a%a%a%a%a%b%",
    "%" * 500 + "b",
    "%a" * 400 + "b",
    "(a+)+$",
    ".*.*.*=.*",
]


@pytest.mark.parametrize("pattern", SLOW)
@pytest.mark.parametrize("operator", ["like", "ilike", "contains", "icontains", "nicontains"])
def test_in_10_no_pattern_is_slow(mongo: Engine, operator: str, pattern: str) -> None:
    """Parts of a pattern are sought one after the other, each once."""
    rows = mongo.table("texts", {"fields": [{"name": "w"}, {"name": "meta", "type": "object"}]})
    rows.create([{"w": "a" * length, "meta": {"w": "a" * length}} for length in (10, 1_000, 30_000)])
    for name in ("w", "meta__w"):
        assert quickest(partial(rows.ask, (f"{name}__{operator}", pattern))) <= 0.1


@pytest.mark.parametrize(
    "tree",
    [
        {"word": "a"},
        {"word__startswith": "a"},
        {"word__like": "a%"},
        {"word__in": ["a", "b"]},
        {"word__isnull": True},
        {"at__gte": "2024-01-01"},
        {"at__year": 2024},
        {"at__date": "2024-01-01"},
        {"at__year__between": [2020, 2024]},
        {"price__between": [1, 2]},
        {"price__in": [1, 2]},
        {"and": [{"word": "a"}, {"meta__a": 1}]},
    ],
)
def test_indexes_serve_plain_comparisons(mongo: Engine, tree: Any) -> None:
    rows = mongo.table("indexed", INDEXED)
    rows.create([{"id": number, "word": str(number), "price": number} for number in range(100)])
    command = {"aggregate": mongo.collection(rows.table).name, "pipeline": stages_of(rows, tree), "cursor": {}}
    plan = json.dumps(mongo.collection(rows.table).database.command("explain", command), default=str)
    assert '"IXSCAN"' in plan and '"COLLSCAN"' not in plan, plan


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "America/Havana", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Monrovia"]
)
def test_zones_cut_as_postgresql_does(mongo: Engine, zone: str) -> None:
    """Old offsets with seconds, half an hour of daylight saving, midnights that come twice or never."""
    rows = mongo.table("instants", {"fields": [{"name": "at", "type": "datetime"}]})
    start = datetime(1850, 1, 1, 3, 17, 41, 123_456, tzinfo=UTC)
    moments = [start + timedelta(days=97.37 * number) for number in range(640)]
    rows.create([{"at": moment.isoformat().replace("+00:00", "Z")} for moment in moments])
    for unit in ("year", "quarter", "month", "week", "day", "hour", "minute"):
        path = f"date_trunc('{unit}',at,{zone})"
        found = rows.query({"_group_by": [f"{path} as cut"], "_aggregate": ["count(*)"], "page_size": 1000})
        cuts = {datetime.fromisoformat(row["cut"]) for row in found["data"]}
        with psycopg.connect(mongo.url) as connection:
            statement = "SELECT DISTINCT date_trunc(%s, at, %s) FROM unnest(%s::timestamptz[]) AS at"
            expected = connection.execute(statement, [unit, zone, moments]).fetchall()
        assert cuts == {moment for (moment,) in expected}, unit


def test_paths_of_any_length_lead_into_json(mongo: Engine) -> None:
    """Through objects and arrays, further than an expression may be nested."""
    rows = mongo.table("deep", {"fields": [{"name": "meta", "type": "object"}]})
    value: Any = "found"
    for number in range(40):
        value = [0, value] if number % 2 else {"k": value}
    rows.create([{"meta": {"a": value}}, {"meta": {"a": 1}}, {}])
    path = "meta__a__" + "__".join("1" if number % 2 else "k" for number in reversed(range(40)))
    assert ids(rows, {path: "found"}) == [1]
    assert ids(rows, {f"{path}__isnull": True}) == [2, 3]
    assert ids(rows, {"meta__" + "__".join("k" * 600): "found"}) == []
    began = time.perf_counter()
    shapes: list[Callable[[Any], Any]] = [lambda inner: [inner], lambda inner: {"k": inner}]
    for operator, wrap in itertools.product(("contains", "contained_by"), shapes):
        nested: Any = 1
        for _ in range(58):
            nested = wrap(nested)
        with pytest.raises(Invalid) as caught:
            rows.query({"filters": {f"meta__{operator}": {"a": nested}}})
        assert caught.value.code == "query_too_complex"
    assert time.perf_counter() - began < 2
