"""Tokens over HTTP: TRUST's rows about authentication, and the endpoints under ``/api/auth/token/``."""

import base64
import hmac
import json
import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import jwt
import psycopg
import pytest
from django.conf import settings

from tenants.context import use
from tenants.models import User
from tests.cast import ANYBODY, PASSWORD, Answer, Api, acme, new_tenant, new_user
from tests.tenants.catalogue import all_rows

ME = "/api/auth/me/"
TOKEN = "/api/auth/token/"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token of acme's owner, with changes; ABSENT ones are None."""
    payload = jwt.decode(acme().api.access, options={"verify_signature": False})
    return {name: value for name, value in {**payload, **changes}.items() if value is not None}


def signed(payload: dict[str, Any], **header: Any) -> str:
    """A token as an attacker with our secret, or a confused library, could write it."""
    return jwt.encode(payload, settings.SECRET_KEY, algorithm="HS256", headers=header or None)


def me_with(token: str) -> Answer:
    return acme().api.with_token(token).get(ME)


def hand_made(header: dict[str, Any], payload: dict[str, Any], *, sign: bool = True) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, payload)]
    text = b".".join(parts)
    mac = hmac.digest(settings.SECRET_KEY.encode(), text, "sha256") if sign else b""
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer " + "x" * 9_000,
        "Bearer " + "x" * 3_000 + "." + "x" * 3_000 + "." + "x" * 3_000,
        "Bearer \u043a\u043b\u044e\u0447.a.b",
        "Bearer \xfc.\xfc.\xfc",
        "Bearer ..",
        "Basic YTpi",
        "Token abc",
        "bearer",
        "Bearer null",
        "Bearer a.b.c.d.e",
    ],
)
def test_an_01_malformed_authorization(header: str) -> None:
    answer = Api(acme().key).get(ME, Authorization=header)
    assert answer.status == 401
    assert answer.code in ("not_authenticated", "token_malformed", "token_not_valid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr"])
def test_an_02_the_schemes_name_has_no_case(scheme: str) -> None:
    assert Api(acme().key).get(ME, Authorization=f"{scheme} {acme().api.access}").status == 200


def test_an_03_other_algorithms_and_headers() -> None:
    payload, secret = claims(), settings.SECRET_KEY
    public_key_trick = hand_made({"alg": "RS256", "typ": "JWT"}, payload)
    tokens = {
        "none": hand_made({"alg": "none", "typ": "JWT"}, payload, sign=False),
        "None": hand_made({"alg": "None", "typ": "JWT"}, payload),
        "HS384": jwt.encode(payload, secret + "x" * 16, algorithm="HS384"),
        "RS256": public_key_trick,
        "crit": signed(payload, crit=["exp"]),
        "unknown crit": signed(payload, crit=["evil"], evil=True),
        "jku": signed(payload, jku="http://127.0.0.1:9/keys"),
        "x5u": signed(payload, x5u="http://127.0.0.1:9/cert"),
        "kid": signed(payload, kid="../../etc/passwd"),
        "stripped": acme().api.access.rpartition(".")[0] + ".",
        "another secret": jwt.encode(payload, "y" * 40, algorithm="HS256"),
        "changed payload": _with_payload(acme().api.access, {**payload, "user_id": 2}),
        "JWE": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aaaa.bbbb.cccc",
    }
    for name, token in tokens.items():
        answer = me_with(token)
        assert answer.status == 401, name
        assert answer.code in ("token_not_valid", "token_malformed"), name


def _with_payload(token: str, payload: dict[str, Any]) -> str:
    head, _, tail = token.split(".")
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b'=').decode()}.{tail}"


NOT_VALID: dict[str, dict[str, Any]] = {
    "no exp": {"exp": None},
    "exp as text": {"exp": "9999999999"},
    "exp beyond everything": {"exp": 1e308},
    "exp as a fraction": {"exp": 9e9 + 0.5},
    "exp in a list": {"exp": [9_999_999_999]},
    "nbf in the future": {"nbf": int(time.time()) + 3_600},
    "iat in the future": {"iat": int(time.time()) + 3_600},
    "no tenant": {"tenant": None},
    "tenant a number": {"tenant": 1},
    "no user": {"user_id": None},
    "user as text": {"user_id": "1"},
    "user negative": {"user_id": -1},
    "user huge": {"user_id": 2**70},
    "no version": {"tv": None},
    "no type": {"token_type": None},
    "a made-up type": {"token_type": "sliding"},
    "no jti": {"jti": None},
}


