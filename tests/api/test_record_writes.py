"""Removals by filter and creates that skip over HTTP; TRUST's row about deletes that a typo must never widen."""

import json
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from tests.api.test_trust_values import physical
from tests.cast import Answer, Api, acme, new_user


def ask(tree: Any) -> str:
    """``filter=`` of a tree, or of any text."""
    return "filter=" + quote(tree if isinstance(tree, str) else json.dumps(tree))


@pytest.fixture
def three(api: Api, data: str) -> str:
    """Three orders."""
    rows = [{"code": code, "total": number} for number, code in enumerate("abc", 1)]
    assert api.post(data, rows).status == 201
    return data


def stored(pg: "psycopg.Connection[Any]", data: str) -> int:
    """How many rows there are, asked past the service."""
    place = physical(pg, acme(), data.split("/")[-3])
    found = pg.execute(sql.SQL("SELECT count(*) FROM {}").format(place)).fetchone()
    assert found is not None
    return int(found[0])


def test_a_removal_by_filter(api: Api, three: str, pg: "psycopg.Connection[Any]") -> None:
    tree = {"or": [{"total__gte": 3}, {"code__in": ["a", "z"]}]}
    answer = api.delete(f"{three}?{ask(tree)}")
    assert (answer.status, answer.data) == (200, {"deleted": 2})
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert stored(pg, three) == api.get(three).data["total"] == 1
    nothing = api.delete(f"{three}?{ask(tree)}")
    assert (nothing.status, nothing.data) == (200, {"deleted": 0})


TYPOS: list[tuple[str, str]] = [
    ("", "filter_required"),
    ("filter", "filter_required"),
    ("filter=", "filter_required"),
    ("filter={}", "filter_required"),
    ("filter=%7B%7D", "filter_required"),
    ("filter=[]", "filter_required"),
    ("filter=garbage", "invalid_json"),
    ("filter=%7B%22total%22%3A1", "invalid_json"),
    ("filter=total", "invalid_json"),
    ("filter=1", "invalid_filter"),
    (ask({"and": []}), "invalid_filter"),
    (ask({"toatl": 1}), "unknown_field"),
    (ask({"total__gt": 0, "cdoe": "a"}), "unknown_field"),
    (ask({"total__gtt": 0}), "unknown_operator"),
    (ask({"total__gt": "x"}), "invalid_type"),
    ("ids=", "invalid_parameter"),
    ("ids=1,,2", "invalid_parameter"),
    ("ids=all", "invalid_parameter"),
    ("ids=*", "invalid_parameter"),
    (f"ids=1&{ask({'total': 1})}", "invalid_parameter"),
    (f"{ask({'total': 1})}&{ask({'total': 2})}", "invalid_parameter"),
    (f"{ask({'total': 1})}&code=a", "unknown_parameter"),
    (f"{ask({'total': 1})}&limit=1", "unknown_parameter"),
    (f"{ask({'total': 1})}&_meta=true", "unknown_parameter"),
    (f"{ask({'total': 1})}&dry_run=true", "unknown_parameter"),
    ("code=a", "unknown_parameter"),
    ("filters=%7B%22total%22%3A1%7D", "unknown_parameter"),
    ("Filter=%7B%22total%22%3A1%7D", "unknown_parameter"),
    ("id=1", "unknown_parameter"),
]


@pytest.mark.parametrize(("query", "code"), TYPOS)
def test_di_22_a_typo_never_widens_a_delete(
    api: Api, three: str, pg: "psycopg.Connection[Any]", query: str, code: str
) -> None:
    answer = api.delete(f"{three}?{query}")
    assert (answer.status, answer.code) == (400, code), answer
    assert stored(pg, three) == 3


def test_who_may_delete_by_filter(api: Api, three: str, pg: "psycopg.Connection[Any]") -> None:
    viewer = api.with_token(new_user(acme().schema, "viewer"))
    answer = viewer.delete(f"{three}?{ask({'total__gte': 0})}")
    assert (answer.status, answer.code) == (403, "permission_denied")
    assert stored(pg, three) == 3


def errors(answer: Answer) -> dict[int, list[str]]:
    """The fields of each row that was left out."""
    return {each["index"]: list(each["errors"]) for each in answer.data["errors"]}


def test_good_rows_are_kept(api: Api, three: str, pg: "psycopg.Connection[Any]") -> None:
    rows = [{"code": "a"}, {"code": "d"}, {"total": -1}, {"code": "e", "nope": 1}, {"code": "f"}, {"code": "d"}]
    answer = api.post(f"{three}?on_error=skip", rows)
    assert answer.status == 200, answer
    assert [row["code"] for row in answer.data["data"]] == ["d", "f"]
    assert (answer.data["created"], answer.data["skipped"]) == (2, 4)
    assert errors(answer) == {0: ["code"], 2: ["total"], 3: ["nope"], 5: ["code"]}
    assert "Location" not in answer.headers
    short = api.post(f"{three}?on_error=skip", [{"code": "a"}, {"code": "g"}], prefer="return=minimal")
    assert (short.status, short.headers["Preference-Applied"]) == (200, "return=minimal")
    assert list(short.data) == ["created", "skipped", "errors"]
    assert stored(pg, three) == 6


def test_words_of_on_error(api: Api, three: str) -> None:
    assert api.post(f"{three}?on_error=fail", [{"code": "x"}]).status == 201
    assert api.post(f"{three}?on_error=fail", [{"code": "x"}, {"code": "y"}]).status == 409
    for query, body, code in (
        ("on_error=ignore", [{}], "invalid_parameter"),
        ("on_error=", [{}], "invalid_parameter"),
        ("on_error=skip&on_error=fail", [{}], "invalid_parameter"),
        ("on_error=skip", {"code": "z"}, "invalid_type"),
        ("on_error=skip", [], "invalid_type"),
        ("on_error=skip&dry_run=true", [{}], "unknown_parameter"),
    ):
        answer = api.post(f"{three}?{query}", body)
        assert (answer.status, answer.code) == (400, code), (query, answer)
    assert api.get(three).data["total"] == 4
