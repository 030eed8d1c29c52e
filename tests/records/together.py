"""Work done at once, in threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def together(works: Sequence[Callable[[], object]]) -> None:
    """Begin all at the same moment; back when the last has ended. Raises the first error of them."""
    barrier = Barrier(len(works))

    def begun(work: Callable[[], object]) -> None:
        barrier.wait(10)
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(begun, work) for work in works]:
            future.result()
