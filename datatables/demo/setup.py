"""The demo on a first start: January in ``public``, a tenant cloned from it, the other eleven months in the tenant.

Every step is one transaction and looks first whether it is done, so a start that was killed goes on where it was. What
is printed once (password, key) is not stored here: when the tenant is there already, both are made anew.
"""

import secrets

from django.db import connection
from psycopg.sql import SQL, Identifier

from datatables.demo.source import NAME, open_demo
from datatables.files import PackageFiles, Where
from datatables.loading import Report, load_package
from datatables.models import DataTable
from tenants import accounts
from tenants.context import PUBLIC, public, use
from tenants.keys import create_key
from tenants.models import Client, Status
from tenants.registration import register

EMAIL = "demo@example.com"
FLIGHTS = "flights"
FIRST_MONTH = Where(FLIGHTS, "month", "1")
OTHER_MONTHS = Where(FLIGHTS, "month", "2-12")


def ensure_demo(report: Report) -> dict[str, str]:
    """Make what is missing of the demo and return its ``tenant``, ``user``, ``password``, ``api_key`` and ``app``.

    Raises CannotLoad and DatarError.
    """
    files = open_demo()
    demo = {"app": NAME, "user": EMAIL, "password": secrets.token_urlsafe(12)}
    with public():
        client = Client.objects.exclude(status=Status.DELETED).filter(email=EMAIL).first()
    if client is None:
        load_public(report)
        report(0, 1, "Making the demo's tenant")
        made = register(email=EMAIL, password=demo["password"], name="Demo")
        report(1, 1, "Making the demo's tenant")
        demo |= {"tenant": made.client.schema_name, "api_key": made.api_key}
    else:
        accounts.reset_password(namespace=client.schema_name, email=EMAIL, password=demo["password"])
        _, key = create_key(client=client, label="demo key")
        demo |= {"tenant": client.schema_name, "api_key": key}
    _load_the_year(files, demo["tenant"], report)
    return demo


def load_public(report: Report) -> None:
    """Make what is missing of the demo in ``public``: January, which every registration copies."""
    if not _has_flights(PUBLIC, FIRST_MONTH):
        load_package(files=open_demo(), tenant=PUBLIC, app_slug=NAME, conditions=[FIRST_MONTH], report=report)


def _load_the_year(files: PackageFiles, tenant: str, report: Report) -> None:
    def report_year(done: int, total: int, _task: str) -> None:
        report(done, total, "Loading the rest of the year")

    if not _has_flights(tenant, OTHER_MONTHS):
        load_package(
            files=files,
            tenant=tenant,
            app_slug=NAME,
            resources=[FLIGHTS],
            conditions=[OTHER_MONTHS],
            report=report_year,
        )


def _has_flights(tenant: str, where: Where) -> bool:
    """Whether the tenant's flights hold any row of these months."""
    with use(tenant):
        table = DataTable.objects.filter(app__slug=NAME, name=FLIGHTS, is_materialized=True).first()
        if table is None:
            return False
        statement = SQL("SELECT EXISTS (SELECT FROM {table} WHERE {month} = ANY(%s))").format(
            table=Identifier(tenant, table.physical_table_name), month=Identifier(table.columns[where.field])
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [[int(month) for month in where.cells()]])
            row = cursor.fetchone()
    return bool(row and row[0])
