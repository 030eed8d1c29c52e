"""A plain WSGI application for the tests of the server: it says how many bytes of body it was given."""

import errno
import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

from datar.errors import TooSlow


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """``/read`` reads the body, ``/413`` refuses it unread, ``/500`` breaks, ``/big`` answers with 40 MB.

    ``/cut`` breaks off in the middle of its answer, ``/killed`` is killed there.
    """
    path = environ["PATH_INFO"]
    if path == "/500":
        raise RuntimeError("secret value")
    if path in ("/cut", "/killed"):
        start_response("200 OK", [("Content-Type", "text/csv")])
        return _cut(kill=path == "/killed")
    if path == "/413":
        start_response("413 Content Too Large", [("Content-Length", "0")])
        return [b""]
    try:
        body = environ["wsgi.input"].read() if path == "/read" else b""
    except TooSlow:
        start_response("408 Request Timeout", [("Content-Length", "0")])
        return [b""]
    text = b"x" * 40_000_000 if path == "/big" else str(len(body)).encode()
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]


def _cut(*, kill: bool) -> Iterable[bytes]:
    yield b"x" * 1_000
    if kill:
        os.kill(os.getpid(), signal.SIGKILL)
    raise ConnectionResetError(errno.ECONNRESET, "the answer was cut off")
