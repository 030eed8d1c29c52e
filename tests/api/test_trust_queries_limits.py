"""RE-05 with the real limits of CONTRACT 10: over each of them a question is a quick 400, at each of them an answer."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.descriptors import new_table
from tests.api.queried import Stage, url
from tests.cast import Answer

QUICK_SECONDS = 1.0
"""No refusal takes longer, on a busy machine either."""
WIDE = 60
"""Relations of the wide table."""


@pytest.fixture(scope="module")
def stage(django_db_setup: None) -> Stage:
    """A stage, people who have bosses, and a table of many relations."""
    stage = Stage("limits")
    boss = {"fields": "boss_id", "reference": {"resource": "", "fields": "id"}, "x-reverse-name": "staff"}
    people = {
        "fields": [
            {"name": "name", "type": "string"},
            {"name": "boss_id", "type": "integer"},
            {"name": "friend_id", "type": "integer"},
        ],
        "foreignKeys": [
            boss,
            {"fields": "friend_id", "reference": {"resource": "", "fields": "id"}, "x-reverse-name": "fans"},
        ],
    }
    data = new_table(stage.api, stage.app, "people", people, materialize=True) + "data/"
    made = stage.api.post(data, [{"name": "Ann"}, {"name": "Bob", "boss_id": 1, "friend_id": 1}])
    assert made.status == 201, made
    made = stage.api.patch(f"{data}1/", {"boss_id": 2})
    assert made.status == 200, "a cycle of bosses"
    wide: dict[str, Any] = {
        "fields": [{"name": f"f{number}_id", "type": "integer"} for number in range(WIDE)],
        "foreignKeys": [
            {"fields": f"f{number}_id", "reference": {"resource": "makers", "fields": "id"}} for number in range(WIDE)
        ],
    }
    new_table(stage.api, stage.app, "wide", wide, materialize=True)
    return stage


def table(stage: Stage, name: str) -> str:
    """The URL of a table's rows."""
    return stage.things.replace("/things/", f"/{name}/")


def chain(words: str, count: int) -> str:
    """``a.b.a.b`` of so many relations."""
    names = words.split(".")
    return ".".join(names[place % len(names)] for place in range(count))


def body(stage: Stage, name: str, question: Any) -> Answer:
    """data/query/."""
    return stage.api.post(f"{table(stage, name)}query/", question)


def numbers(count: int, term: str = "{}", start: int = 0) -> str:
    """``count`` terms between commas."""
    return ",".join(term.format(number) for number in range(start, start + count))


