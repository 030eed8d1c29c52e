"""A real ``mongod`` for tests: whether it can run here, and one for each process that asks, started when it does."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from datar.binaries import find_mongod
from datar.embedded_mongo import ReplicaSet
from datar.state import CannotStart
from tests.cluster import make_state


@cache
def why_not_mongodb() -> str | None:
    """The reason that no embedded MongoDB runs on this machine; None when it does."""
    with tempfile.TemporaryDirectory(prefix="datar-test-") as place:
        try:
            find_mongod(Path(place), None)
        except CannotStart as error:
            return str(error)
    return None


_running: list[ReplicaSet] = []


def mongodb_url() -> str:
    """The URL of this process's server, as the service's user."""
    return mongodb().url()


def mongodb() -> ReplicaSet:
    """This process's server, started."""
    if not _running:
        server = ReplicaSet(make_state(), durable=False)
        server.start()
        _running.append(server)
    return _running[0]


def stop_mongodb() -> None:
    """End it and remove every file of it."""
    while _running:
        server = _running.pop()
        server.remove()
        shutil.rmtree(server.state, ignore_errors=True)
