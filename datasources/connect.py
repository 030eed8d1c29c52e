"""From a datasource's words to the provider that keeps its rows. The one place that opens record connections."""

import os
import threading
import time
from pathlib import Path
from typing import Final

from django.conf import settings

from datar import presence
from datar.errors import ClientGone, Unavailable
from datar.wanted import Wanted
from records.limits import STATEMENT_SECONDS
from records.provider import Provider
from records.providers.mongo.ledger import Ledger
from records.providers.mongo.provider import MongoProvider
from records.providers.mongo.server import Server
from records.providers.postgres.pool import Pool
from records.providers.postgres.provider import PostgresProvider

_LOOK_SECONDS: Final = 0.05
_REFUSED_SECONDS: Final = 60
"""Somebody has to do something about it first."""

_lock = threading.Lock()
_pools: dict[int, Pool] = {}
_servers: dict[int, Server] = {}
_providers: dict[tuple[int, str], Provider] = {}
"""By process, for connections do not survive a fork."""


def provider_for(provider_type: str) -> Provider:
    """The provider of this process. Raises what ``mongodb_server`` raises."""
    store = "mongodb" if provider_type == "mongodb" else "postgres"
    if store == "mongodb":
        mongodb_server()
    key = (os.getpid(), store)
    provider = _providers.get(key)
    if provider is None:
        made: Provider = (
            MongoProvider(mongodb_server(), Ledger(_pool())) if store == "mongodb" else PostgresProvider(_pool())
        )
        with _lock:
            provider = _providers.setdefault(key, made)
    return provider


def mongodb_server() -> Server:
    """The MongoDB of this process. The embedded one is started for whoever comes first, who waits for it.

    Raises Unavailable: ``provider_not_available`` where there is none, ``db_unavailable`` where it takes too long.
    """
    if settings.DATAR_MONGODB_URL is None:
        raise Unavailable(
            "No MongoDB is set up here; the operator of the service has to set DATAR_MONGODB_URL to a replica set.",
            code="provider_not_available",
            retry_after=_REFUSED_SECONDS,
        )
    server = _servers.get(os.getpid())
    if server is None:
        with _lock:
            server = _servers.setdefault(
                os.getpid(), Server(settings.DATAR_MONGODB_URL.text, size=settings.DATAR_POOL_SIZE)
            )
    if not server.is_there and settings.DATAR_EMBEDDED_MONGODB:
        _await_embedded(Wanted(Path(settings.DATAR_EMBEDDED_MONGODB)))
    return server


def mongodb_holds_rows() -> bool:
    """Whether a MongoDB is known that may hold rows: the embedded one does from its first start on."""
    if settings.DATAR_MONGODB_URL is None:
        return False
    return not settings.DATAR_EMBEDDED_MONGODB or Wanted(Path(settings.DATAR_EMBEDDED_MONGODB)).asked


def _await_embedded(wanted: Wanted) -> None:
    """Ask ``manage.py up`` for the server and wait until it runs; once it does, waiting is pymongo's part."""
    wanted.ask()
    deadline = time.monotonic() + STATEMENT_SECONDS
    while not wanted.ready:
        if refusal := wanted.refusal:
            raise Unavailable(refusal, code="provider_not_available", retry_after=_REFUSED_SECONDS)
        if presence.gone():
            raise ClientGone
        if time.monotonic() > deadline:
            raise Unavailable("MongoDB is being started; try again.", code="db_unavailable", retry_after=2)
        time.sleep(_LOOK_SECONDS)


def _pool() -> Pool:
    pool = _pools.get(os.getpid())
    if pool is None:
        with _lock:
            pool = _pools.setdefault(os.getpid(), Pool(settings.DATAR_RECORDS_CONNINFO, size=settings.DATAR_POOL_SIZE))
    return pool


def close() -> None:
    """Part with this process's connections; the next use opens new ones."""
    process = os.getpid()
    with _lock:
        for store in ("postgres", "mongodb"):
            _providers.pop((process, store), None)
        for opened in (_pools.pop(process, None), _servers.pop(process, None)):
            if opened is not None:
                opened.close()
