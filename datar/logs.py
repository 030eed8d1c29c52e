"""Logs: one JSON line an event on stderr, each with the request id. Values of records, keys and tokens never enter."""

import logging
import logging.config
import traceback
from contextvars import ContextVar
from typing import Any

import structlog

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request this thread works on; on every line of the log."""

LINE_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 10_000
_DRIVERS = ("psycopg", "django.db", "pymongo", "bson")
_LEVELS = {"psycopg.pool": "ERROR", "django.request": "CRITICAL", "pymongo": "INFO"}
"""Of loggers that would say more: pymongo writes whole commands, rows and all, when asked for DEBUG."""


def traceback_text(error: BaseException | None) -> str:
    """A traceback for the log. Once a database had a part in it, without any message: those quote rows' values.

    What is left of a database's error is its SQLSTATE or number, and the name of the constraint.
    """
    if error is None:
        return ""
    chain = _chain(error)
    if not any(_of_database(one) for one in chain):
        return "".join(traceback.format_exception(error))
    return "\n".join("".join(traceback.format_tb(one.__traceback__)) + _named(one) for one in chain)


def _chain(error: BaseException) -> list[BaseException]:
    """The error behind what it caused, the first cause first; members of groups stand before their group."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in found:
            found[id(one)] = one
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return list(found.values())[::-1]


def _of_database(error: BaseException) -> bool:
    return any(kind.__module__.startswith(_DRIVERS) for kind in type(error).__mro__)


def _named(error: BaseException) -> str:
    kind = type(error)
    diagnosis = getattr(error, "diag", None)
    constraint = getattr(diagnosis, "constraint_name", None)
    known = (
        ("sqlstate", getattr(error, "sqlstate", None)),
        ("constraint", constraint),
        ("code", getattr(error, "code", None) if kind.__module__.startswith("pymongo") else None),
    )
    return f"{kind.__module__}.{kind.__qualname__}" + "".join(f" {name}={value}" for name, value in known if value)


def _cut(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Every value of an event has a most: what a client sends cannot flood or forge the log.

    Of a traceback the end is kept, which says what happened.
    """
    return {key: _shortened(key, value) if isinstance(value, str) else value for key, value in event.items()}


def _shortened(key: str, value: str) -> str:
    if key == "exception":
        return "…" + value[-TRACEBACK_CHARACTERS:] if len(value) > TRACEBACK_CHARACTERS else value
    return value[:LINE_CHARACTERS] + "…" if len(value) > LINE_CHARACTERS else value


def _with_request_id(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    if known := request_id.get():
        event["request_id"] = known
    return event


_SHARED: list[Any] = [
    _with_request_id,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(lambda exc_info: traceback_text(exc_info[1])),
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
            "loggers": {name: {"level": level} for name, level in _LEVELS.items()},
        }
    )
