"""Pages after a cursor: every row once, in the list's order, whatever nulls, ties and directions; signed and bound."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datar.errors import Invalid
from records.cursors import read_cursor, write_cursor
from tests.records.engine import Engine, Layout, Rows
from tests.records.refusals import refused
from tests.records.shop import Shop

POINTS: dict[str, Any] = {
    "fields": [
        {"name": "a", "type": "integer"},
        {"name": "b", "type": "string", "constraints": {"required": True}},
        {"name": "c", "type": "number"},
        {"name": "d", "type": "datetime"},
        {"name": "e", "type": "duration"},
        {"name": "f", "type": "boolean"},
    ]
}


def walk(rows: Rows, size: int, *pairs: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """Every row of a list, page after page."""
    cursor: str | None = ""
    while cursor is not None:
        page = rows.ask(("cursor", cursor), ("page_size", str(size)), *pairs)
        assert list(page) == ["data", "next_cursor", "page_size"] and page["page_size"] == size
        assert len(page["data"]) == size or page["next_cursor"] is None
        yield from page["data"]
        cursor = page["next_cursor"]


def test_the_last_page_says_so(shop: Shop) -> None:
    assert shop.orders.ask(("cursor", ""), ("page_size", "6"))["next_cursor"] is None
    assert shop.orders.ask(("cursor", ""), ("page_size", "5"))["next_cursor"] is not None
    assert shop.orders.ask(("cursor", ""), ("number", "77")) == {"data": [], "next_cursor": None, "page_size": 20}


@pytest.mark.parametrize(
    "ordering",
    [
        "number",
        "-number",
        "total",
        "-total",
        "at,-total",
        "-at,number",
        "customer.name",
        "-customer.country.name,total",
    ],
)
def test_pages_follow_the_lists_order(one_store_shop: Shop, ordering: str) -> None:
    whole = one_store_shop.orders.ask(("ordering", ordering))["data"]
    for size in (1, 2, 4):
        assert list(walk(one_store_shop.orders, size, ("ordering", ordering))) == whole


@pytest.fixture(scope="module")
def points(database_url: str, layout: Layout) -> Iterator[Rows]:
    """An empty table for many examples."""
    engine = Engine(database_url, layout)
    yield engine.table("points", POINTS)
    engine.close()


_rows = st.lists(
    st.fixed_dictionaries(
        {"b": st.sampled_from(["", "a", "é", "z"])},
        optional={
            "a": st.none() | st.sampled_from([-(2**63), 0, 7]),
            "c": st.none() | st.sampled_from([0, -1, 1]),
            "d": st.none() | st.sampled_from(["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000001Z"]),
            "e": st.none() | st.sampled_from(["P1D", "PT24H", "PT1S"]),
            "f": st.none() | st.booleans(),
        },
    ),
    min_size=1,
    max_size=12,
)
_order = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", "d", "e", "f", "id"])),
    max_size=4,
    unique_by=lambda t: t[1],
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_rows, order=_order, size=st.integers(1, 5))
def test_any_order_of_any_rows_is_walked_once(
    points: Rows, rows: list[dict[str, Any]], order: list[tuple[bool, str]], size: int
) -> None:
    ids = [row["id"] for row in points.list(page_size="1000")["data"]]
    if ids:
        points.delete_many(ids=",".join(map(str, ids)))
    points.create(rows)
    pairs = [("ordering", ",".join(("-" if down else "") + name for down, name in order))] if order else []
    whole = points.ask(("page_size", "1000"), *pairs)["data"]
    assert list(walk(points, size, *pairs)) == whole


def test_di_10_rows_alive_throughout_are_seen_once_under_churn(engine: Engine) -> None:
    rows = engine.table("churn", {"fields": [{"name": "n", "type": "integer"}, {"name": "x", "type": "integer"}]})
    rows.create([{"n": number % 7, "x": number} for number in range(200)])
    seen: list[int] = []
    cursor: str | None = ""
    turn = 0
    alive = {number for number in range(1, 201) if number % 3}
    while cursor is not None:
        page = rows.ask(("cursor", cursor), ("page_size", "10"), ("ordering", "-n"))
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
        # The very row a cursor stands on may go; rows come before and after it.
        doomed = [number for number in (3 * turn + 3, 198 - 3 * turn) if number % 3 == 0 and 0 < number <= 200]
        rows.create([{"n": turn % 7, "x": -1}, {"n": None, "x": -1}])
        found = [row["id"] for row in rows.ask(("id__in", ",".join(map(str, {*doomed, 1}))))["data"]]
        gone = [number for number in found if number in doomed]
        if gone:
            rows.delete_many(ids=",".join(map(str, gone)))
        turn += 1
        assert turn < 60
    kept = [number for number in seen if number in alive]
    assert sorted(kept) == sorted(alive)
    assert len(seen) == len(set(seen))


def test_di_10_a_cursor_is_good_for_its_own_question_only(shop: Shop, engine: Engine) -> None:
    cursor = shop.orders.ask(("cursor", ""), ("page_size", "2"), ("total__gt", "1"))["next_cursor"]
    same = shop.orders.ask(("cursor", cursor), ("total__gt", "1"), ("fields", "number"), ("page_size", "1"))
    assert same["data"] == [{"number": 3}]
    others = [
        (("total__gt", "2"),),
        (("total__gt", "1"), ("ordering", "-number")),
        (),
        (("total__gt", "1"), ("number", "1")),
    ]
    for pairs in others:
        with refused(Invalid, "invalid_cursor"):
            shop.orders.ask(("cursor", cursor), *pairs)
    with refused(Invalid, "invalid_cursor"):
        shop.customers.ask(("cursor", shop.orders.ask(("cursor", ""), ("page_size", "2"))["next_cursor"]))


def test_di_10_a_cursor_of_another_tenant_is_refused(shop: Shop, database_url: str, layout: Layout) -> None:
    other = Engine(database_url, layout)
    try:
        cursor = Shop(other).orders.ask(("cursor", ""), ("page_size", "2"))["next_cursor"]
    finally:
        other.close()
    with refused(Invalid, "invalid_cursor"):
        shop.orders.ask(("cursor", cursor))


@pytest.mark.parametrize("cursor", ["x", "....", "AAAA", "é", "A" * 5000, "null", "\x00", " ", "e30", "{}"])
def test_di_10_bad_cursors(shop: Shop, cursor: str) -> None:
    with refused(Invalid, "invalid_cursor"):
        shop.orders.ask(("cursor", cursor))


@given(st.lists(st.none() | st.text()), st.text())
def test_no_letter_of_a_cursor_can_be_changed(place: list[str | None], mark: str) -> None:
    place = [None if text is None else text.encode("utf-8", "replace").decode() for text in place]
    mark = mark.encode("utf-8", "replace").decode()
    cursor = write_cursor(b"secret", mark, place)
    assert read_cursor(b"secret", mark, cursor) == tuple(place)
    for secret, other in ((b"other", mark), (b"secret", mark + "x")):
        with refused(Invalid, "invalid_cursor"):
            read_cursor(secret, other, cursor)


@pytest.mark.parametrize("word", ["page", "limit", "offset"])
def test_a_cursor_goes_with_no_other_paging(shop: Shop, word: str) -> None:
    with refused(Invalid, "invalid_pagination"):
        shop.orders.ask(("cursor", ""), (word, "1"))
