"""The bounded memory: by number, by weight, and what statements weigh at the server."""

from records.kept import Kept
from tests.records.engine import Engine


def test_what_was_used_longest_ago_goes_first() -> None:
    kept = Kept[str, int](2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)
    kept.drop(lambda key: key == "a")
    assert (kept.get("a"), kept.get("c")) == (None, 3)


def test_weights_are_bounded_together() -> None:
    kept = Kept[str, int](10, 100)
    kept.put("a", 1, 60)
    kept.put("b", 2, 40)
    kept.put("a", 3, 50)
    assert (kept.get("b"), kept.get("a")) == (2, 3)
    kept.put("c", 4, 20)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (3, None, 4)
    kept.put("d", 5, 101)
    assert (kept.get("a"), kept.get("d")) == (3, None)
    kept.put("a", 6, 101)
    assert kept.get("a") is None
    kept.put("e", 7, 80)
    assert (kept.get("c"), kept.get("e")) == (4, 7)


def test_long_statements_are_not_prepared(sql_engine: Engine) -> None:
    narrow = sql_engine.table("narrow", {"fields": [{"name": "x", "type": "string"}]})
    wide = sql_engine.table("wide", {"fields": [{"name": f"field_number_{n}", "type": "string"} for n in range(800)]})
    with sql_engine.pool.connection() as connection:
        connection.execute("DEALLOCATE ALL")
    for _ in range(20):
        narrow.list()
        wide.list()
    statements: list[str] = []
    for _ in range(20):
        with sql_engine.pool.connection() as connection:
            found = connection.execute("SELECT statement FROM pg_prepared_statements").fetchall()
            statements += [text.decode() for (text,) in found]
    assert any("narrow" in statement for statement in statements)
    assert not any("wide" in statement for statement in statements)
