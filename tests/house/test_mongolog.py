"""The log of the embedded MongoDB: it may be read by whoever keeps the machine, and rows are none of their business."""

import time

import pytest
from pymongo.errors import PyMongoError

from tests.cluster import temporary_state
from tests.house.test_embedded_mongo import connected, running
from tests.mongo import why_not_mongodb

pytestmark = [
    pytest.mark.no_database,
    pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}"),
]

CANARY = "canary-5f1c"


def test_the_log_holds_no_value_of_a_row() -> None:
    with temporary_state() as state, running(state, durable=False) as mongo:
        _fill_log(mongo.url())
        size = -1
        while size != (size := mongo.log.stat().st_size):
            time.sleep(0.3)  # the log comes through a pipe
        log = mongo.log.read_text()
    assert "executor error" in log
    assert CANARY not in log


def _fill_log(url: str) -> None:
    """Commands that fail and would be quoted with their values."""
    with connected(url) as client:
        rows = client["shop"]["rows"]
        rows.create_index("a", unique=True)
        rows.insert_one({"a": CANARY})
        for fails in (
            lambda: rows.insert_one({"a": CANARY}),
            lambda: list(rows.aggregate([{"$match": {"a": CANARY}}, {"$project": {"b": {"$toInt": "$a"}}}])),
            lambda: rows.update_one({"a": CANARY}, [{"$set": {"b": {"$toInt": "$a"}}}]),
            lambda: client["shop"].command("createUser", CANARY, pwd=CANARY, roles=[]),
            lambda: client.admin.command("aggregate", CANARY, pipeline=[{"$match": {"a": CANARY}}]),
        ):
            with pytest.raises(PyMongoError):
                fails()
