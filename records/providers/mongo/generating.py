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


def keyless(plan: WritePlan) -> int:
    """How many rows are to be given a key."""
    if plan.table.generated_key != "integer":
        return 0
    name = plan.table.primary_key[0]
    return sum(row.get(name) is None for row in plan.rows)


def with_keys(table: Table, rows: Sequence[dict[str, Json]], keys: Iterator[int]) -> list[dict[str, Json]]:
    """The rows, each with a key: its own, else the next of these."""
    if table.generated_key != "integer":
        return list(rows)
    name = table.primary_key[0]
    return [row if row.get(name) is not None else {**row, name: next(keys)} for row in rows]


def greatest_sent(plan: WritePlan) -> int | None:
    """The greatest key that was sent where keys are generated."""
    if plan.table.generated_key != "integer":
        return None
    name = plan.table.primary_key[0]
    return max((row[name] for row in plan.rows if row.get(name) is not None), default=None)


def make_room(ledger: Ledger, plan: WritePlan) -> None:
    """The keys to be generated must not meet those that are sent beside them."""
    sent = greatest_sent(plan)
    if sent is not None and keyless(plan):
        ledger.advance(plan.table, sent)


def catch_up(ledger: Ledger, plan: WritePlan) -> None:
    """Move the sequence beyond the keys that were sent, once their rows are in.

    Where PostgreSQL went away meanwhile it stays behind; a key that then meets a stored one mends it.
    """
    sent = greatest_sent(plan)
    if sent is not None and not keyless(plan):
        with suppress(Unavailable):
            ledger.advance(plan.table, sent)


def repaired(server: Server, ledger: Ledger, plan: WritePlan, refusal: Clash | DatarError) -> bool:
    """Whether the sequence of a generated key was to blame, and stands right now.

    It lay behind when a generated key met a stored one; it was used up too early when the last keys are not stored.
    """
    if not keyless(plan):
        return False
    if isinstance(refusal, Conflict) and refusal.code == _USED_UP:
        ledger.step_back(plan.table, _greatest_stored(server, plan.table))
        return True
    if isinstance(refusal, Clash) and refusal.on_key:
        stored = _greatest_stored(server, plan.table)
        if stored is not None:
            ledger.advance(plan.table, stored)
        return True
    return False


def _greatest_stored(server: Server, table: Table) -> int | None:
    found: Any = server.collection(table).find_one({}, {KEY: 1}, sort=[(KEY, DESCENDING)])
    return None if found is None else int(found[KEY])
