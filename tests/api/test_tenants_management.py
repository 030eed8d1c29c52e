"""What a client does with itself: keys, name, deletion; and what operators do from the command line."""

from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tenants.context import PUBLIC
from tenants.registration import name_was_used
from tests.cast import ANYBODY, PASSWORD, Api, acme, globex, new_tenant, new_user

ME = "/api/auth/me/"
KEYS = "/api/auth/api-keys/"
CLIENT = "/api/auth/client/"


def test_a_key_is_made_listed_used_and_revoked() -> None:
    tenant = new_tenant("keys")
    api = tenant.api
    made = api.post(KEYS, {"label": "reporting", "scope": "read", "expires_at": "2099-01-31T12:00:00+01:00"})
    assert made.status == 201
    key = made.data.pop("api_key")
    assert made.data["scope"] == "read"
    assert made.data["expires_at"] == "2099-01-31T11:00:00Z"
    assert key.startswith(made.data["prefix"])
    assert key.endswith(made.data["last_four"])
    listed = api.get(KEYS).data
    assert [one["label"] for one in listed] == ["first key", "reporting"]
    assert listed[1] == made.data, "never the key again"
    reader = api.with_key(key)
    assert reader.get(ME).data["scope"] == "read"
    refused = reader.post(KEYS, {})
    assert (refused.status, refused.code) == (403, "permission_denied")
    assert api.delete(f"{KEYS}{made.data['id']}/").status == 204
    assert reader.get(ME).code == "invalid_api_key"
    assert api.delete(f"{KEYS}{made.data['id']}/").status == 404
    assert [one["label"] for one in api.get(KEYS).data] == ["first key"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"scope": "root"}, "scope", "invalid_choice"),
        ({"label": 5}, "label", "invalid_type"),
        ({"label": "x" * 101}, "label", "too_long"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at", "in_the_past"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at", "invalid_datetime"),
        ({"expires_at": "soon"}, "expires_at", "invalid_datetime"),
        ({"expires_at": 5}, "expires_at", "invalid_datetime"),
        ({"prefix": "abc"}, "prefix", "read_only_field"),
        ({"api_key": "abc"}, "api_key", "read_only_field"),
        ({"lable": "x"}, "lable", "unknown_field"),
    ],
)
def test_a_wrong_key_is_not_made(body: dict[str, Any], field: str, code: str) -> None:
    answer = acme().api.post(KEYS, body, Accept="application/problem+json")
    assert answer.status == 400
    assert [(error["field"], error["code"]) for error in answer.data["errors"]] == [(field, code)]


def test_keys_are_counted() -> None:
    tenant = new_tenant("many")
    api = tenant.api
    for _ in range(99):
        assert api.post(KEYS, {}).status == 201
    answer = api.post(KEYS, {})
    assert (answer.status, answer.code) == (409, "too_many_keys")


def test_ti_08_anothers_key_is_like_no_key(pg: psycopg.Connection) -> None:
    theirs = globex().api.get(KEYS).data[0]["id"]
    absent = 999_999_999
    answers = [acme().api.delete(f"{KEYS}{number}/", X_Request_Id="same") for number in (theirs, absent)]
    assert answers[0].status == 404
    assert answers[0].content == answers[1].content
    assert globex().api.get(ME).status == 200
    for strange in ("x", "-1", "1.0", "9" * 30, "٣"):
        assert acme().api.delete(f"{KEYS}{strange}/").status == 404


def test_a_client_is_shown_and_renamed() -> None:
    tenant = new_tenant("renamed")
    api = tenant.api
    shown = api.get(CLIENT).data
    assert shown["schema_name"] == tenant.schema
    assert api.patch(CLIENT, {"name": "New name"}).data == {**shown, "name": "New name"}
    assert api.patch(CLIENT, {**shown, "name": "Newer"}).data["name"] == "Newer", "what was read may be sent back"
    for field in ("schema_name", "email", "status", "id"):
        answer = api.patch(CLIENT, {field: "x"}, Accept="application/problem+json")
        assert [error["code"] for error in answer.data["errors"]] == ["read_only_field"]
    assert api.patch(CLIENT, {}).data["name"] == "Newer"


