"""The printed examples: every line of the reference of queries and of the ten questions, run by a shell as it stands.

The data is the demo's whole year, the server our own application; answers are compared with those that are printed.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.db import connections

from datar.wsgi import application
from datatables.demo.source import NAME, open_demo
from datatables.loading import load_package
from datatables.record_parameters import BODY_EXAMPLES, QUESTION
from records.operators import OPERATORS, PARTS
from records.params.aggregates import FUNCTIONS
from records.params.flat import ELSEWHERE, KNOWN_LATER, RESERVED, WORDS
from tests.cast import Tenant, new_tenant
from tests.cluster import ROOT
from tests.stores import PROVIDERS, mongodb_known

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference" / "query.md"
RECORDS = ROOT / "docs" / "reference" / "records.md"
TEN_QUESTIONS = ROOT / "docs" / "how-to" / "ask-ten-questions.md"
_BLOCK = re.compile(r"^```([a-z-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPACED = re.compile(r'((?<=["\d\]}el])[,:]) (?=["\d\[{tfn-])')
"""Blanks between the parts of a JSON value, which say nothing: PostgreSQL writes them, MongoDB does not."""
_ZEROS = re.compile(r"(\d\.\d*?[1-9])0+(?![\d.])")
_END = "\x1e"
_LEFT_OUT = "…"


@dataclass(frozen=True)
class Example:
    """One block of a shell, the line it stands in, and the answer printed below it, if there is one."""

    line: int
    command: str
    kind: str
    answer: str | None

    def differs(self, output: str) -> str:
        """What is wrong with an output; empty when it is what is printed."""
        got = output.replace("\r\n", "\n").strip()
        if self.answer is None:
            return f"line {self.line}: {got}" if '"request_id"' in got else ""
        parting = "" if self.kind == "json" else "\n"
        shown = parting.join(line.strip() for line in self.answer.strip().split("\n"))
        got, shown = _plain(got), _plain(shown)
        pattern = ".*".join(re.escape(piece) for piece in shown.split(_LEFT_OUT))
        return "" if re.fullmatch(pattern, got, re.DOTALL) else f"line {self.line}:\n  shown {shown}\n  got   {got}"


def _plain(text: str) -> str:
    """A text of JSON without what says nothing: blanks between its parts, zeros at the end of a fraction."""
    return _ZEROS.sub(r"\1", _SPACED.sub(r"\1", text))


def examples(page: Path) -> list[Example]:
    """The shell blocks of a page."""
    return examples_in(page.read_text("utf-8"))


def examples_in(text: str) -> list[Example]:
    """The shell blocks of a text; a block of another kind right below is the answer."""
    blocks = list(_BLOCK.finditer(text))
    found = []
    for at, block in enumerate(blocks):
        below = blocks[at + 1] if at + 1 < len(blocks) else None
        answered = below if below and below[1] != "sh" and not text[block.end() : below.start()].strip() else None
        if block[1] == "sh":
            line = text.count("\n", 0, block.start()) + 2
            kind, answer = (answered[1], answered[2]) if answered else ("", None)
            found.append(Example(line, block[2], kind, answer))
    return found


class _Server(ThreadingMixIn, WSGIServer):
    """Requests beside each other, as a client may open the next connection before the last one is closed."""

    daemon_threads = False


class _Quiet(WSGIRequestHandler):
    """Says nothing about requests, and closes its thread's connections of Django."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def handle(self) -> None:
        """One request."""
        try:
            super().handle()
        finally:
            connections.close_all()


