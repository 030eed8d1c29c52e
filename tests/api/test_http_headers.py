"""Headers every endpoint reads alike: what is accepted, and what is refused because it is not built."""

from collections.abc import Callable

import pytest
from django.test import RequestFactory

from datar.api.accepting import check_accept
from datar.errors import NotAcceptable
from datar.wsgi import application
from tests.cast import ANYBODY, Api


@pytest.mark.parametrize("header", ["idempotency_key", "if_match", "if_none_match"])
def test_headers_that_are_not_built_are_refused_wherever_something_can_be_written(api: Api, header: str) -> None:
    sent = {header: '"1"'}
    for answer in (
        api.get("/api/apps/", **sent),
        api.post("/api/apps/", {"name": "Never"}, **sent),
        api.post("/api/auth/api-keys/", {}, **sent),
        api.patch("/api/auth/client/", {}, **sent),
        ANYBODY.post("/api/auth/register/", {}, **sent),
        ANYBODY.post("/api/auth/token/", {}, **sent),
    ):
        assert (answer.status, answer.code) == (400, "not_supported_yet"), answer
    assert "Never" not in str(api.get("/api/apps/").data)


def test_a_write_of_records_is_not_yet_safe_to_repeat(api: Api, data: str) -> None:
    for answer in (api.post(data, {}, idempotency_key="k"), api.get(data, idempotency_key="k")):
        assert (answer.status, answer.code) == (400, "not_supported_yet"), answer


@pytest.mark.parametrize(
    "header",
    [
        "",
        "*/*",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/problem+json",
        "application/*;q=0.1",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        "text/csv, */*;q=0.1",
        "application/x-ndjson, application/json;q=0.5",
        "garbage",
        "application/json;q=x",
    ],
)
def test_bi_03_json_is_accepted(header: str) -> None:
    check_accept(header)


@pytest.mark.parametrize(
    "header",
    [
        "application/x-ndjson",
        "application/geo+json",
        "text/json",
        "application/jsonpath",
        "application/json;q=0",
        "application/json;q=0, text/html",
        "application/json;q=0, application/problem+json;q=0, */*",
        "*/*;q=0",
        "text/html",
    ],
)
def test_bi_03_json_is_not_accepted(header: str) -> None:
    with pytest.raises(NotAcceptable):
        check_accept(header)


def test_the_application_itself_sends_no_body_to_a_head(api: Api, data: str) -> None:
    """The server would leave it out, and log a warning for each."""
    told: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        told.update({"status": status}, **dict(headers))
        return len

    for path, status in ((data, "200 OK"), (f"{data}9/", "404 Not Found")):
        environ = RequestFactory().generic("HEAD", path, headers=api.credentials).environ
        assert b"".join(application(environ, start_response)) == b""
        assert (told["status"], told["Content-Length"] > "0") == (status, True)
