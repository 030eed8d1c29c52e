"""Is whoever asked still there? Whoever serves a request says how to find out; whoever makes it wait may ask.

Each thread has an answer of its own. A thread that serves nobody (a command, a test) is never told that they left.
"""

import threading
from collections.abc import Callable


class _Asker(threading.local):
    left: Callable[[], bool] | None = None


_asker = _Asker()


def begin(left: Callable[[], bool]) -> None:
    """This thread serves somebody from now on; ``left`` says whether they have gone."""
    _asker.left = left


def end() -> None:
    """This thread serves nobody any more."""
    _asker.left = None


def asked() -> bool:
    """Whether somebody waits for what this thread does."""
    return _asker.left is not None


def gone() -> bool:
    """Whether somebody asked and has left since; one system call, for those who have waited long already."""
    left = _asker.left
    return left is not None and left()
