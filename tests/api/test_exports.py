"""``Accept: text/csv`` and ``application/x-ndjson`` on lists and aggregates, as the client meets them."""

import csv
import io
import itertools
import json
from typing import Any

import psycopg
import pytest

from datar.api.accepting import json_or
from datar.api.responses import Cutting
from datar.errors import ClientGone, NotAcceptable, Unavailable
from tests.api.descriptors import new_app, new_table
from tests.cast import Answer, Api, acme, globex

CSV, NDJSON = "text/csv", "application/x-ndjson"
TORTURE: list[Any] = [
    *(None, "", " ", ",", '"', '""', "\r", "\n", "a\r\nb", "=1+1", "@SUM(A1)", "-x", "'", "\\", "\\N", "\t", "null"),
    *('he said "no", twice', "日本語", "\U0001f600", "\u2028", "\ufeff", "%s", "x" * 20_000),
]
NOTES: dict[str, Any] = {
    "fields": [
        {"name": "note"},
        {"name": 'Unit "Price", €', "type": "number"},
        {"name": "kind"},
        {"name": "map", "type": "object"},
    ]
}
_numbers = itertools.count(1)


def make_notes(api: Api) -> str:
    """A table of texts that are hard to write down; its rows' URL."""
    app = new_app(api, "Exports")
    url = new_table(api, app, f"notes{next(_numbers)}", NOTES, materialize=True) + "data/"
    rows = [
        {"note": note, 'Unit "Price", €': place / 4, "kind": "ab"[place % 2], "map": {"k": [note]}}
        for place, note in enumerate(TORTURE)
    ]
    assert api.post(url, rows).status == 201
    return url


@pytest.fixture
def notes(api: Api) -> str:
    """Acme's."""
    return make_notes(api)


def table_of(answer: Answer) -> list[dict[str, str]]:
    """CSV as Python's reader reads it."""
    assert answer.status == 200, answer
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True))


def lines_of(answer: Answer) -> list[Any]:
    """The object on each line."""
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.content.split(b"\n") if line]


def cell(value: Any) -> Any:
    """What a cell holds of a JSON value; objects and arrays as they are, for JSON's texts differ in white space."""
    if value is None or isinstance(value, str | dict | list):
        return "" if value is None else value
    return json.dumps(value)


def read_cells(rows: list[dict[str, str]], *labels: str) -> list[dict[str, Any]]:
    """Rows of cells, those with the labels read as JSON."""
    return [{name: json.loads(text) if name in labels and text else text for name, text in row.items()} for row in rows]


def test_a_list_as_csv_and_as_lines(api: Api, notes: str) -> None:
    """Each row of the JSON list, without paging, to the last quote."""
    listed = api.get(f"{notes}?page_size=1000").data["data"]
    assert len(listed) == len(TORTURE)
    assert lines_of(api.get(notes, accept=NDJSON)) == listed
    rows = read_cells(table_of(api.get(notes, accept=CSV)), "map")
    assert rows == [{name: cell(value) for name, value in row.items()} for row in listed]


def test_null_and_empty_text_differ(api: Api, notes: str) -> None:
    """To the byte."""
    answer = api.get(f"{notes}?fields=note,kind,id&id__lte=2", accept=CSV)
    assert answer.content == b'note,kind,id\r\n,a,1\r\n"",b,2\r\n'
    assert api.get(f"{notes}?id=0", accept=CSV).content == b'id,note,"Unit ""Price"", \xe2\x82\xac",kind,map\r\n'
    assert api.get(f"{notes}?id=0", accept=NDJSON).content == b""


def test_headers_of_what_is_streamed(api: Api, notes: str) -> None:
    """The type with its header, the cache of records, an answer that varies by what is accepted; no length."""
    for accept, kind in ((CSV, "text/csv; charset=utf-8; header=present"), (NDJSON, "application/x-ndjson")):
        answer = api.get(notes, accept=accept, x_request_id="mine")
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["X-Request-Id"] == "mine"
        assert "Accept" in answer.headers["Vary"] and "Api-Key" in answer.headers["Vary"]
        assert "Content-Length" not in answer.headers
        head = api.request("HEAD", notes, accept=accept)
        assert (head.status, head.headers["Content-Type"], head.content) == (200, kind, b"")
    assert "Accept" in api.get(notes).headers["Vary"]
    assert "Accept" not in api.get(f"{notes}1/").headers["Vary"]


