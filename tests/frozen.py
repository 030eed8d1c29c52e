"""A PostgreSQL that takes bytes and says nothing: every process of a cluster the test started is stopped, and woken."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def frozen(server: int) -> Iterator[None]:
    """Stop the server with this process id and its children for the block."""
    stopped: list[int] = []
    try:
        for process in (server, *_children(server)):
            os.kill(process, signal.SIGSTOP)
            stopped.append(process)
        yield
    finally:
        for process in reversed(stopped):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def _children(server: int) -> list[int]:
    """Read after the server itself was stopped, so that none is born meanwhile."""
    return [int(number) for number in Path(f"/proc/{server}/task/{server}/children").read_text("ascii").split()]
