"""``manage.py load_package`` into MongoDB: what a load that fails has added is taken back, or named."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from datar.env import SecretUrl
from datasources import connect
from datatables.files import CannotLoad, open_package
from datatables.loading import load_package
from tests.api.test_load_package import data, load, refusal, write_package
from tests.cast import Tenant, new_tenant
from tests.mongo import mongodb_url, why_not_mongodb

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

TO_MONGODB = ("--datasource", "docs", "--provider", "mongodb")


@pytest.fixture
def tenant(settings: Settings) -> Iterator[Tenant]:
    """A client of a service that knows a MongoDB."""
    settings.DATAR_MONGODB_URL = SecretUrl(mongodb_url())
    connect.close()
    yield new_tenant("loads")
    connect.close()


def broken_package(directory: Path) -> Path:
    """Cities are loaded first; the second street has no name."""
    package = write_package(directory)
    (package / "streets.csv").write_text("name,city_id,month\nRua Augusta,7,1\n,7,2\n", "utf-8")
    return package


def test_what_was_added_before_the_mistake_is_taken_back(tmp_path: Path, tenant: Tenant) -> None:
    assert "streets, line 3" in refusal(broken_package(tmp_path), tenant, "portugal", *TO_MONGODB)
    load(write_package(tmp_path), tenant, "portugal", *TO_MONGODB)
    assert [row["id"] for row in data(tenant, "portugal", "cities")["data"]] == [7, 9]
    assert data(tenant, "portugal", "streets", "?city.name=Lisbon")["total"] == 2


def test_rows_that_cannot_be_taken_back_are_told_with_the_first_mistake(tmp_path: Path, tenant: Tenant) -> None:
    def report(_done: int, _total: int, task: str) -> None:
        if "streets" in task:
            connect.mongodb_server().close()

    with pytest.raises(CannotLoad) as refused:
        load_package(
            files=open_package(broken_package(tmp_path)),
            tenant=tenant.schema,
            app_slug="spain",
            datasource_slug="docs",
            provider_type="mongodb",
            report=report,
        )
    assert "streets, line 3" in str(refused.value)
    assert str(refused.value).endswith("Rows that were added could not be taken back, of: cities.")
