"""DI-10 and DI-11 over HTTP: pages while others write; one answer speaks of one moment."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from django.test import Client as HttpClient

from tests.api.descriptors import new_app, new_table
from tests.api.kept import Kept
from tests.api.queried import url
from tests.cast import Api, globex, new_tenant
from tests.stores import PROVIDERS, mongodb_known

BATCH = 7
"""Rows are always written so many at once, so a whole moment has a multiple of them."""
LINES: dict[str, Any] = {
    "fields": [
        {"name": "kind", "type": "integer"},
        {"name": "note", "type": "string"},
        {"name": "stays", "type": "boolean"},
    ]
}
_numbers = itertools.count(1)


def new_lines(api: Api) -> str:
    """An empty table; its rows' URL."""
    return new_table(api, new_app(api, "Pages"), f"lines{next(_numbers)}", LINES, materialize=True) + "data/"


def own_client(api: Api) -> Api:
    """The same credentials for another thread."""
    return replace(api, http=HttpClient(raise_request_exception=False))


@contextmanager
def writing(count: int, write: Callable[[int], None]) -> Iterator[None]:
    """Threads that write again and again for the length of the block; what they raise is raised at its end."""
    done = threading.Event()

    def work(place: int) -> None:
        try:
            while not done.is_set():
                write(place)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(work, place) for place in range(count)]
        try:
            yield
        finally:
            done.set()
        for future in futures:
            future.result()


def churn(api: Api, data: str, count: int) -> Callable[[int], None]:
    """Each call creates a batch and removes one, by ids or by filter, in turn."""
    clients = [own_client(api) for _ in range(count)]
    turns = [itertools.count() for _ in range(count)]

    def write(place: int) -> None:
        mine, turn = clients[place], next(turns[place])
        batch = [{"kind": number % 3, "note": f"writer {place}"} for number in range(BATCH)]
        made = mine.post(data, batch)
        assert made.status == 201, made
        ids = [row["id"] for row in made.data["data"]]
        if turn % 2:
            gone = mine.delete(f"{data}?ids={','.join(map(str, ids))}")
        else:
            gone = mine.delete(url(data, [("filter", f'{{"id__in":{ids}}}')]))
        assert (gone.status, gone.data["deleted"]) == (200, BATCH), gone

    return write


LISTS: list[tuple[tuple[str, str], ...]] = [
    (("page_size", "1000"), ("ordering", "kind")),
    (("page_size", "1000"), ("ordering", "-kind"), ("note__nnull", "true")),
    (("limit", "1000"), ("offset", "0"), ("ordering", "-kind"), ("note__startswith", "w")),
    (("page_size", "1000"), ("ordering", "kind"), ("filters", '{"or":[{"kind__gte":0},{"note":"x"}]}')),
    (("page_size", "1000"), ("ordering", "-kind"), ("search", "writer")),
]


def test_di_11_total_and_data_are_of_one_moment_and_ties_are_broken_by_the_key() -> None:
    api = new_tenant("moment").api
    data = new_lines(api)
    assert api.post(data, [{"kind": number % 3, "note": "writer of old"} for number in range(10 * BATCH)]).status == 201
    totals: set[int] = set()
    with writing(2, churn(api, data, 2)):
        for turn in range(300):
            pairs = LISTS[turn % len(LISTS)]
            answer = api.get(url(data, pairs)).data
            assert answer["total"] == len(answer["data"]), pairs
            assert answer["total"] % BATCH == 0, "batches are whole"
            down = dict(pairs)["ordering"].startswith("-")
            keys = [((-1 if down else 1) * row["kind"], row["id"]) for row in answer["data"]]
            assert keys == sorted(keys)
            totals.add(answer["total"])
    assert len(totals) > 1, "the writers did write meanwhile"


def test_di_11_numbers_of_groups_are_of_one_moment() -> None:
    api = new_tenant("groups").api
    data = new_lines(api)
    api.post(data, [{"kind": number % 3, "note": "writer of old"} for number in range(BATCH)])
    with writing(2, churn(api, data, 2)):
        for _ in range(100):
            alone = api.get(url(data, [("_aggregate", "count(*) as n,count(kind) as k,array_agg(id) as ids")])).data
            one = alone["data"][0]
            assert one["n"] == one["k"] == len(one["ids"]) and one["n"] % BATCH == 0
            assert alone["aggregates"] == one
            words = [("_group_by", "kind"), ("_aggregate", "count(*) as n,array_agg(id) as ids")]
            groups = api.get(url(data, words)).data
            assert groups["total"] == len(groups["data"]) == 3
            assert sum(group["n"] for group in groups["data"]) % BATCH == 0
            assert all(group["n"] == len(group["ids"]) for group in groups["data"])


