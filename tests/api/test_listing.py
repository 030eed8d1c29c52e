"""Lists of descriptions: bare and in pages, filters, search, ordering; the number of statements is always the same."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.descriptors import new_table
from tests.cast import Api, new_tenant


def make_apps(api: Api, count: int) -> list[str]:
    return [api.post("/api/apps/", {"name": f"App {number}"}).data["slug"] for number in range(1, count + 1)]


def slugs(api: Api, query: str) -> list[str]:
    answer = api.get(f"/api/apps/?{query}")
    assert answer.status == 200, answer
    return [row["slug"] for row in answer.data]


def test_pages_follow_each_other() -> None:
    api = new_tenant("pages").api
    made = make_apps(api, 5)
    assert slugs(api, "") == made
    first = api.get("/api/apps/?page=1&page_size=2").data
    assert (first["count"], first["previous"]) == (5, None)
    assert first["next"] == "http://testserver/api/apps/?page=2&page_size=2"
    second = api.get(first["next"].removeprefix("http://testserver")).data
    assert [row["slug"] for row in second["results"]] == made[2:4]
    assert second["previous"] == "http://testserver/api/apps/?page=1&page_size=2"
    last = api.get("/api/apps/?page=3&page_size=2").data
    assert ([row["slug"] for row in last["results"]], last["next"]) == ([made[4]], None)
    beyond = api.get("/api/apps/?page=9").data
    assert (beyond["results"], beyond["count"], beyond["next"]) == ([], 5, None)
    assert len(api.get("/api/apps/?page_size=1000").data["results"]) == 5


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=0", "invalid_pagination"),
        ("page=-1", "invalid_pagination"),
        ("page=x", "invalid_pagination"),
        ("page=", "invalid_pagination"),
        ("page=%D9%A3", "invalid_pagination"),
        ("page=99999999999999999999", "invalid_pagination"),
        ("page_size=1001", "invalid_pagination"),
        ("page=1&page=2", "invalid_parameter"),
        ("limit=5", "unknown_parameter"),
        ("created_by=1", "unknown_parameter"),
        ("created_by__password__startswith=a", "unknown_parameter"),
        ("ordering=created_by__password", "invalid_ordering"),
        ("ordering=deletion", "invalid_ordering"),
        ("ordering=--name", "invalid_ordering"),
        ("ordering=?", "invalid_ordering"),
        ("is_active=1", "invalid_parameter"),
        ("search=%00", "invalid_parameter"),
    ],
)
def test_az_03_queries_that_mean_nothing_are_refused(query: str, code: str) -> None:
    answer = new_tenant_api().get(f"/api/apps/?{query}")
    assert (answer.status, answer.code) == (400, code)


def new_tenant_api(made: list[Api] = []) -> Api:  # noqa: B006 - one tenant for the refusals above
    if not made:
        made.append(new_tenant("lists").api)
    return made[0]


def test_search_and_ordering() -> None:
    api = new_tenant("search").api
    make_apps(api, 3)
    api.post("/api/apps/", {"name": "100% wool_x", "description": "Sheep"})
    assert slugs(api, "search=APP") == ["app-1", "app-2", "app-3"]
    assert slugs(api, "search=sheep") == ["100-wool-x"]
    assert slugs(api, "search=0%25") == ["100-wool-x"]
    assert slugs(api, "search=%25") == ["100-wool-x"], "% is a character, not a pattern"
    assert slugs(api, "search=_") == ["100-wool-x"]
    assert slugs(api, "ordering=-name") == ["app-3", "app-2", "app-1", "100-wool-x"]
    assert slugs(api, "ordering=datasource_count,-id") == ["100-wool-x", "app-3", "app-2", "app-1"]


def test_parameters_of_a_list_are_no_parameters_of_a_create() -> None:
    answer = new_tenant_api().post("/api/apps/?page=1", {"name": "x"})
    assert (answer.status, answer.code) == (400, "unknown_parameter")


def test_tables_are_filtered_by_datasource_and_state() -> None:
    api = new_tenant("filters").api
    app = f"/api/apps/{make_apps(api, 1)[0]}/"
    api.post(f"{app}datasources/", {"name": "Users DB", "provider_type": "flat_table"})
    new_table(api, app, "one", materialize=True)
    new_table(api, app, "two")
    api.post(f"{app}datasources/users-db/datatables/", {"name": "three", "json_schema": {"fields": [_FIELD]}})

    def names(query: str) -> list[str]:
        return [row["name"] for row in api.get(f"{app}datatables/?{query}").data]

    assert names("") == ["one", "two", "three"]
    assert names("datasource=users-db") == ["three"]
    assert names("datasource=none") == []
    assert names("is_materialized=true") == ["one"]
    assert names("is_materialized=false") == ["two", "three"]
    assert names("search=TW") == ["two"]
    assert names("ordering=name") == ["one", "three", "two"]
    assert api.delete(f"{app}datatables/two/").status == 204
    assert names("") == ["one", "three"]
    assert names("is_active=false") == ["two"]
    assert api.get(f"{app}datasources/users-db/datatables/?datasource=default").code == "unknown_parameter"
    listed = api.get(f"{app}datasources/default/datatables/?is_materialized=true").data
    assert [row["name"] for row in listed] == ["one"]


_FIELD = {"name": "a", "type": "string"}


def count_statements(ask: Callable[[], object]) -> int:
    ask()  # whatever is remembered for a moment is remembered now
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len([query for query in captured.captured_queries if not query["sql"].startswith("SET search_path")])


def test_lists_cost_the_same_whatever_they_hold() -> None:
    api = new_tenant("counts").api
    app = f"/api/apps/{make_apps(api, 1)[0]}/"
    new_table(api, app, "t0")
    paths = {
        "/api/apps/": 1,
        "/api/apps/?page=1": 2,
        app: 2,
        f"{app}stats/": 2,
        f"{app}datasources/": 2,
        f"{app}datatables/": 2,
        f"{app}datatables/stats/": 2,
        f"{app}datasources/default/": 2,
        f"{app}datasources/default/datatables/": 3,
        f"{app}datatables/t0/": 1,
        f"{app}datasources/default/datatables/t0/schema/": 1,
    }
    assert {path: count_statements(lambda path=path: api.get(path)) for path in paths} == paths  # type: ignore[misc]
    make_apps(api, 4)
    for number in range(1, 6):
        new_table(api, app, f"t{number}")
        api.post(f"{app}datasources/", {"name": f"S {number}", "provider_type": "jsonb"})
    assert {path: count_statements(lambda path=path: api.get(path)) for path in paths} == paths  # type: ignore[misc]
