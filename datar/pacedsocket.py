"""A client's socket with a sense of time: what was gathered is read first, and nothing is waited for without end."""

import errno
import socket
import struct
import time
from contextlib import suppress

from datar.env import seconds
from datar.errors import TooSlow

REQUEST_SECONDS = seconds("DATAR_REQUEST_SECONDS", 10, least=0.1, most=600)
"""From the first byte of a request to its last (408 ``request_timeout``)."""
SEND_SECONDS = seconds("DATAR_SEND_SECONDS", 30, least=0.1, most=3_600)
"""How long a client may take for each piece of an answer before the connection is cut."""


class PacedSocket(socket.socket):
    """As ``socket.socket``; ``recv`` serves ``pushed`` bytes first and keeps a deadline for the whole request."""

    deadline = 0.0
    request_id = ""
    _pushed = memoryview(b"")

    def push(self, data: bytes | bytearray) -> None:
        """Bytes that were read already; ``recv`` returns them before any others."""
        self._pushed = memoryview(data)

    def take_pushed(self) -> bytes:
        """The pushed bytes that nobody has read."""
        rest, self._pushed = bytes(self._pushed), memoryview(b"")
        return rest

    def start_clock(self) -> None:
        """From now on a request has ``REQUEST_SECONDS`` to arrive."""
        self.deadline = time.monotonic() + REQUEST_SECONDS

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """At most ``size`` bytes. Raises TooSlow when the request's time is over."""
        if self._pushed:
            data, self._pushed = bytes(self._pushed[:size]), self._pushed[size:]
            return data
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise too_slow()
        self.settimeout(left)
        try:
            return super().recv(size, flags)
        except TimeoutError:
            raise too_slow() from None
        finally:
            self.setblocking(True)

    def recv_now(self, size: int) -> bytes | None:
        """What is there without waiting; None when nothing is, ``b""`` at the end."""
        try:
            return super().recv(size)
        except (BlockingIOError, InterruptedError):
            return None

    def left(self) -> bool:
        """Whether the client has closed its side; bytes that nobody has read yet say that it has not."""
        timeout = self.gettimeout()
        try:
            self.settimeout(0)
            return super().recv(1, socket.MSG_PEEK) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        finally:
            self.settimeout(timeout)

    def sendall(self, data: "bytes | bytearray | memoryview[int]", flags: int = 0, /) -> None:  # type: ignore[override]  # Buffer
        """All of ``data`` within ``SEND_SECONDS``, else the connection counts as reset."""
        self.settimeout(SEND_SECONDS)
        try:
            super().sendall(data, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the client reads too slowly") from None

    def break_at_end(self, broken: bool) -> None:
        """Whether the connection, when it is closed, ends as broken: whoever reads sees an error, and not an end."""
        with suppress(OSError):  # it is closed already
            self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", broken, 0))


def too_slow() -> TooSlow:
    """The refusal of a request that did not arrive in time."""
    return TooSlow(f"The request did not arrive within {REQUEST_SECONDS:g} seconds; send it again.")
