"""``manage.py up`` and the embedded MongoDB: started for whoever needs it first; where it cannot run, that is said."""

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from datar.wanted import Wanted
from tests.house.test_server import free_port
from tests.house.test_up import BARE, clone, place, processes_of, read_until_ready, wait_until_gone
from tests.mongo import why_not_mongodb

__all__ = ["clone", "place"]  # fixtures

pytestmark = [
    pytest.mark.no_database,
    pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}"),
]

SCHEMA = {"fields": [{"name": "id", "type": "integer"}, {"name": "text", "type": "string"}]}
ROWS = "/api/apps/shop/datatables/mongo/data/"


@dataclass
class Running:
    """An ``up`` that is ready, what it has printed so far, and the credentials of its one tenant."""

    port: int
    said: str
    credentials: dict[str, str]

    def send(self, method: str, path: str, value: Any = None) -> tuple[int, Any]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json", **self.credentials}
            connection.request(method, path, json.dumps(value) if value is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def register(self) -> None:
        """Make the tenant, and an app with a datasource of each store."""
        status, made = self.send("POST", "/api/auth/register/", {"email": "a@b.example", "password": "horse 7 staple"})
        assert status == 201, made
        self.credentials.update({"Api-Key": made["api_key"], "Authorization": f"Bearer {made['access']}"})
        self.create("/api/apps/", {"name": "Shop", "slug": "shop"})
        for slug, provider in (("flat", "flat_table"), ("mongo", "mongodb")):
            body = {"name": slug, "slug": slug, "provider_type": provider}
            self.create("/api/apps/shop/datasources/", body)

    def create(self, path: str, body: Any) -> None:
        """POST what must succeed."""
        status, answer = self.send("POST", path, body)
        assert status == 201, answer

    def make_table(self, source: str) -> tuple[int, Any]:
        """A table called as its datasource."""
        body = {"name": source, "json_schema": SCHEMA, "materialize": True}
        return self.send("POST", f"/api/apps/shop/datasources/{source}/datatables/", body)


@contextmanager
def running(clone: Path, credentials: dict[str, str]) -> Iterator[Running]:
    """``up``, ended politely; nothing of it is left."""
    port = free_port()
    process, said = read_until_ready(clone, port, dict(BARE))
    with process:
        try:
            yield Running(port, said, credentials)
        finally:
            process.terminate()
            assert process.stdout is not None
            process.stdout.read()
            assert process.wait(30) == 0
    wait_until_gone(clone)


def mongods(clone: Path) -> list[int]:
    """The process ids of the servers that work for ``clone``; their data are named in their commands."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text("utf-8", "replace").split("\0")
        except OSError:
            continue
        if command[0].endswith("mongod") and any(str(clone) in part for part in command):
            found.append(int(process.name))
    return found


def test_it_is_started_for_the_first_table_and_from_then_on(clone: Path) -> None:
    credentials: dict[str, str] = {}
    wanted, obstacle = Wanted(clone / ".datar" / "mongodb-6.wanted"), clone / ".datar" / "mongodb-6"
    with running(clone, credentials) as up:
        assert "MongoDB" not in up.said
        up.register()
        assert up.make_table("flat")[0] == 201
        assert (mongods(clone), wanted.asked) == ([], False)
        obstacle.write_text("in the way")
        status, refused = up.make_table("mongo")
        assert (status, refused["code"]) == (503, "provider_not_available")
        assert "MongoDB" in refused["detail"]
        assert str(clone) not in refused["detail"], "a client learns nothing of this machine"
        assert up.send("GET", "/api/apps/shop/datatables/flat/data/")[0] == 200
        assert up.send("GET", "/health/ready/") == (200, {"status": "ok", "dependencies": {"postgresql": "ok"}})
    assert str(clone) in wanted.refusal
    obstacle.unlink()
    with running(clone, credentials) as up:
        assert "Starting the embedded MongoDB" in up.said
        assert len(mongods(clone)) == 1
        assert up.make_table("mongo")[0] == 201
        up.create(ROWS, {"text": "one"})
        os.kill(mongods(clone)[0], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while (answer := up.send("GET", ROWS))[0] != 200:
            assert time.monotonic() < deadline, "one that ends by itself is started again"
            time.sleep(0.1)
        assert answer[1]["data"] == [{"id": 1, "text": "one"}]
        everything = {"postgresql": "ok", "mongodb": "ok"}
        deadline = time.monotonic() + 20
        while (ready := up.send("GET", "/health/ready/")) != (200, {"status": "ok", "dependencies": everything}):
            assert time.monotonic() < deadline, f"that no table lives there may be 10 s old: {ready}"
            time.sleep(0.2)
    assert processes_of(clone) == []
    assert (wanted.asked, wanted.ready) == (True, False)


def test_it_is_started_while_the_service_runs(clone: Path) -> None:
    with running(clone, {}) as up:
        assert mongods(clone) == []
        up.register()
        assert up.make_table("mongo")[0] == 201
        assert len(mongods(clone)) == 1
    assert processes_of(clone) == []