PATHS = ("boss", "friend", "boss.boss", "friend.friend", "boss.friend", "friend.boss")
"""Six different ones."""
OVER: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "201 parameters": ("things", [("name", "x")] * 201),
    "1,001 parameters": ("things", [(f"p{number}", "") for number in range(1_001)]),
    "51 filters": ("things", [("name", "x")] * 51),
    "51 filters in a tree": ("things", [("filters", json.dumps({"or": [{"name": "x"}] * 51}))]),
    "51 filters in a list": ("things", [("filters", json.dumps([{"field": "name", "value": "x"}] * 51))]),
    "50 filters and one more": ("things", [("filters", json.dumps({"or": [{"name": "x"}] * 50})), ("price", "1")]),
    "21 levels": ("things", [("filters", '{"not":' * 20 + '{"name":"x"}' + "}" * 20)]),
    "in 1,001": ("things", [("stock__in", numbers(1_001))]),
    "nin 1,001": ("things", [("name__nin", numbers(1_001))]),
    "in 100,000": ("things", [("stock__in", numbers(100_000))]),
    "in 100,000 as JSON": ("things", [("stock__in", json.dumps(list(range(100_000))))]),
    "in 1,001 of a key": ("things", [("meta__color__in", numbers(1_001))]),
    "in 1,001 of related rows": ("things", [("maker.name__in", numbers(1_001))]),
    "populate 20 deep": ("people", [("populate", chain("boss", 20))]),
    "populate cyclic": ("people", [("populate", chain("boss.staff", 4))]),
    "populate cyclic, many": ("people", [("populate", chain("staff.fans", 3))]),
    "populate * of 60": ("wide", [("populate", "*")]),
    "populate 51": ("wide", [("populate", numbers(51, "f{}"))]),
    "30 aggregates": ("things", [("_aggregate", numbers(30, "sum(price) as a{}"))]),
    "21 aggregates": ("things", [("_aggregate", numbers(21, "count(*) as a{}"))]),
    "500 group keys": ("things", [("_group_by", numbers(500, "name as k{}"))]),
    "11 group keys": ("things", [("_group_by", numbers(11, "name as k{}")), ("_aggregate", "count(*)")]),
    "51 conditions of groups": ("things", [("_aggregate", "count(*)"), ("_having", ",".join(["count>0"] * 51))]),
    "6 paths in filters": ("people", [(f"{path}.name", "x") for path in PATHS]),
    "6 paths in filters and order": (
        "people",
        [*((f"{path}.name", "x") for path in PATHS[:5]), ("ordering", f"{PATHS[5]}.name")],
    ),
    "6 paths in order": ("people", [("ordering", ",".join(f"{path}.name" for path in PATHS))]),
    "6 paths in groups": ("people", [("_group_by", ",".join(f"{path}.name" for path in PATHS))]),
    "6 paths in groups and filters": (
        "people",
        [("_group_by", ",".join(f"{path}.name" for path in PATHS[:4])), ("boss.friend.id", "1"), ("fans.id", "1")],
    ),
    "4 hops in a filter": ("people", [(f"{chain('boss', 4)}.name", "x")]),
    "4 hops to many": ("people", [(f"{chain('staff', 4)}.name", "x")]),
    "4 hops in an order": ("people", [("ordering", f"{chain('boss', 4)}.name")]),
    "4 hops in a group": ("people", [("_group_by", f"{chain('boss', 4)}.name")]),
    "4 hops in an aggregate": ("people", [("_aggregate", f"min({chain('boss', 4)}.name)")]),
    "20 hops": ("people", [(f"{chain('boss.staff', 20)}.name", "x")]),
    "search of 1,001 letters": ("things", [("search", "x" * 1_001)]),
}
"""Each is one step over a limit, or far over it."""


@pytest.mark.parametrize("what", OVER)
def test_re_05_questions_over_a_limit_are_refused_quickly(stage: Stage, what: str) -> None:
    name, pairs = OVER[what]
    path = url(table(stage, name), pairs)

    def send() -> tuple[float, Answer]:
        began = time.perf_counter()
        answer = stage.api.get(path)
        return time.perf_counter() - began, answer

    seconds, answer = min((send() for _ in range(2)), key=lambda each: each[0])
    assert (answer.status, answer.code) == (400, "query_too_complex"), answer
    assert seconds < QUICK_SECONDS
    assert len(answer.content) < 2_000, "the refusal does not repeat what was sent"


@pytest.mark.parametrize("count", [11, 500])
def test_re_05_terms_of_an_order_over_the_limit(stage: Stage, count: int) -> None:
    answer = stage.ask(("ordering", numbers(count, "f{}")))
    assert (answer.status, answer.code) == (400, "invalid_ordering"), "as IN-06 has it"


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("things", {"filters": {"stock__in": list(range(1_001))}}),
        ("things", {"filters": {"stock__in": list(range(100_000))}}),
        ("things", {"filters": {"or": [{"name": "x"}] * 51}}),
        ("things", {"filters": {"or": [{"name": "x"}] * 1_000_00}}),
        ("things", {"filters": [{"field": "name", "value": "x"}] * 51}),
        ("people", {"populate": [chain("boss", 20)]}),
        ("wide", {"populate": ["*"]}),
        ("things", {"_aggregate": [f"sum(price) as a{number}" for number in range(30)]}),
        ("things", {"_group_by": [f"name as k{number}" for number in range(500)]}),
        ("things", {"_aggregate": "count(*)", "_having": {"and": [{"count__gt": 0}] * 51}}),
        ("people", {"filters": {"and": [{f"{path}.name": "x"} for path in PATHS]}}),
        ("people", {"filters": {f"{chain('boss', 4)}.name": "x"}}),
        ("things", {"search": "x" * 1_001}),
    ],
)
def test_re_05_bodies_over_a_limit(stage: Stage, name: str, question: Any) -> None:
    began = time.perf_counter()
    answer = body(stage, name, question)
    assert (answer.status, answer.code) == (400, "query_too_complex"), answer
    assert time.perf_counter() - began < 2 * QUICK_SECONDS