def test_di_11_pages_of_equal_rows_do_not_overlap() -> None:
    api = new_tenant("ties").api
    data = new_lines(api)
    api.post(data, [{"kind": 1} for _ in range(95)])
    for words in ([("ordering", "kind")], [("ordering", "-kind,note")], [("ordering", "note,-stays,kind")]):
        seen = [
            row["id"]
            for page in range(1, 12)
            for row in api.get(url(data, [*words, ("page", str(page)), ("page_size", "9")])).data["data"]
        ]
        assert seen == list(range(1, 96)), "equal rows come by their key, each once"


@pytest.fixture(params=PROVIDERS)
def kept(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[Kept]:
    """A tenant whose tables a provider keeps."""
    with mongodb_known():
        yield Kept(request.param)


def test_di_10_cursor_pages_under_churn_show_every_row_once(kept: Kept) -> None:
    api = kept.api
    data = kept.table("lines", LINES)
    rows = [{"kind": number % 5, "stays": True} for number in range(300)]
    stay = {row["id"] for row in api.post(data, rows).data["data"]}
    with writing(2, churn(api, data, 2)):
        for ordering in ("kind", "-kind,note", "-id"):
            seen: list[int] = []
            cursor: str | None = ""
            while cursor is not None:
                pairs = [("cursor", cursor), ("ordering", ordering), ("page_size", "23")]
                page = api.get(url(data, pairs))
                assert page.status == 200, page
                seen += [row["id"] for row in page.data["data"] if row["stays"]]
                cursor = page.data["next_cursor"]
            assert len(seen) == len(set(seen)), "no row twice"
            assert set(seen) == stay, "no row missed"


def test_di_10_a_cursor_is_signed_and_bound(kept: Kept) -> None:
    api, other = kept.api, globex().api
    data = kept.table("lines", LINES)
    api.post(data, [{"kind": number, "note": "n"} for number in range(5)])
    question = [("note", "n"), ("ordering", "-kind"), ("page_size", "2")]
    cursor = api.get(url(data, [("cursor", ""), *question])).data["next_cursor"]
    good = api.get(url(data, [("cursor", cursor), *question])).data
    assert [row["kind"] for row in good["data"]] == [2, 1]
    smaller = api.get(url(data, [("cursor", cursor), *question[:2], ("page_size", "1"), ("fields", "kind")])).data
    assert smaller["data"] == [{"kind": 2}]

    def code(client: Api, place: str, pairs: list[tuple[str, str]]) -> str:
        answer = client.get(url(place, pairs))
        assert answer.status == 400, (pairs, answer)
        return answer.code

    bad_cursors = ["x", "e30", " ", "null", cursor[:-1], cursor[::-1]]
    bad_cursors += [f"{cursor}A", f"{cursor}!", f" {cursor}", f"{cursor}="]
    changed = [
        cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :] for place in range(len(cursor))
    ]
    for pairs in (
        [("cursor", cursor)],
        [("cursor", cursor), ("note", "n")],
        [("cursor", cursor), ("note", "m"), ("ordering", "-kind")],
        [("cursor", cursor), ("note", "n"), ("ordering", "kind")],
        [("cursor", cursor), ("note", "n"), ("ordering", "-kind"), ("search", "n")],
        *([("cursor", bad), *question] for bad in bad_cursors),
        *([("cursor", forged), *question] for forged in changed),
    ):
        assert code(api, data, pairs) == "invalid_cursor", pairs
    theirs = new_lines(other)
    other.post(theirs, [{"kind": number, "note": "n"} for number in range(5)])
    assert code(other, theirs, [("cursor", cursor), *question]) == "invalid_cursor"
    assert code(api, kept.table("others", LINES), [("cursor", cursor), *question]) == "invalid_cursor"


def test_di_10_a_cursor_of_another_tenants_table_of_the_same_name_is_refused() -> None:
    ours, theirs = new_tenant("same").api, new_tenant("same").api
    places = []
    for api in (ours, theirs):
        assert api.post("/api/apps/", {"name": "Same", "slug": "same"}).status == 201
        places.append(new_table(api, "/api/apps/same/", "lines", LINES, materialize=True) + "data/")
        api.post(places[-1], [{"kind": number} for number in range(5)])
    assert places[0] == places[1]
    start = [("cursor", ""), ("page_size", "2")]
    cursor = theirs.get(url(places[1], start)).data["next_cursor"]
    answer = ours.get(url(places[0], [("cursor", cursor), ("page_size", "2")]))
    assert (answer.status, answer.code) == (400, "invalid_cursor")
    in_body = ours.post(f"{places[0]}query/", {"cursor": cursor, "page_size": 2})
    assert (in_body.status, in_body.code) == (400, "invalid_cursor")
