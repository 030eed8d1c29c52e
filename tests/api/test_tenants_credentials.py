"""The table of CONTRACT 2: which key with which token gives what; and TRUST's rows about mixing tenants."""

import time

import psycopg
import pytest
from django.db import connection
from django.test import RequestFactory
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from tenants import clients
from tenants.authentication import GRANT, authenticate
from tenants.context import PUBLIC
from tenants.middleware import read_key
from tests.cast import ANYBODY, PASSWORD, Api, acme, globex, new_tenant, new_user
from tests.tenants.catalogue import all_rows

ME = "/api/auth/me/"
KEYS = "/api/auth/api-keys/"
OPEN = ("/api/auth/token/", "/api/auth/token/refresh/", "/api/auth/token/verify/", "/api/auth/register/")


def test_no_key_and_no_token() -> None:
    answer = ANYBODY.get(ME)
    assert (answer.status, answer.code) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_no_key_and_an_operators_token() -> None:
    operator = Api(access=new_user(PUBLIC, "admin"))
    me = operator.get(ME)
    assert me.data["tenant"] == {"schema_name": "public", "name": "public"}
    assert me.data["read_only"] is False
    assert operator.get(KEYS).status == 404, "public is nobody's client"


def test_a_key_and_no_token() -> None:
    answer = Api(acme().key).get(ME)
    assert (answer.status, answer.code) == (401, "not_authenticated")


def test_a_key_and_a_token_of_one_tenant() -> None:
    me = acme().api.get(ME)
    assert (me.status, me.data["tenant"]["schema_name"]) == (200, acme().schema)


def test_ti_01_access_token_of_another_tenant() -> None:
    mixed = acme().api.with_key(globex().key)
    for method, path in (("GET", ME), ("GET", KEYS), ("POST", KEYS), ("DELETE", "/api/auth/client/")):
        answer = mixed.request(method, path, {"password": PASSWORD} if method != "GET" else None)
        assert (answer.status, answer.code) == (401, "token_tenant_mismatch")
    assert globex().api.get(ME).status == 200
    verified = Api(globex().key).post("/api/auth/token/verify/", {"token": acme().api.access})
    assert (verified.status, verified.code) == (401, "token_tenant_mismatch")


def test_an_operators_token_with_a_tenants_key() -> None:
    answer = Api(acme().key, new_user(PUBLIC, "owner")).get(ME)
    assert (answer.status, answer.code) == (401, "token_tenant_mismatch")


def test_ti_02_refresh_token_of_another_tenant(pg: psycopg.Connection) -> None:
    tenant = new_tenant("refresher")
    families = "SELECT count(*), max(jti) FROM " + tenant.schema + ".datar_token_family"
    before = pg.execute(families.encode()).fetchone()
    for path in ("/api/auth/token/refresh/", "/api/auth/token/blacklist/"):
        answer = Api(globex().key).post(path, {"refresh": tenant.refresh})
        assert (answer.status, answer.code) == (401, "token_tenant_mismatch")
        assert set(answer.data) == {"detail", "code", "request_id"}
    assert pg.execute(families.encode()).fetchone() == before
    assert Api(tenant.key).post("/api/auth/token/refresh/", {"refresh": tenant.refresh}).status == 200