def test_a_client_is_deleted_by_its_owner_with_the_password(pg: psycopg.Connection) -> None:
    tenant = new_tenant("deleted")
    api = tenant.api
    admin = api.with_token(new_user(tenant.schema, "admin"))
    assert admin.delete(CLIENT, {"password": PASSWORD}).status == 403
    wrong = api.delete(CLIENT, {"password": "guess"})
    assert (wrong.status, list(wrong.data)) == (400, ["password"])
    assert api.delete(CLIENT, {}).status == 400
    assert api.delete(CLIENT, {"password": PASSWORD}).status == 204
    assert pg.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [tenant.schema]).fetchone() is None
    answer = api.get(ME)
    assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert api.without_key().get(ME).code == "token_revoked"
    assert ANYBODY.post("/api/auth/token/refresh/", {"refresh": tenant.refresh}).code == "token_revoked"
    again = ANYBODY.post("/api/auth/register/", {"email": tenant.email, "password": PASSWORD})
    assert again.status == 201, "the e-mail is free again"
    assert again.data["client"]["schema_name"] != tenant.schema
    kept = pg.execute("SELECT status, email, name FROM datar_client WHERE schema_name = %s", [tenant.schema])
    assert kept.fetchall() == [("deleted", "", "")], "the name stays taken, the person is forgotten"


def test_a_schema_name_is_never_used_again() -> None:
    tenant = new_tenant("used")
    assert name_was_used(tenant.schema)
    assert tenant.api.delete(CLIENT, {"password": PASSWORD}).status == 204
    assert name_was_used(tenant.schema)
    assert name_was_used("pg_catalog")
    assert not name_was_used(tenant.schema + "9")


def test_operators_are_made_by_command_and_log_in_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAR_OPERATOR_PASSWORD", PASSWORD)
    told = StringIO()
    call_command("create_operator", "Op@Example.com", role="editor", stdout=told)
    assert "op@example.com" in told.getvalue()
    assert PASSWORD not in told.getvalue()
    with pytest.raises(CommandError, match="already"):
        call_command("create_operator", "op@example.com")
    with pytest.raises(CommandError, match="valid email"):
        call_command("create_operator", "nobody")
    pair = ANYBODY.post("/api/auth/token/", {"username": "op@example.com", "password": PASSWORD})
    assert pair.status == 200
    me = Api(access=pair.data["access"]).get(ME).data
    assert (me["user"]["role"], me["tenant"]["schema_name"]) == ("editor", PUBLIC)


def test_the_password_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATAR_OPERATOR_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    call_command("create_operator", "piped@example.com", stdout=StringIO())
    assert ANYBODY.post("/api/auth/token/", {"email": "piped@example.com", "password": PASSWORD}).status == 200


def test_suspending_by_command() -> None:
    tenant = new_tenant("commanded")
    call_command("suspend_tenant", tenant.schema, stdout=StringIO())
    assert tenant.api.get(ME).code == "tenant_suspended"
    with pytest.raises(CommandError, match="suspended"):
        call_command("suspend_tenant", tenant.schema)
    call_command("unsuspend_tenant", tenant.schema, stdout=StringIO())
    assert tenant.api.get(ME).status == 200
    with pytest.raises(CommandError, match="no client"):
        call_command("suspend_tenant", "nobody_123456")


def test_a_lost_key_is_followed_by_a_new_one() -> None:
    tenant = new_tenant("forgetful")
    for name in (tenant.schema, tenant.email.upper()):
        said = StringIO()
        call_command("create_api_key", name, stdout=said)
        api = tenant.api.with_key(said.getvalue().strip())
        assert api.get(ME).data["tenant"]["schema_name"] == tenant.schema
    said = StringIO()
    call_command("create_api_key", tenant.schema, "--scope=read", "--label=reports", stdout=said)
    reader = tenant.api.with_key(said.getvalue().strip())
    assert reader.get(ME).data["scope"] == "read"
    assert [key["label"] for key in tenant.api.get(KEYS).data][-1] == "reports"
    for name in ("nobody@example.com", "nobody_123456", ""):
        with pytest.raises(CommandError, match=f"no client '{name}'"):
            call_command("create_api_key", name)


def test_a_new_operator_sees_publics_users_only() -> None:
    operator = Api(access=new_user(PUBLIC, "owner"))
    for method, path, body in (
        ("GET", CLIENT, None),
        ("PATCH", CLIENT, {"name": "x"}),
        ("DELETE", CLIENT, {"password": PASSWORD}),
        ("POST", KEYS, {}),
    ):
        assert operator.request(method, path, body).status == 404
