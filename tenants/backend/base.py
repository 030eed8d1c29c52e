"""Django's database backend (Django wants the name ``base``): django-tenants', on connections that are patient.

A request that finds the server silent is told so at once, whether it asks who is calling, what a table is like, or
for rows.
"""

from typing import Any

import psycopg
from django.conf import settings
from django_tenants.postgresql_backend import base

from datar import presence
from records.providers.postgres.patience import TCP, MetadataConnection, NoAnswer
from records.providers.postgres.reach import reach_of


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants has no types
    """See the module's text."""

    def get_connection_params(self) -> dict[str, Any]:
        """psycopg's words for the connection; those in ``DATABASE_URL`` go before ours."""
        return {**TCP, **super().get_connection_params()}

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """A connection. Raises OperationalError: NoAnswer without waiting, when a request asks a silent server."""
        reach = reach_of(settings.DATAR_RECORDS_CONNINFO)
        if reach.silent and presence.asked():
            reach.ask()
            raise NoAnswer("the server is silent")
        try:
            connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        except psycopg.errors.ConnectionTimeout:
            reach.ask()
            raise
        connection.__class__ = MetadataConnection  # Django lets nobody choose it, and psycopg's has the same layout
        connection.reach = reach  # type: ignore[attr-defined]  # it is one now
        return connection
