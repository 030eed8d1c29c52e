"""The two servers that are compared, started as they run for users and ended by their own process id.

The service is `manage.py up` with a state directory of its own: embedded PostgreSQL with fsync on, demo data, gunicorn.
The floor is gunicorn with the same number of workers and threads.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
CREDENTIALS = "demo.json"
"""In the service's state directory: who the demo's user is."""
START_SECONDS = 300
STOP_SECONDS = 40
LOAD_SECONDS = 600


class NotStarted(Exception):
    """A server did not come up; the text is a sentence with the end of what it said."""


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory for all the files of a run, removed at its end; passable, as PostgreSQL gives up root."""
    directory = Path(tempfile.mkdtemp(prefix="datar-bench-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def service(state: Path) -> Iterator[str]:
    """The service on ``state``, ready; its base URL."""
    port = _free_port()
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port)]
    environment = {**_plain_environment(), "DATAR_STATE_DIR": str(state), "DATAR_WORKERS": "2", "DATAR_THREADS": "2"}
    with _running(
        command, environment, state / "bench-service.log", f"http://127.0.0.1:{port}", "/health/ready/"
    ) as base:
        yield base


@contextmanager
def floor(directory: Path, config: Path, module: str = "bench.floor") -> Iterator[str]:
    """The floor in ``module`` with what ``config`` tells it, ready; its base URL."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", f"{module}:application", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "2", "--log-level", "warning"]
    command += ["--no-control-socket", "--keep-alive", "15"]
    environment = {**_plain_environment(), "FLOOR_CONFIG": str(config)}
    with _running(command, environment, directory / f"{module}.log", f"http://127.0.0.1:{port}", "/ready") as base:
        yield base


def load_package(state: Path, tenant: str, app: str, provider: str) -> None:
    """The demo's package into an app of its own, by the documented command, beside the service on ``state``.

    Raises NotStarted with what it said.
    """
    command = [sys.executable, str(ROOT / "manage.py"), "load_package", "nycflights"]
    command += ["--tenant", tenant, "--app", app, "--provider", provider]
    environment = {**_plain_environment(), "DATAR_STATE_DIR": str(state)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LOAD_SECONDS
    )
    if done.returncode:
        raise NotStarted(f"the package could not be loaded into {provider}: {done.stderr.strip()[-600:]}")


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], log: Path, base: str, ready: str) -> Iterator[str]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait(process, base + ready, log)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    said = log.read_text("utf-8", "replace").strip()[-600:]
    raise NotStarted(f"nothing answers at {url}: {said or 'it said nothing'}")


def postgres_version(connection: "psycopg.Connection[Any]") -> str:
    """As PostgreSQL says it, after its name."""
    row = connection.execute("SHOW server_version").fetchone()
    return f"PostgreSQL {row[0] if row else 'unknown'}"


def _plain_environment() -> dict[str, str]:
    """Ours without the settings of another installation: nothing of it must be touched."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("DATAR_") and name != "DATABASE_URL"
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