@pytest.mark.parametrize("tree", [{"or": [{"name": "x"}] * 51}, {"stock__in": list(range(1_001))}])
def test_re_05_removals_over_a_limit(stage: Stage, tree: Any) -> None:
    answer = stage.api.delete(url(stage.things, [("filter", json.dumps(tree))]))
    assert (answer.status, answer.code) == (400, "query_too_complex"), answer


AT: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "50 filters": ("things", [("name__ne", "x")] * 50),
    "20 levels": ("things", [("filters", '{"not":' * 19 + '{"name":"x"}' + "}" * 19)]),
    "in 1,000": ("things", [("stock__in", numbers(1_000))]),
    "3 hops": ("people", [(f"{chain('boss', 3)}.name", "Bob")]),
    "5 paths": ("people", [(f"{path}.name__ne", "x") for path in PATHS[:5]]),
    "5 paths in order": ("people", [("ordering", ",".join(f"{path}.name" for path in PATHS[:5]))]),
    "populate 3 deep": ("people", [("populate", chain("boss", 3))]),
    "populate 50": ("wide", [("populate", numbers(50, "f{}"))]),
    "20 aggregates": ("things", [("_aggregate", numbers(20, "sum(price) as a{}"))]),
    "10 group keys": ("things", [("_group_by", numbers(10, "name as k{}")), ("_aggregate", "count(*)")]),
    "10 terms": ("people", [("ordering", "name,-boss_id,friend_id,boss.name,-boss.id,friend.name,-id")]),
    "page of 1,000": ("things", [("page_size", "1000")]),
}


@pytest.mark.parametrize("what", AT)
def test_re_05_questions_at_a_limit_are_answered(stage: Stage, what: str) -> None:
    name, pairs = AT[what]
    answer = stage.api.get(url(table(stage, name), pairs))
    assert answer.status == 200, answer


def test_re_05_two_hundred_parameters_are_read(stage: Stage) -> None:
    """None is too many: what is refused then is the 51st filter, not the 200th parameter."""
    answer = stage.api.get(f"{stage.things}?{urlencode([('name', 'x')] * 200)}")
    assert (answer.status, answer.code, "50" in answer.data["detail"]) == (400, "query_too_complex", True)
    over = stage.api.get(f"{stage.things}?{urlencode([('name', 'x')] * 201)}")
    assert (over.status, over.code, "200" in over.data["detail"]) == (400, "query_too_complex", True)


@pytest.mark.parametrize("path", ["staff.name", "fans.staff.name", "staff.boss.name"])
@pytest.mark.parametrize("negated", [False, True])
def test_re_05_fifty_filters_through_many_rows_are_quick(stage: Stage, path: str, negated: bool) -> None:
    """PostgreSQL would think for seconds about the order of so many joins; few and many find the same."""
    people = table(stage, "people")

    def found(count: int) -> tuple[float, list[int]]:
        leaf: dict[str, Any] = {f"{path}__ne": "nobody"}
        tree = {"and": [{"not": leaf} if negated else leaf] * count}
        began = time.perf_counter()
        answer = stage.ask(("filters", json.dumps(tree)), table=people)
        assert answer.status == 200, answer
        return time.perf_counter() - began, [row["id"] for row in answer.data["data"]]

    few, many = found(1), min(found(50) for _ in range(2))
    assert many[1] == few[1]
    assert many[0] < QUICK_SECONDS
