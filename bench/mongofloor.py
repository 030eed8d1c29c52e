"""The floor of tables on MongoDB: the least a Python server can do between HTTP and MongoDB.

A plain WSGI function and a pymongo client, as ``bench.floor`` is one with a psycopg pool. ``FLOOR_CONFIG`` names a JSON
file with the server's URL, the database and, by name, where the tables lie.

``GET /<name>/<p0>/<p1>…`` asks with the parts of the path, ``POST /create`` and ``POST /bulk`` write the body.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
from bson.decimal128 import Decimal128
from pymongo import MongoClient, WriteConcern
from pymongo.database import Database

from bench.pipelines import Ask, Document, Writer, questions, shaping
from bench.statements import Place

_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_KEYS_BITS = 32
Answer = Callable[[Sequence[str], bytes], bytes]


def dumped(answer: Any) -> bytes:
    """JSON text; a decimal is written with all its digits."""
    return orjson.dumps(answer, _exact, _OPTIONS)


def reading(ask: Ask) -> Answer:
    """A question's answer as JSON text."""
    return lambda values, _: dumped(ask(values))


def writing(database: Database[Document], places: dict[str, Place]) -> Answer:
    """Adds an object, or an array of them, and answers the stored rows."""
    writer = Writer(database, places["floor"], {"carrier": places["airlines"], "origin": places["airports"]})
    shape = shaping(places["floor"])
    keys = itertools.count(os.getpid() << _KEYS_BITS)  # each worker has its own

    def answer(_: Sequence[str], body: bytes) -> bytes:
        sent = orjson.loads(body)
        rows = sent if isinstance(sent, list) else [sent]
        documents = [writer.documents([row], next(keys))[0] for row in rows]
        with database.client.start_session() as session:
            writer.write(session, documents)
        stored = [shape(document) for document in documents]
        return dumped({"data": stored if isinstance(sent, list) else stored[0]})

    return answer


def answers(config: dict[str, Any]) -> dict[str, Answer]:
    """By the first part of a request's path."""
    client: MongoClient[Document] = MongoClient(config["url"], maxPoolSize=2, connect=False)
    database = client.get_database(config["database"], write_concern=WriteConcern("majority"))
    places = {
        name: Place(**{**entry, "fields": tuple(map(tuple, entry["fields"])), "key": tuple(entry["key"])})
        for name, entry in config["places"].items()
    }
    write = writing(database, places)
    read = {name: reading(ask) for name, ask in questions(database, places).items()}
    return {**read, "create": write, "bulk": write, "ready": lambda _, __: dumped(client.admin.command("ping")["ok"])}


def _exact(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal128):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


_ANSWERS = answers(json.loads(Path(os.environ["FLOOR_CONFIG"]).read_text("utf-8")))


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """One request, one answer."""
    _, name, *parts = environ["PATH_INFO"].split("/")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = _ANSWERS[name](parts, environ["wsgi.input"].read(length) if length else b"")
    status = "201 Created" if length else "200 OK"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
