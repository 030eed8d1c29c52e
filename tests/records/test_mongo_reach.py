"""MongoDB: when a server counts as silent, told by heartbeats as pymongo's monitors tell them."""

import threading
import time

import pytest
from pymongo.hello import Hello
from pymongo.monitoring import ServerHeartbeatSucceededEvent

from datar.errors import Unavailable
from records.providers.mongo.reach import DOUBT_SECONDS, DOUBTS, SILENT_SECONDS, Reach, patience

ADDRESS = ("db.example.com", 27017)
DOUBTED = DOUBTS * DOUBT_SECONDS


def beat(reach: Reach, *, primary: bool = True) -> None:
    """A server was heard of."""
    reply = {"ok": 1, "setName": "rs0", "isWritablePrimary": primary, "secondary": not primary}
    reach.succeeded(ServerHeartbeatSucceededEvent(0.001, Hello(reply), ADDRESS))


@pytest.fixture
def reach() -> Reach:
    """Of a server that was heard of, and then no more."""
    reach = Reach(direct=False)
    beat(reach)
    time.sleep(SILENT_SECONDS + 0.05)
    return reach


def test_a_silence_is_doubted_once_and_then_known(reach: Reach) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable):
        reach.require()
    assert time.monotonic() - began >= DOUBTED
    began = time.monotonic()
    for _ in range(1_000):
        with pytest.raises(Unavailable):
            reach.require()
    assert time.monotonic() - began < 1, "what is known is not doubted"


def test_a_heartbeat_during_the_doubt_ends_it_for_everybody(reach: Reach) -> None:
    """Monitors that had no processor, while others computed, hear of a server late: it was there."""
    refused: list[Exception] = []

    def require() -> None:
        try:
            reach.require()
        except Unavailable as error:
            refused.append(error)

    threads = [threading.Thread(target=require) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(DOUBT_SECONDS)
    beat(reach)
    for thread in threads:
        thread.join(5)
    assert not refused
    assert not reach.silent(ADDRESS)


def test_after_a_return_the_next_silence_is_doubted_anew(reach: Reach) -> None:
    assert reach.silent(ADDRESS)
    beat(reach)
    assert not reach.silent(ADDRESS)
    time.sleep(SILENT_SECONDS + 0.05)
    threading.Timer(DOUBT_SECONDS, beat, [reach]).start()
    assert not reach.silent(ADDRESS)


def test_a_server_that_takes_no_writes_answers_and_is_not_enough(reach: Reach) -> None:
    beat(reach, primary=False)
    assert not reach.silent(ADDRESS)
    with pytest.raises(Unavailable):
        reach.require()


def test_work_that_is_better_late_than_not_done_is_patient(reach: Reach) -> None:
    with patience(10):
        reach.require()
    with pytest.raises(Unavailable):
        reach.require()


def test_a_server_that_never_was_heard_of_is_looked_for_first() -> None:
    reach = Reach(direct=False)
    reach.require()
    reach.started(None)
    reach.require()
    assert not reach.there
    time.sleep(SILENT_SECONDS + 0.05)
    with pytest.raises(Unavailable):
        reach.require()
