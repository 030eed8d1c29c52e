"""The worker's count of the bytes it holds comes back to nothing, however a request ends."""

import random
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from datar.errors import Unavailable
from datar.gathering import Gathering
from datar.pacedsocket import PacedSocket
from datar.worker import GATHERED_BYTES, SMALL_BYTES, Connection, Worker

pytestmark = pytest.mark.no_database


class Loop(Worker):
    """A worker without a loop: connections are fed by hand."""

    def __init__(self) -> None:
        self.gathered = 0
        self.refused: list[Exception] = []

    def enqueue_req(self, conn: Connection) -> None:
        """The request is whole."""

    def linger(self, conn: Connection) -> None:
        """The refusal was sent."""

    def discard(self, conn: Connection) -> None:
        """The client is gone."""


@pytest.fixture
def connection() -> Iterator[Any]:
    near, far = socket.socketpair()
    paced = PacedSocket(near.family, near.type, near.proto, near.detach())
    paced.setblocking(False)
    conn = Connection.__new__(Connection)
    conn.sock = paced
    yield conn
    paced.close()
    far.close()


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BIG = 3 * SMALL_BYTES


@pytest.mark.parametrize(
    "pieces",
    [
        [CHUNKED + b"%x\r\n" % BIG + b"x" * BIG, b"\r\nzz\r\n"],
        [CHUNKED + b"%x\r\n" % BIG + b"x" * BIG, b"no", b"end"],
        [CHUNKED + b"1\r\nxx\r\n" + b"x" * BIG],
        [HEAD + b"A: " + b"b" * BIG],
        [HEAD + b"Content-Length: %d\r\n\r\n" % BIG + b"x" * (BIG - 1), b"x"],
        [HEAD + b"Content-Length: 1\r\n\r\nx"],
    ],
)
def test_nothing_is_left_counted(connection: Any, pieces: list[bytes]) -> None:
    loop = Loop()
    connection.gathering = Gathering(10 * BIG)
    for piece in pieces:
        over = loop.advance(connection, piece)
        assert loop.gathered >= 0
        if over:
            break
    assert over
    assert (loop.gathered, connection.accounted, connection.gathering) == (0, 0, None)


def test_the_count_is_the_sum_of_what_is_held(connection: Any) -> None:
    loop, held = Loop(), 0
    connection.gathering = Gathering(10 * BIG)
    loop.advance(connection, HEAD + b"Content-Length: %d\r\n\r\n" % BIG)
    for _ in range(5):
        loop.advance(connection, b"x" * random.randint(1, BIG // 6))
        held = len(connection.gathering.buffer)
        assert loop.gathered == (held if held > SMALL_BYTES else 0)


def test_too_much_at_once_is_refused_and_forgotten(connection: Any) -> None:
    loop = Loop()
    loop.gathered = GATHERED_BYTES
    with pytest.raises(Unavailable):
        loop._account(connection, BIG)
    loop._finish_gathering(connection)
    assert loop.gathered == GATHERED_BYTES
