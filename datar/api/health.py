"""Liveness and readiness. Live asks nothing; ready asks the database, at most once a second in each process."""

import threading
import time

from django.db import connection
from django.http import HttpRequest, HttpResponse

from datar.api.responses import answer
from datar.errors import Unavailable

_SECOND = 1.0
_lock = threading.Lock()
_last: list[tuple[float, bool]] = []


def live(_request: HttpRequest) -> HttpResponse:
    """200 while the process can answer at all."""
    return answer({"status": "ok"})


def ready(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers, else 503 ``db_unavailable``; the verdict is at most a second old."""
    if not _database_answers():
        raise Unavailable("The database cannot be reached; try again.", code="db_unavailable")
    return answer({"status": "ok", "dependencies": {"postgresql": "ok"}})


def _database_answers() -> bool:
    with _lock:
        if _last and time.monotonic() - _last[0][0] < _SECOND:
            return _last[0][1]
        verdict = _ask() or _ask()  # the connection may be older than the database's last start
        _last[:] = [(time.monotonic(), verdict)]
        return verdict


def _ask() -> bool:
    try:
        connection.ensure_connection()
        with connection.connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering, the verdict is the same
        connection.close()
        return False
    return True
