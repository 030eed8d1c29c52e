"""``search`` over HTTP, and that a table's words follow its rows everywhere: into clones, out of files."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from psycopg import sql

from tests.api.descriptors import new_app, new_table
from tests.cast import Api, Tenant, acme, globex, new_tenant, new_user
from tests.public import clear_public

NOTES: dict[str, Any] = {
    "fields": [{"name": "title"}, {"name": "body"}, {"name": "n", "type": "integer"}],
    "search_fields": ["title", {"field": "body", "weight": "B"}],
}
ROWS = [{"title": "Red fox", "body": "It jumps", "n": 1}, {"title": "Blue whale", "body": "A red one, too", "n": 2}]


def found(api: Api, data: str, query: str) -> list[int]:
    """``n`` of the rows that are found."""
    answer = api.get(f"{data}?search={query}")
    assert answer.status == 200, answer
    return [row["n"] for row in answer.data["data"]]


@pytest.fixture
def notes(api: Api) -> str:
    """A table of two notes; its rows' URL."""
    data = new_table(api, new_app(api, "Search"), "notes", NOTES, materialize=True) + "data/"
    assert api.post(data, ROWS).status == 201
    return data


def test_search_in_urls_and_bodies(api: Api, notes: str) -> None:
    """The words as they are sent, in an order of their own."""
    assert found(api, notes, "red") == [1, 2]
    assert found(api, notes, "red&ordering=rank") == [2, 1]
    assert found(api, notes, "%22red%20one%22") == [2]
    assert found(api, notes, "red%20-fox&n__gt=1") == [2]
    assert api.post(f"{notes}query/", {"search": "JUMPS or whale", "ordering": "-n"}).data["total"] == 2
    assert api.get(f"{notes}?search=red&_aggregate=count(*)").data["data"] == [{"count": 2}]


def test_refusals_of_search(api: Api, notes: str) -> None:
    """Nothing to search for, too much, no text to search in, rank without search."""
    for query, code in (
        ("search=", "invalid_parameter"),
        ("search=a&search=b", "invalid_parameter"),
        (f"search={'a' * 1_001}", "query_too_complex"),
        ("search=%00", "invalid_text"),
        ("ordering=rank", "invalid_ordering"),
    ):
        answer = api.get(f"{notes}?{query}")
        assert (answer.status, answer.code) == (400, code), query
    numbers = {"fields": [{"name": "n", "type": "integer"}]}
    bare = new_table(api, new_app(api), "bare", numbers, materialize=True) + "data/"
    assert api.get(f"{bare}?search=a").code == "invalid_parameter"


def test_ti_01_search_finds_rows_of_the_own_tenant_alone() -> None:
    """The same words in globex's table of the same name are found by globex."""
    for tenant, word in ((acme(), "ours"), (globex(), "theirs")):
        data = new_table(tenant.api, new_app(tenant.api, "Same"), "same", NOTES, materialize=True) + "data/"
        tenant.api.post(data, {"title": f"shared {word}", "n": 1})
        assert [row["title"] for row in tenant.api.get(f"{data}?search=shared").data["data"]] == [f"shared {word}"]


@pytest.fixture
def operator(django_db_setup: None) -> Iterator[Api]:
    """An operator of public, which is left as it was found."""
    yield Api("", new_user("public", "admin"))
    clear_public()


def test_a_clone_searches_on_its_own(operator: Api, pg: "psycopg.Connection[Any]") -> None:
    """Words, their column and their index are cloned; nothing of them depends on the source."""
    data = new_table(operator, new_app(operator, "Shared"), "notes", NOTES, materialize=True) + "data/"
    assert operator.post(data, ROWS).status == 201
    tenant = new_tenant("searching")
    assert found(tenant.api, data, "red") == [1, 2]
    assert tenant.api.post(data, {"title": "A red kite", "n": 3}).status == 201
    assert tenant.api.patch(f"{data}1/", {"title": "Grey fox"}).status == 200
    assert (found(tenant.api, data, "red"), found(operator, data, "red")) == ([2, 3], [1, 2])
    ours, source = _words(pg, tenant.schema), _words(pg, "public")
    assert ours == source and len(ours) == 1
    pg.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier("public", _physical(pg, "public"))))
    assert found(tenant.api, data, "kite") == [3]


def _physical(pg: "psycopg.Connection[Any]", schema: str) -> str:
    row = pg.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE 'shared%%notes'", [schema]
    ).fetchone()
    assert row is not None
    return str(row[0])


def _words(pg: "psycopg.Connection[Any]", schema: str) -> list[Any]:
    """The generated column and its index, without the schema's name."""
    return pg.execute(
        "SELECT attribute.attgenerated, pg_get_expr(adbin, adrelid), replace(indexdef, %(schema)s || '.', '')"
        " FROM pg_attribute AS attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " JOIN pg_indexes ON schemaname = %(schema)s AND indexdef LIKE '%%(_search)'"
        " WHERE attrelid = format('%%I.%%I', %(schema)s::text, %(table)s::text)::regclass AND attname = '_search'",
        {"schema": schema, "table": _physical(pg, schema)},
    ).fetchall()


def test_loaded_rows_are_found(tmp_path: Path) -> None:
    """COPY fills the words too."""
    tenant: Tenant = acme()
    (tmp_path / "notes.csv").write_text("title,body,n\nRed fox,It jumps,1\nBlue whale,,2\n", "utf-8")
    package = {"title": "Files", "resources": [{"name": "notes", "path": "notes.csv", "schema": NOTES}]}
    (tmp_path / "datapackage.json").write_text(json.dumps(package), "utf-8")
    call_command(
        "load_package",
        str(tmp_path),
        "--tenant",
        tenant.schema,
        "--app",
        "searched",
        stdout=StringIO(),
        stderr=StringIO(),
    )
    data = "/api/apps/searched/datatables/notes/data/"
    assert (found(tenant.api, data, "fox"), found(tenant.api, data, "-fox")) == ([1], [2])
    row = tenant.api.get(f"{data}1/?_meta=true").data["data"]
    assert "_search" not in row and row["title"] == "Red fox"
    history = tenant.api.get("/api/apps/searched/datatables/notes/").data
    assert "_search" not in json.dumps(history)
