"""Seed 003's "Complete Workflow Example", line by line, and every documented response after it, field for field."""

import re
from typing import Any

from tests.api.descriptors import PRODUCTS, USERS
from tests.cast import Api, new_tenant

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
APP = "/api/apps/e-commerce-platform/"


def take_instants(body: dict[str, Any]) -> dict[str, Any]:
    """The body without its two instants, which were checked."""
    assert INSTANT.fullmatch(body.pop("created_at"))
    assert INSTANT.fullmatch(body.pop("updated_at"))
    return body


def run_workflow(api: Api) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Steps 1 to 3; what each answered."""
    app = api.post("/api/apps/", {"name": "E-Commerce Platform", "description": "Main e-commerce application"})
    assert app.status == 201, app
    assert app.headers["Location"] == APP
    source = api.post(
        f"{APP}datasources/", {"name": "Product Database", "slug": "products-db", "provider_type": "flat_table"}
    )
    assert source.status == 201, source
    table = api.post(f"{APP}datasources/products-db/datatables/", {"name": "products", "json_schema": PRODUCTS})
    assert table.status == 201, table
    assert table.headers["Location"] == f"{APP}datasources/products-db/datatables/products/"
    return app.data, source.data, table.data


def test_workflow_of_seed_003_line_by_line() -> None:
    api = new_tenant("workflow").api
    me = api.get("/api/auth/me/").data["user"]["id"]
    app, source, table = run_workflow(api)
    assert take_instants(app) == {
        "id": app["id"],
        "name": "E-Commerce Platform",
        "slug": "e-commerce-platform",
        "description": "Main e-commerce application",
        "datasource_count": 0,
        "table_count": 0,
        "datasources": [],
        "created_by": me,
        "modified_by": None,
    }
    names = {"app_name": "E-Commerce Platform", "app_slug": "e-commerce-platform"}
    assert take_instants(source) == {
        "id": source["id"],
        "app": app["id"],
        **names,
        "name": "Product Database",
        "slug": "products-db",
        "provider_type": "flat_table",
        "provider_config": {},
        "description": "",
        "is_active": True,
        "table_count": 0,
        "materialized_count": 0,
        "created_by": me,
        "modified_by": None,
    }
    assert take_instants(table) == {
        "id": table["id"],
        "data_source": source["id"],
        "datasource_name": "Product Database",
        "datasource_slug": "products-db",
        **names,
        "name": "products",
        "json_schema": PRODUCTS,
        "physical_table_name": "e_commerce_platform_products",
        "is_materialized": False,
        "is_active": True,
        "description": "",
        "schema_hash": table["schema_hash"],
        "field_count": 4,
        "field_names": ["id", "name", "price", "in_stock"],
        "primary_key": ["id"],
        "created_by": me,
        "modified_by": None,
    }
    assert re.fullmatch(r"[0-9a-f]{64}", table["schema_hash"])
    stats = api.get(f"{APP}stats/")
    assert stats.status == 200
    assert stats.data == {
        **names,
        "total_datasources": 1,
        "total_tables": 1,
        "materialized_tables": 0,
        "unmaterialized_tables": 1,
        "datasources": [
            {
                "name": "Product Database",
                "slug": "products-db",
                "provider_type": "flat_table",
                "total_tables": 1,
                "materialized_tables": 0,
            }
        ],
    }


def test_every_documented_response_has_the_fields_the_seed_shows() -> None:
    api = new_tenant("shapes").api
    _, source, table = run_workflow(api)
    created = api.post(
        f"{APP}datasources/products-db/datatables/",
        {"name": "users", "description": "User accounts table", "json_schema": USERS},
    )
    assert created.data["description"] == "User accounts table"
    base = f"{APP}datasources/products-db/"

    item = take_instants(api.get("/api/apps/").data[0])
    assert set(item) == {"id", "name", "slug", "description", "datasource_count"}
    assert item["datasource_count"] == 1

    detail = take_instants(api.get(APP).data)
    assert detail["datasource_count"] == 1
    assert detail["table_count"] == 2
    assert detail["datasources"] == [
        {
            "id": source["id"],
            "name": "Product Database",
            "slug": "products-db",
            "provider_type": "flat_table",
            "table_count": 2,
        }
    ]

    listed = take_instants(api.get(f"{APP}datasources/").data[0])
    assert set(listed) == {
        "id", "name", "slug", "app_name", "app_slug", "provider_type", "description", "is_active", "table_count"
    }  # fmt: skip
    assert listed["table_count"] == 2
    assert api.get(base).data["table_count"] == 2
    assert api.get(f"{base}stats/").data == {
        "total_tables": 2,
        "materialized_tables": 0,
        "unmaterialized_tables": 2,
        "provider_type": "flat_table",
        "is_active": True,
    }

    rows = api.get(f"{base}datatables/").data
    assert rows == api.get(f"{base}tables/").data == api.get(f"{APP}datatables/").data
    assert [row["name"] for row in rows] == ["products", "users"]
    assert set(take_instants(rows[0])) == {
        "id", "name", "datasource_name", "datasource_slug", "app_name", "app_slug", "physical_table_name",
        "is_materialized", "is_active", "field_count",
    }  # fmt: skip

    for where in (f"{base}datatables/products/", f"{APP}datatables/products/"):
        assert api.get(where).data == table
        assert api.get(f"{where}schema/").data == {
            "name": "products",
            "schema": PRODUCTS,
            "schema_hash": table["schema_hash"],
            "field_count": 4,
        }

    assert api.get(f"{APP}datatables/stats/").data == {
        "total_tables": 2,
        "materialized_tables": 0,
        "unmaterialized_tables": 2,
        "datasource_count": 1,
        "datasources": {
            "products-db": {
                "name": "Product Database",
                "provider_type": "flat_table",
                "table_count": 2,
                "materialized_count": 0,
            }
        },
    }
    verdict = api.post(
        f"{base}datatables/users/validate_data/",
        {
            "data": [
                {
                    "id": 1,
                    "email": "user@example.com",
                    "name": "John Doe",
                    "is_active": True,
                    "created_at": "2024-10-30T12:00:00Z",
                },
                {"id": 2, "email": "invalid-email", "name": "Jane Smith"},
            ]
        },
    )
    assert verdict.status == 200, verdict
    assert set(verdict.data) == {"is_valid", "errors", "validated_rows", "error_details"}
    assert verdict.data["is_valid"] is False
    assert verdict.data["validated_rows"] == 2
    assert len(verdict.data["errors"]) == 1
    assert verdict.data["errors"][0].startswith("Row 1: Field 'email'")
    assert set(verdict.data["error_details"][0]) == {"row", "field", "code", "message"}
    assert verdict.data["error_details"][0]["row"] == 1
    assert verdict.data["error_details"][0]["field"] == "email"


def test_materialize_writes_the_history_the_seed_shows() -> None:
    api = new_tenant("history").api
    run_workflow(api)
    table = f"{APP}datatables/products/"
    assert api.get(f"{table}operation-history/").data == {"data": []}
    done = api.post(f"{table}materialize/")
    assert done.status == 200, done
    assert done.data["is_materialized"] is True
    history = api.get(f"{table}operation-history/").data["data"]
    assert len(history) == 1
    entry = history[0]
    assert INSTANT.fullmatch(entry.pop("created_at"))
    assert entry.pop("id") > 0
    assert entry.pop("execution_time_ms") >= 0
    assert "CREATE TABLE" in entry.pop("sql")
    assert "DROP TABLE" in entry.pop("rollback_sql")
    assert entry == {"operation_type": "CREATE", "description": "Create table 'products'", "status": "success"}
    assert api.get(f"{table}operation-history/?status=failed").data == {"data": []}
    assert len(api.get(f"{table}operation-history/?status=success&page=1&page_size=20").data["data"]) == 1
    assert api.get(f"{table}operation-history/?page=2").data == {"data": []}
    assert api.get(f"{table}operation-history/?status=gone").code == "invalid_parameter"
    assert api.get(f"{APP}stats/").data["materialized_tables"] == 1
