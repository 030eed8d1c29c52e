"""Does the server answer at all? pymongo's monitors ask every half second; this remembers when they last heard of whom.

So nothing is asked before a command, and a server that is frozen, gone or without a primary is known within seconds.
"""

import threading
import time
from typing import Any, Final

from pymongo.monitoring import ServerHeartbeatListener, TopologyListener
from pymongo.topology_description import TOPOLOGY_TYPE, TopologyDescription

from records.providers.mongo.errors import unreachable

Address = tuple[str, int | None]

SILENT_SECONDS: Final = 1.25
"""A server that was not heard of for so long says nothing to anybody."""
AWAY_SECONDS: Final = 1.5
"""So long a new primary is waited for; after that nobody waits until there is one."""


class Reach(ServerHeartbeatListener, TopologyListener):
    """The servers of one MongoDB as this process knows them. It is called by pymongo's threads, and never waits."""

    def __init__(self) -> None:
        self._heard: dict[Address, float] = {}
        self._primary: Address | None = None
        self._away_since: float | None = None
        self.back = threading.Event()
        """Set while there is a server that takes writes."""

    def silent(self, address: Address | None) -> bool:
        """Whether this server was not heard of lately; one that never was may be new."""
        heard = self._heard.get(address) if address is not None else None
        return heard is not None and time.monotonic() - heard > SILENT_SECONDS

    def require(self) -> None:
        """Raise Unavailable (``db_unavailable``) while it is known that nobody would answer."""
        away = self._away_since
        if self.silent(self._primary) or (away is not None and time.monotonic() - away > AWAY_SECONDS):
            raise unreachable()

    # --- what pymongo tells

    def succeeded(self, event: Any) -> None:
        """A server answered."""
        self._heard[event.connection_id] = time.monotonic()

    def started(self, event: Any) -> None:
        """A server is asked."""

    def failed(self, event: Any) -> None:
        """A server did not answer."""

    def opened(self, event: Any) -> None:
        """The client was opened: the search begins."""
        self._away_since = time.monotonic()

    def description_changed(self, event: Any) -> None:
        """Servers came, went or changed their part."""
        before, self._primary = self._primary, _primary_of(event.new_description)
        if self._primary is not None:
            self._away_since = None
            self.back.set()
        elif self._away_since is None:
            self.back.clear()
            self._away_since = self._heard.get(before, time.monotonic()) if before else time.monotonic()

    def closed(self, event: Any) -> None:
        """The client was closed."""


def _primary_of(topology: TopologyDescription) -> Address | None:
    """The address of the server that takes writes; of a direct connection the only one."""
    single = topology.topology_type == TOPOLOGY_TYPE.Single
    for address, server in topology.server_descriptions().items():
        if server.is_writable or (single and server.is_server_type_known):
            return address
    return None
