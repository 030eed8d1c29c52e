"""Generated integer keys: who needs one, and how the table's sequence in PostgreSQL keeps in step with stored keys."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from pymongo import DESCENDING

from datar.errors import Conflict, DatarError, Unavailable
from records.plan import WritePlan
from records.providers.mongo.conflicts import Clash
from records.providers.mongo.layout import KEY
from records.providers.mongo.ledger import Ledger
from records.providers.mongo.server import Server
from records.table import Json, Table

_USED_UP: Final = "key_space_exhausted"


Plans = Sequence[WritePlan]


def keyless(plans: Plans) -> int:
    """How many rows are to be given a key."""
    return sum(1 for plan in plans for key in _sent_keys(plan) if key is None)


def with_keys(table: Table, rows: Sequence[dict[str, Json]], keys: Iterator[int]) -> list[dict[str, Json]]:
    """The rows, each with a key: its own, else the next of these."""
    if table.generated_key != "integer":
        return list(rows)
    name = table.primary_key[0]
    return [row if row.get(name) is not None else {**row, name: next(keys)} for row in rows]


def make_room(ledger: Ledger, plans: Plans) -> None:
    """The keys to be generated must not meet those that are sent beside them."""
    if keyless(plans):
        _advance(ledger, plans)


def catch_up(ledger: Ledger, plans: Plans) -> None:
    """Move the sequence beyond the keys that were sent, once their rows are in.

    Where PostgreSQL went away meanwhile it stays behind; a key that then meets a stored one mends it.
    """
    if not keyless(plans):
        with suppress(Unavailable):
            _advance(ledger, plans)


def repaired(server: Server, ledger: Ledger, plans: Plans, refusal: Clash | DatarError) -> bool:
    """Whether the sequence of a generated key was to blame, and stands right now.

    It lay behind when a generated key met a stored one; it was used up too early when the last keys are not stored.
    """
    if not keyless(plans):
        return False
    table = plans[0].table
    if isinstance(refusal, Conflict) and refusal.code == _USED_UP:
        ledger.step_back(table, _greatest_stored(server, table))
        return True
    if isinstance(refusal, Clash) and refusal.on_key:
        stored = _greatest_stored(server, table)
        if stored is not None:
            ledger.advance(table, stored)
        return True
    return False


def _greatest_stored(server: Server, table: Table) -> int | None:
    found: Any = server.collection(table).find_one({}, {KEY: 1}, sort=[(KEY, DESCENDING)])
    return None if found is None else int(found[KEY])


def _advance(ledger: Ledger, plans: Plans) -> None:
    sent = [key for plan in plans for key in _sent_keys(plan) if key is not None]
    if sent:
        ledger.advance(plans[0].table, max(sent))


def _sent_keys(plan: WritePlan) -> Iterator[int | None]:
    """Of a table whose keys are generated, each row's own key; none of another table."""
    if plan.table.generated_key == "integer":
        name = plan.table.primary_key[0]
        yield from (row.get(name) for row in plan.rows)
