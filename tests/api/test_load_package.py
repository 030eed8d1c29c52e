"""``manage.py load_package``: files of a data package become rows that the API reads, or nothing changes at all."""

import gzip
import json
import zipfile
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.cast import Tenant, acme, new_tenant

CITIES = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 12, "unique": True}},
        {"name": "capital of", "type": "string"},
        {"name": "founded", "type": "date", "format": "%d/%m/%Y"},
        {"name": "area", "type": "number", "decimalChar": ",", "groupChar": ".", "bareNumber": False},
        {"name": "coastal", "type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]},
        {"name": "place", "type": "geopoint"},
        {"name": "train", "type": "duration"},
        {"name": "tags", "type": "list", "delimiter": ";"},
        {"name": "more", "type": "object"},
        {"name": "seen", "type": "datetime"},
        {"name": "created_at", "type": "datetime"},
        {"name": "stars", "type": "integer", "default": 3},
    ],
    "missingValues": ["", "-"],
}
CITIES_CSV = (
    "id,name,capital of,founded,area,coastal,place,train,tags,more,seen\n"
    '7,Lisbon,Portugal,25/10/1147,"100,05 km²",yes,"-9.14,38.71",PT2H30M,old;sunny,"{""trams"": [28]}",'
    "2024-05-01 10:00:00\n"
    '9,Évora,-,-,"1.307,1",no,-,-,-,-,2024-05-01T12:00:00.5+02:00\n'
)
STREETS = {
    "fields": [
        {"name": "id", "type": "string", "format": "uuid"},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "city_id", "type": "integer"},
        {"name": "month", "type": "integer"},
    ],
    "primaryKey": ["id"],
    "foreignKeys": [{"fields": ["city_id"], "reference": {"resource": "cities", "fields": ["id"]}}],
}
STREETS_CSV = "name,city_id,month\nRua Augusta,7,1\nRua do Ouro,7,2\nRua da República,9,12\nNowhere,,3\n"


def write_package(directory: Path, *, cities_csv: str = CITIES_CSV, **more: Any) -> Path:
    """The package, streets first, so that the order of loading is not the order of writing."""
    (directory / "cities.csv").write_text(cities_csv, "utf-8")
    (directory / "streets.csv").write_text(STREETS_CSV, "utf-8")
    resources: list[dict[str, Any]] = [
        {"name": "streets", "path": "streets.csv", "schema": STREETS},
        {"name": "cities", "path": "cities.csv", "schema": CITIES},
    ]
    for name, changes in more.items():
        next(resource for resource in resources if resource["name"] == name).update(changes)
    (directory / "datapackage.json").write_text(json.dumps({"title": "Portugal", "resources": resources}), "utf-8")
    return directory


def load(directory: Path, tenant: Tenant, app: str, *more: str) -> tuple[str, str]:
    """What the command wrote to stdout and stderr."""
    out, errors = StringIO(), StringIO()
    call_command(
        "load_package", str(directory), "--tenant", tenant.schema, "--app", app, *more, stdout=out, stderr=errors
    )
    return out.getvalue(), errors.getvalue()


def refusal(directory: Path, tenant: Tenant, app: str, *more: str) -> str:
    """The sentence the command ends with."""
    with pytest.raises(CommandError) as refused:
        load(directory, tenant, app, *more)
    return str(refused.value)


def data(tenant: Tenant, app: str, table: str, query: str = "") -> Any:
    return tenant.api.get(f"/api/apps/{app}/datatables/{table}/data/{query}").data


def test_rows_of_files_read_like_rows_of_requests(tmp_path: Path) -> None:
    out, errors = load(write_package(tmp_path), acme(), "portugal")
    assert out.splitlines() == ["cities: 2 rows", "streets: 4 rows"]
    assert "Loading cities: done." in errors
    first, second = data(acme(), "portugal", "cities")["data"]
    assert first.pop("created_at").endswith("Z")
    assert second.pop("created_at").endswith("Z")
    assert first == {
        "id": 7,
        "name": "Lisbon",
        "capital of": "Portugal",
        "founded": "1147-10-25",
        "area": 100.05,
        "coastal": True,
        "place": [-9.14, 38.71],
        "train": "PT2H30M",
        "tags": ["old", "sunny"],
        "more": {"trams": [28]},
        "seen": "2024-05-01T10:00:00Z",
        "stars": 3,
    }
    nothing: Mapping[str, None] = dict.fromkeys(("capital of", "founded", "place", "train", "tags", "more"))
    assert second == {
        "id": 9,
        "name": "Évora",
        "area": 1307.1,
        "coastal": False,
        "seen": "2024-05-01T10:00:00.5Z",
        "stars": 3,
        **nothing,
    }
    streets = data(acme(), "portugal", "streets", "?ordering=month")["data"]
    assert [street["city_id"] for street in streets] == [7, 7, None, 9]
    assert len({street["id"] for street in streets}) == 4


def test_keys_from_a_file_move_the_generated_key_on(tmp_path: Path) -> None:
    load(write_package(tmp_path), acme(), "keys")
    made = acme().api.post("/api/apps/keys/datatables/cities/data/", {"name": "Faro"})
    assert made.status == 201
    assert made.data["data"]["id"] == 10


