"""The service as it is where a MongoDB is set up: the providers there are, and a server for the one that needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.test import override_settings

from datar.env import SecretUrl
from datasources import connect
from tests.mongo import mongodb_url, why_not_mongodb

PROVIDERS = ["flat_table", "jsonb"] if why_not_mongodb() else ["flat_table", "jsonb", "mongodb"]
"""Those that can keep rows on this machine."""


@contextmanager
def mongodb_known() -> Iterator[None]:
    """The tests' server is the service's, for the length of the block; nothing changes where none can run."""
    if why_not_mongodb() is not None:
        yield
        return
    with override_settings(DATAR_MONGODB_URL=SecretUrl(mongodb_url())):
        connect.close()
        try:
            yield
        finally:
            connect.close()
