"""The log of the embedded MongoDB, without the values of rows.

The server quotes a command that fails, values and all, and has no setting against it. So its log comes through a pipe,
and of what is said about commands only the message is kept.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import IO, Any

LOG_BYTES = 10 * 1024 * 1024
LINE_BYTES = 1024 * 1024
_ABOUT_THE_SERVER = {"-", "CONTROL", "ELECTION", "NETWORK", "RECOVERY", "REPL", "STORAGE", "WT", "WTRECOV"}
"""The components whose lines are kept whole."""


class ServerLog:
    """A pipe for one run of a server to write its log to, kept in ``path`` by a thread until the last writer ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.unlink()
        self._begin = path.stat().st_size if path.exists() else 0
        reader, writer = os.pipe()
        self.writer: IO[bytes] = os.fdopen(writer, "wb")
        self._thread = Thread(target=_copy, args=(reader, path), name="mongodb-log", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until the lines of a server that has ended are kept."""
        self._thread.join(1.0)

    def reason(self) -> str:
        """Why the server ended: the first error of its run (others follow from it), else its last line at all."""
        with self.path.open("rb") as file:
            file.seek(self._begin)
            lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
        for line in lines:
            event = _event(line)
            if event is not None and event.get("s") in ("E", "F"):
                return f"{event.get('msg')}: {json.dumps(event.get('attr', {}))}"
        return lines[-1] if lines else "it said nothing."


def _copy(reader: int, path: Path) -> None:
    with os.fdopen(reader, "rb") as source, path.open("ab") as log:
        path.chmod(0o600)
        for line in _lines(source):
            try:
                log.write(_kept(line))
                log.flush()
            except OSError:
                continue  # a full disk must not hold up the server, which waits for us to read


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Whole lines; one that is too long to be looked at is dropped."""
    whole = True
    while part := source.readline(LINE_BYTES):
        ends = part.endswith(b"\n")
        if whole and (ends or len(part) < LINE_BYTES):
            yield part
        whole = ends


def _kept(line: bytes) -> bytes:
    event = _event(line)
    if event is None:
        return line  # before the server runs, or as it crashes
    if event.get("c") not in _ABOUT_THE_SERVER:
        event.pop("attr", None)
    return json.dumps(event).encode() + b"\n"


def _event(line: str | bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