@pytest.mark.parametrize("changes", NOT_VALID.values(), ids=NOT_VALID)
def test_an_04_claims_that_are_not_ours(changes: dict[str, Any]) -> None:
    answer = me_with(signed(claims(**changes)))
    assert (answer.status, answer.code) == (401, "token_not_valid")


@pytest.mark.parametrize("exp", [-1, 0, 1, True, lambda: int(time.time()) - 1])
def test_an_04_expired(exp: int | Callable[[], int]) -> None:
    answer = me_with(signed(claims(exp=exp if isinstance(exp, int) else exp())))
    assert answer.status == 401
    assert answer.code in ("token_expired", "token_not_valid")


def test_an_04_a_known_token_expires_on_time() -> None:
    """Its signature is remembered; its expiry is looked at every time."""
    expires = int(time.time()) + 2
    token = signed(claims(exp=expires))
    assert me_with(token).status == 200
    while (answer := me_with(token)).status == 200:
        assert time.time() < expires + 1, "accepted more than a second too long"
        time.sleep(0.02)
    assert time.time() >= expires
    assert answer.code == "token_expired"


def test_an_05_token_types_are_not_exchangeable() -> None:
    tenant = new_tenant("types")
    api = Api(tenant.key)
    answer = api.with_token(tenant.refresh).get(ME)
    assert (answer.status, answer.code) == (401, "token_wrong_type")
    answer = api.post(f"{TOKEN}refresh/", {"refresh": tenant.access})
    assert (answer.status, answer.code) == (401, "token_wrong_type")
    for token in (tenant.access, tenant.refresh):
        verified = api.post(f"{TOKEN}verify/", {"token": token})
        assert (verified.status, verified.data) == (200, {})


def test_an_06_replay_of_a_rotated_refresh_token() -> None:
    tenant = new_tenant("replay")
    api = Api(tenant.key)
    second = api.post(f"{TOKEN}refresh/", {"refresh": tenant.refresh}).data["refresh"]
    third = api.post(f"{TOKEN}refresh/", {"refresh": second}).data["refresh"]
    replay = api.post(f"{TOKEN}refresh/", {"refresh": tenant.refresh})
    assert (replay.status, replay.code) == (401, "token_reused")
    heir = api.post(f"{TOKEN}refresh/", {"refresh": third})
    assert (heir.status, heir.code) == (401, "token_revoked"), "the new holder's chain is dead too"
    assert api.post(f"{TOKEN}verify/", {"token": third}).status == 401
    other = api.post(TOKEN, {"email": tenant.email, "password": PASSWORD})
    assert api.post(f"{TOKEN}refresh/", {"refresh": other.data["refresh"]}).status == 200, "another log-in lives on"


def test_an_08_refresh_for_a_deleted_user(pg: psycopg.Connection) -> None:
    tenant = new_tenant("leaver")
    pg.execute(f"DELETE FROM {tenant.schema}.datar_token_family".encode())
    answer = Api(tenant.key).post(f"{TOKEN}refresh/", {"refresh": tenant.refresh})
    assert answer.status == 401
    pg.execute(f"DELETE FROM {tenant.schema}.datar_user".encode())
    time.sleep(1)
    for path, body in (("refresh/", {"refresh": tenant.refresh}), ("verify/", {"token": tenant.access})):
        answer = Api(tenant.key).post(TOKEN + path, body)
        assert (answer.status, answer.code) == (401, "token_revoked")
    assert Api(tenant.key, tenant.access).get(ME).status == 401


def test_an_10_the_hash_is_computed_for_everybody() -> None:
    tenant = new_tenant("timing")
    new_user(tenant.schema)
    with use(tenant.schema):
        User.objects.create(
            email="inactive@example.com", is_active=False, password=User.objects.get(email=tenant.email).password
        )
        User.objects.create(email="unusable@example.com", password="!")
    emails = (tenant.email, "unknown@example.com", "inactive@example.com", "unusable@example.com")
    answers, spent = set(), {email: [] for email in emails}  # type: ignore[var-annotated]
    for _ in range(7):
        for email in emails:
            began = time.thread_time()  # the time of this thread alone: other processes of the machine do not matter
            answer = Api(tenant.key).post(TOKEN, {"email": email, "password": "wrong " + PASSWORD})
            spent[email].append(time.thread_time() - began)
            answers.add((answer.status, answer.code, answer.data["detail"]))
    assert len(answers) == 1
    assert answers.pop()[:2] == (401, "invalid_credentials")
    medians = {email: statistics.median(times) for email, times in spent.items()}
    assert max(medians.values()) - min(medians.values()) < 0.005, medians