def test_rows_have_versions_and_instants_as_those_of_requests(tmp_path: Path) -> None:
    load(write_package(tmp_path), acme(), "versions")
    rows = data(acme(), "versions", "streets", "?_meta=true")["data"]
    assert len({row["_version"] for row in rows}) == 4
    assert all(row["_created_at"].endswith("Z") for row in rows)


def test_only_the_rows_asked_for_are_loaded_and_the_rest_can_follow(tmp_path: Path) -> None:
    package = write_package(tmp_path)
    out, _ = load(package, acme(), "parts", "--where", "streets.month=1")
    assert out.splitlines() == ["cities: 2 rows", "streets: 1 rows"]
    out, _ = load(package, acme(), "parts", "--resource", "streets", "--where", "month=2-12")
    assert out.splitlines() == ["streets: 3 rows"]
    assert data(acme(), "parts", "streets")["total"] == 4


def test_a_package_loaded_twice_is_refused_at_its_first_row(tmp_path: Path) -> None:
    load(write_package(tmp_path), acme(), "twice")
    said = refusal(tmp_path, acme(), "twice")
    assert said.startswith("cities, line 2, field 'id':")
    assert data(acme(), "twice", "streets")["total"] == 4


@pytest.mark.parametrize(
    ("cities", "said"),
    [
        ("id,name\n1,Porto\nx,Faro\n", "cities, line 3, field 'id': a whole number is due."),
        ("id,name\n1,Porto\n2,-\n", "cities, line 3, field 'name': a value is required."),
        ("id,name\n1,Vila Real de Santo António\n", "cities, line 2, field 'name': must have at most 12 characters."),
        ("id,name\n1,Porto\n2,Porto\n", "cities, line 3, field 'name': A row with this value exists already."),
        (
            "id,name,founded\n1,Porto,31/02/1100\n",
            "cities, line 2, field 'founded': a value of the form %d/%m/%Y is due.",
        ),
        ("id,name\n1,Porto,more\n", "cities, line 2: 3 cells, 2 are due."),
        ("id,name,mayor\n1,Porto,Rui\n", "cities: the columns mayor are not the fields of the schema."),
        ("id,area\n1,4\n", "cities: the file has no column 'name', which is required."),
        ("id,name\n1,Porto\n", "streets, field 'city_id': A row that is referred to does not exist"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_left(tmp_path: Path, cities: str, said: str) -> None:
    assert refusal(write_package(tmp_path, cities_csv=cities), acme(), "wrong").startswith(said)
    assert acme().api.get("/api/apps/wrong/").status == 404


def test_archives_are_read_and_other_dialects(tmp_path: Path) -> None:
    dialect = {"delimiter": ";", "quoteChar": "'"}
    package = write_package(
        tmp_path,
        streets={"path": "streets.csv.gz"},
        cities={"path": "cities.zip", "innerpath": "b.csv", "encoding": "iso-8859-1", "dialect": dialect},
    )
    with gzip.open(tmp_path / "streets.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\ufeffname,month\r\nRua,1\r\n")
    with zipfile.ZipFile(tmp_path / "cities.zip", "w") as archive:
        archive.writestr("a.csv", "nothing of ours")
        archive.writestr("b.csv", "id;name\n1;'É; vora'\n".encode("iso-8859-1"))
    out, _ = load(package, acme(), "archives")
    assert out.splitlines() == ["cities: 1 rows", "streets: 1 rows"]
    assert data(acme(), "archives", "cities")["data"][0]["name"] == "É; vora"


@pytest.mark.parametrize("path", ["../cities.csv", "/etc/passwd", "https://example.com/cities.csv", ["a.csv", "b.csv"]])
def test_nothing_outside_the_package_is_opened(tmp_path: Path, path: Any) -> None:
    directory = tmp_path / "package"
    directory.mkdir()
    (tmp_path / "cities.csv").write_text(CITIES_CSV, "utf-8")
    package = write_package(directory, cities={"path": path})
    assert refusal(package, acme(), "outside").startswith("cities: ")
    assert acme().api.get("/api/apps/outside/").status == 404


def test_other_mistakes_of_the_caller_are_sentences(tmp_path: Path) -> None:
    package = write_package(tmp_path)
    assert "is no condition" in refusal(package, acme(), "caller", "--where", "month")
    assert "no such resource" in refusal(package, acme(), "caller", "--resource", "rivers")
    with pytest.raises(CommandError, match="There is no tenant 'nobody_000000'"):
        call_command("load_package", str(package), "--tenant", "nobody_000000", "--app", "caller")
    with pytest.raises(CommandError, match="No such file"):
        call_command("load_package", str(tmp_path / "none"), "--tenant", acme().schema, "--app", "caller")


def test_rows_never_go_to_another_datasource_than_was_named(tmp_path: Path) -> None:
    package, tenant = write_package(tmp_path), new_tenant("elsewhere")
    load(package, tenant, "there")
    said = refusal(package, tenant, "there", "--datasource", "papers", "--provider", "jsonb")
    assert "is in datasource 'default' (flat_table), not in 'papers'" in said
    assert "name another one with --datasource" in refusal(package, tenant, "there", "--provider", "jsonb")


def test_a_tenant_gets_only_its_own_rows(tmp_path: Path) -> None:
    other = new_tenant("loads")
    load(write_package(tmp_path), other, "mine")
    assert data(other, "mine", "streets")["total"] == 4
    assert acme().api.get("/api/apps/mine/").status == 404
