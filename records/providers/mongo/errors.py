"""To be written."""

from contextlib import contextmanager
from collections.abc import Iterator


@contextmanager
def wrapped() -> Iterator[None]:
    yield
