"""From a datasource's words to the provider that keeps its rows. The one place that opens record connections."""

import os
import threading

from django.conf import settings

from datar.errors import NotSupportedYet, Unavailable
from records.provider import Provider
from records.providers.mongo.ledger import Ledger
from records.providers.mongo.provider import MongoProvider
from records.providers.mongo.server import Server
from records.providers.postgres.pool import Pool
from records.providers.postgres.provider import PostgresProvider

_lock = threading.Lock()
_pools: dict[int, Pool] = {}
_servers: dict[int, Server] = {}
_providers: dict[tuple[int, str], Provider] = {}
"""By process, for connections do not survive a fork."""


def provider_for(provider_type: str) -> Provider:
    """The provider of this process. Raises Unavailable (``provider_not_available``) where its server is not known."""
    if provider_type not in ("flat_table", "jsonb", "mongodb"):
        raise NotSupportedYet(f"Rows in {provider_type} datasources are not supported yet; use flat_table or jsonb.")
    store = "mongodb" if provider_type == "mongodb" else "postgres"
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
    """The MongoDB of this process. Raises Unavailable (``provider_not_available``) where none is known."""
    if settings.DATAR_MONGODB_URL is None:
        raise Unavailable(
            "No MongoDB is set up here; the operator of the service has to set DATAR_MONGODB_URL.",
            code="provider_not_available",
        )
    server = _servers.get(os.getpid())
    if server is None:
        with _lock:
            server = _servers.setdefault(
                os.getpid(), Server(settings.DATAR_MONGODB_URL.text, size=settings.DATAR_POOL_SIZE)
            )
    return server


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
