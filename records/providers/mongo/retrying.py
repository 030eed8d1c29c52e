"""Writes that met another one are tried again; a commit of which nothing was heard is asked for again.

MongoDB lets a transaction fail at once where it would have to wait for another. So the second try is made as the only
writer of its tables (``alone``, which the ledger holds others off with): it can meet none of ours any more.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, PyMongoError

from datar.errors import Conflict, Unavailable
from records.providers.mongo.errors import code_of, crossed
from records.providers.mongo.server import Server

T = TypeVar("T")

TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.01
"""Before the second try at the most; twice as long before each further one."""
_COMMIT_SECONDS: Final = 2.0
_TRANSIENT: Final = "TransientTransactionError"
_UNKNOWN: Final = "UnknownTransactionCommitResult"
_WRITE_CONFLICT: Final = 112
_SNAPSHOT_GONE: Final = 246


def tried(attempt: Callable[[bool], T], *, alone: bool = False) -> T:
    """What ``attempt(alone)`` gives: a whole write, from the ledger's entry to the commit.

    Raises Conflict (``conflict_retry``) when another write came between every time.
    """
    for number in range(TRIES):
        try:
            return attempt(alone or number > 0)
        except (PyMongoError, Conflict) as error:
            if not _came_between(error):
                raise
        if number < TRIES - 1:
            time.sleep(random.uniform(0.5, 1) * _PAUSE_SECONDS * 2**number)  # noqa: S311 - no secret
    raise crossed()


@contextmanager
def transaction(server: Server) -> Iterator[ClientSession]:
    """A session in a transaction, which is committed at the end of the block, and taken back when it raises.

    Raises Unavailable (``commit_unknown``) when nobody can tell whether it was kept.
    """
    with server.transaction() as session:
        yield session
        commit(session)


def commit(session: ClientSession) -> None:
    """Commit, for certain; Unavailable (``commit_unknown``) where nobody says.

    pymongo asks once more by itself; a commit that was made is not made twice.
    """
    ends = time.monotonic() + _COMMIT_SECONDS
    while True:
        try:
            return session.commit_transaction()
        except PyMongoError as error:
            if not error.has_error_label(_UNKNOWN):
                raise
            if time.monotonic() > ends:
                raise Unavailable(
                    "MongoDB did not say whether it kept the write; look before you send it again.",
                    code="commit_unknown",
                ) from error
        time.sleep(_PAUSE_SECONDS)


def _came_between(error: Exception) -> bool:
    """Whether nothing of the write was kept, and another try may succeed. A server that is away is not waited for."""
    if isinstance(error, Conflict):
        return error.code == "conflict_retry"
    if isinstance(error, ConnectionFailure) or not isinstance(error, PyMongoError):
        return False
    return error.has_error_label(_TRANSIENT) or code_of(error) in (_WRITE_CONFLICT, _SNAPSHOT_GONE)
