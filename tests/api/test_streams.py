"""Clients that take a streamed list slowly, or not at all: they never hold every thread of a worker."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from datar.errors import Invalid, Unavailable
from datatables.streams import AT_ONCE, Streamed
from records.exports import Pieces


def pieces() -> Pieces:
    def coming() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    return Pieces(coming())  # type: ignore[arg-type]  # a generator


def refused() -> Pieces:
    raise Invalid("no", code="invalid_parameter")


def test_re_07_who_does_not_read_leaves_a_thread_to_others() -> None:
    with ExitStack() as held:
        for _ in range(AT_ONCE):
            assert next(held.enter_context(closing(Streamed(pieces)))) == b"a"
        with pytest.raises(Unavailable) as caught:
            Streamed(pieces)
        assert caught.value.code == "overloaded" and caught.value.retry_after
    assert b"".join(Streamed(pieces)) == b"ab"


def test_a_place_is_given_back_once_however_a_stream_ends() -> None:
    for _ in range(AT_ONCE + 1):
        read = Streamed(pieces)
        assert list(read) == [b"a", b"b"]
        read.close()
        read.close()
        with pytest.raises(Invalid):
            Streamed(refused)
        Streamed(pieces).close()
        forgotten = Streamed(pieces)
        del forgotten
        gc.collect()
    test_re_07_who_does_not_read_leaves_a_thread_to_others()
