"""What was written → what the client gets: finished JSON text. Knows no database and no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass

from datar.errors import DatarError, InvalidFields, NotFound
from records import limits
from records.cursors import write_cursor
from records.jsontext import dumps
from records.keys import row_id, shown_key
from records.plan import KeyedPlan, ListPlan, Row, Slice, WritePlan, Written
from records.versions import Tags, changed_meanwhile, tag_of
from records.writes import UpsertBatch


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets: finished JSON text, whether something was created, a new row's id, a single row's tag.

    ``missing`` is the refusal to raise when nothing was written because a row was not there, or not in the version
    that was named. ``unchanged`` says that the client has this very state: there is no body.
    """

    body: bytes = b""
    created: bool = False
    record_id: str = ""
    missing: DatarError | None = None
    tag: str = ""
    unchanged: bool = False


def sliced(plan: ListPlan, found: Slice, secret: bytes) -> bytes:
    """A page of a cursor, and the cursor of the next, null at the end."""
    assert plan.page is not None
    cursor = None if found.last is None else write_cursor(secret, plan.mark, found.last)
    tail = dumps({"next_cursor": cursor, "page_size": plan.page.size})[1:]
    return b'{"data":[' + found.rows + b"]," + tail


def read(plan: KeyedPlan, row: Row, if_match: Tags | None, if_none_match: Tags | None) -> Answer:
    """200 of one row, or that it is unchanged. Only whole rows have tags: what is populated has versions of its own.

    Raises PreconditionFailed.
    """
    revision = plan.table.identity.revision
    if if_match is not None and not if_match.surely(row.version, revision):
        raise changed_meanwhile()
    whole = plan.fields == plan.table.shown and not plan.populated
    tag = tag_of(row.version, plan.table) if whole else ""
    if if_none_match is not None and (if_none_match.every or (whole and if_none_match.same(row.version, revision))):
        return Answer(tag=tag, unchanged=True)
    return Answer(row.body, tag=tag)


def created(plan: WritePlan, written: Written) -> Answer:
    """201 of a create."""
    if plan.minimal:
        return Answer(dumps({"created": written.count}), created=True)
    if not plan.single:
        return Answer(b'{"data":[' + written.rows + b"]}", created=True)
    record_id = row_id(plan.table, dict(zip(plan.table.primary_key, written.key, strict=True))) if written.key else ""
    tag = tag_of(written.version, plan.table)
    return Answer(b'{"data":' + written.rows + b"}", created=True, record_id=record_id, tag=tag)


def upserted(batch: UpsertBatch, results: Sequence[Written]) -> tuple[Written, Answer]:
    """200 or 201 of an upsert; rows in the order they were sent."""
    count = sum(result.count for result in results)
    made = sum(result.created for result in results)
    total = Written(count if all(result.count for result in results) else 0, created=made)
    if not total.count:
        return total, Answer(missing=_other_key(batch))
    if batch.minimal:
        return total, Answer(dumps({"created": made, "updated": count - made}))
    if batch.single:
        answer = created(batch.plans[0], results[0])
        flag = b"true" if made else b"false"
        body = b'{"data":' + results[0].rows + b',"created":' + flag + b"}"
        return total, Answer(body, created=bool(made), record_id=answer.record_id if made else "", tag=answer.tag)
    rows: dict[int, bytes] = {}
    for plan, result in zip(batch.plans, results, strict=True):
        rows.update(zip(plan.places, result.each, strict=True))
    joined = b",".join(rows[place] for place in sorted(rows))
    counts = dumps({"created": made, "updated": count - made})[1:]
    return total, Answer(b'{"data":[' + joined + b"]," + counts)


def _other_key(batch: UpsertBatch) -> DatarError | None:
    """What to say when an upsert wrote nothing: a key that was sent is not the key of the row that was found."""
    if not any(plan.pins_key for plan in batch.plans):
        return None
    table = batch.plans[0].table
    return InvalidFields.one(
        table.primary_key[0], "read_only_field", "The row these fields find has another key; a key never changes."
    )


def updated(plan: WritePlan, written: Written) -> Answer:
    """200 of a change."""
    if plan.single:
        tag = tag_of(written.version, plan.table)
        return Answer(b'{"data":' + written.rows + b"}", missing=_not_so(written), tag=tag)
    if plan.minimal:
        return Answer(dumps({"updated": written.count}), missing=_absent(plan, written))
    return Answer(b'{"data":[' + written.rows + b"]}", missing=_absent(plan, written))


def deleted(plan: WritePlan, written: Written) -> Answer:
    """What was deleted: how many, and by key where keys were named."""
    if plan.where is not None:
        return Answer(dumps({"deleted": written.count}))
    if plan.single:
        return Answer(missing=_not_so(written))
    ids = [shown_key(plan.table, row) for row in plan.rows]
    return Answer(dumps({"deleted": written.count, "ids": ids}), missing=_absent(plan, written))


def _not_so(written: Written) -> DatarError:
    """Why a single row was not touched."""
    return changed_meanwhile() if written.found else NotFound()


def _absent(plan: WritePlan, written: Written) -> NotFound:
    missing = [shown_key(plan.table, plan.rows[place]) for place in written.missing[: limits.ERRORS_SHOWN]]
    return NotFound("Some records do not exist; nothing was changed.", extra={"ids": missing})
