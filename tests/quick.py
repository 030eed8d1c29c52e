"""How long something takes: on a busy machine anything may take long once, but not each time."""

import time
from collections.abc import Callable


def quickest(work: Callable[[], object], tries: int = 3) -> float:
    """Seconds of the quickest try."""

    def seconds() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(seconds() for _ in range(tries))
