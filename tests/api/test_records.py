"""Rows over HTTP: status, headers and shape of every answer of CONTRACT 6 that is built."""

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.descriptors import new_table
from tests.cast import ANYBODY, Answer, Api, acme, new_user

TEXT_KEYS: dict[str, Any] = {
    "fields": [{"name": "k", "type": "string"}, {"name": "n", "type": "integer"}],
    "primaryKey": "k",
}


def test_the_life_of_a_row(api: Api, data: str) -> None:
    made = api.post(data, {"code": "a", "total": 1.5})
    assert (made.status, made.headers["Location"]) == (201, f"{data}1/")
    row = made.data["data"]
    assert list(row) == ["id", "code", "total", "año", "note", "updated_at"]
    assert row == {**row, "id": 1, "code": "a", "total": 1.5, "año": None, "note": "none"}
    assert list(made.data) == ["data"]
    got = api.get(made.headers["Location"])
    assert (got.status, got.data) == (200, {"data": row})
    changed = api.patch(f"{data}1/", {"total": 2})
    assert (changed.status, changed.data["data"]["total"], changed.data["data"]["code"]) == (200, 2, "a")
    replaced = api.put(f"{data}1/", {"code": "b"})
    assert (replaced.status, replaced.data["data"]["total"], replaced.data["data"]["note"]) == (200, None, "none")
    gone = api.delete(f"{data}1/")
    assert (gone.status, gone.content) == (204, b"")
    assert "Content-Type" not in gone.headers
    for again in (api.get(f"{data}1/"), api.delete(f"{data}1/"), api.patch(f"{data}1/", {})):
        assert (again.status, again.code) == (404, "not_found")


def test_many_rows_at_once(api: Api, data: str) -> None:
    made = api.post(data, [{"code": "a"}, {"code": "b"}])
    assert (made.status, [row["code"] for row in made.data["data"]]) == (201, ["a", "b"])
    assert "Location" not in made.headers
    few = api.post(data, [{"code": "c"}], prefer="return=minimal")
    assert (few.status, few.data, few.headers["Preference-Applied"]) == (201, {"created": 1}, "return=minimal")
    changed = api.patch(data, [{"id": 2, "total": 2}, {"id": 1, "total": 1}])
    assert (changed.status, [row["id"] for row in changed.data["data"]]) == (200, [2, 1])
    gone = api.delete(f"{data}?ids=3,1")
    assert (gone.status, gone.data) == (200, {"deleted": 2, "ids": [3, 1]})
    page = api.get(data)
    assert (page.status, page.data["total"], page.data["page"], page.data["page_size"]) == (200, 1, 1, 20)
    assert api.get(f"{data}?limit=1&offset=1").data == {"data": [], "total": 1, "limit": 1, "offset": 1}


def test_upserts(api: Api, data: str) -> None:
    made = api.post(f"{data}upsert/?unique_fields=code", {"code": "a", "total": 1})
    assert (made.status, made.data["created"], made.headers["Location"]) == (201, True, f"{data}1/")
    again = api.post(f"{data}upsert/?unique_fields=code", {"code": "a", "total": 2})
    assert (again.status, again.data["created"], again.data["data"]["total"]) == (200, False, 2)
    assert "Location" not in again.headers
    many = api.post(f"{data}upsert/?unique_fields=code", [{"code": "b"}, {"code": "a", "total": 3}])
    assert (many.status, many.data["created"], many.data["updated"]) == (200, 1, 1)
    assert [row["code"] for row in many.data["data"]] == ["b", "a"]
    twice = api.post(f"{data}upsert/?unique_fields=code", [{"code": "x"}, {"code": "x"}])
    assert (twice.status, twice.code, twice.data["indexes"]) == (409, "conflict_unique", [0, 1])


def test_paths_without_their_slash(api: Api, data: str) -> None:
    made = api.post(data.removesuffix("/"), {"code": "a"})
    assert made.status == 201
    assert made.headers["Location"] == f"{data}1/"
    assert api.get(f"{data}1").status == 200
    assert api.post(f"{data}upsert", {"code": "z"}).headers["Location"] == f"{data}2/"


