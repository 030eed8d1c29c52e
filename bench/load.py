"""Drives a server with wrk and reads what wrk counted. It knows no endpoint and no table."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CONNECTIONS = 8
_LONGER, _TIMES = 3, 4
"""How often a round is made, and how much longer each time."""
SCRIPT = Path(__file__).with_name("drive.lua")
MISSING = (
    "make bench needs the load tool wrk: install it (apt-get install wrk, brew install wrk or your system's package)."
)


class Unusable(Exception):
    """A measurement that means nothing: requests failed, or the tool did; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is sent: GETs of ``lines`` in turn, or POSTs of a body (``lines`` = path, body with ``@@`` for numbers)."""

    method: Literal["GET", "POST"]
    lines: Sequence[str]
    rows_per_request: int = 0
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round gave: requests a second, and the 99th percentile of latency in milliseconds."""

    rate: float
    p99: float


def find_tool() -> str | None:
    """Where wrk is, or None."""
    return shutil.which("wrk")


class Driver:
    """Sends traffic to one server; every number in a body is sent once in the driver's life."""

    def __init__(self, base: str, directory: Path, headers: Mapping[str, str] | None = None) -> None:
        self.base = base
        self.headers = dict(headers or {})
        self._directory = directory
        self._number = 0

    def run(self, traffic: Traffic, seconds: int) -> Outcome:
        """One round of ``seconds``, of more where no request is answered in them.

        Raises Unusable when any request was refused or broke.
        """
        for _ in range(_LONGER):
            outcome = self._run(traffic, seconds)
            if outcome is not None:
                return outcome
            seconds *= _TIMES
        raise Unusable(f"no request to {self.base}{traffic.lines[0]} was answered in {seconds // _TIMES} s")

    def _run(self, traffic: Traffic, seconds: int) -> Outcome | None:
        file = self._directory / "traffic.txt"
        file.write_text("\n".join(traffic.lines) + "\n", "utf-8")
        headers = self._directory / "headers.txt"
        sent = {**self.headers, **(traffic.headers or {})}
        headers.touch(mode=0o600)
        headers.write_text("".join(f"{name}: {value}\n" for name, value in sent.items()), "utf-8")
        command = [find_tool() or "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
        command += ["-s", str(SCRIPT), self.base, "--", traffic.method, str(file), str(self._number), str(headers)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 90)
        return self._read(done.stdout + done.stderr, traffic)

    def _read(self, output: str, traffic: Traffic) -> Outcome | None:
        line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
        if line is None:
            raise Unusable(f"wrk gave no result: {output.strip()[-300:]}")
        result = json.loads(line.removeprefix("RESULT "))
        self._number += (result["requests"] + CONNECTIONS + 1) * max(traffic.rows_per_request, 1)
        if not result["requests"] and not result["broken"]:
            return None
        if result["refused"] or result["broken"]:
            raise Unusable(
                f"{result['refused']} of {result['requests']} requests to {self.base}{traffic.lines[0]} were refused, "
                f"{result['broken']} broke"
            )
        return Outcome(rate=result["requests"] / (result["microseconds"] / 1e6), p99=result["p99"] / 1e3)
