"""Pages after a cursor: the rows behind a place in the order, with one beyond the page that says there are more."""

from typing import Any

from records.plan import ListPlan, Slice
from records.providers.mongo.asking import Asking, asked
from records.providers.mongo.keyed import keyed_plan
from records.providers.mongo.listing import listed, value_in
from records.providers.mongo.ordering import Term, terms_of
from records.providers.mongo.rendering import row_writer
from records.providers.mongo.server import Document, Server
from records.providers.mongo.source import Source
from records.providers.mongo.values import text_of


def read_slice(server: Server, plan: ListPlan) -> Slice:
    """The rows after the place, and the sort values of the last one where there are more. Raises PyMongoError."""
    assert plan.page is not None
    size = plan.page.size
    terms = terms_of(plan.order, Source(plan.table))

    def ask(asking: Asking) -> list[Document]:
        known = keyed_plan(plan, asking)
        return listed(known, terms, asking, skip=0, limit=size + 1, keep=True)

    found = asked(server, ask)
    shown = found[:size]
    rows = row_writer(plan.table, plan.fields, plan.populated, meta=plan.meta).page(shown)
    return Slice(rows, tuple(_text(term, shown[-1]) for term in terms) if len(found) > size else None)


def _text(term: Term, document: Document) -> str | None:
    value: Any = value_in(document, term.path)
    return repr(value) if term.field is None else text_of(term.field, value)