def test_words_for_post_are_ids_otherwise(api: Api, orders_app: str) -> None:
    data = new_table(api, orders_app, "words", TEXT_KEYS, materialize=True) + "data/"
    keys = ["upsert", "query", "~", "a,b", "a/b", ".", "..", "", "é 😀", "100%", "a?b#c", '"', "a;b"]
    for number, key in enumerate(keys):
        made = api.post(data, {"k": key, "n": number})
        assert made.status == 201, made
        path = made.headers["Location"]
        assert api.get(path).data == {"data": {"k": key, "n": number}}, path
        assert api.patch(path, {"n": -1}).status == 200
    ids = [api.get(f"{data}?fields=k&k={quote(key, safe='')}").data["total"] for key in keys]
    assert ids == [1] * len(keys)
    for key in ("upsert", "query"):
        assert api.delete(f"{data}{key}/").status == 204


def test_parameters_in_any_spelling_of_utf_8(api: Api, data: str) -> None:
    api.post(data, {"code": "é", "año": 1})
    for query in ("a%C3%B1o=1", "code=%C3%A9", "ordering=a%C3%B1o", "code__in=%C3%A9"):
        assert api.get(f"{data}?{query}").data["total"] == 1, query
    bare = api.http.generic("GET", data, QUERY_STRING="año=1".encode().decode("latin-1"), headers=api.credentials)
    assert bare.status_code == 200, bare.content
    for query in ("code=%FF", "code=%ED%A0%80"):
        wrong = api.get(f"{data}?{query}")
        assert (wrong.status, wrong.data["code"]) == (400, wrong.code)
    broken = api.http.generic("GET", data, QUERY_STRING="code=\xff", headers=api.credentials)
    assert broken.status_code == 400


def test_headers_of_every_answer(api: Api, data: str) -> None:
    answers = [
        api.get(data),
        api.post(data, {}),
        api.get(f"{data}1/"),
        api.patch(f"{data}1/", {}),
        api.get(f"{data}9/"),
    ]
    for answer in answers:  # of a list there are other forms
        form = ", Accept" if answer is answers[0] else ""
        assert answer.headers["Vary"] == "Authorization, Api-Key, Cookie" + form
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["X-Request-Id"])
        assert answer.headers["Content-Type"] == "application/json"
    assert {answer.headers["Cache-Control"] for answer in answers[:4]} == {"private, no-cache"}
    assert api.get(data, x_request_id="my-id.1").headers["X-Request-Id"] == "my-id.1"
    assert api.get(f"{data}9/", x_request_id="my-id.1").data["request_id"] == "my-id.1"


def test_errors_of_one_row(api: Api, data: str) -> None:
    wrong = api.post(data, {"code": "x" * 21, "total": -1, "nope": 1})
    assert (wrong.status, wrong.code) == (400, "validation_error")
    assert set(wrong.data) == {"code", "total", "nope"}
    assert all(isinstance(message, str) for messages in wrong.data.values() for message in messages)
    problem = api.post(data, {"total": "1"}, accept="application/problem+json")
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.data == {
        "type": problem.data["type"],
        "title": "Bad Request",
        "status": 400,
        "detail": problem.data["detail"],
        "code": "validation_error",
        "request_id": problem.headers["X-Request-Id"],
        "errors": [{"field": "total", "code": "invalid_type", "message": "Must be a number, without quotes."}],
    }


def test_errors_of_many_rows(api: Api, data: str) -> None:
    rows: list[dict[str, Any]] = [{"code": str(number)} for number in range(500)]
    rows[3]["total"] = -1
    rows[7]["nope"] = 1
    wrong = api.post(data, rows)
    assert (wrong.status, wrong.code) == (400, "validation_error")
    assert wrong.data["detail"] == "2 of 500 rows are invalid"
    assert [(error["index"], list(error["errors"])) for error in wrong.data["errors"]] == [
        (3, ["total"]),
        (7, ["nope"]),
    ]
    assert set(wrong.data) == {"detail", "code", "errors", "request_id"}
    all_wrong = api.post(data, [{"total": -1}] * 300)
    assert all_wrong.data["detail"] == "300 of 300 rows are invalid"
    assert len(all_wrong.data["errors"]) == 100
    problem = api.post(data, rows, accept="application/problem+json")
    found = [(error["index"], error["field"], error["code"]) for error in problem.data["errors"]]
    assert (
        found == [(3, "total", "number_out_of_range"), (7, "nope", "unknown_field")] or found[1][2] == "unknown_field"
    )
    assert api.get(data).data["total"] == 0


