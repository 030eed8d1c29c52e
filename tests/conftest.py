"""What every test stands on: a real database of its own worker, Django pointed at it, and the Hypothesis profiles.

Tests commit for real, as the service does (its own connection pools, one schema a tenant), so nothing is wrapped in
a transaction that is rolled back: a test makes what it needs under names of its own. Tests in ``tests/records``
get an empty database and no Django; a test marked ``no_database`` gets none.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker
from xdist.scheduler import LoadScopeScheduling

from tests.cluster import Databases
from tests.mongo import stop_mongodb
from tests.sharing import Sharing

RECORDS = Path(__file__).parent / "records"
WITHOUT_DJANGO = (RECORDS, Path(__file__).parent / "house")
"""A run of these alone never loads Django: the engine does not know it, the house starts it as other processes."""

settings.register_profile("ci", max_examples=200, deadline=None, print_blob=True)
settings.register_profile("short", max_examples=40, deadline=None, print_blob=True)
settings.register_profile("brief", max_examples=12, deadline=None, print_blob=True)
settings.register_profile(
    "trust", max_examples=10_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("DATAR_TEST_PROFILE", "ci"))

databases_key = pytest.StashKey[Databases]()


def pytest_configure(config: pytest.Config) -> None:
    """Say where the database will be before Django reads its settings; start it now only if workers will share it."""
    databases = Databases()
    config.stash[databases_key] = databases
    config.add_cleanup(databases.stop)
    config.add_cleanup(stop_mongodb)
    os.environ["DATABASE_URL"] = databases.cluster.url(databases.migrated)
    os.environ["DATAR_ALLOWED_HOSTS"] = "localhost,127.0.0.1,[::1],testserver"
    os.environ.setdefault("DATAR_SECRET_KEY", "only-for-tests-" + "x" * 32)
    if config.getoption("numprocesses", None):
        # Workers inherit this environment, and Django must not read its settings in them before they set their own.
        databases.start()
    elif _needs_django(config):
        os.environ["DJANGO_SETTINGS_MODULE"] = "datar.settings"
        import django  # only here: the environment above comes first

        django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Tests that share what takes long to make are run by one worker."""
    return Sharing(config, log)


def _needs_django(config: pytest.Config) -> bool:
    places = [Path(argument.split("::", 1)[0]).resolve() for argument in config.args]
    return not all(any(place.is_relative_to(free) for free in WITHOUT_DJANGO) for place in places)


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Databases:
    """The run's cluster, started."""
    databases = pytestconfig.stash[databases_key]
    databases.start()
    return databases


@pytest.fixture(scope="session")
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of this worker's migrated database, as the service's role."""
    yield databases.make_migrated()
    databases.drop(databases.migrated)


@pytest.fixture(scope="session")
def django_db_setup(database_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django uses the worker's database, freely: no test database of its own, no transaction around a test."""
    with django_db_blocker.unblock():
        yield
    from django.db import connections

    connections.close_all()


@pytest.fixture(autouse=True)
def database_ready(request: pytest.FixtureRequest) -> None:
    """Every test outside ``tests/records`` finds the worker's database open, unless it is marked ``no_database``."""
    in_records = RECORDS in request.path.parents
    if not in_records and request.node.get_closest_marker("no_database") is None:
        request.getfixturevalue("django_db_setup")


@pytest.fixture
def pg(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection straight to the worker's database (autocommit), to see what really is there."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection
