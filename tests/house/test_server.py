"""The server against clients that are wrong, slow, huge or gone: a real gunicorn, real sockets, a plain application."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import pytest

from datar.children import end, spawn
from tests.cluster import ROOT

pytestmark = pytest.mark.no_database

SECONDS = 1.0
BODY_LIMIT = 100_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(attempt: Callable[[], None], *, seconds: float) -> None:
    """Try until the server can be connected to."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except OSError:
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.05)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, str]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


def read_answer(client: socket.socket) -> Answer:
    """One answer and not a byte more; interim ones are skipped."""
    file = client.makefile("rb", buffering=0)
    while True:
        status = int(file.readline().split()[1])
        headers = {}
        while (line := file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if status >= 200:
            return Answer(status, headers, _exactly(file, int(headers["content-length"])))


def _exactly(file: socket.SocketIO, size: int) -> bytes:
    body = bytearray()
    while len(body) < size:
        piece = file.read(size - len(body))
        assert piece, "the answer ended early"
        body += piece
    return bytes(body)


@dataclass
class Server:
    port: int
    process: "subprocess.Popen[bytes]"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, data: bytes) -> Answer:
        with closing(self.connect()) as client:
            client.sendall(data)
            return read_answer(client)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    port = free_port()
    environment = {
        **os.environ,
        "DATAR_BIND": f"127.0.0.1:{port}",
        "DATAR_WORKERS": "1",
        "DATAR_REQUEST_SECONDS": str(SECONDS),
        "DATAR_BODY_BYTES": str(BODY_LIMIT),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:datar.server", "tests.house.echo:application"]
    process = spawn(command, end_signal=signal.SIGTERM, environment=environment, directory=ROOT)
    server = Server(port, process)
    try:
        wait_for(lambda: server.connect().close(), seconds=20)
        yield server
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        end(process, [(signal.SIGQUIT, 5.0)])


def assert_refused(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-error-code"] == code
    assert answer.headers["connection"] == "close"
    assert answer.json["code"] == code
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert answer.json["detail"]


GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "malformed_request"),
        (GET + b"Api-Key: a\0b\r\n\r\n", 400, "malformed_request"),
        (GET + b"Content-Length: +5\r\n\r\n", 400, "malformed_request"),
        (GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed_request"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "malformed_request"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", 400, "malformed_request"),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (GET + b"A: b\r\n" * 200 + b"\r\n", 431, "headers_too_large"),
        (GET + b"A: " + b"b" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (GET + b"A: " + b"b" * 200_000, 431, "headers_too_large"),
        (GET + b"Transfer-Encoding: br\r\n\r\n", 501, "not_implemented"),
        (GET + b"Expect: the-impossible\r\n\r\n", 417, "expectation_failed"),
        (b"GET /500 HTTP/1.1\r\nHost: x\r\n\r\n", 500, "internal_error"),
    ],
)
def test_what_the_server_refuses_is_json(server: Server, data: bytes, status: int, code: str) -> None:
    answer = server.send(data)
    assert_refused(answer, status, code)
    assert b"secret" not in answer.body


def test_the_clients_own_request_id_comes_back(server: Server) -> None:
    answer = server.send(GET + b"X-Request-Id: mine-1.2_3\r\nA: " + b"b" * 20_000 + b"\r\n\r\n")
    assert answer.headers["x-request-id"] == "mine-1.2_3"
    answer = server.send(GET + b"X-Request-Id: not mine\r\nContent-Length: x\r\n\r\n")
    assert answer.headers["x-request-id"] != "not mine"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP",
        GET,
        b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nshort",
        b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_a_request_that_stalls_is_408_at_its_deadline(server: Server, data: bytes) -> None:
    start = time.monotonic()
    assert_refused(server.send(data), 408, "request_timeout")
    assert SECONDS * 0.9 <= time.monotonic() - start < SECONDS + 2


