"""A table's rows from one store to another, and the proof that they arrived. It knows no store.

Both sides are read as the JSON that the API shows. Equal rows have equal texts once the keys of objects are sorted and
numbers are written in one way; the sum of their digests does not depend on the order of the rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2b
from itertools import islice
from typing import Any, Final

import orjson

from records.additional import gather
from records.conditions import EVERYTHING, Expression
from records.linking import read_json
from records.mover import CannotHoldError, Mover
from records.plan import ListPlan, Sort
from records.provider import Provider
from records.recordid import join_id
from records.system import SYSTEM_COLUMNS
from records.table import Field, Json, Table

IDS_SHOWN: Final = 10
_DIGEST_BYTES: Final = 16
_MODULUS: Final = 2 ** (8 * _DIGEST_BYTES)


@dataclass(slots=True)
class Sum:
    """How many rows there were, and the sum of their digests."""

    rows: int = 0
    digest: int = 0

    def counted(self, rows: Iterable[dict[str, Json]]) -> Iterator[dict[str, Json]]:
        """The same rows, added up as they pass."""
        for row in rows:
            self.rows += 1
            self.digest = (self.digest + _digest(row)) % _MODULUS
            yield row


def copy(source: Table, provider: Provider, target: Table, mover: Mover, transaction: Any) -> bool:
    """Copy every row, and read them back from the target; whether all of them are there, each as it was.

    Raises CannotHoldError, Stale, and what reads and writes raise.
    """
    sent, there, refused = Sum(), Sum(), list[int]()
    target = _opened(target)
    with closing(provider.stream(every_row(source), "ndjson")) as pieces:
        mover.fill(target, _fitting(sent.counted(_rows(pieces)), target, refused), transaction)
    if refused:
        raise CannotHoldError("it has fields that the schema does not name.", refused, len(refused))
    for _ in there.counted(_rows(mover.written(every_row(target), transaction))):
        pass
    return sent == there


def every_row(table: Table) -> ListPlan:
    """The whole table in the order of its key, with what the service keeps of each row, and fields that the schema
    does not name."""
    order = tuple(Sort(Expression(field)) for field in table.key_fields)
    whole = _opened(table)
    return ListPlan(whole, whole.shown, EVERYTHING, order, page=None, meta=True)


def _opened(table: Table) -> Table:
    """The table with all that its documents hold, also what is shown to nobody for now."""
    document = table.identity.document
    if document is None:
        return table
    return replace(table, identity=replace(table.identity, document=replace(document, additional=True)))


def _fitting(rows: Iterable[dict[str, Json]], target: Table, refused: list[int]) -> Iterator[dict[str, Json]]:
    """Rows as the target takes them; of those with fields that it has no room for, the places are noted."""
    known = frozenset((*target.by_name, *SYSTEM_COLUMNS))
    for place, row in enumerate(rows):
        if len(row) > len(known) and target.additional is None:
            refused.append(place)
        elif len(row) > len(known):
            gather([row], known)
        yield row


def ids_at(table: Table, provider: Provider, places: Iterable[int]) -> list[str]:
    """The ids of the rows at these places of ``every_row``; for the few that are told to somebody."""
    wanted = set(places)
    last = max(wanted, default=-1)
    with closing(provider.stream(every_row(table), "ndjson")) as pieces:
        rows = enumerate(islice(_rows(pieces), last + 1))
        return [_id(row, table.key_fields) for place, row in rows if place in wanted]


def _id(row: Mapping[str, Json], key: Iterable[Field]) -> str:
    return join_id(tuple(str(row[field.name]) for field in key))


def _rows(pieces: Iterable[bytes]) -> Iterator[dict[str, Json]]:
    for piece in pieces:
        for line in piece.split(b"\n"):
            if line:
                yield read_json(line)


def _digest(row: Mapping[str, Json]) -> int:
    try:
        text = orjson.dumps(row, default=_plain, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        text = orjson.dumps(_written_out(row), option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(text, digest_size=_DIGEST_BYTES).digest(), "big")


def _plain(value: Any) -> orjson.Fragment:
    """A decimal in one way: without an exponent, without zeros at the end of its fraction, zero without a sign."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not JSON")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return orjson.Fragment("0" if text in ("-0", "") else text)


def _written_out(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _written_out(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written_out(item) for item in value]
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return orjson.Fragment(str(value))
    return value


def values_of(row: Mapping[str, Json]) -> tuple[str, str, int]:
    """The service's own of a row that was read: made, changed, version."""
    created, updated, version = (row[name] for name in SYSTEM_COLUMNS)
    return created, updated, version
