"""The HTTP server: gunicorn's settings (``gunicorn -c python:datar.server``) and our worker's entry in them.

It knows processes, threads and limits of a connection. What a request means begins in ``datar.wsgi``.
"""

import json
import logging
import resource
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http import wsgi

from datar import env, garbage
from datar.logs import traceback_text

wsgi.SERVER = "datar"  # the header names no version to attackers


class JsonLine(logging.Formatter):
    """One JSON line an event, as ``datar.logs`` writes them."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if record.exc_info:
            event["exception"] = traceback_text(record.exc_info[1])
        return json.dumps(event)


class Log(Logger):  # type: ignore[misc]  # gunicorn is untyped
    """gunicorn's log in our format; there is no access log, a proxy keeps one."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn once it knows its settings."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLine())


def _connections() -> int:
    """Connections of one worker: as many as the process may have open files, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4_096 if hard == resource.RLIM_INFINITY else min(hard, 4_096)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(64, min(4_000, max(soft, wanted) - 96))


bind = env.text("DATAR_BIND", "127.0.0.1:8000")
wsgi_app = "datar.wsgi:application"
worker_class = "datar.worker.Worker"
workers = env.integer("DATAR_WORKERS", 2, least=1, most=64)
threads = env.integer("DATAR_THREADS", 2, least=1, most=64)
worker_connections = _connections()
backlog = 1024
keepalive = env.integer("DATAR_KEEPALIVE_SECONDS", 15, least=0, most=600)
timeout = 60
graceful_timeout = 5
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16_384
forwarded_allow_ips = env.text("DATAR_TRUSTED_PROXIES", "127.0.0.1,::1")
header_map = "drop"  # Api_Key is not Api-Key
sendfile = False  # its waiting for a slow reader has no deadline
control_socket_disable = True
accesslog = None
logger_class = Log
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    """What was loaded stays; requests make many objects (a body of 10,000 rows as many dictionaries)."""
    garbage.look_seldom()
