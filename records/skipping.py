"""A create that leaves refused rows out (``on_error=skip``): bodies → plans, and what became of them → answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from datar.errors import DatarError, FieldError, Invalid, InvalidFields
from records import limits
from records.answers import Answer
from records.jsontext import dumps
from records.params.flat import Pairs
from records.payload import sift_rows
from records.plan import Sifted, WritePlan
from records.planning import read_meta
from records.rowerrors import WHOLE_ROW
from records.stamp import stamp_new
from records.table import Json, Table
from records.writes import read_rows, sent_fields

_WORDS = frozenset({"on_error"})


@dataclass(frozen=True, slots=True)
class SkipPlan:
    """The rows whose values are good, and what is wrong with the others, by their places in the body."""

    plan: WritePlan
    wrong: dict[int, list[FieldError]]


def plan_skipping(table: Table, body: bytes, pairs: Pairs, *, minimal: bool) -> SkipPlan:
    """The rows of a create, each checked by itself. Raises Invalid for a body that is no array."""
    meta = read_meta(pairs, _WORDS)
    rows, single = read_rows(body)
    if single:
        raise Invalid("'on_error=skip' is for an array of rows; one row is created or refused.", code="invalid_type")
    good, wrong = sift_rows(table, rows)
    kept = [rows[place] for place in good]
    stamp_new(table, kept)
    fields = sent_fields(table, kept)
    plan = WritePlan(table, kept, fields, meta=meta, minimal=minimal, places=tuple(good), each=True)
    return SkipPlan(plan, wrong)


def skipped(asked: SkipPlan, done: Sifted) -> Answer:
    """200: the rows that were stored, in the order they were sent, and why others were not, the first of them."""
    refused: dict[int, Sequence[FieldError]] = dict(asked.wrong)
    refused.update({asked.plan.places[place]: _errors(refusal) for place, refusal in done.refused.items()})
    shown = sorted(refused)[: limits.ERRORS_SHOWN]
    counts = dumps(
        {
            "created": len(done.stored),
            "skipped": len(refused),
            "errors": [{"index": place, "errors": _by_field(refused[place])} for place in shown],
        }
    )
    if asked.plan.minimal:
        return Answer(counts)
    rows = b",".join(done.stored[place] for place in sorted(done.stored))
    return Answer(b'{"data":[' + rows + b"]," + counts[1:])


def _errors(refusal: DatarError) -> tuple[FieldError, ...]:
    """What the database has against a row, on the fields it names."""
    if isinstance(refusal, InvalidFields):
        return refusal.errors
    names = refusal.extra.get("fields") or [WHOLE_ROW]
    return tuple(FieldError(name, refusal.code, refusal.detail) for name in names)


def _by_field(errors: Sequence[FieldError]) -> dict[str, Json]:
    messages: dict[str, list[str]] = {}
    for error in errors:
        messages.setdefault(error.field, []).append(error.message)
    return messages
