"""Does the server answer at all? pymongo's monitors ask every half second; this remembers when they last heard of whom.

So nothing is asked before a command, and a server that is frozen, gone or without a primary is known within seconds.
"""

import time
from typing import Any, Final

from pymongo.monitoring import ServerHeartbeatListener

from records.providers.mongo.errors import unreachable

Address = tuple[str, int | None]

SILENT_SECONDS: Final = 1.25
"""A server that was not heard of for so long says nothing to anybody; so long a new primary is waited for, too."""


class Reach(ServerHeartbeatListener):
    """The servers of one MongoDB as this process knows them. It is called by pymongo's monitors, and never waits.

    ``direct``: it is one server that was named as the only one, whatever part it plays.
    """

    def __init__(self, *, direct: bool) -> None:
        self._direct = direct
        self._heard: dict[Address, float] = {}
        self._met: float | None = None
        self._sought: float | None = None

    @property
    def there(self) -> bool:
        """Whether a server that takes writes was heard of lately."""
        return self._met is not None and time.monotonic() - self._met <= SILENT_SECONDS

    def silent(self, address: Address) -> bool:
        """Whether this server was not heard of lately; one that never was may be new."""
        heard = self._heard.get(address)
        return heard is not None and time.monotonic() - heard > SILENT_SECONDS

    def require(self) -> None:
        """Raise Unavailable (``db_unavailable``) while it is known that nobody would answer."""
        since = self._met or self._sought
        if since is not None and time.monotonic() - since > SILENT_SECONDS:
            raise unreachable()

    # --- what pymongo tells

    def started(self, event: Any) -> None:
        """A server is asked; with the first one the search begins."""
        self._sought = self._sought or time.monotonic()

    def succeeded(self, event: Any) -> None:
        """A server answered."""
        now = self._heard[event.connection_id] = time.monotonic()
        if self._direct or event.reply.is_writable:
            self._met = now

    def failed(self, event: Any) -> None:
        """A server did not answer."""
