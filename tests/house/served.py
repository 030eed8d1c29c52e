"""The whole service as a process of its own, on databases of a test's: started, asked as its one user, ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datar.children import end, spawn
from tests.cluster import ROOT
from tests.house.test_server import Answer, Server, free_port, wait_for

_USER = {"email": "a@example.com", "password": "correct horse 7 staple"}


@dataclass
class Served:
    """The server, what it says, and the credentials of the one tenant."""

    server: Server
    log: Path
    credentials: dict[str, str] = field(default_factory=dict)

    def head(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A request's bytes."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.credentials.items()]
        return "\r\n".join(lines).encode() + b"\r\nContent-Type: application/json\r\n\r\n" + body

    def send(self, method: str, path: str, value: Any = None) -> Answer:
        """Ask on a connection of its own. No answer is a 500."""
        body = b"" if value is None else json.dumps(value).encode()
        answer = self.server.send(self.head(method, path, body))
        assert answer.status != 500, self.log.read_text("utf-8")[-3000:]
        return answer

    def timed(self, method: str, path: str, value: Any = None) -> tuple[Answer, float]:
        """The answer and how long it took, in seconds."""
        started = time.monotonic()
        return self.send(method, path, value), time.monotonic() - started

    def register(self) -> str:
        """Become a tenant; its schema."""
        made = self.send("POST", "/api/auth/register/", _USER)
        assert made.status == 201, made
        answer: Any = made.json
        self.credentials = {"Api-Key": answer["api_key"], "Authorization": f"Bearer {answer['access']}"}
        return str(answer["client"]["schema_name"])

    def renew(self) -> None:
        """Take a new token: one lives five minutes."""
        body = {"username": _USER["email"], "password": _USER["password"]}
        token: Any = self.send("POST", "/api/auth/token/", body).json
        self.credentials["Authorization"] = f"Bearer {token['access']}"


@contextmanager
def served(state: Path, settings: Mapping[str, str]) -> Iterator[Served]:
    """One worker with these settings, of which ``DATABASE_URL`` is one; its log is kept in ``state``."""
    port = free_port()
    environment = {**os.environ, **settings, "DATAR_BIND": f"127.0.0.1:{port}", "DATAR_WORKERS": "1"}
    migrate = [sys.executable, "manage.py", "migrate_schemas", "--shared", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, timeout=120)
    command = [sys.executable, "-m", "gunicorn", "-c", "python:datar.server"]
    path = state / "server.log"
    with path.open("wb") as log:
        process = spawn(command, end_signal=signal.SIGTERM, environment=environment, directory=ROOT, log=log)
    try:
        server = Server(port, process)
        wait_for(lambda: server.connect().close(), seconds=30)
        yield Served(server, path)
    finally:
        end(process, [(signal.SIGTERM, 10.0), (signal.SIGQUIT, 5.0)])
