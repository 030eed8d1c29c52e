"""From a datasource's words to the provider that keeps its rows. The one place that opens record connections."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from django.conf import settings

from datar import presence
from datar.errors import ClientGone, Unavailable
from datar.wanted import Wanted
from datasources.providers import store_of
from records.limits import STATEMENT_SECONDS
from records.provider import Provider
from records.providers.mongo.ledger import Ledger
from records.providers.mongo.provider import MongoProvider
from records.providers.mongo.server import Server
from records.providers.postgres.pool import Pool
from records.providers.postgres.provider import PostgresProvider
from records.table import Store

_LOOK_SECONDS: Final = 0.05
_REFUSED_SECONDS: Final = 60
"""Somebody has to do something about it first."""

T = TypeVar("T")
_Place = tuple[int, Store]
"""By process too, for connections do not survive a fork."""

_lock = threading.Lock()
_pools: dict[_Place, Pool] = {}
_servers: dict[_Place, Server] = {}
_providers: dict[_Place, Provider] = {}


def provider_for(provider_type: str) -> Provider:
    """The provider of this process for tables of such a datasource. Raises what ``mongodb_server`` raises."""
    return provider_of(store_of(provider_type))


def provider_of(store: Store) -> Provider:
    """The provider of this process for what is kept in a store. Raises what ``mongodb_server`` raises."""
    return _PROVIDERS[store]()


def _postgres() -> Provider:
    return _once(_providers, "postgres", lambda: PostgresProvider(_pool()))


def _mongodb() -> Provider:
    server = mongodb_server()
    return _once(_providers, "mongodb", lambda: MongoProvider(server, Ledger(_pool())))


_PROVIDERS: Final[Mapping[Store, Callable[[], Provider]]] = {"postgres": _postgres, "mongodb": _mongodb}


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
    url = settings.DATAR_MONGODB_URL.text
    server = _once(_servers, "mongodb", lambda: Server(url, size=settings.DATAR_POOL_SIZE))
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
        if wanted.refusal:  # it names files and processes of this machine: that is for whoever runs ``up``
            raise Unavailable(
                "The embedded MongoDB cannot run here; why stands in the output of the service. The operator can free"
                " its way, or set DATAR_MONGODB_URL to a replica set.",
                code="provider_not_available",
                retry_after=_REFUSED_SECONDS,
            )
        if presence.gone():
            raise ClientGone
        if time.monotonic() > deadline:
            raise Unavailable("MongoDB is being started; try again.", code="db_unavailable", retry_after=2)
        time.sleep(_LOOK_SECONDS)


def _pool() -> Pool:
    return _once(_pools, "postgres", lambda: Pool(settings.DATAR_RECORDS_CONNINFO, size=settings.DATAR_POOL_SIZE))


def _once(kept: "dict[_Place, T]", store: Store, make: Callable[[], T]) -> T:
    """What this process has for a store. Of two that are made at once one is let go; it has opened nothing yet."""
    place = (os.getpid(), store)
    found = kept.get(place)
    if found is None:
        made = make()
        with _lock:
            found = kept.setdefault(place, made)
    return found


def close() -> None:
    """Part with this process's connections; the next use opens new ones."""
    process = os.getpid()
    with _lock:
        for store in _PROVIDERS:
            _providers.pop((process, store), None)
        for opened in (_pools.pop((process, "postgres"), None), _servers.pop((process, "mongodb"), None)):
            if opened is not None:
                opened.close()
