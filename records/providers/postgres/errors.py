"""The provider's door: what psycopg raised becomes one of our kinds, without the server's words or names."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from datar.errors import DatarError, Invalid, from_sqlstate
from records.provider import Stale

STALE_STATES = frozenset({"42703", "42P01", "0A000", "42883"})
"""Undefined column or table, changed result: the statement was made for an older schema."""
RETRY_STATES = frozenset({"40001", "40P01"})
_TOO_LARGE = "54000"
"""Of an index's entry, which is then named, of a whole row, or of what is read."""


@contextmanager
def wrapped() -> Iterator[None]:
    """Turn every driver error of a read into a kind of ours; raise Stale where a newer schema is to be loaded."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate in STALE_STATES:
            raise Stale from error
        if error.sqlstate == _TOO_LARGE:
            raise Invalid(
                "The answer is larger than the database can make; ask for less.", code="query_too_complex"
            ) from error
        raise translated(error) from error


def translated(error: psycopg.Error) -> Exception:
    """The kind of a driver error; the error itself when it is a bug of ours."""
    if error.sqlstate is None and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return error
    if error.sqlstate == _TOO_LARGE and not error.diag.constraint_name:
        return Invalid("A row is larger than the database can hold; shorten it.", code="row_too_large")
    return from_sqlstate(error.sqlstate) or error


def with_fields(error: DatarError, fields: tuple[str, ...], index: int | None) -> DatarError:
    """The same conflict, saying which fields, and in a batch which row."""
    error.extra["fields"] = list(fields)
    if index is not None:
        error.extra["index"] = index
    return error
