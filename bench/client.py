"""A tenant's client over one kept connection: token, key, JSON. It knows no measurement."""

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_IDLE_SECONDS = 3.0


class Refused(Exception):
    """An answer that was not expected; the text shows status and body."""


class Client:
    """Speaks to the service as one user of one tenant; ``credentials`` as ``datatables.demo.setup`` keeps them."""

    def __init__(self, base: str, credentials: Mapping[str, str]) -> None:
        self.base = base
        self._credentials = credentials
        self._connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=120)
        self._token = ""
        self._used = 0.0

    def headers(self) -> dict[str, str]:
        """Credentials for five minutes from now."""
        user, password = self._credentials["user"], self._credentials["password"]
        answer = json.loads(self.send("POST", "/api/auth/token/", {"username": user, "password": password}))
        self._token = answer["access"]
        return self._headers()

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
        """One request; the answer's body. Bytes go as they are. Raises Refused for any status of 400 and above."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {**self._headers(), **({"Content-Type": "application/json"} if data else {}), **(headers or {})}
        if time.monotonic() - self._used > _IDLE_SECONDS:  # the server ends idle connections; a new one is opened
            self._connection.close()
        self._connection.request(method, path, data, sent)
        answer = self._connection.getresponse()
        text = answer.read()
        self._used = time.monotonic()
        if answer.status >= 400:
            raise Refused(f"{method} {path}: {answer.status} {text[:500].decode('utf-8', 'replace')}")
        return text

    def _headers(self) -> dict[str, str]:
        key = {"Api-Key": self._credentials["api_key"]}
        return key | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
