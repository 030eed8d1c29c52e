"""Lists and groups as lines of text, streamed from their cursors: a line a row, JSON or the cells of CSV (RFC 4180)."""

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import orjson

from records.exports import Form, Pieces, pieces, quoted_if_needed
from records.plan import GroupPlan, ListPlan
from records.providers.mongo.asking import Asking, again
from records.providers.mongo.errors import wrapped
from records.providers.mongo.grouping import Grouped
from records.providers.mongo.listing import listed, streamed
from records.providers.mongo.ordering import terms_of
from records.providers.mongo.rendering import RowWriter, dumps, row_writer
from records.providers.mongo.server import Document, Server
from records.providers.mongo.source import Source
from records.providers.mongo.streaming import Batches, turn
from records.query import Page
from records.table import Json


def stream(server: Server, plan: ListPlan | GroupPlan, form: Form) -> Pieces:
    """The rows or groups as lines, all of them where the plan has no page. The first piece is there when this returns.

    Raises what a read raises; so does a later piece.
    """
    return again(lambda: Pieces(_pieces(server, plan, form)))


def _pieces(server: Server, plan: ListPlan | GroupPlan, form: Form) -> Generator[bytes, None, None]:
    with wrapped(), turn(server), server.snapshot() as session:
        asking, batches = Asking(server), Batches(server, session)
        if isinstance(plan, GroupPlan):
            grouped = Grouped(plan, wide=True)
            yield from pieces(_group_lines(grouped, asking, batches, form), form, grouped.names)
        else:
            writer = row_writer(plan.table, plan.fields, plan.populated, meta=plan.meta)
            yield from pieces(_lines(plan, writer, asking, batches, form), form, writer.labels)


def _lines(plan: ListPlan, writer: RowWriter, asking: Asking, batches: Batches, form: Form) -> Iterator[bytes]:
    for documents in _documents(plan, asking, batches):
        lines = list(writer.lines(documents, form))
        batches.wrote(len(lines), sum(map(len, lines)))
        yield from lines


def _documents(plan: ListPlan, asking: Asking, batches: Batches) -> Iterator[list[Document]]:
    if isinstance(plan.page, Page):
        terms = terms_of(plan.order, Source(plan.table))
        yield listed(plan, terms, asking, skip=plan.page.offset, limit=plan.page.size)
        return
    for stages in streamed(plan):
        yield from batches.of(plan.table, stages)


def _group_lines(grouped: Grouped, asking: Asking, batches: Batches, form: Form) -> Iterator[bytes]:
    for groups in grouped.batches(asking, batches):
        rows = [grouped.row(group) for group in groups]
        lines = [dumps(row) if form == "ndjson" else _cells(list(row.values())) for row in rows]
        batches.wrote(len(lines), sum(map(len, lines)))
        yield from lines


def _cells(values: Sequence[Json]) -> bytes:
    return ",".join(map(_cell, values)).encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return quoted_if_needed(value)
    return quoted_if_needed(orjson.dumps(value).decode())
