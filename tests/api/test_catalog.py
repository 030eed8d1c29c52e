"""What a process reads of a table's description: all of it once per revision, then only whether it is the same."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from datatables import catalog
from tests.api.conftest import ORDERS
from tests.api.descriptors import new_app, new_table
from tests.api.test_deletion import settle
from tests.cast import acme


def read_from(captured: CaptureQueriesContext, column: str) -> int:
    """Statements that read the column."""
    return sum(column in query["sql"] for query in captured.captured_queries)


def test_a_descriptor_is_read_once_per_revision() -> None:
    api = acme().api
    app = new_app(api)
    table = new_table(api, app, "t", ORDERS, materialize=True)
    with CaptureQueriesContext(connection) as first:
        assert api.get(f"{table}data/").status == 200
    assert read_from(first, "json_schema") == 1
    settle()
    with CaptureQueriesContext(connection) as again:
        assert api.get(f"{table}data/").status == 200
    assert read_from(again, "is_materialized") == 1, "it is looked at"
    assert read_from(again, "json_schema") == 0
    with CaptureQueriesContext(connection) as listed:
        assert api.get(f"{app}datatables/").status == 200
    assert read_from(listed, "json_schema") == 0


def test_of_each_table_one_revision_is_kept() -> None:
    api = acme().api
    app = new_app(api)
    table = new_table(api, app, "t", ORDERS, materialize=True)
    mine = (acme().schema, api.get(table).data["id"])
    kept: list[int] = []
    spelled = {**ORDERS, "missingValues": [""]}
    for schema in (spelled, ORDERS, spelled):
        assert api.patch(table, {"json_schema": schema}).status == 200
        settle()
        assert api.get(f"{table}data/").status == 200
        made = catalog._tables.get(mine)
        assert made is not None
        kept.append(made.identity.revision)
    assert kept[0] < kept[1] < kept[2]