@contextmanager
def served() -> Iterator[str]:
    """The application behind a real socket; its address."""
    with make_server("127.0.0.1", 0, application, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", params=PROVIDERS)
def flyer(django_db_setup: None, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A tenant with the demo's whole year, kept by each provider in turn."""
    with mongodb_known():
        tenant = new_tenant("flyer")
        load_package(
            files=open_demo(), tenant=tenant.schema, app_slug=NAME, provider_type=request.param, report=lambda *_: None
        )
        yield tenant


def run(page: Path, tenant: Tenant, directory: Path) -> list[str]:
    """What each block of a page prints, one shell for all of them. Whatever goes to standard error is wrong."""
    script = "".join(f"{example.command}\nprintf '{_END}'\n" for example in examples(page))
    with served() as base:
        environment = {
            "PATH": os.environ["PATH"],
            "DATA": f"{base}/api/apps/{NAME}/datatables",
            "KEY": tenant.key,
            "TOKEN": tenant.api.access,
        }
        command = ["sh", "-euc", script]
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split(_END)[:-1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed lines need curl")
@pytest.mark.parametrize("page", [REFERENCE, RECORDS, TEN_QUESTIONS], ids=lambda page: page.stem)
def test_every_printed_line_gives_the_printed_answer(page: Path, flyer: Tenant, tmp_path: Path) -> None:
    outputs = run(page, flyer, tmp_path)
    wrong = [example.differs(output) for example, output in zip(examples(page), outputs, strict=True)]
    assert "\n".join(text for text in wrong if text) == ""


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed lines need curl")
def test_the_first_steps_of_the_readme_can_be_taken_and_the_first_of_them_again(tmp_path: Path) -> None:
    steps = [example.command for example in examples_in(README.read_text("utf-8").partition("## First steps")[2])]
    with mongodb_known(), served() as base:
        again = [
            *steps,
            steps[0],
            steps[1],
            'curl -sS $H/auth/me/ -H "Api-Key: $MYKEY" -H "Authorization: Bearer $MYTOKEN"',
        ]
        script = f"\nprintf '{_END}'\n".join(again).replace("http://127.0.0.1:8000", base)
        bare = {"PATH": os.environ["PATH"]}
        done = subprocess.run(
            ["sh", "-uc", script], cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=60, check=False
        )
    registered, _, described, asked, reviewed, refused, _, me = done.stdout.split(_END)
    assert (done.returncode, registered, done.stderr.count("409"), "Traceback" in done.stderr) == (0, "", 1, False)
    assert '"name":"products"' in described.replace(" ", "")
    assert '"total":1' in asked
    if "mongodb" in PROVIDERS:
        assert '"product":{"id":1,"name":"Lamp","price":29.90}' in reviewed.rpartition("\n{")[2]
    assert '"code":"conflict_unique"' in refused
    assert '"role":"owner"' in me.replace(" ", "")


_GROUPED = {"_group_by": "carrier", "_aggregate": "count(*) as flights"}
_GOES_WITH: dict[str, dict[str, str]] = {
    "populate_limit": {"populate": "airline"},
    "_having": _GROUPED,
    "_group_by": {"_aggregate": "count(*)"},
    "ordering": {"search": "chicago"},
}


def asked_in_the_document() -> Iterator[tuple[str, dict[str, str]]]:
    """Each example of the API's document as a table and a question; what it goes with beside it."""
    for parameter in QUESTION:
        for example in parameter.examples[1:]:
            words = example.value if isinstance(example.value, dict) else {parameter.name: example.value}
            ranked = "-rank" in words.values()
            more = _GOES_WITH.get(parameter.name, {}) if parameter.name != "ordering" or ranked else {}
            yield "airports" if ranked or parameter.name == "search" else "flights", words | more


def test_the_examples_of_the_api_document_are_answered(flyer: Tenant) -> None:
    api, base = flyer.api, f"/api/apps/{NAME}/datatables"
    asked = list(asked_in_the_document())
    answers = [(words, api.get(f"{base}/{table}/data/?{urlencode(words)}")) for table, words in asked]
    answers += [(body.value, api.post(f"{base}/flights/data/query/", body.value)) for body in BODY_EXAMPLES]
    assert len(answers) > 25
    assert [(words, answer.content) for words, answer in answers if answer.status != 200] == []
    assert [words for words, answer in answers if not answer.data["data"]] == []


@pytest.mark.no_database
def test_the_api_document_shows_every_word_of_a_list_first_as_not_asked() -> None:
    assert {parameter.name for parameter in QUESTION} >= WORDS
    assert [row.name for row in QUESTION if row.examples and row.examples[0].value not in ("", {})] == []


@pytest.mark.no_database
def test_an_answer_may_leave_out_but_not_differ() -> None:
    example = Example(1, "", "json", '{"data":[\n  {"a":1},…],\n"total":3}\n')
    assert example.differs('{"data":[{"a":1},{"a":2}],"total":3}\n') == ""
    assert "line 1" in example.differs('{"data":[{"a":1},{"a":2}],"total":4}\n')
    assert "line 1" in Example(1, "", "", None).differs('{"detail":"…","code":"x","request_id":"y"}')


@pytest.mark.no_database
def test_every_operator_part_and_function_has_an_example() -> None:
    commands = "\n".join(example.command for example in examples(REFERENCE) if example.answer is not None)
    assert [name for name in OPERATORS if f"__{name}=" not in commands] == []
    assert [name for name in PARTS if not re.search(rf"__{name}(__|=)", commands)] == []
    assert [name for name in FUNCTIONS if f"{name}(" not in commands] == []


@pytest.mark.no_database
def test_every_word_of_a_list_has_an_example_and_every_reserved_word_is_named() -> None:
    text = REFERENCE.read_text("utf-8")
    commands = "\n".join(example.command for example in examples(REFERENCE) if example.answer is not None)
    assert [word for word in RESERVED if f"`{word}`" not in text] == []
    assert [word for word in RESERVED if f"'{word}=" not in commands and word not in _MENTIONED] == []


_MENTIONED = {*ELSEWHERE, *KNOWN_LATER}
"""Reserved words that a list does not take."""
