"""The results as a table: plain for the terminal, Markdown for ``docs/explanation/performance.md``."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADINGS = ("request", "service/s", "p99 ms", "floor/s", "p99 ms", "statements", "of floor", "target", "", "beside")


@dataclass(frozen=True, slots=True)
class Line:
    """One measured line. ``ratio`` is the median of the rounds' ratios, ``statements`` without transaction control."""

    name: str
    target: float
    service_rate: float
    service_p99: float
    floor_rate: float
    floor_p99: float
    ratio: float
    statements: tuple[int, int]
    beside: str = ""

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.ratio >= self.target

    def cells(self) -> list[str]:
        """The line as the table shows it."""
        wanted, control = self.statements
        return [
            self.name,
            rate_text(self.service_rate),
            f"{self.service_p99:.1f}",
            rate_text(self.floor_rate),
            f"{self.floor_p99:.1f}",
            f"{wanted} + {control}" if control else str(wanted),
            f"{self.ratio:.0%}",
            f"{self.target:.0%}",
            "ok" if self.reached else "miss",
            self.beside,
        ]


def rate_text(rate: float) -> str:
    """A rate as the table shows it."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def markdown(lines: Sequence[Line], versions: str) -> str:
    """The whole result: where it was measured, then the table."""
    head = [f"Measured on {machine(versions)}, commit {commit()}.", ""]
    table = ["| " + " | ".join(HEADINGS) + " |", "| --- |" + " ---: |" * 7 + " --- | --- |"]
    return "\n".join([*head, *table, *("| " + " | ".join(line.cells()) + " |" for line in lines)]) + "\n"


def plain(lines: Sequence[Line]) -> str:
    """The table with columns of equal width."""
    table = [list(HEADINGS), *(line.cells() for line in lines)]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEADINGS))]
    texts = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(texts)


def machine(versions: str) -> str:
    """Processor, cores and versions; nothing that names the machine."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), Python {platform.python_version()}, "
        f"{versions}, load tool and servers on the same machine"
    )


def commit() -> str:
    """The short id of the commit that runs, with a plus when files differ from it."""
    try:
        short = _git("rev-parse", "--short", "HEAD")
        return short + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
