"""A question to MongoDB and its answer: within a read's deadline, and once more where the connection was lost."""

from collections.abc import Callable
from typing import Final, TypeVar

from pymongo.errors import AutoReconnect, NetworkTimeout, ServerSelectionTimeoutError

from records.limits import STATEMENT_SECONDS
from records.providers.mongo.errors import answer_too_large, wrapped
from records.providers.mongo.server import Server

T = TypeVar("T")

_CLOSED: Final = "connection closed"
"""pymongo's words for a connection whose other end closed it."""


def answered(server: Server, ask: Callable[[], T]) -> T:
    """What ``ask`` finds; it changes nothing, so it may be asked twice.

    mongod closes the connection where an answer is over its 16 MB. So a question that is cut off twice by a server that
    is there is one with too large an answer: pymongo, which may not ask again by itself (``retryReads``), would until
    the deadline. Raises what ``wrapped`` raises.
    """
    with wrapped(STATEMENT_SECONDS):
        try:
            return ask()
        except (NetworkTimeout, ServerSelectionTimeoutError):
            raise
        except AutoReconnect:
            pass  # the connection may be older than the server's last start
        try:
            return ask()
        except AutoReconnect as error:
            if str(error.__cause__) == _CLOSED and server.is_there:
                raise answer_too_large() from error
            raise
