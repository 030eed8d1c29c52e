"""The pages and the document about the API, as the application serves them: whole, and from here alone."""

import json
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import RequestFactory

from tests.cast import ANYBODY

_NAMED = re.compile(r"""(?:src|href)=["']([^"']+)""")


def fetch(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An answer of the application that gunicorn runs: status, headers by lower-case name, body."""
    from datar.wsgi import application

    started: list[Any] = []

    def start(status: str, sent: list[tuple[str, str]], _error: Any = None, /) -> Any:
        started.append((status, sent))

    environ = RequestFactory(headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = application(environ.generic(method, path).environ, start)
    body = b"".join(answer)
    answer.close()
    status, sent = started[0]
    return int(status.split()[0]), {name.lower(): value for name, value in sent}, body


@pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc/", "/api/docs"])
def test_pages_find_all_they_name_and_it_is_ours(page: str) -> None:
    status, headers, body = fetch(page, accept="text/html,*/*;q=0.8")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = body.decode()
    assert not re.findall(r"https?://(?!testserver)[^\s\"']+", text)
    named = _NAMED.findall(text)
    assert any(name.endswith(".js") for name in named)
    for name in named:
        url = urlsplit(urljoin(f"http://testserver{page}", name))
        assert url.netloc == "testserver"
        assert fetch(url.path)[0] == 200, name


def test_pages_may_load_nothing_from_elsewhere() -> None:
    for page in ("/api/docs/", "/api/redoc/"):
        assert fetch(page)[1]["content-security-policy"].startswith("default-src 'self';")


def test_the_root_leads_to_the_documentation() -> None:
    status, headers, _ = fetch("/")
    assert (status, headers["location"]) == (302, "/api/docs/")
    assert fetch("/", "POST")[0] == 405


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"])
def test_the_document_is_json_unless_yaml_is_asked_for(accept: str) -> None:
    status, headers, body = fetch("/api/schema/", accept=accept)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/schema/", "application/yaml"),
        ("/api/schema/", "application/vnd.oai.openapi"),
        ("/api/schema/?format=yaml", "*/*"),
    ],
)
def test_the_document_as_yaml(path: str, accept: str) -> None:
    status, headers, body = fetch(path, accept=accept)
    assert (status, body[:9]) == (200, b"openapi: ")
    assert "json" not in headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/api/schema/", 405, "method_not_allowed"),
        ("DELETE", "/api/docs/", 405, "method_not_allowed"),
        ("PUT", "/api/redoc/", 405, "method_not_allowed"),
        ("GET", "/api/schema/?lang=de", 400, "unknown_parameter"),
        ("GET", "/api/schema/?format=xml", 400, "invalid_parameter"),
        ("GET", "/api/docs/?scheme=x", 400, "unknown_parameter"),
        ("GET", "/api/redoc/?lang=de", 400, "unknown_parameter"),
    ],
)
def test_what_they_refuse_is_json(method: str, path: str, status: int, code: str) -> None:
    answered, headers, body = fetch(path, method)
    assert (answered, headers["x-error-code"], json.loads(body)["code"]) == (status, code, code)
    assert headers["allow"] == "GET, HEAD, OPTIONS"


def test_the_document_for_who_takes_neither_form() -> None:
    assert fetch("/api/schema/", accept="text/html")[0] == 406


def test_options_of_pages() -> None:
    for path in ("/api/schema/", "/api/docs/", "/api/redoc/"):
        status, headers, _ = fetch(path, "OPTIONS")
        assert (status, headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", ["/api/apps/", "/api/docs/", "/", "/nowhere", "/static/nothing.js"])
def test_a_host_that_is_not_served(path: str) -> None:
    for host in ("evil.example", "localhost.evil.example", "a b", "localhost:x"):
        status, headers, body = fetch(path, host=host)
        assert (status, headers["x-error-code"], json.loads(body)["code"]) == (400, "invalid_host", "invalid_host")
    assert fetch("/health/live/", host="10.0.0.7")[0] == 200
    assert fetch("/health/live", host="10.0.0.7")[0] == 200


def test_a_file_that_is_not_there_is_404() -> None:
    assert fetch("/static/nothing.js")[0] == 404
    assert ANYBODY.get("/nowhere").code == "not_found"


def test_the_document_says_who_needs_credentials_and_what_is_wrong_with_bodies() -> None:
    paths = json.loads(fetch("/api/schema/")[2])["paths"]
    opens = {"register/", "token/", "token/refresh/", "token/verify/", "token/blacklist/"}
    for path, methods in paths.items():
        for method, told in methods.items():
            security = told.get("security", [])
            if path.removeprefix("/api/auth/") in opens:
                assert security in ([], [{}]), path
            else:
                assert security == [{"ApiKey": [], "Token": []}], path
            bodily = {"405", "413", "415"} & told["responses"].keys()
            assert "406" in told["responses"], (method, path)
            if "requestBody" in told:
                assert told["requestBody"]["required"] is True, (method, path)
                assert bodily == {"405", "413", "415"}, (method, path)
            elif method == "get":
                assert not bodily, path


def test_options_say_the_methods() -> None:
    assert ANYBODY.request("OPTIONS", "/api/auth/token/").headers["Allow"] == "POST, OPTIONS"


def test_the_address_that_is_printed_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    from datar import launch

    monkeypatch.delenv("DATAR_ALLOWED_HOSTS")
    assert launch._hosts("10.1.2.3").split(",")[-1] == "10.1.2.3"
    assert launch._hosts("fd00::2").split(",")[-1] == "[fd00::2]"
    assert launch._hosts("0.0.0.0").split(",").count("127.0.0.1") == 1
    monkeypatch.setenv("DATAR_ALLOWED_HOSTS", "api.example.com")
    assert launch._hosts("10.1.2.3") == "api.example.com"


def test_the_document_says_which_numbers_pages_have_and_what_a_schema_is() -> None:
    document = json.loads(fetch("/api/schema/")[2])
    parameters = {one["name"]: one["schema"] for one in document["paths"]["/api/apps/"]["get"]["parameters"]}
    assert parameters["page"] == {"type": "integer", "minimum": 1}
    assert parameters["page_size"] == {"type": "integer", "minimum": 1, "maximum": 1000}
    sent = document["components"]["schemas"]["TableCreateRequest"]["properties"]["json_schema"]
    assert sent["type"] == "object"
    records = document["paths"]["/api/apps/{app_slug}/datatables/{name}/data/"]
    for method in ("post", "patch"):
        body = records[method]["requestBody"]["content"]["application/json"]["schema"]
        rows = [one for one in body.get("oneOf", [body]) if one["type"] == "array"]
        assert [one["minItems"] for one in rows] == [1]
