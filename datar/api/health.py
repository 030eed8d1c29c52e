"""Liveness and readiness. Live asks nothing; ready asks the databases, at most once a second in each process."""

import threading
import time
from collections.abc import Callable, Mapping

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from datar.api.responses import answer
from datar.errors import Unavailable

_SECOND = 1.0
_lock = threading.Lock()
_last: list[tuple[float, Mapping[str, bool]]] = []


def live(_request: HttpRequest) -> HttpResponse:
    """200 while the process can answer at all."""
    return answer({"status": "ok"})


def ready(_request: HttpRequest) -> HttpResponse:
    """200 when PostgreSQL answers, else 503 ``db_unavailable``; the verdict is at most a second old.

    What only some tables depend on is named, once one does. While it is away, they alone answer 503: this process is
    ``degraded``, and no reason to send its requests elsewhere.
    """
    verdicts = _verdicts()
    if not verdicts["postgresql"]:
        raise Unavailable("The database cannot be reached; try again.", code="db_unavailable")
    dependencies = {name: "ok" if answers else "unavailable" for name, answers in verdicts.items()}
    return answer({"status": "ok" if all(verdicts.values()) else "degraded", "dependencies": dependencies})


def _verdicts() -> Mapping[str, bool]:
    with _lock:
        if _last and time.monotonic() - _last[0][0] < _SECOND:
            return _last[0][1]
        verdicts = {"postgresql": _ask() or _ask()}  # the connection may be older than the database's last start
        if verdicts["postgresql"]:
            verdicts |= _others()
        _last[:] = [(time.monotonic(), verdicts)]
        return verdicts


def _others() -> dict[str, bool]:
    """What something depends on beside PostgreSQL, and whether it answers."""
    found: dict[str, bool] = {}
    for name, path in settings.DATAR_DEPENDENCIES.items():
        asked: Callable[[], bool | None] = import_string(path)
        verdict = asked()
        if verdict is not None:
            found[name] = verdict
    return found


def _ask() -> bool:
    try:
        connection.ensure_connection()
        with connection.connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering, the verdict is the same
        connection.close()
        return False
    return True
