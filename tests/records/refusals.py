"""A refusal, caught and looked at: what tests of the engine ask of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from datar.errors import DatarError, InvalidFields, InvalidRows


class Refusal:
    """What was refused; readable after the block."""

    error: DatarError

    @property
    def code(self) -> str:
        """The code of the refusal."""
        return self.error.code

    @property
    def fields(self) -> set[tuple[int | None, str, str]]:
        """(index, field, code) of every field error."""
        assert isinstance(self.error, InvalidFields | InvalidRows)
        return {(error.index, error.field, error.code) for error in self.error.errors}


@contextmanager
def refused(kind: type[DatarError], code: str = "") -> Iterator[Refusal]:
    """The block must end in a refusal of exactly this kind (and code)."""
    refusal = Refusal()
    with pytest.raises(DatarError) as caught:
        yield refusal
    refusal.error = caught.value
    assert type(caught.value) is kind, repr(caught.value)
    assert not code or caught.value.code == code, caught.value.code
