"""A composed statement: its text, what every plan of its shape binds, and whether the server keeps its plan."""

from dataclasses import dataclass
from typing import Any, Final

from records.providers.postgres.compile import Values
from records.providers.postgres.pool import Connection

_PREPARED_BYTES: Final = 20_000
"""A longer statement is planned each time: the server would hold some 40 bytes a letter, in every connection."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A composed statement and the row templates it binds, both the same for every plan of a shape."""

    text: bytes
    templates: dict[str, str]

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.text) + sum(len(template) for template in self.templates.values())

    def run(self, connection: Connection, values: Values) -> Any:
        """Send it; the first row, or None."""
        values.update(self.templates)
        prepare = None if len(self.text) <= _PREPARED_BYTES else False
        return connection.execute(self.text, values, prepare=prepare).fetchone()
