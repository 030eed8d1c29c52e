"""From a datasource's words to the provider that keeps its rows. The one place that opens record connections."""

import os
import threading

from django.conf import settings

from datar.errors import NotSupportedYet
from records.provider import Provider
from records.providers.postgres.pool import Pool
from records.providers.postgres.provider import PostgresProvider

_lock = threading.Lock()
_providers: dict[int, PostgresProvider] = {}


def provider_for(provider_type: str) -> Provider:
    """The provider of this process for ``flat_table`` and ``jsonb``; the others are not built yet."""
    if provider_type not in ("flat_table", "jsonb"):
        raise NotSupportedYet(f"Rows in {provider_type} datasources are not supported yet; use flat_table or jsonb.")
    return _postgres()


def _postgres() -> PostgresProvider:
    """Made on first use in each process, for connections do not survive a fork."""
    process = os.getpid()
    provider = _providers.get(process)
    if provider is None:
        with _lock:
            provider = _providers.setdefault(process, PostgresProvider(_open_pool()))
    return provider


def _open_pool() -> Pool:
    return Pool(settings.DATAR_RECORDS_CONNINFO, size=settings.DATAR_POOL_SIZE)
