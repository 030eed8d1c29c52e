"""``make test``: the whole suite on the embedded PostgreSQL 18; the records suite once more on documents, MongoDB
and PostgreSQL 16; nothing left. ``make conformance``: the records suite everywhere, with more examples.

It bounds the time, removes the temporary files of the run, and fails when a process of it is still there or a file's
mode in the project or above it has changed. What this machine could not test is said in the last line.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datar.children import end, spawn
from tests.cluster import ROOT
from tests.mongo import why_not_mongodb

SECONDS = {"ci": 20 * 60, "conformance": 60 * 60, "trust": 6 * 3600}
SHORTER = {"ci": "brief", "trust": "ci"}
"""What documents, MongoDB and the second PostgreSQL get of each profile."""
ON_MONGODB = "(mongo or across) and not test_mongo and not test_across"
"""Tests by their layout; those of MongoDB alone run with all others already."""
WORKERS = os.environ.get("DATAR_TEST_WORKERS", "3")
UNWATCHED = {".git", ".venv", ".datar", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@dataclass(frozen=True)
class Suite:
    """One run of pytest on one PostgreSQL, with one of the profiles of ``tests/conftest.py``.

    ``layouts`` are those of ``tests/records/engine.py``; ``only`` says by names which tests to run, or is empty.
    """

    postgres: str
    paths: Sequence[str]
    profile: str
    layouts: str
    only: str = ""

    def run(self, temporary: Path, seconds: float) -> int:
        """Run it within ``seconds``; pytest's exit code, or 1 when the time was over."""
        print(f"--- PostgreSQL {self.postgres}, {self.layouts}: {' '.join(self.paths)}", flush=True)
        environment = {
            **os.environ,
            "DATAR_TEST_POSTGRES": self.postgres,
            "DATAR_TEST_PROFILE": self.profile,
            "DATAR_TEST_LAYOUTS": self.layouts,
            "TMPDIR": str(temporary),
        }
        for name in ("DATABASE_URL", "DATAR_TEST_STATE", "DJANGO_SETTINGS_MODULE"):
            environment.pop(name, None)
        chosen = ["-k", self.only] if self.only else []
        command = [sys.executable, "-m", "pytest", "-n", WORKERS, "-q", *chosen, *self.paths]
        process = spawn(command, end_signal=signal.SIGINT, environment=environment, directory=ROOT)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"The suite did not end within {seconds:.0f} seconds.", flush=True)
            return 1
        finally:
            end(process, [(signal.SIGINT, 30.0), (signal.SIGTERM, 10.0)])


def main() -> int:
    """Run the suites; the first exit code that is not 0."""
    began, modes = time.monotonic(), _modes()
    profile = os.environ.get("DATAR_TEST_PROFILE", "ci")
    limit = SECONDS[profile]
    temporary = Path(tempfile.mkdtemp(prefix="datar-run-"))
    temporary.chmod(0o711)  # PostgreSQL runs as another account when we are root
    codes = []
    try:
        for suite in _suites(profile):
            if "mongo" in suite.layouts and why_not_mongodb() is not None:
                continue
            codes.append(suite.run(temporary, limit - (time.monotonic() - began)))
        left = _left_behind(temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    changed = [str(path) for path, mode in _modes().items() if modes.get(path, mode) != mode]
    for line in [*(f"Still running: {name}" for name in left), *(f"Mode changed: {name}" for name in changed)]:
        print(line, flush=True)
    code = next((code for code in codes if code != 0), 1 if left or changed else 0)
    verdict = "All green" if code == 0 else "FAILED"
    print(f"--- {verdict} after {time.monotonic() - began:.0f} s.", flush=True)
    if (reason := why_not_mongodb()) is not None:
        print(f"--- NOT TESTED: everything on MongoDB. {reason}", flush=True)
    return code


def _suites(profile: str) -> tuple[Suite, ...]:
    """What runs, in this order."""
    records = ["tests/records"]
    if profile == "conformance":
        return (
            Suite("18", records, "short", "document", only="document"),
            Suite("18", records, "short", "mongo", only=ON_MONGODB),
            Suite("16", records, "short", "flat,document"),
        )
    shorter = SHORTER[profile]
    return (
        Suite("18", ["tests"], profile, "flat"),
        Suite("18", records, shorter, "document", only="document"),
        Suite("18", records, shorter, "mongo", only=ON_MONGODB),
        Suite("16", records, shorter, "flat"),
    )


def _modes() -> dict[Path, int]:
    """The mode of every directory above the project and of every file in it that is ours."""
    tops = [path for path in ROOT.iterdir() if path.name not in UNWATCHED]
    below = [path for top in tops if top.is_dir() for path in top.rglob("*") if "__pycache__" not in path.parts]
    return {path: path.lstat().st_mode for path in (ROOT, *ROOT.parents, *tops, *below)}


def _left_behind(temporary: Path) -> list[str]:
    """Processes that the run began, seen by its temporary directory in their environment or command, after a grace."""
    mark = os.fsencode(temporary)
    deadline = time.monotonic() + 10
    while True:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                text = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in text and process.name != str(os.getpid()):
                found.append(f"{process.name} {text.split(bytes(1))[-4:]!r}")
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
