"""The bench where it cannot run: one sentence, nothing begun; and what its floor on MongoDB is made of."""

import ast
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from bench.load import MISSING
from bench.pipelines import key_of, key_order, shaping
from bench.statements import Place
from tests.cluster import ROOT

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize("options", [[], ["--providers"]])
def test_without_the_load_tool_it_says_how_to_get_it_and_ends(options: list[str]) -> None:
    environment = {**os.environ, "PATH": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == MISSING
    assert done.stdout == ""


FLIGHTS = Place(
    "demo",
    1,
    "demo_flights",
    (("time_hour", "c1", "datetime"), ("flight", "c2", "integer"), ("dest", "c3", "string")),
    ("time_hour", "flight"),
)


def test_the_floor_on_mongodb_knows_nothing_of_the_service() -> None:
    for module in ("mongofloor", "pipelines", "statements"):
        tree = ast.parse((ROOT / "bench" / f"{module}.py").read_text("utf-8"))
        named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        named += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert not {name.split(".")[0] for name in named} & {"records", "datar", "datatables", "tenants"}


def test_the_floor_finds_a_key_where_it_is_stored_and_shows_rows_under_their_labels() -> None:
    moment = {"t": datetime(2013, 1, 1, 10, tzinfo=UTC).replace(tzinfo=None), "u": 0}
    key = key_of(FLIGHTS, ["2013-01-01T10:00:00Z", "1545"])
    assert key == {"c1": moment, "c2": 1545}
    assert key_order(FLIGHTS) == {"_id.c1": 1, "_id.c2": 1}
    assert shaping(FLIGHTS)({"_id": key}) == {"time_hour": moment["t"], "flight": 1545, "dest": None}


def test_one_command_measures_the_providers() -> None:
    assert "bench-providers:" in (ROOT / "Makefile").read_text("utf-8")
