"""TRUST's rows about values: read at once, no poison, none in a log or a refusal."""

import json
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.api.descriptors import new_app, new_table
from tests.cast import Tenant, acme, new_tenant

NOTES: dict[str, Any] = {
    "fields": [
        {"name": "text", "type": "string", "constraints": {"unique": True}},
        {"name": "number", "type": "number"},
        {"name": "at", "type": "datetime"},
    ]
}


def physical(pg: "psycopg.Connection[Any]", tenant: Tenant, name: str = "notes") -> sql.Identifier:
    """A table's place."""
    query = sql.SQL("SELECT physical_table_name FROM {} WHERE name = %s").format(
        sql.Identifier(tenant.schema, "datar_datatable")
    )
    row = pg.execute(query, [name]).fetchone()
    assert row is not None
    return sql.Identifier(tenant.schema, row[0])


def test_di_12_what_was_written_is_read_at_once() -> None:
    api = acme().api
    data = new_table(api, new_app(api), "fresh", NOTES) + "data/"
    assert api.get(data).status == 409
    assert api.post(data.removesuffix("data/") + "materialize/").status == 200
    for number in range(1, 30):
        made = api.post(data, {"number": number})
        assert made.status == 201
        assert api.get(made.headers["Location"]).data == made.data
        assert api.get(data).data["total"] == number


def test_di_16_a_poison_row_does_not_close_a_list(pg: "psycopg.Connection[Any]") -> None:
    tenant = new_tenant("poison")
    api = tenant.api
    data = new_table(api, new_app(api), "poisoned", NOTES, materialize=True) + "data/"
    api.post(data, {"number": 1})
    place = physical(pg, tenant, "poisoned")
    number, at = (_column(pg, tenant, "poisoned", label) for label in ("number", "at"))
    insert = sql.SQL("INSERT INTO {} ({}, {}) VALUES ('NaN', 'infinity'), ('Infinity', '-infinity')")
    pg.execute(insert.format(place, sql.Identifier(number), sql.Identifier(at)))
    listed = api.get(data)
    assert (listed.status, listed.data["total"]) == (200, 3)
    json.loads(listed.content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert api.get(f"{data}2/").status == 200
    assert api.get(f"{data}?ordering=-number").status == 200


def _column(pg: "psycopg.Connection[Any]", tenant: Tenant, table: str, label: str) -> str:
    query = sql.SQL("SELECT columns FROM {} WHERE name = %s").format(sql.Identifier(tenant.schema, "datar_datatable"))
    row = pg.execute(query, [table]).fetchone()
    assert row is not None
    columns = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    return str(columns[label])


def test_an_15_no_log_and_no_refusal_holds_a_value(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, databases: Any
) -> None:
    tenant = new_tenant("quiet")
    api = tenant.api
    data = new_table(api, new_app(api), "quiet", NOTES, materialize=True) + "data/"
    before = databases.cluster.log.stat().st_size
    secret = "s3cret-record-value"
    api.post(data, [{"text": "first"}, {"text": secret}])
    answers = [
        api.post(data, {"text": secret}),
        api.post(data, [{"text": "other"}, {"text": secret}]),
        api.post(data, {"number": secret}),
        api.post(data, {"at": secret}),
        api.get(f"{data}?number={secret}"),
        api.get(f"{data}{secret}/"),
        api.patch(f"{data}1/", {"text": secret}),
        api.post(data, {"text": secret + "\x00"}),
    ]
    assert all(answer.status in (400, 404, 409) for answer in answers)
    for answer in answers:
        assert secret not in answer.content.decode()
        for word in (tenant.schema, "dt", "_u_", "SELECT", "INSERT", "psycopg"):
            assert word not in answer.data.get("detail", ""), answer.data
    output = capfd.readouterr()
    with databases.cluster.log.open("rb") as log:
        log.seek(before)
        server = log.read().decode("utf-8", "replace")
    for text in (output.out, output.err, caplog.text, server):
        for hidden in (secret, api.key, api.access):
            assert hidden not in text
