"""Names that relations declare for their other side: what is taken there is refused when it is declared."""

from typing import Any

import pytest

from tests.api.descriptors import new_app, new_table
from tests.cast import Api

PEOPLE: dict[str, Any] = {
    "fields": [{"name": "name", "type": "string"}, {"name": "boss_id", "type": "integer"}],
    "foreignKeys": [{"fields": "boss_id", "reference": {"resource": "", "fields": "id"}}],
}


def child(reverse: str | None) -> dict[str, Any]:
    """A table that points at people."""
    key: dict[str, Any] = {"fields": "person_id", "reference": {"resource": "people", "fields": "id"}}
    if reverse is not None:
        key["x-reverse-name"] = reverse
    return {"fields": [{"name": "person_id", "type": "integer"}], "foreignKeys": [key]}


@pytest.mark.parametrize("reverse", ["name", "boss", "pets"])
def test_a_reverse_name_that_is_taken_is_refused(api: Api, reverse: str) -> None:
    app = new_app(api)
    new_table(api, app, "people", PEOPLE)
    new_table(api, app, "pets", child("pets"))
    refused = api.post(f"{app}datatables/", {"name": "cars", "json_schema": child(reverse)})
    assert refused.status == 400
    assert "x-reverse-name" in refused.data["json_schema"][0]
    assert reverse in refused.data["json_schema"][0]
    assert api.post(f"{app}datatables/", {"name": "cars", "json_schema": child("cars")}).status == 201


def test_a_default_reverse_name_that_is_taken_is_no_error(api: Api) -> None:
    app = new_app(api)
    new_table(api, app, "people", PEOPLE, materialize=True)
    new_table(api, app, "pets", child("cars"), materialize=True)
    made = new_table(api, app, "cars", child(None), materialize=True)
    assert api.post(f"{app}datatables/people/data/", {"name": "a"}).status == 201
    assert api.post(f"{made}data/", [{"person_id": 1}, {"person_id": 1}]).status == 201
    row = api.get(f"{app}datatables/people/data/?populate=cars,cars.person_id").data["data"][0]
    assert (len(row["cars"]), len(row["cars.person_id"])) == (0, 2)


def test_a_package_is_looked_at_as_a_whole(api: Api) -> None:
    app = new_app(api)
    resources = [
        {"name": "people", "schema": PEOPLE},
        {"name": "pets", "schema": child("things")},
        {"name": "cars", "schema": child("things")},
    ]
    refused = api.post(f"{app}datatables/create_schema/", {"name": "p", "resources": resources})
    assert refused.status == 400, refused
    assert "things" in str(refused.data)
    resources[2]["schema"] = child("cars")
    assert api.post(f"{app}datatables/create_schema/", {"name": "p", "resources": resources}).status == 200


def test_a_table_may_be_described_again_with_its_own_names(api: Api) -> None:
    app = new_app(api)
    new_table(api, app, "people", PEOPLE)
    table = new_table(api, app, "pets", child("pets"))
    again = {**child("pets"), "title": "Pets"}
    assert api.patch(table, {"json_schema": again}).status == 200
