"""Lists and single rows: one question for the rows, and, where the page does not tell it, one for the total."""

from records.jsontext import dumps
from records.plan import KeyedPlan, ListPlan, Row
from records.providers.mongo.asking import Asking, asked
from records.providers.mongo.keyed import keyed_plan
from records.providers.mongo.layout import KEY
from records.providers.mongo.listing import listed, row_stages
from records.providers.mongo.matching import condition_stages
from records.providers.mongo.ordering import terms_of
from records.providers.mongo.rendering import row_writer
from records.providers.mongo.server import Document, Pipeline, Server
from records.providers.mongo.source import Source
from records.providers.mongo.totals import total_of
from records.providers.mongo.values import key_from_texts
from records.query import Page
from records.system import VERSION


def read_list(server: Server, plan: ListPlan) -> bytes:
    """A page as ``{"data":[…],"total":n,…}``; rows and total are of one moment. Raises PyMongoError."""
    page = plan.page
    assert isinstance(page, Page)
    terms = terms_of(plan.order, Source(plan.table))

    def ask(asking: Asking) -> tuple[list[Document], int | None]:
        known = keyed_plan(plan, asking)
        found = listed(known, terms, asking, skip=page.offset, limit=page.size)
        return found, total_of(known, len(found), asking)

    documents, total = asked(server, ask)
    rows = row_writer(plan.table, plan.fields, plan.populated, meta=plan.meta).page(documents)
    return b'{"data":[' + rows + b"]," + dumps({"total": total, **page.place})[1:]


def read_row(server: Server, plan: KeyedPlan) -> Row | None:
    """One row as ``{"data":{…}}`` with its version; None when there is none. Raises PyMongoError."""
    found = _found_row(server, plan)
    if found is None:
        return None
    text = row_writer(plan.table, plan.fields, plan.populated, meta=plan.meta).row(found)
    return Row(b'{"data":' + text + b"}", found[VERSION])


def _found_row(server: Server, plan: KeyedPlan) -> Document | None:
    by_key: Document = {KEY: {"$eq": key_from_texts(plan.table, plan.key)}}
    scope = condition_stages(plan.scope, Source(plan.table))
    shape = row_stages(plan.table, plan.fields, plan.populated, meta=plan.meta, kept=[VERSION])
    stages: Pipeline = [{"$match": by_key}, *scope, *shape]
    found = asked(server, lambda asking: asking.rows(plan.table, stages, most=1))
    return found[0] if found else None
