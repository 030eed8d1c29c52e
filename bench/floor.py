"""The floor: the least a Python server can do between HTTP and PostgreSQL.

A plain WSGI function and a psycopg pool. It knows no framework, no tenant, no credential and no validation; it
refuses to know what its statements mean: ``FLOOR_CONFIG`` names a JSON file with the database's URL and, by name,
each statement's text, its status line and its row template (bound as ``template``).

``GET /<name>/<p0>/<p1>…`` binds the parts of the path, ``POST /<name>`` binds the body as ``p0``.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from psycopg_pool import ConnectionPool

_CONFIG: dict[str, Any] = json.loads(Path(os.environ["FLOOR_CONFIG"]).read_text("utf-8"))
_STATEMENTS: dict[str, tuple[bytes, str, str]] = {
    name: (entry["text"].encode(), entry["template"], entry["status"]) for name, entry in _CONFIG["statements"].items()
}
_POOL = ConnectionPool(_CONFIG["url"], min_size=2, max_size=2, kwargs={"autocommit": True, "prepare_threshold": 1})


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """One request, one statement, its text as the answer."""
    _, name, *parts = environ["PATH_INFO"].split("/")
    text, template, status = _STATEMENTS[name]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    values = [environ["wsgi.input"].read(length).decode()] if length else parts
    bound = {"template": template} | {f"p{at}": value for at, value in enumerate(values)}
    with _POOL.connection() as connection:
        row = connection.execute(text, bound).fetchone()
    body: bytes = row[0].encode() if row else b"{}"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
