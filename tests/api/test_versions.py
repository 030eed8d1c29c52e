"""What the migration puts beside a tenant's tables: one version sequence, two functions that know no other schema."""

from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.cast import acme


@pytest.fixture
def scratch(pg: "psycopg.Connection[Any]") -> Any:
    """A sequence of its own in acme's schema, as text of a regclass."""
    schema = Identifier(acme().schema)
    pg.execute(SQL("CREATE SEQUENCE {}.scratch").format(schema))
    yield f"{acme().schema}.scratch"
    pg.execute(SQL("DROP SEQUENCE {}.scratch").format(schema))


def test_a_key_sequence_moves_on_and_never_back(pg: "psycopg.Connection[Any]", scratch: str) -> None:
    advance = SQL("SELECT {}.datar_advance(%s::regclass, %s)").format(Identifier(acme().schema))

    def following(value: int) -> int:
        pg.execute(advance, [scratch, value])
        row = pg.execute("SELECT nextval(%s::regclass)", [scratch]).fetchone()
        assert row is not None
        return int(row[0])

    assert [following(value) for value in (1, 1, 50, 7, -3, 52, 2**62)] == [2, 3, 51, 52, 53, 54, 2**62 + 1]


def test_the_lock_is_given_back_when_advancing_fails(pg: "psycopg.Connection[Any]", scratch: str) -> None:
    pg.execute(SQL("ALTER SEQUENCE {}.scratch MAXVALUE 100").format(Identifier(acme().schema)))
    with pytest.raises(psycopg.Error):
        pg.execute(SQL("SELECT {}.datar_advance(%s::regclass, 101)").format(Identifier(acme().schema)), [scratch])
    held = pg.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()").fetchone()
    assert held == (0,)


def test_rows_are_versioned_by_their_own_schemas_sequence(pg: "psycopg.Connection[Any]") -> None:
    schema = Identifier(acme().schema)
    pg.execute(
        SQL(
            "CREATE TABLE {0}.scratch_rows (a int, stamp timestamptz, _updated_at timestamptz, _version bigint);"
            "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON {0}.scratch_rows"
            " FOR EACH ROW EXECUTE FUNCTION {0}.datar_touch('stamp')"
        ).format(schema)
    )
    try:
        pg.execute("SET search_path TO pg_catalog")
        first = pg.execute(SQL("INSERT INTO {}.scratch_rows VALUES (1) RETURNING *").format(schema)).fetchone()
        again = pg.execute(SQL("UPDATE {}.scratch_rows SET a = 2 RETURNING *").format(schema)).fetchone()
        last = pg.execute(SQL("SELECT last_value FROM {}.datar_version").format(schema)).fetchone()
        assert first is not None and again is not None and last is not None
        assert first[1] is not None
        assert first[1] == first[2] < again[2]
        assert first[3] < again[3] == last[0]
    finally:
        pg.execute(SQL("DROP TABLE {}.scratch_rows").format(schema))