BAD_KEYS = {
    "unknown": "datar_" + "A" * 43,
    "empty": "",
    "blank": " ",
    "long": "x" * 10_240,
    "unicode": "datar_" + "ключ" * 10,
    "latin": "datar_\xfc",
    "quote": "' OR 1=1 --",
    "with_newline": "datar_" + "A" * 43 + "\n",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_ti_04_a_bad_key_never_falls_back_to_public(key: str) -> None:
    token = acme().api.access
    for path in (ME, KEYS, "/api/apps/", "/api/", "/api/nowhere/"):
        answer = Api(access=token).get(path, Api_Key=key)
        assert (answer.status, answer.code) == (401, "invalid_api_key"), path
    for path in OPEN:
        answer = ANYBODY.post(path, {}, Api_Key=key)
        assert (answer.status, answer.code) == (401, "invalid_api_key"), path


def test_ti_04_a_revoked_and_an_expired_key(pg: psycopg.Connection) -> None:
    api = acme().api
    made = api.post(KEYS, {"label": "short"}).data
    short = api.with_key(made["api_key"])
    assert short.get(ME).status == 200
    pg.execute("UPDATE datar_api_key SET expires_at = now() - interval '1 s' WHERE id = %s", [made["id"]])
    _becomes(short, 401, "invalid_api_key")
    made = api.post(KEYS, {"label": "revoked"}).data
    assert api.delete(f"{KEYS}{made['id']}/").status == 204
    answer = api.with_key(made["api_key"]).get(ME)
    assert (answer.status, answer.code) == (401, "invalid_api_key"), "at once where it was revoked"


def test_ti_04_keys_are_stored_hashed(pg: psycopg.Connection) -> None:
    rows = pg.execute("SELECT k::text FROM datar_api_key k").fetchall()
    assert rows
    assert not [row for row in rows if acme().key in row[0] or acme().key.removeprefix("datar_") in row[0]]


def test_a_key_revoked_elsewhere_is_dead_within_a_second(pg: psycopg.Connection) -> None:
    made = acme().api.post(KEYS, {}).data
    api = acme().api.with_key(made["api_key"])
    assert api.get(ME).status == 200
    pg.execute("UPDATE datar_api_key SET revoked_at = now() WHERE id = %s", [made["id"]])
    _becomes(api, 401, "invalid_api_key")


def _becomes(api: Api, status: int, code: str) -> None:
    """What another process changed is effective within one second."""
    changed = time.monotonic()
    while (answer := api.get(ME)).status == 200:
        assert time.monotonic() - changed < 1, "still accepted after a second"
        time.sleep(0.02)
    assert (answer.status, answer.code) == (status, code)


def test_ti_05_a_tenants_token_without_a_key_only_reads_public(pg: psycopg.Connection) -> None:
    visitor = acme().api.without_key()
    me = visitor.get(ME)
    assert me.status == 200
    assert me.data["tenant"]["schema_name"] == "public"
    assert me.data["read_only"] is True
    before = all_rows(pg, PUBLIC)
    change = {"old_password": PASSWORD, "new_password": "another long word 9"}
    for method, path, body in (
        ("POST", KEYS, {"label": "mine"}),
        ("DELETE", f"{KEYS}1/", None),
        ("PATCH", "/api/auth/client/", {"name": "public"}),
        ("DELETE", "/api/auth/client/", {"password": PASSWORD}),
        ("POST", "/api/auth/password/change/", change),
        ("POST", "/api/apps/", {"name": "x"}),
    ):
        answer = visitor.request(method, path, body)
        assert (answer.status, answer.code) == (403, "public_read_only"), path
    assert all_rows(pg, PUBLIC) == before
    assert visitor.get("/api/auth/client/").status == 404


def test_ti_06_two_keys_are_ambiguous() -> None:
    for header in (f"{acme().key},{globex().key}", f"{acme().key}, {acme().key}", ","):
        answer = acme().api.get(ME, Api_Key=header)
        assert (answer.status, answer.code) == (400, "ambiguous_tenant")


def test_ti_06_a_key_in_the_query_is_no_key() -> None:
    answer = Api(access=acme().api.access).get(f"{ME}?Api-Key={acme().key}")
    assert answer.status == 400, "an unknown parameter"
    answer = ANYBODY.get(f"{ME}?api_key={acme().key}")
    assert (answer.status, answer.code) == (401, "not_authenticated")


@pytest.mark.no_database
def test_ti_06_an_underscore_makes_it_another_header() -> None:
    """Both would become HTTP_API_KEY in WSGI; the server drops the one that imitates."""
    raw = b"GET / HTTP/1.1\r\nHost: x\r\nApi_Key: evil\r\nApi-Key: good\r\n\r\n"
    request = next(RequestParser(Config(), iter([raw]), ("127.0.0.1", 1)))
    assert [value for name, value in request.headers if name.replace("_", "-") == "API-KEY"] == ["good"]


def test_a_suspended_client_is_closed_and_opens_again() -> None:
    tenant = new_tenant("suspended")
    api = tenant.api
    assert api.get(ME).status == 200
    clients.suspend(schema_name=tenant.schema)
    for caller, path in ((api, ME), (api.without_key(), ME), (Api(tenant.key), "/api/")):
        answer = caller.get(path)
        assert (answer.status, answer.code) == (403, "tenant_suspended")
    refreshed = ANYBODY.post("/api/auth/token/refresh/", {"refresh": tenant.refresh})
    assert (refreshed.status, refreshed.code) == (403, "tenant_suspended")
    clients.unsuspend(schema_name=tenant.schema)
    assert api.get(ME).status == 200


def test_a_suspension_elsewhere_is_seen_within_a_second(pg: psycopg.Connection) -> None:
    tenant = new_tenant("suspended")
    api = tenant.api
    assert api.get(ME).status == 200
    pg.execute("UPDATE datar_client SET status = 'suspended' WHERE schema_name = %s", [tenant.schema])
    _becomes(api, 403, "tenant_suspended")


def test_a_deactivation_elsewhere_is_seen_within_a_second(pg: psycopg.Connection) -> None:
    tenant = new_tenant("deactivated")
    assert tenant.api.get(ME).status == 200
    api = tenant.api
    pg.execute(f"UPDATE {tenant.schema}.datar_user SET is_active = false".encode())
    _becomes(api, 401, "token_revoked")


def test_a_client_being_made_asks_for_patience(pg: psycopg.Connection) -> None:
    tenant = new_tenant("provisioning")
    pg.execute("UPDATE datar_client SET status = 'provisioning' WHERE schema_name = %s", [tenant.schema])
    answer = tenant.api.get(ME)
    assert (answer.status, answer.code) == (503, "tenant_provisioning")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_known_key_and_user_cost_no_statement_and_little_time() -> None:
    request = RequestFactory().get(ME, headers={"Api-Key": acme().key, "Authorization": f"Bearer {acme().api.access}"})

    def actor() -> object:
        request.META[GRANT] = read_key(request.META["HTTP_API_KEY"])
        return authenticate(request)

    actor()

    def refuse(*_: object) -> None:
        raise AssertionError("a statement was sent")

    with connection.execute_wrapper(refuse):
        began = time.perf_counter()
        for _ in range(1_000):
            actor()
        each = (time.perf_counter() - began) / 1_000
    assert each < 100e-6, "30 µs on a quiet machine"


@pytest.mark.parametrize(
    ("role", "scope", "allowed"),
    [
        ("viewer", "admin", {"read"}),
        ("editor", "admin", {"read", "rows"}),
        ("admin", "admin", {"read", "rows", "schema", "users"}),
        ("owner", "admin", {"read", "rows", "schema", "users", "owner"}),
        ("owner", "write", {"read", "rows"}),
        ("owner", "read", {"read"}),
        ("viewer", "write", {"read"}),
        ("editor", "read", {"read"}),
    ],
)
def test_a_request_may_do_the_lesser_of_role_and_scope(role: str, scope: str, allowed: set[str]) -> None:
    from datar.errors import Denied
    from tenants.roles import TenantActor

    actor = TenantActor("a", "a", 1, role, scope, 1, 1)
    for right in ("read", "rows", "schema", "users", "owner"):
        if right in allowed:
            actor.require(right)
        else:
            with pytest.raises(Denied) as refused:
                actor.require(right)
            assert refused.value.code == "permission_denied"


def test_roles_over_http() -> None:
    for role, status in (("viewer", 403), ("editor", 403), ("admin", 200), ("owner", 200)):
        assert acme().api.with_token(new_user(acme().schema, role)).get(KEYS).status == status
    admin = acme().api.with_token(new_user(acme().schema, "admin"))
    assert admin.patch("/api/auth/client/", {"name": "acme"}).status == 403


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:00", "9999-12-31T23:59:59.999999-00:01"])
def test_an_expiry_beyond_the_calendar_is_refused(moment: str) -> None:
    api = new_tenant("calendar").api
    answer = api.post(KEYS, {"expires_at": moment})
    assert (answer.status, list(answer.data)) == (400, ["expires_at"])
    made = api.post(KEYS, {"expires_at": "9999-12-31T23:59:59-00:00"})
    assert (made.status, made.data["expires_at"][:4]) == (201, "9999")
    assert api.get(KEYS).status == 200
