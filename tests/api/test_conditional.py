"""``ETag``, ``If-None-Match`` and ``If-Match`` over HTTP; no update is lost between many clients."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from tests.api.descriptors import new_app, new_table
from tests.cast import Answer, Api, fresh_access, new_tenant
from tests.records.together import together

COUNTER: dict[str, Any] = {"fields": [{"name": "n", "type": "integer"}]}
INCREMENTS = 200 if os.environ.get("DATAR_TEST_PROFILE") == "trust" else 50


@pytest.fixture
def one(api: Api, data: str) -> str:
    """The URL of a record."""
    return str(api.post(data, {"code": "a", "total": 1}).headers["Location"])


def test_a_record_has_an_etag(api: Api, data: str, one: str) -> None:
    got = api.get(one)
    version = api.get(f"{one}?_meta=true").data["data"]["_version"]
    tag = got.headers["ETag"]
    assert tag.startswith(f'"{version}-')
    assert tag.endswith('"')
    assert got.headers["Cache-Control"] == "private, no-cache"
    for path in (f"{one}?fields=code", data, f"{data}?limit=1"):
        assert "ETag" not in api.get(path).headers
    assert api.request("HEAD", one).headers["ETag"] == tag


def test_every_answer_about_one_record_carries_its_tag(api: Api, data: str) -> None:
    made = api.post(data, {"code": "t"})
    one = made.headers["Location"]
    assert made.headers["ETag"] == api.get(one).headers["ETag"]
    upsert = f"{data}upsert/?unique_fields=code"
    sends: list[Callable[[], Answer]] = [
        lambda: api.patch(one, {"total": 2}),
        lambda: api.put(one, {"code": "t", "total": 3}),
        lambda: api.post(upsert, {"code": "t", "total": 5}),
    ]
    for send in sends:
        answer = send()
        assert answer.status == 200, answer
        assert answer.headers["ETag"] == api.get(one).headers["ETag"]
    new = api.post(upsert, {"code": "new"})
    assert new.headers["ETag"] == api.get(new.headers["Location"]).headers["ETag"]
    for many in (api.post(data, [{}]), api.patch(data, []), api.post(data, {}, prefer="return=minimal")):
        assert "ETag" not in many.headers


def test_what_the_client_has_is_not_sent_again(api: Api, one: str) -> None:
    tag = api.get(one).headers["ETag"]
    for sent in (
        tag,
        f"W/{tag}",
        f'"x", {tag}',
        f'  "x"\t,,{tag} , ',
        "*",
        " * ",
        f'"",W/"ü",{tag}'.encode().decode("latin-1"),
    ):
        answer = api.get(one, if_none_match=sent)
        assert (answer.status, answer.content) == (304, b""), sent
        assert answer.headers["ETag"] == tag
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Content-Type" not in answer.headers
        assert answer.headers["Vary"] == "Authorization, Api-Key, Cookie"
    for sent in ('"x"', '""', tag.replace("-", "0-")):
        assert api.get(one, if_none_match=sent).status == 200
    assert api.get(f"{one}?fields=code", if_none_match=tag).status == 200
    assert api.request("HEAD", one, if_none_match=tag).status == 304
    api.patch(one, {"total": 7})
    changed = api.get(one, if_none_match=tag)
    assert (changed.status, changed.data["data"]["total"]) == (200, 7)


def test_di_01_no_second_change_of_the_same_version(api: Api, data: str, one: str) -> None:
    tag = api.get(one).headers["ETag"]
    won = api.patch(one, {"total": 10}, if_match=tag)
    assert (won.status, won.data["data"]["total"]) == (200, 10)
    assert won.headers["ETag"] not in (tag, "")
    assert not won.headers["ETag"].startswith("W/")
    lost: list[Callable[[], Answer]] = [
        lambda: api.patch(one, {"total": 20}, if_match=tag),
        lambda: api.put(one, {"total": 20}, if_match=tag),
        lambda: api.delete(one, if_match=tag),
        lambda: api.patch(one, {"total": 20}, if_match=f"W/{won.headers['ETag']}"),
        lambda: api.patch(one, {"total": 20}, if_match='"x", "y"'),
        lambda: api.get(one, if_match=tag),
    ]
    for send in lost:
        answer = send()
        assert (answer.status, answer.code) == (412, "precondition_failed"), answer
    assert api.get(one).data["data"]["total"] == 10
    listed = api.patch(one, {"total": 30}, if_match=f'{tag}, "x", {won.headers["ETag"]}')
    assert (listed.status, listed.data["data"]["total"]) == (200, 30)
    assert api.put(one, {"code": "a", "total": 31}, if_match="*").status == 200
    assert api.get(one, if_match="*").status == 200
    for absent in (api.patch(f"{data}999/", {}, if_match=tag), api.delete(f"{data}999/", if_match="*")):
        assert (absent.status, absent.code) == (404, "not_found")
    assert api.delete(one, if_match=api.get(one).headers["ETag"]).status == 204
    assert api.get(one).status == 404


def test_di_01_a_table_that_requires_a_version(api: Api, orders_app: str) -> None:
    guarded = {**COUNTER, "x-require-if-match": True}
    data = new_table(api, orders_app, "guarded", guarded, materialize=True) + "data/"
    one = api.post(data, {"n": 0}).headers["Location"]
    tag = api.get(one).headers["ETag"]
    blind: list[Callable[[], Answer]] = [
        lambda: api.patch(one, {"n": 1}),
        lambda: api.put(one, {"n": 1}),
        lambda: api.delete(one),
        lambda: api.patch(data, [{"id": 1, "n": 1}]),
        lambda: api.delete(f"{data}?ids=1"),
        lambda: api.delete(f"{data}?filter=%7B%22n%22%3A0%7D"),
        lambda: api.post(f"{data}upsert/", {"id": 1, "n": 1}),
    ]
    for send in blind:
        answer = send()
        assert (answer.status, answer.code) == (428, "precondition_required"), answer
    assert api.get(data).data["data"] == [{"id": 1, "n": 0}]
    assert api.patch(one, {"n": 1}, if_match=tag).status == 200
    assert api.patch(one, {"n": 2}, if_match=tag).status == 412
    assert api.delete(one, if_match="*").status == 204
    wrong = api.post(f"{orders_app}datatables/", {"name": "wrong", "json_schema": {**COUNTER, "x-require-if-match": 1}})
    assert (wrong.status, list(wrong.data)) == (400, ["json_schema"])


def test_where_a_condition_cannot_be_kept(api: Api, data: str, one: str) -> None:
    upsert = f"{data}upsert/"
    sends: list[Callable[[], Answer]] = [
        lambda: api.get(data, if_match='"1"'),
        lambda: api.post(data, {}, if_match='"1"'),
        lambda: api.patch(data, [{"id": 1}], if_match='"1"'),
        lambda: api.delete(f"{data}?ids=1", if_match="*"),
        lambda: api.post(upsert, {"code": "a"}, if_match='"1"'),
        lambda: api.post(data, {}, if_none_match="*"),
        lambda: api.patch(one, {}, if_none_match="*"),
        lambda: api.put(one, {}, if_none_match="*"),
        lambda: api.delete(one, if_none_match='"1"'),
        lambda: api.post(upsert, {"code": "a"}, if_none_match="*"),
    ]
    for send in sends:
        answer = send()
        assert (answer.status, answer.code) == (400, "precondition_not_supported"), answer
    assert api.get(data, if_none_match="*").status == 200
    assert api.get(data, if_none_match="garbage").data["total"] == 1
    assert api.patch(one, {}, idempotency_key="k").code == "not_supported_yet"


@pytest.mark.parametrize(
    "header",
    ["", " ", ",", "1", "x", '"x', 'x"', '"a" "b"', '"a"b', '*, "a"', '"a", *', 'w/"a"', 'W/ "a"', '"a b"', "'a'"],
)
def test_a_malformed_condition(api: Api, one: str, header: str) -> None:
    for answer in (
        api.get(one, if_none_match=header),
        api.get(one, if_match=header),
        api.patch(one, {"total": 5}, if_match=header),
        api.delete(one, if_match=header),
    ):
        assert (answer.status, answer.code) == (400, "invalid_header"), (header, answer)
    assert api.get(one).data["data"]["total"] == 1


def test_di_02_no_increment_is_lost(django_db_setup: None) -> None:
    tenant = new_tenant("counter")
    api = tenant.api
    one = api.post(new_table(api, new_app(api), "counter", COUNTER, materialize=True) + "data/", {"n": 0})
    place = one.headers["Location"]
    refused: list[int] = []

    def client() -> None:
        try:
            count_up()
        finally:
            connections.close_all()

    def count_up() -> None:
        own = Api(tenant.key, fresh_access(tenant.schema, tenant.email))
        for _ in range(INCREMENTS):
            while True:
                row = own.get(place)
                sent = own.patch(place, {"n": row.data["data"]["n"] + 1}, if_match=row.headers["ETag"])
                if sent.status == 200:
                    break
                assert (sent.status, sent.code) == (412, "precondition_failed"), sent
                refused.append(1)

    together([client] * 8)
    assert api.get(place).data["data"]["n"] == 8 * INCREMENTS
    assert refused, "nobody met anybody"
