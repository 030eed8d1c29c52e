"""Logs: one JSON line an event on stderr, each with the request id. Values of records, keys and tokens never enter."""

import logging
import logging.config
from contextvars import ContextVar
from typing import Any

import structlog

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request this thread works on; on every line of the log."""

LINE_CHARACTERS = 2_000


def _cut(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """No value of an event is longer than a line: what a client sends cannot flood or forge the log."""
    return {
        key: value[:LINE_CHARACTERS] + "…" if isinstance(value, str) and len(value) > LINE_CHARACTERS else value
        for key, value in event.items()
    }


def _with_request_id(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    if known := request_id.get():
        event["request_id"] = known
    return event


_SHARED: list[Any] = [
    _with_request_id,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _cut,
]


def configure(settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: everything, ours and the libraries', through one JSON renderer."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
        "foreign_pre_chain": [*_SHARED],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": settings["level"]},
            "loggers": {"psycopg.pool": {"level": "ERROR"}, "django.request": {"level": "CRITICAL"}},
        }
    )
