"""The demo package against the real files: what its descriptor claims, all 336,776 flights hold."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import psycopg
import pytest
from psycopg import sql

from datar.embedded import SERVICE_ROLE
from datatables.definitions import without_relations
from datatables.demo.source import open_demo
from datatables.files import PackageFiles, Where
from datatables.loading import judge_of
from datatables.package_resources import read_resources
from records.descriptor import parse_table
from records.providers.postgres.copying import CopyLoader
from records.table import Identity
from tests.cluster import ROOT, TEMPLATE, Databases

ROWS = {"airlines": 16, "airports": 1_458, "planes": 3_322, "weather": 26_115, "flights": 336_776}
JANUARY = 27_004


@dataclass
class Facts:
    """What was found in one file: rows, its key's values, and what each foreign key's fields hold."""

    rows: int = 0
    keys: set[tuple[Any, ...]] = field(default_factory=set)
    references: dict[tuple[str, ...], set[tuple[Any, ...]]] = field(default_factory=dict)


@cache
def package() -> PackageFiles:
    return open_demo()


def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = package().resource(name).resource["schema"]
    return schema


@cache
def facts(name: str) -> Facts:
    """One pass over the file; every cell is judged by the rules that the API has for it."""
    file, schema = package().resource(name), schema_of(name)
    table = parse_table(without_relations(schema), Identity(1, "demo", name, "demo", name, 1, {}), lambda *_: None)
    found = Facts(references={tuple(key["fields"]): set() for key in schema.get("foreignKeys", [])})
    labels = file.labels()
    places = {
        fields: [labels.index(label) for label in fields] for fields in (tuple(schema["primaryKey"]), *found.references)
    }
    for _, cells in file.rows([], judge_of(table, CopyLoader(table))):
        assert cells is not None
        found.rows += 1
        found.keys.add(tuple(cells[at] for at in places[tuple(schema["primaryKey"])]))
        for fields, values in found.references.items():
            values.add(tuple(cells[at] for at in places[fields]))
    return found


def orphans(name: str, fields: tuple[str, ...], target: str) -> set[tuple[Any, ...]]:
    """Values without a parent; a value with a null in it points nowhere."""
    values = facts(name).references[fields]
    return {value for value in values if (None,) not in value} - facts(target).keys


def foreign_keys(*, enforced: bool) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (name, tuple(key["fields"]), key["reference"]["resource"])
        for name in ROWS
        for key in schema_of(name).get("foreignKeys", [])
        if key.get("x-enforced", True) is enforced
    ]


@pytest.mark.no_database
def test_the_package_is_one_our_api_accepts() -> None:
    resources, mistakes = read_resources(package().descriptor)
    assert mistakes == []
    assert [resource.name for resource in resources] == list(ROWS)


@pytest.mark.no_database
@pytest.mark.parametrize("name", ROWS)
def test_every_field_is_a_column_and_every_column_a_field(name: str) -> None:
    assert package().resource(name).labels() == [field["name"] for field in schema_of(name)["fields"]]


@pytest.mark.no_database
@pytest.mark.parametrize("name", ROWS)
def test_every_row_satisfies_types_and_constraints_and_its_key_is_unique(name: str) -> None:
    found = facts(name)
    assert found.rows == ROWS[name]
    assert len(found.keys) == found.rows


@pytest.mark.no_database
def test_enforced_foreign_keys_have_no_orphans() -> None:
    keys = foreign_keys(enforced=True)
    assert {(name, fields) for name, fields, _ in keys} == {
        ("flights", ("carrier",)),
        ("flights", ("origin",)),
        ("weather", ("origin",)),
    }
    assert [key for key in keys if orphans(*key)] == []


@pytest.mark.no_database
def test_relations_that_are_not_enforced_really_have_orphans() -> None:
    keys = foreign_keys(enforced=False)
    assert {fields for _, fields, _ in keys} == {("dest",), ("tailnum",), ("origin", "time_hour")}
    assert [key for key in keys if not orphans(*key)] == []


@pytest.mark.no_database
def test_the_months_add_up() -> None:
    file = package().resource("flights")
    month = file.labels().index("month")
    january = sum(cells is not None for _, cells in file.rows([Where.parse("month=1")], lambda _, value: value))
    others = Counter(
        cells[month] for _, cells in file.rows([Where.parse("flights.month=2-12")], lambda _, value: value) if cells
    )
    assert january == JANUARY
    assert sorted(others) == list(range(2, 13))
    assert january + sum(others.values()) == ROWS["flights"]


@pytest.fixture
def own_database(databases: Databases, database_url: str) -> Iterator[str]:
    """A migrated database that nobody else uses: the demo fills ``public``."""
    name = f"demo_{databases.worker}"
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(SERVICE_ROLE), sql.Identifier(TEMPLATE)
    )
    databases.drop(name)
    with psycopg.connect(databases.cluster.superuser_url(), autocommit=True) as connection:
        connection.execute(statement)
    yield databases.cluster.url(name)
    databases.drop(name)


SETUP = """
import django, json, sys
django.setup()
from datatables.demo import ensure_demo
print(json.dumps(ensure_demo(lambda done, total, task: print(done, total, task, file=sys.stderr, flush=True))))
"""


def start_setup(url: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "datar.settings"}
    command = [sys.executable, "-c", SETUP]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def flights_by_schema(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        schemas = connection.execute(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'nycflights_flights' ORDER BY 1"
        ).fetchall()
        counts = {}
        for (schema,) in schemas:
            statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, "nycflights_flights"))
            row = connection.execute(statement).fetchone()
            assert row is not None
            counts[schema] = row[0]
        return counts


def test_the_demo_killed_while_it_loads_the_year_is_finished_by_the_next_start(own_database: str) -> None:
    first = start_setup(own_database)
    assert first.stderr is not None
    for line in first.stderr:
        if line.startswith("0 ") and "Loading the rest of the year" in line:  # January is in public
            first.send_signal(signal.SIGKILL)
            break
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    half = flights_by_schema(own_database)
    assert set(half.values()) == {JANUARY}
    assert len(half) == 2

    second = start_setup(own_database)
    said, errors = second.communicate(timeout=300)
    assert second.returncode == 0, errors
    whole = flights_by_schema(own_database)
    assert whole.pop("public") == JANUARY
    assert list(whole.values()) == [ROWS["flights"]]
    assert next(iter(whole)) in said

    third = start_setup(own_database)
    _, errors = third.communicate(timeout=60)
    assert third.returncode == 0, errors
    assert "Loading" not in errors
