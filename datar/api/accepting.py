"""What a client accepts (RFC 9110, 12.5.1), against what can be made. It knows media types, and no endpoint."""

from collections.abc import Mapping, Sequence

from datar.errors import NotAcceptable

JSON = ("application/json", "application/problem+json")
_USUAL = frozenset({"", "*/*", "application/json", "application/json, */*", "application/json, text/plain, */*"})


def check_accept(header: str) -> None:
    """Raise NotAcceptable unless JSON is accepted."""
    if header not in _USUAL and not _best(_ranges(header), JSON):
        raise NotAcceptable("Answers are application/json; accept it.")


def json_or(header: str, others: Sequence[str]) -> str:
    """The one of ``others`` that is liked better than JSON, or liked as well and more plainly said; else JSON.

    Who takes JSON for errors alone is asked about the others first. Raises NotAcceptable when nothing fits.
    """
    if header in _USUAL:
        return JSON[0]
    ranges = _ranges(header)
    best = _best(ranges, (JSON[0], *others)) or (_best(ranges, JSON) and JSON[0])
    if not best:
        raise NotAcceptable(f"This can be had as {', '.join((JSON[0], *others))}; accept one of them.")
    return best


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
    return best if _quality(ranges, best)[0] > 0 else ""


def _quality(ranges: Mapping[str, float], kind: str) -> tuple[float, int]:
    """By the most exact range that covers the type, and how exact that is."""
    for exactness, name in enumerate((kind, f"{kind.partition('/')[0]}/*", "*/*")):
        if name in ranges:
            return ranges[name], -exactness
    return 0.0, 0


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
