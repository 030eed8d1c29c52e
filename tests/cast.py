"""The fixed cast: tenants ``acme`` (ours) and ``globex`` (must never be seen), and a client that speaks JSON for them.

Each is registered once a worker, through the service. A test that changes a tenant itself (suspends, deletes, changes
a password) registers one of its own with ``new_tenant``.
"""

import itertools
import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from django.test import Client as HttpClient

from tenants.models import Role, User
from tenants.registration import register

PASSWORD = "correct horse battery staple 7"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its body as JSON (None when empty), its headers."""

    status: int
    data: Any
    headers: Any
    content: bytes

    @property
    def code(self) -> str:
        """The stable error code, empty for success."""
        return str(self.headers.get("X-Error-Code", ""))


@dataclass(frozen=True)
class Api:
    """Requests with an Api-Key and an access token, either of them empty for none.

    >>> acme().api.post("/api/apps/", {"name": "CRM"}).data["slug"]
    """

    key: str = ""
    access: str = ""
    http: HttpClient = field(default_factory=lambda: HttpClient(raise_request_exception=False), repr=False)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send; ``headers`` as ``if_match="…"``; a body that is bytes goes as it is, anything else as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            sent.setdefault("Api-Key", self.key)
        if self.access:
            sent.setdefault("Authorization", f"Bearer {self.access}")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = sent.pop("Content-Type", "application/json")
        response = self.http.generic(method, path, content, content_type=kind, headers=sent)
        text = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
        is_json = response.headers.get("Content-Type", "").endswith(("/json", "+json"))
        return Answer(response.status_code, json.loads(text) if text and is_json else None, response.headers, text)

    @property
    def credentials(self) -> dict[str, str]:
        """The headers, for a request that is made by hand."""
        return {"Api-Key": self.key, "Authorization": f"Bearer {self.access}"}

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.request("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST."""
        return self.request("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        """PUT."""
        return self.request("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        """PATCH."""
        return self.request("PATCH", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Answer:
        """DELETE."""
        return self.request("DELETE", path, body, **headers)

    def without_key(self) -> "Api":
        """The same token, no key."""
        return replace(self, key="")

    def with_key(self, key: str) -> "Api":
        """The same token, another key."""
        return replace(self, key=key)

    def with_token(self, access: str) -> "Api":
        """The same key, another token."""
        return replace(self, access=access)


@dataclass(frozen=True)
class Tenant:
    """A registered client and its owner."""

    client_id: int
    schema: str
    email: str
    key: str
    refresh: str
    access: str

    @property
    def api(self) -> Api:
        """Requests as the owner, with the key. The token lasts five minutes; a worker's run may last longer."""
        return Api(self.key, fresh_access(self.schema, self.email))


ANYBODY = Api()
"""Requests without any credentials."""


def new_tenant(local: str = "tenant") -> Tenant:
    """A tenant nobody else uses."""
    email = f"{local}{next(_numbers)}@example.com"
    made = register(email=email, password=PASSWORD, name=local)
    return Tenant(made.client.pk, made.client.schema_name, email, made.api_key, made.refresh, made.access)


@cache
def acme() -> Tenant:
    """Ours."""
    return new_tenant("acme")


@cache
def globex() -> Tenant:
    """Theirs: nothing of it may ever be seen by acme."""
    return new_tenant("globex")


def fresh_access(schema: str, email: str) -> str:
    """An access token for a user of a namespace, minted by the service, without paying for a password's hash."""
    from tenants.context import use
    from tenants.tokens import issue_pair

    with use(schema):
        user = User.objects.get(email=email)
    return issue_pair(user, namespace=schema)["access"]


def new_user(schema: str, role: str = Role.VIEWER) -> str:
    """The access token of a new user of a namespace; an operator when the schema is ``public``."""
    from tenants.accounts import create_user

    user = create_user(namespace=schema, email=f"{role}{next(_numbers)}@example.com", password=PASSWORD, role=role)
    return fresh_access(schema, user.email)
