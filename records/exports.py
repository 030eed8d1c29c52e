"""Rows as lines of text: the forms there are, and how lines become the pieces that go out. It knows no database."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

Form = Literal["csv", "ndjson"]
"""CSV (RFC 4180) with a header, or a JSON object a line."""

PIECE_BYTES: Final = 65_536
"""About so much goes out at once."""
_ENDS: Final[dict[Form, bytes]] = {"csv": b"\r\n", "ndjson": b"\n"}
_QUOTED_FOR: Final = frozenset(',"\r\n')


def pieces(lines: Iterable[bytes], form: Form, labels: Sequence[str]) -> Iterator[bytes]:
    """The lines with their ends, joined into pieces; of CSV the header first. The first piece comes with the first row.

    Without rows and header there is one empty piece.
    """
    end = _ENDS[form]
    held = [header(labels)] if form == "csv" else []
    size, begun = 0, False
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield end.join(held) + end
            held, size, begun = [], 0, True
    if held or not begun:
        yield end.join([*held, b""])


def header(labels: Sequence[str]) -> bytes:
    """CSV's first line, without its end."""
    return ",".join(_cell(label) for label in labels).encode()


def _cell(text: str) -> str:
    if text and not _QUOTED_FOR.intersection(text):
        return text
    return '"' + text.replace('"', '""') + '"'
