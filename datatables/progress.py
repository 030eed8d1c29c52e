"""Progress of a command: a bar on a terminal, elsewhere a line when a task begins and one when it is done."""

from typing import Protocol

_WIDTH = 30


class Terminal(Protocol):
    """As Django's ``OutputWrapper``."""

    def write(self, msg: str = "", style_func: None = None, ending: str | None = None) -> None:
        """Write a line."""

    def flush(self) -> None:
        """Show it."""

    def isatty(self) -> bool:
        """Whether a person looks at it."""


class Progress:
    """Called as ``datatables.loading.Report``."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._task = ""

    def __call__(self, done: int, total: int, task: str) -> None:
        """Show that ``done`` of ``total`` parts of ``task`` are done."""
        over = done >= total
        if self._terminal.isatty():
            filled = _WIDTH * done // max(total, 1)
            bar = "#" * filled + "." * (_WIDTH - filled)
            text = f"\r{task:<28} [{bar}] {100 * done // max(total, 1):3d} %"
            self._terminal.write(text, ending="\n" if over else "")
        elif task != self._task or over:
            self._terminal.write(f"{task}: done." if over else f"{task} ...")
        self._terminal.flush()
        self._task = "" if over else task
