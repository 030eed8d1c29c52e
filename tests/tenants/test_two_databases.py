"""Clients when tables of ``public`` keep their rows in MongoDB: made in two databases, swept when interrupted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from psycopg import sql
from pytest_django.fixtures import Settings

from apps import services as apps
from datar.env import SecretUrl
from datar.errors import Unavailable
from datasources import connect, services
from datatables.catalog import TableCatalog
from datatables.package import create_schema
from records.recordset import RecordSet
from tenants import registration
from tenants.context import PUBLIC, use
from tenants.registration import CRASH_POINTS_IN_PARTS, register
from tenants.sweeping import PROVISIONING_SECONDS, sweep
from tests.cast import ANYBODY, PASSWORD, Answer, Api
from tests.cluster import ROOT
from tests.mongo import mongodb_url, why_not_mongodb
from tests.public import clear_public
from tests.tenants.test_crash_points import SCRIPT

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

PACKAGE = {
    "resources": [
        {
            "name": "cities",
            "schema": {"fields": [{"name": "name", "type": "string", "constraints": {"unique": True}}]},
        },
        {
            "name": "people",
            "schema": {
                "fields": [{"name": "name", "type": "string"}, {"name": "city_id", "type": "integer"}],
                "foreignKeys": [{"fields": "city_id", "reference": {"resource": "cities", "fields": "id"}}],
            },
        },
    ]
}
CITIES = "/api/apps/geo/datatables/cities/data/"
PEOPLE = "/api/apps/geo/datatables/people/data/"


@pytest.fixture
def towns(mongodb: None) -> None:
    """``public`` with two related tables in MongoDB and rows in them."""
    make_towns()
    add("cities", b'[{"name":"Porto"},{"name":"Faro"}]')
    add("people", b'[{"name":"Ana","city_id":1}]')


def make_towns() -> None:
    """The tables."""
    with use(PUBLIC):
        apps.create(user_id=None, name="Geo", slug="geo")
        services.create(app_slug="geo", user_id=None, name="Docs", slug="docs", provider_type="mongodb")
        create_schema(app_slug="geo", datasource_slug="docs", user_id=None, package=PACKAGE)


@pytest.fixture
def mongodb(settings: Settings, database_url: str) -> Iterator[None]:
    """A service that knows a MongoDB; what is made in it, and in ``public``, is removed."""
    settings.DATAR_MONGODB_URL = SecretUrl(mongodb_url())
    connect.close()
    try:
        yield
    finally:
        clear_public()
        server = connect.mongodb_server()
        for name in server.client.list_database_names():
            if name.startswith("datar_"):
                server.client.drop_database(name)
        connect.close()


def add(table: str, body: bytes) -> None:
    """Rows for a table of ``public``."""
    catalog = TableCatalog(PUBLIC)
    found = catalog.find("geo", table)
    assert found is not None
    RecordSet(found, catalog, connect.provider_for("mongodb")).create(body, ())


def sign_up(email: str) -> Answer:
    return ANYBODY.post("/api/auth/register/", {"email": email, "password": PASSWORD})


def owner(made: Answer) -> Api:
    assert made.status == 201, made.data
    return Api(made.data["api_key"], made.data["access"])


def test_ti_14_a_client_gets_a_copy_of_its_own(towns: None) -> None:
    made = sign_up("two.databases@example.com")
    api = owner(made)
    assert made.data["client"]["status"] == "ready"
    assert api.get(f"{PEOPLE}?populate=city").data["data"] == [
        {"id": 1, "name": "Ana", "city_id": 1, "city": {"id": 1, "name": "Porto"}}
    ]
    third = owner(sign_up("third.party@example.com"))
    new = api.post(CITIES, {"name": "Braga"})
    assert (new.status, new.data["data"]["id"]) == (201, 3), "the key sequence goes on where the source's stood"
    assert api.post(CITIES, {"name": "Porto"}).code == "conflict_unique"
    assert api.post(PEOPLE, {"name": "Rui", "city_id": 99}).code == "conflict_foreign_key"
    assert api.delete(f"{CITIES}2/").status == 204
    for other in (third, owner(sign_up("later@example.com"))):
        assert [row["name"] for row in other.get(CITIES).data["data"]] == ["Porto", "Faro"]


def test_ti_14_no_client_is_a_copy_of_tables_that_came_while_it_was_made(mongodb: None, pg: psycopg.Connection) -> None:
    """The first table in MongoDB is committed while the copy of ``public`` waits for it."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            make_towns()
            waiting = pool.submit(sign_up_and_leave, "came.between@example.com")
            wait_for_a_lock(pg)
        refused = waiting.result(30)
    assert (refused.status, refused.code) == (503, "unavailable")
    assert owner(sign_up("came.between@example.com")).get(CITIES).data["data"] == []
    add("cities", b'[{"name":"Porto"}]')


