"""What a client accepts (RFC 9110, 12.5.1), against what can be made. It knows media types, and no endpoint."""

from collections.abc import Collection, Mapping, Sequence

from datar.errors import NotAcceptable, NotSupportedYet

JSON = ("application/json", "application/problem+json")
_USUAL = frozenset({"", "*/*", "application/json", "application/json, */*", "application/json, text/plain, */*"})


def check_accept(header: str, *, later: Collection[str] = ()) -> None:
    """Raise NotAcceptable unless JSON is accepted; NotSupportedYet when a form of ``later`` is and JSON is not."""
    if header in _USUAL:
        return
    ranges = _ranges(header)
    if not _best(ranges, JSON):
        for kind in later:
            if ranges.get(kind, 0) > 0:
                raise NotSupportedYet(f"Answers as {kind} are not supported yet; accept application/json.")
        raise NotAcceptable("Answers are application/json; accept it.")


def choose(header: str, offered: Sequence[str]) -> str:
    """The media type of ``offered`` that is liked best, the first of equals. Raises NotAcceptable for none."""
    best = _best(_ranges(header), offered)
    if not best:
        raise NotAcceptable(f"This can be had as {', '.join(offered)}; accept one of them.")
    return best


def _best(ranges: Mapping[str, float], offered: Sequence[str]) -> str:
    if not ranges:
        return offered[0]
    best = max(offered, key=lambda kind: _quality(ranges, kind))
    return best if _quality(ranges, best) > 0 else ""


def _quality(ranges: Mapping[str, float], kind: str) -> float:
    """By the most exact range that covers the type."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0


def _ranges(header: str) -> dict[str, float]:
    """Quality by media range; what is no media range at all says nothing about what is accepted."""
    found = (_media_range(part) for part in header.split(","))
    return {name: quality for name, quality in found if "/" in name}


def _media_range(part: str) -> tuple[str, float]:
    name, *parameters = (word.strip().lower() for word in part.split(";"))
    quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return name, float(quality)
    except ValueError:
        return name, 1.0
