"""TRUST CR-12: MongoDB away, frozen or without a primary is its tables' trouble alone, and over when it is back."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from datar.embedded import VOLATILE, Cluster
from datar.embedded_mongo import ReplicaSet
from tests.cluster import temporary_state
from tests.frozen import frozen
from tests.house.served import Served, served
from tests.mongo import why_not_mongodb

pytestmark = [
    pytest.mark.no_database,
    pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}"),
]

NOTES = {"fields": [{"name": "id", "type": "integer"}, {"name": "text", "type": "string"}], "primaryKey": "id"}
SECONDS = 2.5
"""TRUST says 2; the rest is for a machine that does other things too."""
THREADS = 4
LOST, STEPPED, BATCH = 7, 8, range(10, 300)
"""Keys of rows that are sent while nobody takes them."""


def rows(name: str) -> str:
    """Where the rows of a table are; the tables are called as their stores."""
    return f"/api/apps/shop/datatables/{name}/data/"


@dataclass(kw_only=True)
class Service(Served):
    """The server, and the MongoDB that goes."""

    mongo: ReplicaSet


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with temporary_state() as state:
        cluster = Cluster(state, int(os.environ.get("DATAR_TEST_POSTGRES", "18")), VOLATILE)
        mongo = ReplicaSet(state, durable=False)
        try:
            cluster.start()
            mongo.start()
            settings = {
                "DATABASE_URL": cluster.url(),
                "DATAR_MONGODB_URL": mongo.url(),
                "DATAR_THREADS": str(THREADS),
            }
            with served(state, settings) as asked:
                asked.register()
                service = Service(asked.server, asked.log, asked.credentials, mongo=mongo)
                fill(service)
                yield service
        finally:
            mongo.remove()
            cluster.remove()


def fill(service: Service) -> None:
    """A table of one row in each store."""
    created = [service.send("POST", "/api/apps/", {"name": "Shop", "slug": "shop"})]
    for provider in ("flat_table", "mongodb"):
        source = {"name": provider, "slug": provider.replace("_", "-"), "provider_type": provider}
        table = {"name": provider, "json_schema": NOTES, "materialize": True}
        created += [
            service.send("POST", "/api/apps/shop/datasources/", source),
            service.send("POST", f"/api/apps/shop/datasources/{source['slug']}/datatables/", table),
            service.send("POST", rows(provider), {"id": 1, "text": "one"}),
        ]
    assert [answer.status for answer in created] == [201] * 7, (created, service.log.read_text("utf-8"))


def assert_only_its_tables_suffer(service: Service) -> None:
    """For a while: many at once on both stores, reading and writing."""
    asked: list[tuple[str, str, Any]] = [
        ("GET", rows("mongodb"), None),
        ("POST", rows("mongodb"), {"id": LOST, "text": "lost"}),
        ("POST", rows("mongodb"), [{"id": number} for number in BATCH]),
        ("PATCH", f"{rows('mongodb')}1/", {"text": "changed"}),
        ("DELETE", f"{rows('mongodb')}?ids=1", None),
    ]
    with ThreadPoolExecutor(THREADS - 1) as threads:
        first = list(threads.map(lambda request: service.timed(*request), asked[: THREADS - 1]))
        flat = [service.timed("GET", rows("flat_table")) for _ in range(5)]
        known = list(threads.map(lambda request: service.timed(*request), asked * 2))
    for answer, seconds in first + known:
        assert (answer.status, answer.json["code"]) == (503, "db_unavailable"), answer
        assert int(answer.headers["retry-after"]) >= 1
        assert seconds < SECONDS, [round(took, 2) for _, took in first + known]
    assert max(seconds for _, seconds in known) < 0.5, "nobody waits for what is known to be away"
    assert [answer.status for answer, _ in flat] == [200] * 5
    assert service.send("POST", rows("flat_table"), {"text": "still here"}).status == 201
    ready: Any = service.send("GET", "/health/ready/").json
    assert ready == {"status": "degraded", "dependencies": {"postgresql": "ok", "mongodb": "unavailable"}}


def assert_healed(service: Service, since: float) -> None:
    """Reading and writing, soon after."""
    while (answer := service.send("GET", rows("mongodb"))).status != 200:
        assert time.monotonic() - since < SECONDS, answer
        time.sleep(0.05)
    while (answer := service.send("PATCH", rows("mongodb"), [{"id": 1, "text": "one"}])).status != 200:
        assert time.monotonic() - since < SECONDS, answer
        time.sleep(0.05)
    found: Any = service.send("GET", rows("mongodb")).json
    assert found["data"] == [{"id": 1, "text": "one"}]
    said = service.log.read_text("utf-8")
    assert "internal_error" not in said
    assert "unhandled" not in said


def test_cr_12_a_mongodb_that_is_stopped(service: Service) -> None:
    service.renew()
    service.mongo.stop()
    assert_only_its_tables_suffer(service)
    service.mongo.start()
    assert_healed(service, time.monotonic())


def test_cr_12_a_mongodb_that_is_frozen(service: Service) -> None:
    service.renew()
    assert service.mongo.pid is not None
    with frozen(service.mongo.pid):
        assert_only_its_tables_suffer(service)
    thawed = time.monotonic()
    take_back_what_was_kept(service, thawed)
    assert_healed(service, thawed)


def take_back_what_was_kept(service: Service, since: float) -> None:
    """A frozen server reads, once it thaws, what was sent to it: it may keep such a write, whole, as is documented."""
    while (answer := service.send("GET", f"{rows('mongodb')}?page_size=1000")).status != 200:
        assert time.monotonic() - since < SECONDS, answer
        time.sleep(0.05)
    found: Any = answer.json
    kept = {row["id"] for row in found["data"]} - {1}
    assert kept <= {LOST, *BATCH} and len(kept & {*BATCH}) in (0, len(BATCH))
    if kept:
        ids = ",".join(map(str, sorted(kept)))
        assert service.send("DELETE", f"{rows('mongodb')}?ids={ids}").status < 300


def test_cr_12_a_primary_that_steps_down(service: Service) -> None:
    service.renew()
    with MongoClient[dict[str, Any]](service.mongo.superuser_url()) as client:
        client.admin.command("replSetStepDown", 4, force=True)
        primary = primary_of(client)
        assert not primary()
        answer, seconds = service.timed("POST", rows("mongodb"), {"id": STEPPED})
        assert (answer.status, answer.json["code"], seconds < SECONDS) == (503, "db_unavailable", True)
        assert "retry-after" in answer.headers
        assert service.send("GET", rows("flat_table")).status == 200
        deadline = time.monotonic() + 30
        while not primary():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert_healed(service, time.monotonic())


def test_cr_12_who_asks_while_it_starts_is_told_to_come_back(service: Service) -> None:
    """A server that has just started knows no sessions yet: connections made then must not be kept."""
    service.renew()
    service.mongo.stop()
    with ThreadPoolExecutor(THREADS - 1) as threads:
        end = time.monotonic() + 5
        asking = [threads.submit(answers_until, service, end) for _ in range(THREADS - 1)]
        service.mongo.start()
        seen = set[tuple[int, str]]().union(*(each.result() for each in asking))
    assert (200, "") in seen
    assert seen <= {(200, ""), (503, "db_unavailable"), (503, "commit_unknown")}


def answers_until(service: Service, end: float) -> set[tuple[int, str]]:
    """Status and code of transactions and reads, one after the other."""
    seen = set()
    while time.monotonic() < end:
        for method, body in (("PATCH", [{"id": 1, "text": "one"}]), ("GET", None)):
            answer = service.send(method, rows("mongodb"), body)
            seen.add((answer.status, answer.headers.get("x-error-code", "")))
    return seen


def primary_of(client: MongoClient[dict[str, Any]]) -> Callable[[], bool]:
    """Whether the one server takes writes."""

    def asked() -> bool:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False

    return asked
