"""How often Python's garbage collector looks: seldom, where very many objects are made that stay for a while.

At Python's own thresholds thousands of rows set off dozens of passes, some of them over all that the process holds:
three quarters of the time in which 300,000 documents were made.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (10_000, 20, 50)


def look_seldom() -> None:
    """What is there stays for good: keep the collector off it, and let it look at what comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


@contextmanager
def looked_at_seldom() -> Iterator[None]:
    """The collector looks less often in this block."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