def test_a_request_that_drips_is_408_although_bytes_keep_coming(server: Server) -> None:
    with closing(server.connect()) as client:
        start = time.monotonic()
        client.sendall(GET)
        client.settimeout(0.1)
        while time.monotonic() - start < SECONDS + 3:
            try:
                client.sendall(b"a: b\r\n")
                assert client.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                continue
        client.settimeout(5)
        assert_refused(read_answer(client), 408, "request_timeout")


def test_a_kept_connection_has_the_same_deadline(server: Server) -> None:
    with closing(server.connect()) as client:
        client.sendall(GET + b"\r\n")
        assert read_answer(client).status == 200
        client.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nno")
        assert_refused(read_answer(client), 408, "request_timeout")


def test_many_stalled_clients_do_not_slow_the_others(server: Server) -> None:
    stalled = [server.connect() for _ in range(60)]
    for number, client in enumerate(stalled):
        client.sendall([b"", GET, b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nno"][number % 3])
    try:
        start = time.monotonic()
        for _ in range(20):
            assert server.send(GET + b"\r\n").status == 200
        assert time.monotonic() - start < SECONDS / 2
    finally:
        for client in stalled:
            client.close()


def test_bodies_arrive_whole_however_they_are_sent(server: Server) -> None:
    body = b"x" * 90_000
    head = b"POST /read HTTP/1.1\r\nHost: x\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:50_000], body[50_000:]))
    with closing(server.connect()) as client:
        client.sendall(head + b"Content-Length: 90000\r\n\r\n" + body)
        assert read_answer(client).body == b"90000"
        client.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0;last\r\nTrailer-Field: a\r\n\r\n")
        assert read_answer(client).body == b"90000"
        for byte in head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            client.send(bytes([byte]))
        assert read_answer(client).body == b"3"


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    one = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
    with closing(server.connect()) as client:
        client.sendall((one % (1, b"a")) + (one % (2, b"bb")) + (one % (3, b"ccc"))[:-1])
        assert [read_answer(client).body, read_answer(client).body] == [b"1", b"2"]
        client.sendall(b"c")
        assert read_answer(client).body == b"3"


def test_expect_100_continue_is_answered_once_and_at_once(server: Server) -> None:
    with closing(server.connect()) as client:
        client.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        data = client.recv(1_000)
        assert data.startswith(b"HTTP/1.1 200 OK")


def test_a_body_over_the_limit_reaches_the_application_unread_and_the_connection_ends(server: Server) -> None:
    with closing(server.connect()) as client:
        client.sendall(b"POST /413 HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n" + b"x" * 1_000)
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        start = time.monotonic()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() - start < 10:
                client.sendall(b"x" * 100_000)


def test_chunks_without_end_are_413_or_408(server: Server) -> None:
    with closing(server.connect()) as client:
        client.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 50 * BODY_LIMIT:
                sent += client.send(b"400\r\n" + b"x" * 1_024 + b"\r\n")
        except (ConnectionResetError, BrokenPipeError):
            return
        assert_refused(read_answer(client), 413, "payload_too_large")


def test_a_client_that_leaves_an_unread_body_behind_frees_its_thread(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        start = time.monotonic()
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n"
        answers = list(pool.map(server.send, [request] * 16))
        assert {answer.status for answer in answers} == {200}
        assert time.monotonic() - start < 2


def test_the_server_does_not_say_what_it_is(server: Server) -> None:
    assert server.send(GET + b"\r\n").headers["server"] == "datar"


def test_a_big_answer_arrives_whole(server: Server) -> None:
    assert len(server.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").body) == 40_000_000


@pytest.mark.parametrize("path", ["/cut", "/killed"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_that_breaks_off_does_not_look_whole(server: Server, version: str, path: str) -> None:
    with closing(server.connect()) as client:
        client.sendall(f"GET {path} HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        got = b""
        with pytest.raises(ConnectionResetError):  # and not an end, which HTTP/1.0 would take for the answer's
            while True:
                piece = client.recv(65_536)
                assert piece, "the answer looks whole"
                got += piece
    assert not got.endswith(b"0\r\n\r\n")
    assert server.send(GET + b"\r\n").status == 200
