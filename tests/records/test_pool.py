"""The pool of record connections: what is said when none is free, and when there is no database."""

import contextlib

import pytest

from datar.errors import Unavailable
from records.providers.postgres import pool as pools
from records.providers.postgres.pool import Pool
from tests.records.refusals import refused


@pytest.mark.parametrize(("bulk", "size"), [(False, 2), (True, 3)])
def test_a_pool_all_of_whose_connections_are_busy_is_overloaded(
    database_url: str, monkeypatch: pytest.MonkeyPatch, bulk: bool, size: int
) -> None:
    monkeypatch.setattr(pools, "_WAIT_SECONDS", 1.0)
    pool = Pool(database_url, size=size if not bulk else size * 2)
    with contextlib.closing(pool), contextlib.ExitStack() as stack:
        for _ in range(size):
            stack.enter_context(pool.connection(bulk=bulk))
        with refused(Unavailable, "overloaded") as refusal, pool.connection(bulk=bulk):
            pass
        assert refusal.error.retry_after
        with pool.connection(bulk=not bulk) as other:
            assert other.execute("SELECT 1").fetchone() == (1,)


def test_a_database_that_is_not_there_is_unavailable() -> None:
    with contextlib.closing(Pool("postgresql://nobody@127.0.0.1:1/none", size=2)) as pool:
        with refused(Unavailable, "db_unavailable"), pool.connection():
            pass
        with refused(Unavailable, "db_unavailable"), pool.connection(bulk=True):
            pass
