"""The bench where it cannot run: one sentence, nothing begun."""

import os
import subprocess
import sys

import pytest

from bench.load import MISSING
from tests.cluster import ROOT

pytestmark = pytest.mark.no_database


def test_without_the_load_tool_it_says_how_to_get_it_and_ends() -> None:
    environment = {**os.environ, "PATH": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.run"],
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
