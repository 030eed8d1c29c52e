"""``where`` of a declared index: a filter tree, checked at definition, held by the database."""

from typing import Any

import pytest

from datar.errors import Conflict
from records.descriptor import InvalidDescriptor
from tests.records.engine import Engine

FIELDS = [
    {"name": "id", "type": "integer"},
    {"name": "email", "type": "string"},
    {"name": "state", "type": "string"},
    {"name": "seats", "type": "integer"},
    {"name": "ends", "type": "datetime"},
]


def described(where: Any) -> dict[str, Any]:
    index = {"name": "open_email", "fields": ["email"], "unique": True, "where": where}
    return {"fields": FIELDS, "primaryKey": "id", "indexes": [index]}


@pytest.mark.parametrize(
    "where",
    [
        {"state": "open"},
        {"state__in": ["open", "late"]},
        {"or": [{"state": "open"}, {"seats__gt": 100}]},
        {"and": [{"state__ne": "closed"}, {"not": {"ends__lt": "2020-01-01"}}]},
        [
            {"field": "state", "operator": "eq", "value": "open"},
            {"field": "seats", "operator": "isnull", "value": True},
        ],
    ],
)
def test_a_unique_index_holds_where_its_condition_does(engine: Engine, where: Any) -> None:
    check_holding(engine, where)


def test_a_condition_of_any_operator(sql_engine: Engine) -> None:
    check_holding(sql_engine, {"state__icontains": "OPE", "seats__isnull": True})


def check_holding(engine: Engine, where: Any) -> None:
    """Rows of which the condition holds are distinct, others are not."""
    rows = engine.table("accounts", described(where))
    inside = {"email": "a@example.com", "state": "open", "ends": "2024-01-01T00:00:00Z"}
    rows.create(inside)
    with pytest.raises(Conflict) as refused:
        rows.create([{"email": "b@example.com", "state": "open", "ends": "2024-01-01T00:00:00Z"}, inside])
    assert refused.value.code == "conflict_unique"
    assert refused.value.extra == {"fields": ["email"]}, "which row it was, the condition decides"
    outside = {**inside, "state": "closed", "seats": 1, "ends": "2010-01-01T00:00:00Z"}
    rows.create([outside, outside])
    assert rows.list()["total"] == 3


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"stat": "open"}, "unknown_field"),
        ({"state__almost": "open"}, "unknown_operator"),
        ({"seats__contains": "1"}, "operator_not_supported"),
        ({"seats": "5"}, "invalid_type"),
        ({"seats": [1]}, "invalid_filter"),
        ({"state__in": "open"}, "invalid_filter"),
        ({"state__in": []}, "invalid_filter"),
        ({"and": {"state": "open"}}, "invalid_filter"),
        ({"or": []}, "invalid_filter"),
        ([{"field": "state"}], "invalid_filter"),
        ([{"field": 5, "value": 1}], "invalid_filter"),
        ({"and": [{"seats": number} for number in range(51)]}, "query_too_complex"),
    ],
)
def test_a_wrong_condition_is_refused_at_definition(engine: Engine, where: Any, code: str) -> None:
    with pytest.raises(InvalidDescriptor) as refused:
        engine.define("accounts", described(where))
    assert [(error.code, error.message.split(":")[0]) for error in refused.value.errors] == [(code, "indexes[0].where")]


def test_a_condition_nested_too_deep_is_refused(engine: Engine) -> None:
    where: dict[str, Any] = {"state": "open"}
    for _ in range(30):
        where = {"not": where}
    with pytest.raises(InvalidDescriptor) as refused:
        engine.define("accounts", described(where))
    assert refused.value.errors[0].code == "query_too_complex"
