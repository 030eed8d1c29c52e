"""Holds the two servers to the same work: before a line is measured, both must give the same answer."""

import json
import urllib.request
from decimal import Decimal
from typing import Any

from bench.client import Client
from bench.measures import Measure


class Different(Exception):
    """The floor answers something else than the service: a ratio would mean nothing."""


def same_answers(client: Client, floor: str, measure: Measure) -> None:
    """Compare rows and total of a line's first request; of a write, what was sent. Raises Different.

    A line of the service's ``own`` is compared with the service.
    """
    if measure.service.method == "POST":
        body = [_numbered(measure.service.lines[1], start) for start in (10**14, 10**15)]
        ours = _read(client.send("POST", measure.service.lines[0], body[0]))
        theirs = _read(_beneath(client, floor, measure, body[1]))
    else:
        ours = _read(client.send("GET", measure.service.lines[0]))
        theirs = _read(_beneath(client, floor, measure, None))
    if _comparable(ours) != _comparable(theirs):
        raise Different(
            f"{measure.name}: service and floor answer differently: {str(ours)[:300]} / {str(theirs)[:300]}"
        )


def _numbered(body: str, start: int) -> bytes:
    first, *rest = body.split("@@")
    return (first + "".join(str(start + at) + piece for at, piece in enumerate(rest))).encode()


def _beneath(client: Client, floor: str, measure: Measure, body: bytes | None) -> bytes:
    path = measure.floor.lines[0]
    if not measure.own:
        return _fetch(floor + path, body)
    return client.send("GET" if body is None else "POST", path, body)


def _fetch(url: str, body: bytes | None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=60) as answer:
        text: bytes = answer.read()
        return text


def _read(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def _comparable(answer: Any) -> Any:
    """Rows without what is given anew at each write, and the total."""
    rows = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
    stripped = [{name: value for name, value in row.items() if name not in ("id", "ticket")} for row in rows]
    return stripped, answer.get("total")
