"""A statement's rows while they come: pieces of lines, on a connection that is held until the last one.

Memory holds a piece and a few rows, however many there are. Closing a stream cancels its statement and gives the
connection back.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import psycopg
from psycopg import capabilities

from records.exports import Form, Pieces, pieces
from records.providers.postgres.errors import wrapped
from records.providers.postgres.pool import Pool

_ROWS_AT_ONCE: Final = 20
"""More of them cost memory where rows are large, fewer cost time: measured, one by one takes twice as long."""


def stream(pool: Pool, text: bytes, values: Mapping[str, Any], form: Form, labels: Sequence[str]) -> Pieces:
    """The lines that the statement gives, one text a row. The first piece is there when this returns.

    Raises what a read raises; so does a later piece, but for Stale. A connection that broke before the first piece is
    replaced and the statement sent once more.
    """
    try:
        return Pieces(_pieces(pool, text, values, form, labels))
    except Exception as error:
        if not _lost(error.__cause__):
            raise
    pool.check()
    return Pieces(_pieces(pool, text, values, form, labels))


def _pieces(
    pool: Pool, text: bytes, values: Mapping[str, Any], form: Form, labels: Sequence[str]
) -> Generator[bytes, None, None]:
    size = _ROWS_AT_ONCE if capabilities.has_stream_chunked() else 1
    with (
        wrapped(),
        pool.export_connection() as connection,
        connection.cursor() as cursor,
        closing(cursor.stream(text, values, size=size)) as rows,  # type: ignore[type-var]  # it is a generator
    ):
        yield from pieces((row[0] for row in rows), form, labels)


def _lost(error: BaseException | None) -> bool:
    """Whether the connection broke: then nothing is known to be wrong with the statement."""
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith("57P")
