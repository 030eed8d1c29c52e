"""The embedded MongoDB is started by whoever runs ``up``, when a process that needs it asks, through a file.

No worker starts it itself: the kernel ends a server with the thread that began it, and workers come and go. The file
is empty while the server is wanted, says ``ready`` while it runs, and else why it cannot run. It stays, so the next
``up`` starts the server at once.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

from datar.state import write_private

VARIABLE: Final = "DATAR_EMBEDDED_MONGODB"
"""The environment variable by which ``manage.py`` tells its own processes where the file is."""
_READY: Final = "ready"


class Wanted:
    """The file at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self) -> None:
        """Say that the server is needed, if nobody has."""
        with suppress(FileExistsError):
            self.path.touch(mode=0o600, exist_ok=False)

    @property
    def asked(self) -> bool:
        """Whether anybody ever needed it here."""
        return self.path.exists()

    @property
    def ready(self) -> bool:
        """Whether it runs."""
        return self._said() == _READY

    @property
    def refusal(self) -> str:
        """Why it cannot run, in one sentence; empty when it can, or nobody knows yet."""
        said = self._said()
        return "" if said == _READY else said

    def grant(self) -> None:
        """Say that it runs."""
        write_private(self.path, _READY)

    def refuse(self, sentence: str) -> None:
        """Say why it cannot run."""
        write_private(self.path, sentence)

    def withdraw(self) -> None:
        """Say that it runs no longer, or may run after all; wanted it stays."""
        if self.asked:
            write_private(self.path, "")

    def _said(self) -> str:
        try:
            return self.path.read_text("utf-8").strip()
        except FileNotFoundError:
            return ""
