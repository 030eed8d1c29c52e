"""A table that moves while others write and read it: nothing that was answered for is lost, nothing breaks."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest
from django.db import connections
from django.test import Client as HttpClient
from pytest_django.fixtures import Settings

from tests.api.moves import app_of, make, move, with_mongodb
from tests.cast import Api
from tests.mongo import why_not_mongodb

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

SCHEMA = {"fields": [{"name": "n", "type": "integer"}, {"name": "who", "type": "string"}]}
BUSY = {"schema_locked", "conflict_retry", "overloaded", "query_timeout"}
"""What somebody may be told who came at the wrong moment: nothing was done."""
BEHIND_SECONDS = 1.0


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    """A client of a service that knows a MongoDB."""
    with with_mongodb(settings) as api:
        yield api


@dataclass
class Crowd:
    """Writers and a reader of one table, until they are told to stop."""

    api: Api
    table: str
    added: dict[int, tuple[str, int]] = field(default_factory=dict)
    """By id, who added the row and what its number was last answered to be."""
    times: list[float] = field(default_factory=list)
    """When each row was answered for."""
    wrong: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def write(self, who: str) -> None:
        """Add rows and change them."""
        api = replace(self.api, http=HttpClient(raise_request_exception=False))
        while not self.over.is_set():
            made = api.post(f"{self.table}data/", {"n": 0, "who": who}, Accept="application/problem+json")
            if made.status != 201:
                self._refused(made.status, made.code)
                continue
            key = made.data["data"]["id"]
            self.added[key] = (who, 0)
            self.times.append(time.monotonic())
            changed = api.patch(f"{self.table}data/{key}/", {"n": key}, Accept="application/problem+json")
            if changed.status == 200:
                self.added[key] = (who, key)
            else:
                self._refused(changed.status, changed.code)

    def write_many(self, who: str) -> None:
        """Add some rows at once."""
        api = replace(self.api, http=HttpClient(raise_request_exception=False))
        while not self.over.is_set():
            made = api.post(f"{self.table}data/", [{"n": 5, "who": who}] * 20, Accept="application/problem+json")
            if made.status == 201:
                for row in made.data["data"]:
                    self.added[row["id"]] = (who, 5)
                    self.times.append(time.monotonic())
            else:
                self._refused(made.status, made.code)

    def read(self, who: str) -> None:
        """Count the rows: never fewer than were answered for a second ago."""
        api = replace(self.api, http=HttpClient(raise_request_exception=False))
        while not self.over.is_set():
            known = sum(each < time.monotonic() - BEHIND_SECONDS for each in list(self.times))
            found = api.get(f"{self.table}data/?page_size=1", Accept="application/problem+json")
            if found.status != 200:
                self._refused(found.status, found.code)
            elif found.data["total"] < known:
                self.wrong.append(f"{found.data['total']} rows, of {known}")

    def _refused(self, status: int, code: str) -> None:
        self.told[code] += 1
        if code not in BUSY:
            self.wrong.append(f"{status} {code}")


def meanwhile(work: Callable[[str], None], name: str) -> None:
    """In a thread of its own, with a connection of its own."""
    try:
        work(name)
    finally:
        connections.close_all()


@pytest.mark.parametrize("kinds", [("mongodb", "flat_table"), ("jsonb", "flat_table"), ("jsonb", "mongodb")])
def test_no_row_is_lost_while_a_table_goes_round(api: Api, kinds: tuple[str, str]) -> None:
    table = make(api, app_of(api), kinds[-1], "things", SCHEMA)
    crowd = Crowd(api, table)
    works = [(crowd.write, "a"), (crowd.write, "b"), (crowd.write_many, "c"), (crowd.read, "d")]
    with ThreadPoolExecutor(len(works)) as pool:
        tasks = [pool.submit(meanwhile, work, name) for work, name in works]
        moves = Counter[str]()
        try:
            for kind in kinds * 4:
                time.sleep(0.1)
                answer = move(api, table, kind)
                moves[answer.code or "done"] += 1
                assert answer.status in (200, 503), answer
        finally:
            crowd.over.set()
        for task in tasks:
            task.result()
    assert not crowd.wrong, crowd.wrong[:5]
    assert moves["done"] > 2, moves
    time.sleep(BEHIND_SECONDS)
    lines = api.get(f"{table}data/?ordering=id", Accept="application/x-ndjson").content.splitlines()
    assert len(lines) == api.get(f"{table}data/?page_size=1").data["total"]
    kept = {row["id"]: (row["who"], row["n"]) for row in map(json.loads, lines)}
    assert not {key: value for key, value in crowd.added.items() if kept.get(key, ("", 0))[0] != value[0]}
    lost = {key for key, (_, number) in crowd.added.items() if number and kept[key][1] != number}
    assert not lost, lost
    assert len(crowd.added) > 50, (crowd.told, moves)
