"""Whatever is raised becomes one of our refusals, and nothing of a row's values is logged."""

import json
import logging
import time
from typing import Any

import psycopg
import pytest
from bson.errors import InvalidDocument
from django.db import IntegrityError, OperationalError, ProgrammingError
from django.test import RequestFactory
from pymongo.errors import BulkWriteError, DuplicateKeyError
from rest_framework import exceptions as drf
from structlog.stdlib import ProcessorFormatter

from datar import logs
from datar.api import health
from datar.api.exceptions import as_datar_error, error_response, status_of
from records.limits import ERRORS_SHOWN
from tests.cast import ANYBODY

VALUE = "hidden-value"


def wrapped(kind: type[Exception], cause: Exception) -> Exception:
    """As Django raises what the driver raised."""
    error = kind("a text with a secret value")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (drf.NotFound(), 404, "not_found"),
        (drf.PermissionDenied(), 403, "permission_denied"),
        (drf.NotAuthenticated(), 401, "not_authenticated"),
        (drf.AuthenticationFailed(), 401, "not_authenticated"),
        (drf.MethodNotAllowed("BREW"), 405, "method_not_allowed"),
        (drf.NotAcceptable(), 406, "not_acceptable"),
        (drf.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (drf.ParseError(), 400, "bad_request"),
        (drf.ValidationError("a"), 400, "bad_request"),
        (drf.Throttled(wait=2.5), 503, "overloaded"),
        (psycopg.OperationalError("gone"), 503, "db_unavailable"),
        (psycopg.InterfaceError("closed"), 503, "db_unavailable"),
        (psycopg.errors.UniqueViolation("twice"), 409, "conflict_unique"),
        (psycopg.errors.QueryCanceled("slow"), 503, "query_timeout"),
        (wrapped(OperationalError, psycopg.OperationalError("gone")), 503, "db_unavailable"),
        (wrapped(IntegrityError, psycopg.errors.ForeignKeyViolation("x")), 409, "conflict_foreign_key"),
    ],
)
def test_what_frameworks_and_the_database_raise(error: Exception, status: int, code: str) -> None:
    known = as_datar_error(error)
    assert known is not None
    assert (status_of(known), known.code) == (status, code)
    assert "secret" not in known.detail


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        drf.APIException(),
        psycopg.ProgrammingError("x"),
        psycopg.errors.UndefinedTable("x"),
        wrapped(ProgrammingError, psycopg.errors.UndefinedTable("x")),
    ],
)
def test_a_bug_stays_one(error: Exception) -> None:
    assert as_datar_error(error) is None


def logged(error: Exception) -> dict[str, Any]:
    """The line that an error of a request leaves in the log, as the service formats it."""
    lines: list[str] = []
    handler = logging.StreamHandler()
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    formatters = (one.formatter for one in logging.getLogger().handlers)
    handler.setFormatter(next(one for one in formatters if isinstance(one, ProcessorFormatter)))
    logging.getLogger("datar.api").addHandler(handler)
    try:
        response = error_response(error, RequestFactory().get("/api/apps/"))
    finally:
        logging.getLogger("datar.api").removeHandler(handler)
    assert (response.status_code, response["X-Error-Code"]) == (500, "internal_error")
    assert len(lines) == 1
    line: dict[str, Any] = json.loads(lines[0])
    return line


def broken(pg: psycopg.Connection) -> psycopg.Error:
    """An error of a real database whose message quotes a row."""
    pg.execute("CREATE TEMPORARY TABLE IF NOT EXISTS shy (name text CONSTRAINT shy_key PRIMARY KEY)")
    with pytest.raises(psycopg.Error) as raised:
        pg.execute("INSERT INTO shy VALUES (%s), (%s)", [VALUE, VALUE])
    return raised.value


def test_ti_20_the_log_never_quotes_a_row(pg: psycopg.Connection) -> None:
    cause = broken(pg)
    assert VALUE in str(cause)
    try:
        raise KeyError(f"{VALUE} again") from cause
    except KeyError as error:
        line = logged(error)
    assert VALUE not in json.dumps(line)
    assert "sqlstate=23505 constraint=shy_key" in line["exception"]
    assert "psycopg.errors.UniqueViolation" in line["exception"]
    assert "builtins.KeyError" in line["exception"]
    assert "test_http_errors.py" in line["exception"]


def test_ti_20_nor_what_django_or_a_group_wraps(pg: psycopg.Connection) -> None:
    cause = broken(pg)
    for error in (wrapped(IntegrityError, cause), ExceptionGroup(VALUE, [wrapped(IntegrityError, cause)])):
        text = logs.traceback_text(error)
        assert VALUE not in text
        assert "secret" not in text
        assert "sqlstate=23505" in text


@pytest.mark.parametrize(
    "cause",
    [
        DuplicateKeyError(f"dup key: {VALUE}", 11000, {"keyValue": {"name": VALUE}}),
        BulkWriteError({"writeErrors": [{"code": 121, "op": {"name": VALUE}}]}),
        InvalidDocument(f"cannot encode object: {VALUE}"),
    ],
)
def test_ti_20_nor_what_mongodb_says(cause: Exception) -> None:
    assert VALUE in f"{cause} {getattr(cause, 'details', '')}"
    try:
        raise KeyError(f"{VALUE} again") from cause
    except KeyError as error:
        line = logged(error)
    assert VALUE not in json.dumps(line)
    assert type(cause).__name__ in line["exception"]
    assert ("code=11000" in line["exception"]) is isinstance(cause, DuplicateKeyError)


def test_ti_20_no_level_writes_down_what_mongodb_is_sent() -> None:
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        for name in ("pymongo.command", "pymongo.connection", "pymongo.serverSelection"):
            assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(before)


def test_other_errors_keep_their_message() -> None:
    assert "ValueError: plain" in logged(ValueError("plain"))["exception"]
    assert logs.traceback_text(None) == ""


def test_of_a_long_traceback_the_end_is_kept() -> None:
    said = logged(ValueError("x" * 2 * logs.TRACEBACK_CHARACTERS + "the end"))["exception"]
    assert len(said) == logs.TRACEBACK_CHARACTERS + 1
    assert said.startswith("…") and said.rstrip().endswith("the end")


def test_re_03_a_flood_of_unknown_fields_is_cheap() -> None:
    body = {f"emial{number}": number for number in range(100_000)}
    took = []
    for _ in range(3):  # the quickest tells what it costs; the others, what else the machine does
        start = time.process_time()
        answer = ANYBODY.post("/api/auth/register/", body, accept="application/problem+json")
        took.append(time.process_time() - start)
        assert (answer.status, len(answer.data["errors"])) == (400, ERRORS_SHOWN)
    assert min(took) < 0.8
    assert len(answer.content) < 30_000
    hinted = [item for item in answer.data["errors"] if "Did you mean" in item["message"]]
    assert 1 <= len(hinted) <= 10


def test_re_03_a_long_unknown_name_is_cut() -> None:
    answer = ANYBODY.post("/api/auth/register/", {"x" * 1_000_000: 1}, accept="application/problem+json")
    assert max(len(item["field"]) for item in answer.data["errors"]) == 255


def test_ready_after_a_restart_of_the_database(pg: psycopg.Connection) -> None:
    from django.db import connection

    connection.ensure_connection()
    assert connection.connection is not None
    pg.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    health._last.clear()
    answer = ANYBODY.get("/health/ready/")
    assert (answer.status, answer.data["dependencies"]) == (200, {"postgresql": "ok"})
