"""A client whose schema has gone while a process still remembers its key, its user and its tables."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.api.descriptors import PRODUCTS, new_app, new_table
from tests.cast import PASSWORD, Answer, new_tenant


@pytest.mark.parametrize("request_of", ["list", "create", "apps", "table", "new", "token", "rows of nothing"])
def test_ti_18_a_schema_that_has_gone_is_a_dead_key_at_once(pg: "psycopg.Connection[object]", request_of: str) -> None:
    tenant = new_tenant("departed")
    api = tenant.api
    app = new_app(api)
    table = new_table(api, app, "t", materialize=True)
    rows = f"{table}data/"
    row = {"id": 1, "name": "x", "price": 1}
    sends: dict[str, Callable[[], Answer]] = {
        "list": lambda: api.get(rows),
        "create": lambda: api.post(rows, row),
        "apps": lambda: api.get("/api/apps/"),
        "table": lambda: api.get(table),
        "new": lambda: api.post(f"{app}datatables/", {"name": "u", "json_schema": PRODUCTS}),
        "token": lambda: api.post("/api/auth/token/", {"email": tenant.email, "password": PASSWORD}),
        "rows of nothing": lambda: api.get(f"{app}datatables/nothing/data/"),
    }
    assert api.get(rows).status == 200
    assert api.get("/api/apps/").status == 200
    pg.execute("UPDATE public.datar_client SET status = 'deleted' WHERE schema_name = %s", [tenant.schema])
    pg.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(tenant.schema)))
    first = sends[request_of]()
    assert (first.status, first.code) == (401, "invalid_api_key"), first
    again = sends[request_of]()
    assert (again.status, again.code) == (401, "invalid_api_key"), again
