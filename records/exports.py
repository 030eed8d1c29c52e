"""Rows as lines of text: the forms there are, and how lines become the pieces that go out. It knows no database."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from datar.errors import Invalid
from records.plan import GroupPlan, ListPlan
from records.query import CursorPage, Page

Form = Literal["csv", "ndjson"]
"""CSV (RFC 4180) with a header, or a JSON object a line."""

PIECE_BYTES: Final = 65_536
"""About so much goes out at once."""
_ENDS: Final[dict[Form, bytes]] = {"csv": b"\r\n", "ndjson": b"\n"}
_QUOTED_FOR: Final = frozenset(',"\r\n')


def exported(plan: ListPlan | GroupPlan) -> ListPlan | GroupPlan:
    """What is sent of a list: the page, where the client spoke of one, else everything. Raises Invalid for a cursor."""
    if isinstance(plan.page, CursorPage):
        raise Invalid(
            "'cursor' goes with JSON answers; leave it out to get every row, or use 'limit' and 'offset'.",
            code="invalid_pagination",
        )
    if isinstance(plan.page, Page) and not plan.page.explicit:
        return replace(plan, page=None)
    return plan


class Pieces:
    """What goes out, piece by piece; the first one is there already. ``close`` ends it before its end."""

    def __init__(self, coming: Generator[bytes, None, None]) -> None:
        self._coming = coming
        self._first: bytes | None = next(coming)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._coming) if first is None else first

    def close(self) -> None:
        """Nothing more is wanted."""
        self._first = None
        self._coming.close()


def pieces(lines: Iterable[bytes], form: Form, labels: Sequence[str]) -> Iterator[bytes]:
    """The lines with their ends, joined into pieces; of CSV the header first. There is one piece at least."""
    end = _ENDS[form]
    held = [header(labels)] if form == "csv" else []
    size, begun = 0, False
    for line in lines:
        held.append(line)
        size += len(line) + len(end)
        if size >= PIECE_BYTES:
            yield end.join(held) + end
            held, size, begun = [], 0, True
    if held or not begun:
        yield end.join([*held, b""])


def header(labels: Sequence[str]) -> bytes:
    """CSV's first line, without its end."""
    return ",".join(quoted_if_needed(label) for label in labels).encode()


def quoted_if_needed(text: str) -> str:
    """A text as a cell: in quotes where it is empty or holds what CSV reads."""
    return text if text and not _QUOTED_FOR.intersection(text) else quoted(text)


def quoted(text: str) -> str:
    """A text as a cell in quotes."""
    return '"' + text.replace('"', '""') + '"'
