"""What ``make up`` prints: progress while it works, then the address, the demo tenant and lines to paste."""

import json
import shlex
import sys
import time
from collections.abc import Mapping

_WIDTH = 30
_PASTE = """
Try it: paste these lines one after the other (the token lives five minutes).

# 1. a token
TOKEN=$(curl -sS -X POST {url}/api/auth/token/ -H 'Api-Key: {api_key}' -H 'Content-Type: application/json' \
-d {login} | {python} -c 'import json, sys; print(json.load(sys.stdin)["access"])')

# 2. flights from JFK that left more than ten hours late
curl -sS "{url}/api/apps/{app}/datatables/flights/data/?origin=JFK&dep_delay__gt=600&ordering=-dep_delay&page_size=3" \
-H 'Api-Key: {api_key}' -H "Authorization: Bearer $TOKEN"; echo

# 3. one airline
curl -sS {url}/api/apps/{app}/datatables/airlines/data/UA/ \
-H 'Api-Key: {api_key}' -H "Authorization: Bearer $TOKEN"; echo

# 4. a new airline
curl -sS -X POST {url}/api/apps/{app}/datatables/airlines/data/ \
-H 'Api-Key: {api_key}' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
-d "{{\\"carrier\\":\\"Z$(date +%s)\\",\\"name\\":\\"My Airline\\"}}"; echo
"""


class Progress:
    """A bar on a terminal; elsewhere one line when a task begins and one when it is done."""

    def __init__(self) -> None:
        self._task = ""
        self._began = 0.0

    def __call__(self, done: int, total: int, task: str) -> None:
        """Show that ``done`` of ``total`` parts of ``task`` are done."""
        new, over = task != self._task, total <= done
        if new:
            self._task, self._began = task, time.monotonic()
        if sys.stdout.isatty():
            filled = _WIDTH * done // max(total, 1)
            bar = "#" * filled + "." * (_WIDTH - filled)
            print(f"\r{task:<28} [{bar}] {100 * done // max(total, 1):3d} %", end="\n" if over else "", flush=True)
        elif new and not over:
            print(f"{task} ...", flush=True)
        elif over:
            print(f"{task}: done in {time.monotonic() - self._began:.1f} s.", flush=True)
        if over:
            self._task = ""


def greeting(url: str, demo: Mapping[str, str] | None) -> str:
    """The text for a service that is ready at ``url``; ``demo`` holds tenant, user, password, api_key (and app)."""
    lines = [f"\nDatar is ready: {url}/  (documentation: {url}/api/docs/)"]
    if demo:
        names = (("tenant", "tenant"), ("user", "user"), ("password", "password"), ("Api-Key", "api_key"))
        lines += ["", *(f"  {label:<9} {demo[name]}" for label, name in names), curl_lines(url, demo)]
    return "\n".join([*lines, "Ctrl-C ends it. The data stays."])


def curl_lines(url: str, demo: Mapping[str, str]) -> str:
    """Four lines for a shell, in order: token, filtered list, one record, create."""
    login = json.dumps({"username": demo["user"], "password": demo["password"]})
    return _PASTE.format(
        url=url,
        api_key=demo["api_key"],
        login=shlex.quote(login),
        python=shlex.quote(sys.executable),
        app=demo.get("app", "nycflights"),
    )
