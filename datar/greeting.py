"""What ``make up`` prints when it is ready: the address, the demo tenant and lines to paste."""

import json
import shlex
import sys
from collections.abc import Mapping

_PASTE = """
Try it: paste these lines one after the other (the token lives five minutes).

# 1. where, who, and a token
DATA={url}/api/apps/{app}/datatables
KEY={api_key}
TOKEN=$(curl -sS -X POST {url}/api/auth/token/ -H "Api-Key: $KEY" -H 'Content-Type: application/json' \
-d {login} | {python} -c 'import json, sys; print(json.load(sys.stdin)["access"])')

# 2. flights from JFK that left more than ten hours late
curl -sS "$DATA/flights/data/?origin=JFK&dep_delay__gt=600&ordering=-dep_delay&page_size=3" \
-H "Api-Key: $KEY" -H "Authorization: Bearer $TOKEN"; echo

# 3. the three airlines that are late most
curl -sS "$DATA/flights/data/?_group_by=airline.name&_aggregate=avg(dep_delay)+as+delay&ordering=-delay&page_size=3" \
-H "Api-Key: $KEY" -H "Authorization: Bearer $TOKEN"; echo

# 4. one airline
curl -sS $DATA/airlines/data/UA/ -H "Api-Key: $KEY" -H "Authorization: Bearer $TOKEN"; echo

# 5. a new airline
curl -sS -X POST $DATA/airlines/data/ \
-H "Api-Key: $KEY" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
-d '{{"carrier":"ZZ","name":"My Airline"}}'; echo

# 6. and away with it: the demo is again as its examples show it (no answer but the status, 204)
curl -sS -X DELETE $DATA/airlines/data/ZZ/ \
-H "Api-Key: $KEY" -H "Authorization: Bearer $TOKEN" -w '%{{http_code}}\\n'

More to paste: docs/how-to/ask-ten-questions.md
"""


def greeting(url: str, demo: Mapping[str, str] | None) -> str:
    """The text for a service that is ready at ``url``; ``demo`` holds tenant, user, password, api_key (and app)."""
    lines = [f"\nDatar is ready: {url}/  (documentation: {url}/api/docs/)"]
    if demo:
        names = (("tenant", "tenant"), ("user", "user"), ("password", "password"), ("Api-Key", "api_key"))
        lines += ["", *(f"  {label:<9} {demo[name]}" for label, name in names), curl_lines(url, demo)]
    return "\n".join([*lines, "Ctrl-C ends it. The data stays."])


def curl_lines(url: str, demo: Mapping[str, str]) -> str:
    """Lines for a shell, in order: address, key, token, filtered list, groups, one record, create, delete."""
    login = json.dumps({"username": demo["user"], "password": demo["password"]})
    return _PASTE.format(
        url=url,
        api_key=demo["api_key"],
        login=shlex.quote(login),
        python=shlex.quote(sys.executable),
        app=demo.get("app", "nycflights"),
    )
