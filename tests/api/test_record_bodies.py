"""What a request to the record endpoints may hold: bodies, their types, what is accepted, sizes."""

import json

import pytest
from django.test import RequestFactory

from records.limits import BODY_BYTES
from tests.cast import Api

BODIES: list[tuple[bytes, set[str]]] = [
    (b" ", {"invalid_json"}),
    (b"null", {"invalid_type"}),
    (b"5", {"invalid_type"}),
    (b'"x"', {"invalid_type"}),
    (b"[]", {"invalid_type"}),
    (b"{}x", {"invalid_json"}),
    (b"\xef\xbb\xbf{}", {"invalid_json"}),
    ("{}".encode("utf-16"), {"invalid_json"}),
    (b'{"code":"\xff"}', {"invalid_text"}),
    (b"/* */{}", {"invalid_json"}),
    (b"{'code':'a'}", {"invalid_json"}),
    (b'{"total":NaN}', {"invalid_json"}),
    (b'{"code":"a","code":"b"}', {"json_duplicate_key"}),
    (b"[" * 65 + b"]" * 65, {"json_too_deep"}),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, {"json_too_deep"}),
    (b"[" * 200_000, {"json_too_deep"}),
    (b'{"a":' + b"1" * 5_000 + b"}", {"number_out_of_range", "validation_error"}),
    (b'[{"total":1e400}]', {"number_out_of_range", "validation_error", "invalid_type"}),
]


@pytest.mark.parametrize("place", range(len(BODIES)))
def test_bi_01_re_01_re_03_bodies_that_cannot_be(api: Api, data: str, place: int) -> None:
    body, codes = BODIES[place]
    for answer in (
        api.post(data, body),
        api.post(f"{data}upsert/", body),
        api.put(f"{data}1/", body),
        api.patch(data, body),
    ):
        assert answer.status == 400, answer
        assert answer.code in codes, answer
    assert api.get(data).data["total"] == 0


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("text/plain", "unsupported_media_type"),
        ("", "unsupported_media_type"),
        ("application/xml", "unsupported_media_type"),
        ("multipart/form-data; boundary=x", "unsupported_media_type"),
        ("application/x-www-form-urlencoded", "unsupported_media_type"),
        ("application/json; charset=nosuch", "unsupported_charset"),
        ("application/json; charset=rot13", "unsupported_charset"),
        ("application/json; charset=utf-16", "unsupported_charset"),
    ],
)
def test_bi_02_types_of_body(api: Api, data: str, kind: str, code: str) -> None:
    answer = api.post(data, b"{}", content_type=kind)
    assert (answer.status, answer.code) == (415, code)
    assert api.get(data).data["total"] == 0


def test_bi_02_a_charset_that_is_no_text(api: Api, data: str) -> None:
    from datar.wsgi import application  # sets Django up, which is done by now

    started: list[str] = []
    for charset in ("rot13", "nosuch", "utf-16", "hex"):
        environ = RequestFactory(headers=api.credentials).generic("GET", f"{data}?code=a").environ
        environ["CONTENT_TYPE"] = f"application/json; charset={charset}"
        started.clear()
        body = b"".join(application(environ, lambda status, headers: started.append(status)))  # type: ignore[arg-type]
        assert (started, json.loads(body)["total"]) == (["200 OK"], 0)


def test_bi_02_types_that_are_json(api: Api, data: str) -> None:
    for kind in (
        "application/json;;",
        "application/json; charset=UTF-8",
        'application/json; charset="utf-8"',
        "APPLICATION/JSON",
    ):
        assert api.post(data, b"{}", content_type=kind).status == 201, kind


def test_bi_03_what_is_accepted(api: Api, data: str) -> None:
    for accept in ("text/xml", "*/*;q=0", "*/*;q=0.0", "text/html", "image/png, text/css"):
        answer = api.get(data, accept=accept)
        assert (answer.status, answer.code) == (406, "not_acceptable"), accept
    for accept in (
        "*/*",
        "application/json",
        "application/*",
        "text/html, */*;q=0.1",
        "garbage",
        "",
        "application/problem+json",
    ):
        assert api.get(data, accept=accept).status == 200, accept


def test_bi_06_unknown_fields(api: Api, data: str) -> None:
    api.post(data, {"code": "a"})
    for field in ("nope", "Code", "CODE ", "physical_table_name"):
        for answer in (
            api.post(data, {field: 1}),
            api.patch(f"{data}1/", {field: 1}),
            api.put(f"{data}1/", {field: 1}),
        ):
            assert (answer.status, list(answer.data)) == (400, [field])


def test_re_02_bodies_over_the_limit(api: Api, data: str) -> None:
    answer = api.post(data, b'{"note":"' + b"x" * BODY_BYTES + b'"}')
    assert (answer.status, answer.code, answer.data["limit"]) == (413, "payload_too_large", BODY_BYTES)
    fits = api.post(data, b'{"note":"' + b"x" * (BODY_BYTES - 11) + b'"}', prefer="return=minimal")
    assert fits.status == 201


def test_re_03_long_text_in_a_short_field(api: Api, data: str) -> None:
    answer = api.post(data, {"code": "x" * 1_000_000}, accept="application/problem+json")
    assert (answer.status, answer.data["errors"][0]["code"]) == (400, "too_long")
    assert len(answer.content) < 2_000