def test_conflicts(api: Api, data: str) -> None:
    api.post(data, {"code": "a"})
    one = api.post(data, {"code": "a"})
    assert (one.status, one.code, one.data["fields"]) == (409, "conflict_unique", ["code"])
    assert "index" not in one.data
    many = api.post(data, [{"code": "b"}, {"code": "a"}])
    assert (many.status, many.data["fields"], many.data["index"]) == (409, ["code"], 1)
    missing = api.delete(f"{data}?ids=1,99")
    assert (missing.status, missing.code, missing.data["ids"]) == (404, "not_found", [99])
    assert api.get(data).data["total"] == 1


def test_not_materialized_until_it_is(api: Api, orders_app: str) -> None:
    table = new_table(api, orders_app, "later")
    for answer in (api.get(f"{table}data/"), api.post(f"{table}data/", {}), api.delete(f"{table}data/?ids=1")):
        assert (answer.status, answer.code) == (409, "not_materialized")
    assert api.post(f"{table}materialize/").status == 200
    assert api.post(f"{table}data/", {"id": 1, "name": "a", "price": 1}).status == 201
    assert api.delete(table).status == 204
    # A read may be a second behind, a write never.
    answer = api.post(f"{table}data/", {"id": 2, "name": "b", "price": 1})
    assert (answer.status, answer.code) == (404, "not_found")
    time.sleep(1)
    answer = api.get(f"{table}data/")
    assert (answer.status, answer.code) == (404, "not_found")
    assert api.post(f"{table}restore/").status == 200
    assert api.get(f"{table}data/").data["total"] == 1


def test_rows_of_what_is_not_there(api: Api, orders_app: str) -> None:
    for path in (
        f"{orders_app}datatables/none/data/",
        "/api/apps/none/datatables/x/data/",
        "/api/apps/%00/datatables/x/data/",
        f"{orders_app}datatables/a%00b/data/1/",
        f"/api/apps/{'x' * 3000}/datatables/x/data/",
        f"{orders_app}datatables/é'--/data/",
    ):
        for answer in (api.get(path), api.delete(path + "?ids=1"), api.post(path, {})):
            assert answer.status in (404, 405), (path, answer)
            assert answer.code in ("not_found", "method_not_allowed")


LATER: list[Callable[[Api, str], Answer]] = [
    lambda api, data: api.post(data, {}, idempotency_key="k"),
    lambda api, data: api.get(f"{data}?format=csv"),
    lambda api, data: api.get(f"{data}?include=edges"),
    lambda api, data: api.get(f"{data}?depth=2"),
    lambda api, data: api.get(f"{data}?relationship_type=manager"),
]


@pytest.mark.parametrize("place", range(len(LATER)))
def test_what_is_not_built_yet_says_so(api: Api, data: str, place: int) -> None:
    api.post(data, {"code": "a"})
    answer = LATER[place](api, data)
    assert (answer.status, answer.code) == (400, "not_supported_yet"), answer
    assert api.get(data).data["total"] == 1


def test_methods_that_are_not_for_this(api: Api, data: str) -> None:
    api.post(data, {"code": "a"})
    for answer, allowed in (
        (api.put(data, {}), "GET, POST, PATCH, DELETE"),
        (api.post(f"{data}1/", {}), "GET, PUT, PATCH, DELETE"),
        (api.request("TRACE", data), "GET, POST, PATCH, DELETE"),
    ):
        assert (answer.status, answer.code) == (405, "method_not_allowed")
        assert set(allowed.split(", ")) <= set(answer.headers["Allow"].split(", "))
    head = api.request("HEAD", data)
    assert (head.status, head.content) == (200, b"")
    assert api.request("OPTIONS", data).status == 204
    assert api.request("GET", data, x_http_method_override="DELETE").status == 200
    assert api.get(data).data["total"] == 1


def test_roles(api: Api, data: str) -> None:
    viewer = api.with_token(new_user(acme().schema, "viewer"))
    editor = api.with_token(new_user(acme().schema, "editor"))
    assert editor.post(data, {"code": "a"}).status == 201
    assert viewer.get(data).data["total"] == 1
    assert viewer.get(f"{data}1/").status == 200
    for answer in (
        viewer.post(data, {"code": "b"}),
        viewer.post(f"{data}upsert/", {"code": "b"}),
        viewer.patch(f"{data}1/", {}),
        viewer.put(f"{data}1/", {}),
        viewer.patch(data, [{"id": 1}]),
        viewer.delete(f"{data}1/"),
        viewer.delete(f"{data}?ids=1"),
        viewer.post("/api/apps/none/datatables/none/data/", {}),
    ):
        assert (answer.status, answer.code) == (403, "permission_denied")
    assert editor.delete(f"{data}1/").status == 204
    assert ANYBODY.get(data).status == 401
