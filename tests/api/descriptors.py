"""Table schemas that many tests need."""

from typing import Any

PRODUCTS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "price", "type": "number", "constraints": {"required": True, "minimum": 0}},
        {"name": "in_stock", "type": "boolean"},
    ],
    "primaryKey": ["id"],
}
USERS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "email", "type": "string", "format": "email", "constraints": {"required": True, "unique": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "is_active", "type": "boolean"},
        {"name": "created_at", "type": "datetime"},
    ],
    "primaryKey": ["id"],
}


def pointing(to: str, *, field: str = "other_id") -> dict[str, Any]:
    """A table of a key and a foreign key to ``to``'s id."""
    return {
        "fields": [{"name": "id", "type": "integer"}, {"name": field, "type": "integer"}],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": [field], "reference": {"resource": to, "fields": ["id"]}}],
    }
