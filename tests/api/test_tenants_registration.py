"""Registration over HTTP: what is answered, what is there afterwards, whom it refuses."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from tests.cast import ANYBODY, PASSWORD, Answer, Api, new_tenant

SAFE = re.compile(r"[a-z0-9_]{1,63}")


def sign_up(email: object, **more: object) -> Answer:
    return ANYBODY.post("/api/auth/register/", {"email": email, "password": PASSWORD, **more})


def test_registration_answers_client_key_and_tokens() -> None:
    made = sign_up("jane.doe@example.com", name="Jane's shop")
    assert made.status == 201
    client = made.data["client"]
    assert client["name"] == "Jane's shop"
    assert client["status"] == "ready"
    assert re.fullmatch(r"jane_doe_\d{6}", client["schema_name"])
    assert client["created_at"].endswith("Z")
    me = Api(made.data["api_key"], made.data["access"]).get("/api/auth/me/")
    assert me.status == 200
    assert me.data["user"]["email"] == "jane.doe@example.com"
    assert me.data["user"]["role"] == "owner"
    assert me.data["tenant"] == {"schema_name": client["schema_name"], "name": "Jane's shop"}
    assert me.data["read_only"] is False
    again = Api(made.data["api_key"]).post("/api/auth/token/refresh/", {"refresh": made.data["refresh"]})
    assert again.status == 200


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"password": PASSWORD}, "email", "required"),
        ({"email": "a@example.com"}, "password", "required"),
        ({"email": "a@example.com", "password": "short1"}, "password", "weak_password"),
        ({"email": "a@example.com", "password": "12345678901"}, "password", "weak_password"),
        ({"email": "a@example.com", "password": 12345678901}, "password", "invalid_type"),
        ({"email": "a@example.com", "password": "x" * 2000}, "password", "too_long"),
        ({"email": 5, "password": PASSWORD}, "email", "invalid_type"),
        ({"email": "a@example.com", "password": PASSWORD, "mail": 1}, "mail", "unknown_field"),
        ({"email": "a@example.com", "password": PASSWORD, "schema_name": "x"}, "schema_name", "read_only_field"),
        ({"email": "a@example.com", "password": PASSWORD, "role": "owner"}, "role", "read_only_field"),
    ],
)
def test_registration_names_the_wrong_field(body: dict[str, object], field: str, code: str) -> None:
    plain = ANYBODY.post("/api/auth/register/", body)
    assert plain.status == 400
    assert list(plain.data) == [field]
    problem = ANYBODY.post("/api/auth/register/", body, Accept="application/problem+json")
    assert {(error["field"], error["code"]) for error in problem.data["errors"]} == {(field, code)}


@pytest.mark.parametrize("body", [b"[]", b"1", b"{", b"\xff"])
def test_registration_wants_a_json_object(body: bytes) -> None:
    assert ANYBODY.post("/api/auth/register/", body).status == 400


def test_an_11_one_email_owns_one_client(pg: psycopg.Connection) -> None:
    with ThreadPoolExecutor(20) as threads:

        def attempt(_: int) -> tuple[int, str]:
            try:
                answer = sign_up("inge.bo@example.com")
                return answer.status, answer.code
            finally:
                connections.close_all()

        outcomes = sorted(threads.map(attempt, range(20)))
    assert outcomes == [(201, ""), *[(409, "conflict_unique")] * 19]
    for variant in (
        "Inge.Bo@Example.COM",
        "\uff49nge.bo@example.com",
        "\u0131nge.bo@example.com",
        "\u0130nge.bo@example.com",
    ):
        again = sign_up(variant)
        assert (again.status, again.code) == (409, "conflict_unique"), variant
        assert again.data["fields"] == ["email"]
    clients = pg.execute("SELECT schema_name FROM public.datar_client WHERE email LIKE 'inge%'").fetchall()
    schemas = pg.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'inge%'").fetchall()
    assert len(clients) == 1
    assert clients == schemas
    users = sql.SQL("SELECT count(*) FROM {}.datar_user").format(sql.Identifier(clients[0][0]))
    assert pg.execute(users).fetchone() == (1,)


@pytest.mark.parametrize(
    ("local", "schema"),
    [
        ("o'brien", r"o_brien_\d{6}"),
        ("x" * 64, r"x{56}_\d{6}"),
        ("pg_x", r"t_pg_x_\d{6}"),
        ("PG", r"t_pg_\d{6}"),
        ("public", r"public_\d{6}"),
        ("BoB", r"bob_\d{6}"),
        ("%s", r"s_\d{6}"),
        ("{x}", r"x_\d{6}"),
        ("123", r"123_\d{6}"),
        ("---", r"client_\d{6}"),
        ('a"b', None),
        ("a;b", None),
        ("Ünï", None),
        ("a\n", None),
        ("a\x00", None),
        ("..", None),
        ("", None),
        ("x" * 65, None),
        ("a b", None),
    ],
)
def test_ti_15_sign_up_gives_a_safe_schema_or_400(local: str, schema: str | None, pg: psycopg.Connection) -> None:
    made = sign_up(f"{local}@ti15.example.com")
    if schema is None:
        assert made.status == 400
        problem = ANYBODY.post(
            "/api/auth/register/",
            {"email": f"{local}@ti15.example.com", "password": PASSWORD},
            Accept="application/problem+json",
        )
        assert [error["code"] for error in problem.data["errors"]] == ["invalid_email"]
        return
    assert made.status == 201
    name = made.data["client"]["schema_name"]
    assert re.fullmatch(schema, name)
    assert SAFE.fullmatch(name)
    assert pg.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name]).fetchone()
    me = Api(made.data["api_key"], made.data["access"]).get("/api/auth/me/")
    assert me.data["tenant"]["schema_name"] == name


def test_bob_and_bob_in_capitals_are_one(pg: psycopg.Connection) -> None:
    assert sign_up("Bob.Same@example.com").status == 201
    assert sign_up("bob.same@example.com").status == 409
    assert pg.execute("SELECT email FROM public.datar_client WHERE email ILIKE 'bob.same%'").fetchall() == [
        ("bob.same@example.com",)
    ]


def test_registration_takes_less_than_a_second() -> None:
    new_tenant("warm")
    began = time.perf_counter()
    new_tenant("timed")
    assert time.perf_counter() - began < 1


def test_the_owner_is_the_only_user(pg: psycopg.Connection) -> None:
    tenant = new_tenant("alone")
    users = sql.SQL("SELECT email, role FROM {}.datar_user").format(sql.Identifier(tenant.schema))
    assert pg.execute(users).fetchall() == [(tenant.email, "owner")]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_registration_is_post_only(method: str) -> None:
    answer = ANYBODY.request(method, "/api/auth/register/")
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]


def test_a_registration_that_cannot_copy_now_says_so(pg: psycopg.Connection) -> None:
    with pg.transaction():
        pg.execute("LOCK TABLE public.datar_datatable IN ROW EXCLUSIVE MODE")
        answer = sign_up("waits.in.vain@example.com")
        assert (answer.status, answer.code) == (503, "schema_locked")
        assert int(answer.headers["Retry-After"]) > 0
    assert sign_up("waits.in.vain@example.com").status == 201
