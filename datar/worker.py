"""Our gunicorn worker: a thread gets a request only when all of it is there.

gunicorn's threaded worker reads each request inside a thread, so a handful of clients that drip or stall take every
thread (TRUST 1.11). Here the main loop gathers the bytes of all connections, each within one deadline, answers
408/413/431/400 in JSON itself, and hands whole requests to the threads. Closing waits in the main loop as well, so
that the last bytes of an answer are not cut off, and never blocks it.
"""

import selectors
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from datar import presence
from datar.errors import Invalid, TooSlow, Unavailable
from datar.gathering import Gathering
from datar.pacedsocket import PacedSocket, too_slow
from datar.refusals import refusal, refusal_bytes
from records.limits import BODY_BYTES

READ_BYTES = 262_144
SMALL_BYTES = 65_536
GATHERED_BYTES = max(134_217_728, 4 * BODY_BYTES)
"""Bytes of unfinished larger requests one worker holds at most; over it they are 503 ``overloaded``."""
LINGER_SECONDS = 2.0
LINGER_BYTES = 65_536
CLOSING = ("408 ", "413 ")
"""After these answers the rest of the body is not waited for: the connection ends."""


class Connection(TConn):  # type: ignore[misc]  # gunicorn is untyped
    """A client's connection, with the request that is arriving on it."""

    sock: PacedSocket
    gathering: Gathering | None = None
    drained: int = 0
    accounted: int = 0
    """Its part of the worker's ``gathered``."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """See the module's text. ``gathering_conns`` and ``lingering_conns`` are ordered by their deadlines."""

    wsgi: Callable[..., Iterable[bytes]]

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.gathering_conns: dict[Connection, None] = {}
        self.lingering_conns: dict[Connection, None] = {}
        self.gathered = 0

    def load_wsgi(self) -> None:
        """Load the application; an answer that leaves a body unread says ``Connection: close``."""
        super().load_wsgi()
        self.wsgi = _closing(self.wsgi)

    # --- a request arrives

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection and read what is there already."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        paced = PacedSocket(client.family, client.type, client.proto, client.detach())
        self.nr_conns += 1
        connection = Connection(self.cfg, paced, address, listener.getsockname())
        self.gather(connection, b"")

    def on_client_socket_readable(self, conn: Connection, client: PacedSocket) -> None:
        """A kept connection has bytes of its next request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.gather(conn, b"")

    def gather(self, conn: Connection, data: bytes) -> None:
        """Begin to gather a request, of which ``data`` has come already."""
        conn.gathering = Gathering(BODY_BYTES)
        conn.sock.setblocking(False)
        conn.sock.start_clock()
        conn.sock.request_id = ""
        conn.timeout = conn.sock.deadline
        if not self.advance(conn, data):
            self.gathering_conns[conn] = None
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_gathering_readable, conn))

    def on_gathering_readable(self, conn: Connection, client: PacedSocket) -> None:
        """More of an unfinished request has come."""
        if self.advance(conn, b""):
            self.poller.unregister(client)
            del self.gathering_conns[conn]

    def advance(self, conn: Connection, data: bytes) -> bool:
        """Read what is there; True when the gathering is over: handed to a thread, refused, or left by the client."""
        gathering = conn.gathering
        assert gathering is not None
        try:
            piece = data or conn.sock.recv_now(READ_BYTES)
            if piece is None:
                return False
            if not piece:
                return self._left(conn, gathering)
            gathering.feed(piece)
            self._account(conn, len(gathering.buffer))
            if gathering.expects_continue:
                gathering.expects_continue = False
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        except OSError:
            self._finish_gathering(conn)
            self.discard(conn)
            return True
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this client's alone
            self.refuse(conn, error)
            return True
        if not gathering.whole:
            return False
        conn.sock.request_id = gathering.request_id
        conn.sock.push(gathering.buffer)
        self._finish_gathering(conn)
        conn.data_ready = True
        self.enqueue_req(conn)
        return True

    def _left(self, conn: Connection, gathering: Gathering) -> bool:
        if gathering.buffer:
            self.refuse(conn, Invalid("The request ended before it was whole.", code="malformed_request"))
        else:
            self._finish_gathering(conn)
            self.discard(conn)
        return True

    def _account(self, conn: Connection, size: int) -> None:
        """The connection holds ``size`` bytes now; small requests do not count."""
        counted = size if size > SMALL_BYTES else 0
        self.gathered += counted - conn.accounted
        conn.accounted = counted
        if not counted:
            return
        if self.gathered > GATHERED_BYTES:
            raise Unavailable("Too many large requests at once; send it again.", code="overloaded")

    def _finish_gathering(self, conn: Connection) -> None:
        conn.gathering = None
        self._account(conn, 0)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """In a thread: answer a request, which whoever waits for the database may find abandoned."""
        presence.begin(conn.sock.left)
        conn.sock.break_at_end(True)  # half an answer must not look whole, not even when the process is killed
        try:
            return bool(super().handle_request(req, conn))
        except OSError:
            conn.sock.close()
            raise
        finally:
            conn.sock.break_at_end(False)
            presence.end()

    # --- a request is refused, or done

    def refuse(self, conn: Connection, error: Exception) -> None:
        """Answer from the main loop, as far as the socket takes it at once, and close."""
        request_id = conn.gathering.request_id if conn.gathering else ""
        self._finish_gathering(conn)
        try:
            conn.sock.send(refusal_bytes(error, request_id))
        except OSError:
            self.discard(conn)
        else:
            self.linger(conn)

    def handle_error(self, req: Any, client: PacedSocket, addr: Any, exc: BaseException) -> None:
        """What gunicorn's parser refuses, or what escaped the application: JSON, and never a value in the log."""
        status, code, _ = refusal(exc)
        if code == "internal_error":
            self.log.exception("error outside the application")
        else:
            self.log.debug("refused %s %s", status, code)
        try:
            client.sendall(refusal_bytes(exc, client.request_id))
        except OSError:
            self.log.debug("the refusal could not be sent")

    def finish_request(self, conn: Connection, fs: "Future[bool]") -> None:
        """A thread has answered: wait for the next request on the connection, or close it."""
        kept = not fs.cancelled() and fs.exception() is None and fs.result() is True
        if not kept:
            self.linger(conn)
            return
        early = conn.parser.unreader.take_buffered() + conn.sock.take_pushed()
        if early:
            self.gather(conn, early)
            return
        conn.sock.setblocking(False)
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + LINGER_SECONDS)
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """Whether the connection can serve another request: what of a body has not come yet is not waited for."""
        conn.sock.deadline = 0.0
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except TooSlow:
            return False

    def linger(self, conn: Connection) -> None:
        """Say that nothing more is sent, and wait a little for the client to close (RFC 9112 section 9.6)."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_lingering_readable, conn))
        except (OSError, ValueError, KeyError):
            self.discard(conn)
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self.lingering_conns[conn] = None

    def on_lingering_readable(self, conn: Connection, client: PacedSocket) -> None:
        """The client has closed, or still sends what nobody will read."""
        try:
            data = client.recv_now(READ_BYTES)
        except OSError:
            data = b""
        conn.drained += len(data or b"")
        if data == b"" or conn.drained > LINGER_BYTES:
            self.poller.unregister(client)
            del self.lingering_conns[conn]
            self.discard(conn)

    def discard(self, conn: Connection) -> None:
        """Close for good."""
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Called once a loop: end what has waited too long; when stopping, also what has not begun to speak."""
        now = time.monotonic()
        for conn in _expired(self.gathering_conns, now if self.alive else float("inf")):
            silent = not (conn.gathering and conn.gathering.buffer)
            if conn.timeout > now and not silent:
                continue
            self.poller.unregister(conn.sock)
            del self.gathering_conns[conn]
            if silent:
                self._finish_gathering(conn)
                self.discard(conn)
            else:
                self.refuse(conn, too_slow())
        for conn in _expired(self.lingering_conns, now):
            self.poller.unregister(conn.sock)
            del self.lingering_conns[conn]
            self.discard(conn)


def _expired(connections: dict[Connection, None], now: float) -> list[Connection]:
    """Those whose time is over; they are ordered by it, so the search stops at the first that has some left."""
    found = []
    for conn in connections:
        if conn.timeout > now:
            break
        found.append(conn)
    return found


def _closing(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if status.startswith(CLOSING):
                start_response.__self__.force_close()  # type: ignore[attr-defined]  # a bound method of gunicorn's Response
            return start_response(status, headers, exc_info)

        return application(environ, start)

    return call
