"""Record ids in paths: one function makes them, one reads them (CONTRACT 6)."""

from urllib.parse import quote

_ESCAPES = (("~", "~0"), (",", "~1"), ("/", "~2"))
_WHOLE = {"": "~e", ".": "~.", "..": "~.."}
_READ_WHOLE = {written: part for part, written in _WHOLE.items()}
_READ = {"0": "~", "1": ",", "2": "/"}


def encode_id(parts: tuple[str, ...]) -> str:
    """A key's parts as one percent-encoded path segment."""
    return quote(join_id(parts), safe="~,")


def join_id(parts: tuple[str, ...]) -> str:
    """A key's parts as one text, not percent-encoded: as bodies show it, and as ``ids`` takes it."""
    return ",".join(_encode_part(part) for part in parts)


def _encode_part(part: str) -> str:
    if part in _WHOLE:
        return _WHOLE[part]
    for plain, written in _ESCAPES:
        part = part.replace(plain, written)
    return part


def decode_id(segment: str, parts: int) -> tuple[str, ...] | None:
    """The key's parts of a segment (percent-encoding already undone); None for an id that cannot exist."""
    read = [_decode_part(part) for part in segment.split(",")]
    if len(read) != parts or None in read:
        return None
    return tuple(part for part in read if part is not None)


def _decode_part(part: str) -> str | None:
    if part in _READ_WHOLE:
        return _READ_WHOLE[part]
    if part in _WHOLE:
        return None
    if "~" not in part:
        return part
    head, *rest = part.split("~")
    if any(not piece or piece[0] not in _READ for piece in rest):
        return None
    return head + "".join(_READ[piece[0]] + piece[1:] for piece in rest)