def sign_up_and_leave(email: str) -> Answer:
    """In a thread, whose connection is its own."""
    try:
        return sign_up(email)
    finally:
        connection.close()


def wait_for_a_lock(pg: psycopg.Connection) -> None:
    """Until somebody's LOCK TABLE waits in this database."""
    waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE%'"
    deadline = time.monotonic() + 10
    while pg.execute(f"{waits} AND datname = current_database()".encode()).fetchone() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_deleted_client_leaves_nothing_in_mongodb(towns: None) -> None:
    made = sign_up("leaves.nothing@example.com")
    name = connect.mongodb_server().database(made.data["client"]["schema_name"]).name
    assert name in databases()
    assert owner(made).delete("/api/auth/client/", {"password": PASSWORD}).status == 204
    assert name not in databases()


def test_what_a_deletion_could_not_reach_is_swept(towns: None, settings: Settings) -> None:
    made = sign_up("swept.later@example.com")
    name = connect.mongodb_server().database(made.data["client"]["schema_name"]).name
    away(settings)
    assert owner(made).delete("/api/auth/client/", {"password": PASSWORD}).status == 204
    back(settings)
    assert name in databases()
    assert made.data["client"]["schema_name"] in sweep()
    assert name not in databases()
    assert sweep() == []


def test_without_mongodb_nobody_signs_up_by_half(towns: None, settings: Settings, pg: psycopg.Connection) -> None:
    away(settings)
    refused = sign_up("not.by.half@example.com")
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    back(settings)
    age_unfinished(pg)
    assert sign_up("not.by.half@example.com").status == 201


@pytest.mark.parametrize("point", CRASH_POINTS_IN_PARTS)
def test_sc_14_a_client_half_made_in_two_databases_is_swept(
    point: str, towns: None, pg: psycopg.Connection, database_url: str
) -> None:
    email = f"{point.replace('_', '.')}@parts.example.com"
    before = set(databases())
    kill_at(point, email, database_url)
    busy = sign_up(email)
    assert (busy.status, busy.code) == (503, "tenant_provisioning")
    with pytest.raises(Unavailable):
        register(email=email, password=PASSWORD)
    age_unfinished(pg)
    call_command("sweep_tenants")
    assert set(databases()) == before
    assert pg.execute("SELECT 1 FROM public.datar_client WHERE email = %s", [email]).fetchone() is None
    api = owner(sign_up(email))
    assert [row["name"] for row in api.get(CITIES).data["data"]] == ["Porto", "Faro"]


def test_no_crash_point_in_parts_was_forgotten() -> None:
    assert set(CRASH_POINTS_IN_PARTS) - set(registration.CRASH_POINTS) == {
        "registration_begun",
        "registration_cloned_elsewhere",
    }


def databases() -> list[str]:
    return connect.mongodb_server().client.list_database_names()


def away(settings: Settings) -> None:
    """MongoDB cannot be reached."""
    connect.close()
    settings.DATAR_MONGODB_URL = SecretUrl("mongodb://127.0.0.1:9/?directConnection=true")


def back(settings: Settings) -> None:
    connect.close()
    settings.DATAR_MONGODB_URL = SecretUrl(mongodb_url())


def age_unfinished(pg: psycopg.Connection) -> None:
    """As if what is unfinished had been begun long ago."""
    pg.execute(
        sql.SQL(
            "UPDATE public.datar_client SET created_at = now() - {}::interval WHERE status = 'provisioning'"
        ).format(sql.Literal(f"{PROVISIONING_SECONDS + 1} seconds"))
    )


def kill_at(point: str, email: str, database_url: str) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "DATAR_MONGODB_URL": mongodb_url(),
        "DATAR_CRASH_POINT": point,
        "DJANGO_SETTINGS_MODULE": "datar.settings",
    }
    script = SCRIPT.format(email=email, password=PASSWORD)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b""), done.stderr.decode()
