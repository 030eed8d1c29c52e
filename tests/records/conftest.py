"""The engine's tests: an empty PostgreSQL database and no Django."""

from collections.abc import Iterator

import pytest

from tests.cluster import Databases
from tests.records.engine import CROSSING, LAYOUTS, SQL_LAYOUTS, Engine, Layout, Rows, close_asides
from tests.records.shop import Shop
from tests.records.users import USERS
from tests.records.worlds import Stand, stand_on

pytest.register_assert_rewrite("tests.records.agreeing")


@pytest.fixture(scope="session")
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of this worker's database, empty, as the service's role (which owns it)."""
    yield databases.make_empty()
    close_asides()
    databases.drop(databases.empty)


@pytest.fixture(scope="session", params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    """How the tables of a test keep their rows; every test that stands on one runs once for each."""
    chosen: Layout = request.param
    return chosen


@pytest.fixture
def engine(database_url: str, layout: Layout) -> Iterator[Engine]:
    """A namespace of its own on the server."""
    engine = Engine(database_url, layout)
    yield engine
    engine.close()


@pytest.fixture(params=SQL_LAYOUTS)
def sql_engine(database_url: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A namespace whose tables PostgreSQL keeps: for tests of its statements."""
    engine = Engine(database_url, request.param)
    yield engine
    engine.close()


@pytest.fixture
def open_engine(database_url: str) -> Iterator[Engine]:
    """A namespace whose tables are documents that take additional fields."""
    yield from _opened(database_url, "document")


@pytest.fixture
def open_apart(database_url: str) -> Iterator[Engine]:
    """The same, where every second table is kept by another store."""
    yield from _opened(database_url, "apart")


def _opened(database_url: str, layout: Layout) -> Iterator[Engine]:
    engine = Engine(database_url, layout)
    engine.additional = True
    yield engine
    engine.close()


@pytest.fixture
def users(engine: Engine) -> Rows:
    """A table with a generated key, a unique field, a default and both instants."""
    return engine.table("users", USERS)


@pytest.fixture(params=[*LAYOUTS, "mixed", *CROSSING])
def shop(database_url: str, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Tables with relations of every kind, also between stores."""
    engine = Engine(database_url, request.param)
    yield Shop(engine)
    engine.close()


@pytest.fixture(params=[*LAYOUTS, "mixed"])
def one_store_shop(database_url: str, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The same tables within one store, whose order and groups may go through relations."""
    engine = Engine(database_url, request.param)
    yield Shop(engine)
    engine.close()


@pytest.fixture(scope="session")
def stand(database_url: str, layout: Layout) -> Iterator[Stand]:
    """The four tables that the reference model's worlds are written to."""
    with stand_on(database_url, layout) as stand:
        yield stand