def test_an_15_no_secret_is_stored_logged_or_echoed(
    pg: psycopg.Connection, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    password = "canary-Password-4711-lives-here"
    with caplog.at_level(logging.DEBUG):
        made = ANYBODY.post("/api/auth/register/", {"email": "canary@example.com", "password": password})
        api = Api(made.data["api_key"], made.data["access"])
        schema = made.data["client"]["schema_name"]
        answers = [
            api.get(ME),
            api.post(TOKEN, {"email": "canary@example.com", "password": password + "x"}),
            api.post("/api/auth/register/", {"email": "canary@example.com", "password": password}),
            api.post("/api/auth/register/", {"email": "bad", "password": password}),
            api.with_key(api.key + "x").get(ME),
            api.with_token(api.access + "x").get(ME),
            api.post(f"{TOKEN}verify/", {"token": api.access + "x"}),
            api.delete("/api/auth/client/", {"password": password + "x"}),
        ]
    secrets = (password, api.key, api.access, made.data["refresh"], api.access.rpartition(".")[2])
    logged = caplog.text + "".join(capsys.readouterr())
    stored = json.dumps([all_rows(pg, "public"), all_rows(pg, schema)])
    for secret in secrets:
        assert secret not in logged
        assert secret not in stored
        assert not [answer for answer in answers if secret.encode() in answer.content]


def test_log_in_by_email_or_username_in_any_case() -> None:
    tenant = new_tenant("login")
    api = Api(tenant.key)
    for body in ({"email": tenant.email}, {"username": tenant.email}, {"username": tenant.email.upper()}):
        pair = api.post(TOKEN, {**body, "password": PASSWORD})
        assert pair.status == 200
        assert set(pair.data) == {"access", "refresh"}
        assert api.with_token(pair.data["access"]).get(ME).data["user"]["email"] == tenant.email
    both = api.post(TOKEN, {"email": tenant.email, "username": "x@example.com", "password": PASSWORD})
    assert (both.status, list(both.data)) == (400, ["username"])
    assert api.post(TOKEN, {"password": PASSWORD}).data == {"email": ["Send email, or username with the same meaning."]}
    outside = ANYBODY.post(TOKEN, {"email": tenant.email, "password": PASSWORD})
    assert (outside.status, outside.code) == (401, "invalid_credentials"), "without a key only operators log in"


def test_claims_name_the_tenant_and_live_as_long_as_told() -> None:
    tenant = new_tenant("claims")
    access = jwt.decode(tenant.access, options={"verify_signature": False})
    refresh = jwt.decode(tenant.refresh, options={"verify_signature": False})
    assert access["tenant"] == refresh["tenant"] == tenant.schema
    assert access["exp"] - access["iat"] == 300
    assert refresh["exp"] - refresh["iat"] == 86_400


def test_blacklist_ends_the_log_in() -> None:
    tenant = new_tenant("logout")
    api = Api(tenant.key)
    assert api.post(f"{TOKEN}blacklist/", {"refresh": tenant.refresh}).status == 200
    answer = api.post(f"{TOKEN}refresh/", {"refresh": tenant.refresh})
    assert (answer.status, answer.code) == (401, "token_revoked")
    assert api.post(f"{TOKEN}blacklist/", {"refresh": tenant.refresh}).status == 200, "twice is no error"


def test_a_password_change_ends_every_token() -> None:
    tenant = new_tenant("changer")
    api = Api(tenant.key, tenant.access)
    new = "an entirely other phrase 8"
    path = "/api/auth/password/change/"
    wrong = api.post(path, {"old_password": "no", "new_password": new})
    assert (wrong.status, list(wrong.data)) == (400, ["old_password"])
    weak = api.post(path, {"old_password": PASSWORD, "new_password": "12345"})
    assert (weak.status, list(weak.data)) == (400, ["new_password"])
    done = api.post(path, {"old_password": PASSWORD, "new_password": new})
    assert done.status == 200
    assert api.get(ME).code == "token_revoked"
    assert api.post(f"{TOKEN}refresh/", {"refresh": tenant.refresh}).code == "token_revoked"
    assert api.with_token(done.data["access"]).get(ME).status == 200
    assert api.post(TOKEN, {"email": tenant.email, "password": PASSWORD}).status == 401
    assert api.post(TOKEN, {"email": tenant.email, "password": new}).status == 200
