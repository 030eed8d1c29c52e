"""Where Django's connection stands: exactly one schema, and never the last request's."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from rest_framework.request import Request

from datar.errors import Conflict
from tenants.authentication import GRANT
from tenants.context import PUBLIC, current, use
from tenants.middleware import read_key
from tenants.models import User
from tenants.namespace_view import TenantView
from tests.cast import Tenant, acme, globex, new_tenant


def search_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_to_string(current_schemas(false), ',')")
        row = cursor.fetchone()
    assert row is not None
    return str(row[0])


def test_the_search_path_is_exactly_the_namespace() -> None:
    for tenant in (new_tenant("path"), new_tenant("path")):
        with use(tenant.schema):
            assert search_path() == tenant.schema
            assert User.objects.get().email == tenant.email
    assert search_path() == PUBLIC


def test_a_missing_table_is_an_error_not_publics() -> None:
    with use(acme().schema), connection.cursor() as cursor, pytest.raises(ProgrammingError):
        cursor.execute("SELECT * FROM datar_client")


def test_use_goes_back_whatever_happens() -> None:
    with pytest.raises(ZeroDivisionError), use(acme().schema), use(globex().schema):
        raise ZeroDivisionError
    assert current() == PUBLIC


def test_content_types_are_not_remembered_across_namespaces(pg: psycopg.Connection) -> None:
    other = new_tenant("types").schema
    with pg.transaction():
        pg.execute(f"UPDATE {other}.django_content_type SET id = id + 5000".encode())
        pg.execute(f"UPDATE {other}.auth_permission SET content_type_id = content_type_id + 5000".encode())
    with use(acme().schema):
        ours = ContentType.objects.get_for_model(User)
        with ThreadPoolExecutor(1) as other_thread:
            theirs = other_thread.submit(_user_type_of, other).result()
        assert theirs.pk > 5000
        assert ContentType.objects.get_for_model(User).pk == ours.pk < 5000
        assert ContentType.objects.get_for_id(ours.pk).model == "user"


def _user_type_of(namespace: str) -> ContentType:
    try:
        with use(namespace):
            return ContentType.objects.get_for_model(User)
    finally:
        connection.close()


def raise_at_once(_: Request) -> None:
    raise RuntimeError("bug")


def raise_after_a_statement(_: Request) -> None:
    User.objects.count()
    raise RuntimeError("bug")


def raise_in_a_transaction(_: Request) -> None:
    with transaction.atomic():
        User.objects.count()
        raise Conflict("no")


def roll_back_to_a_savepoint(_: Request) -> None:
    with transaction.atomic():
        User.objects.count()
        try:
            with transaction.atomic():
                User.objects.count()
                raise Conflict("no")
        except Conflict:
            assert search_path() == acme().schema
    raise RuntimeError("bug")


def fail_in_the_database(_: Request) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def fail_in_a_transaction(_: Request) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nothing")


def lose_the_connection(_: Request) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def hang_up(_: Request) -> None:
    User.objects.count()
    raise GeneratorExit


def answer_well(_: Request) -> None:
    assert search_path() == acme().schema


FAULTS = [
    raise_at_once,
    raise_after_a_statement,
    raise_in_a_transaction,
    roll_back_to_a_savepoint,
    fail_in_the_database,
    fail_in_a_transaction,
    lose_the_connection,
    hang_up,
    answer_well,
]


def ask(tenant: Tenant, view: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    headers = {"Api-Key": tenant.key, "Authorization": f"Bearer {tenant.api.access}"}
    request = RequestFactory().get("/api/x/", headers=headers)
    request.META[GRANT] = read_key(tenant.key)
    return view(request)


@pytest.mark.parametrize("fault", FAULTS)
def test_ti_11_a_failed_request_leaves_nothing_behind(fault: Callable[[Request], None]) -> None:
    class Faulty(TenantView):
        def get(self, request: Request) -> HttpResponse:
            fault(request)
            return HttpResponse(User.objects.get().email)

    class Honest(TenantView):
        def get(self, request: Request) -> HttpResponse:
            return HttpResponse(f"{search_path()} {User.objects.get().email}")

    with contextlib.suppress(GeneratorExit):
        ask(acme(), Faulty.as_view())
    assert current() == PUBLIC
    connection.close_if_unusable_or_obsolete()
    answer = ask(globex(), Honest.as_view())
    assert answer.content.decode() == f"{globex().schema} {globex().email}"
    assert current() == PUBLIC