def test_pages_and_questions(api: Api, notes: str) -> None:
    """With paging that page; whatever else a list is asked."""
    asked = "page=2&page_size=5&ordering=-id&kind=a&fields=id,note"
    listed = api.get(f"{notes}?{asked}").data["data"]
    assert len(listed) == 5
    assert lines_of(api.get(f"{notes}?{asked}", accept=NDJSON)) == listed
    assert table_of(api.get(f"{notes}?{asked}", accept=CSV)) == [
        {name: cell(value) for name, value in row.items()} for row in listed
    ]
    body = {"filters": {"kind": "b"}, "ordering": "-id", "limit": 3, "fields": ["id"]}
    rows = api.post(f"{notes}query/", body).data["data"]
    assert len(rows) == 3
    assert lines_of(api.post(f"{notes}query/", body, accept=NDJSON)) == rows
    assert api.post(f"{notes}query/", {"filters": {"kind": "b"}, "fields": ["id"]}, accept=CSV).content.count(
        b"\n"
    ) == (len(TORTURE) // 2 + 1)


def test_aggregates_as_csv_and_as_lines(api: Api, notes: str) -> None:
    """Groups are rows, and the one row of what is not grouped."""
    asked = "_aggregate=count(*),min(note),max(id) as last,array_agg(id) as ids"
    for question in (f"{asked}&_group_by=kind", asked, f"{asked}&_group_by=note&ordering=-last&page_size=7&page=2"):
        listed = api.get(f"{notes}?{question}").data["data"]
        assert lines_of(api.get(f"{notes}?{question}", accept=NDJSON)) == listed
        rows = read_cells(table_of(api.get(f"{notes}?{question}", accept=CSV)), "ids")
        assert rows == [{name: cell(value) for name, value in row.items()} for row in listed]
    whole = api.get(f"{notes}?{asked}&_group_by=note", accept=NDJSON)
    assert len(lines_of(whole)) == len(TORTURE)


def test_refusals_are_json(api: Api, notes: str) -> None:
    """What is wrong is said before the first line, in JSON, whatever was to come."""
    for accept in (CSV, NDJSON, f"{CSV}, application/problem+json"):
        for question, code in (
            ("?nott=1", "unknown_field"),
            ("?page=0", "invalid_pagination"),
            ("?cursor=", "invalid_pagination"),
        ):
            answer = api.get(f"{notes}{question}", accept=accept)
            assert (answer.status, answer.code) == (400, code)
            assert answer.headers["Content-Type"].startswith("application/") and answer.data["code"] == code
    assert api.post(f"{notes}query/", {"filters": {"nott": 1}}, accept=CSV).data["code"] == "unknown_field"
    assert Api().get(notes, accept=CSV).status == 401


def test_only_lists_are_text(api: Api, notes: str) -> None:
    """Everything else is JSON, and 406 where that is not wanted."""
    body = {"note": "x"}
    for accept in (CSV, NDJSON, f"{CSV}, {NDJSON}"):
        for answer in (
            api.get(f"{notes}1/", accept=accept),
            api.post(notes, body, accept=accept),
            api.patch(f"{notes}1/", body, accept=accept),
            api.post(f"{notes}upsert/", body, accept=accept),
            api.delete(f"{notes}1/", accept=accept),
            api.get("/api/apps/", accept=accept),
        ):
            assert (answer.status, answer.code) == (406, "not_acceptable"), answer
    assert api.get(notes, accept="text/html").status == 406
    assert api.get(notes).data["total"] == len(TORTURE)


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", CSV),
        ("Text/CSV; header=present", CSV),
        ("text/*", CSV),
        ("application/*", "application/json"),
        ("application/x-ndjson", NDJSON),
        ("text/csv, */*", CSV),
        ("text/csv, */*;q=0.1", CSV),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, application/x-ndjson", NDJSON),
        ("application/json, text/csv", "application/json"),
        ("text/csv, application/problem+json", CSV),
        ("application/problem+json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("garbage", "application/json"),
    ],
)
def test_the_form_is_the_one_liked_best(header: str, kind: str) -> None:
    """JSON where nothing else is said; among equals what was named."""
    assert json_or(header, (CSV, NDJSON)) == kind


@pytest.mark.parametrize("header", ["text/html", "text/csv;q=0", "application/json;q=0, image/*"])
def test_no_form_fits(header: str) -> None:
    """406."""
    with pytest.raises(NotAcceptable):
        json_or(header, (CSV, NDJSON))


def under_way(pg: "psycopg.Connection[Any]") -> int:
    """Statements that stream."""
    row = pg.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
        " AND pid <> pg_backend_pid() AND query LIKE '%array_to_string(ARRAY%'"
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("read", [0, 1])
def test_who_leaves_ends_the_statement(api: Api, notes: str, pg: "psycopg.Connection[Any]", read: int) -> None:
    """However little of the answer was read; the connection is the next one's."""
    assert api.post(notes, [{"note": "x" * 20_000, "kind": str(place)} for place in range(400)]).status == 201
    for _ in range(6):
        response: Any = api.http.generic("GET", notes, headers={**api.credentials, "Accept": CSV})
        for piece in itertools.islice(response.streaming_content, read):
            assert len(piece) > 60_000
        assert under_way(pg) == 1
        response.close()
        assert under_way(pg) == 0


def test_what_breaks_among_the_pieces_cuts_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """It is never an end; the log says what it was, and nothing of the rows. Who left is not logged."""
    for error in (Unavailable("secret", code="query_timeout"), RuntimeError("secret"), ClientGone()):

        def pieces(error: Exception = error) -> Any:
            yield b"first"
            raise error

        cutting = Cutting(pieces())
        assert next(cutting) == b"first"
        with pytest.raises(ConnectionResetError):
            next(cutting)
        cutting.close()
    assert "secret" not in caplog.text


def test_ti_01_exports_hold_rows_of_the_own_tenant_alone() -> None:
    """Globex's rows never appear in what acme gets, in any form, and its tables are not there."""
    ours, theirs = acme().api, globex().api
    mine, other = make_notes(ours), make_notes(theirs)
    secret = "globex-canary"
    assert theirs.post(other, {"note": secret}).status == 201
    for accept in (CSV, NDJSON):
        for question in ("", "?search=globex", "?_aggregate=string_agg(note)", "?_group_by=note", "?populate=*"):
            answer = ours.get(f"{mine}{question}", accept=accept)
            assert answer.status == 200 and secret.encode() not in answer.content
        assert secret.encode() in theirs.get(other, accept=accept).content
        if mine != other:
            assert ours.get(other, accept=accept).status == 404
        mixed = ours.with_token(theirs.access).get(mine, accept=accept)
        assert (mixed.status, mixed.code) == (401, "token_tenant_mismatch")
