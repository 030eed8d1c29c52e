"""The provider's door: what pymongo raised becomes one of our kinds, without the server's words or names."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pymongo
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

from datar.errors import SQLSTATES, DatarError, Invalid, Unavailable
from records.provider import Stale

_Kind = tuple[type[DatarError], str, str]
"""Kind, code, what the client is told."""
UNREACHABLE: Final[_Kind] = SQLSTATES["08"]
"""PostgreSQL's words, for the client does not know which of the two keeps a table."""
_TIMEOUT: Final[_Kind] = SQLSTATES["57014"]
_CROSSED: Final[_Kind] = SQLSTATES["40001"]
_CHANGING: Final[_Kind] = SQLSTATES["55P03"]
_ROW_TOO_LARGE: Final[_Kind] = (
    Invalid,
    "row_too_large",
    "A row is larger than MongoDB can hold (16 MB); shorten it.",
)
_ANSWER_TOO_LARGE: Final[_Kind] = (
    Invalid,
    "query_too_complex",
    "The answer, or a part of it, is larger than the database can make; ask for less.",
)
_WRITE_TOO_LARGE: Final[_Kind] = (
    Invalid,
    "query_too_complex",
    "The write is larger than MongoDB can hold in one transaction; send it in parts.",
)
_STANDALONE: Final[_Kind] = (
    Unavailable,
    "provider_not_available",
    "The server in DATAR_MONGODB_URL is no member of a replica set; it must be one, for transactions.",
)
_UNKNOWN_ZONE: Final[_Kind] = (
    Invalid,
    "invalid_aggregate",
    "The database that keeps the table does not know this time zone; name another one.",
)
_TOO_LARGE: Final = frozenset({10334, 17419, 17420, 4568, 5166303, 17260})
"""A document over 16 MB: sent, or made by a stage of a pipeline."""
MOVED: Final = 361
"""CollectionUUIDMismatch: the name stands for another collection, or for none."""
_STALE: Final = frozenset({26, 175, MOVED})
"""With NamespaceNotFound, and QueryPlanKilled of one that goes while it is read: the collection of an older schema."""
_CODES: Final[Mapping[int, _Kind]] = {
    **dict.fromkeys((50, 262), _TIMEOUT),  # MaxTimeMSExpired, ExceededTimeLimit
    **dict.fromkeys((112, 225, 251), _CROSSED),  # WriteConflict, TransactionTooOld, NoSuchTransaction
    **dict.fromkeys((24, 239, 246), _CHANGING),  # LockTimeout, SnapshotTooOld, SnapshotUnavailable
    **dict.fromkeys((20, 123), _STANDALONE),  # IllegalOperation (a transaction number), NotAReplicaSet
    388: _WRITE_TOO_LARGE,  # the server's cache could not hold it
    **dict.fromkeys((146, 292, 16819, 16945), _ANSWER_TOO_LARGE),  # a stage's memory
    40485: _UNKNOWN_ZONE,
    11000: SQLSTATES["23505"],
    121: SQLSTATES["23514"],  # DocumentValidationFailure
    14031: SQLSTATES["53100"],  # OutOfDiskSpace
    **dict.fromkeys((6, 7, 89, 9001), UNREACHABLE),  # of the nodes among each other
    **dict.fromkeys((91, 11600, 11602, 189, 10058, 10107, 13435, 13436), UNREACHABLE),  # shutting or stepping down
    **dict.fromkeys((64, 100, 133, 134), UNREACHABLE),  # no majority
    **dict.fromkeys((43, 237, 11601), UNREACHABLE),  # an operation or its cursor was killed
    18: UNREACHABLE,  # AuthenticationFailed, as PostgreSQL's
}
"""Source: mongod's error_codes.yml, and what 6.0 was seen to answer. What is not here is a bug of ours."""


@contextmanager
def wrapped(seconds: float | None = None, *, writes: bool = False) -> Iterator[None]:
    """Turn every driver error into a kind of ours; raise Stale where a newer schema is to be loaded.

    ``seconds`` is the deadline of all that is sent in the block, at the server and here. A generator must not be given
    one, for it is kept in the thread's context: it says ``max_time_ms`` where it sends.
    """
    began = time.monotonic()
    try:
        if seconds is None:
            yield
        else:
            with pymongo.timeout(seconds):
                yield
    except (PyMongoError, DocumentTooLarge) as error:
        if code_of(error) in _STALE:
            raise Stale from error
        late = seconds is not None and time.monotonic() - began >= seconds
        kind = translated(error, writes=writes, late=late)
        if kind is error:
            raise
        raise kind from error


def translated(error: Exception, *, writes: bool = False, late: bool = False) -> Exception:
    """The kind of a driver error; the error itself when it is a bug of ours. ``late``: the deadline is over."""
    found = _kind_of(error, writes=writes, late=late)
    return error if found is None else _made(found)


def unreachable() -> DatarError:
    """The server is not there, or says nothing."""
    return _made(UNREACHABLE)


def late() -> DatarError:
    """An answer, or a whole stream, took too long."""
    return _made(_TIMEOUT)


def answer_too_large() -> DatarError:
    """The answer, or a part of it, is larger than MongoDB can make."""
    return _made(_ANSWER_TOO_LARGE)


def crossed() -> DatarError:
    """Another write came between, too often."""
    return _made(_CROSSED)


def _made(found: _Kind) -> DatarError:
    kind, code, detail = found
    return kind(detail, code=code)


def code_of(error: Exception) -> int:
    """The server's number of an error, of a batch that of its first; 0 when it has none."""
    if isinstance(error, BulkWriteError):
        failed: Any = error.details.get("writeErrors") or error.details.get("writeConcernErrors") or [{}]
        return int(failed[0].get("code") or 0)
    return int(error.code or 0) if isinstance(error, OperationFailure) else 0


def is_too_large(error: Exception) -> bool:
    """Whether a document is larger than MongoDB holds, as pymongo says or the server."""
    return isinstance(error, DocumentTooLarge) or code_of(error) in _TOO_LARGE


def _kind_of(error: Exception, *, writes: bool, late: bool) -> _Kind | None:
    if isinstance(error, WaitQueueTimeoutError):
        return (Unavailable, "overloaded", "Too many requests at once; try again.")
    if is_too_large(error):
        return _ROW_TOO_LARGE if writes else _ANSWER_TOO_LARGE
    if isinstance(error, ConnectionFailure):
        return _TIMEOUT if late and isinstance(error, NetworkTimeout) else UNREACHABLE
    found = _CODES.get(code_of(error))
    if found is None and isinstance(error, PyMongoError):
        if error.has_error_label("TransientTransactionError"):
            return _CROSSED
        if error.has_error_label("RetryableWriteError"):
            return UNREACHABLE
    return found
