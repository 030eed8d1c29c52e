"""A small shop of related tables: to-one, to-many, itself, two ways to one table, a composite key."""

from typing import Any

from tests.records.engine import Engine

COUNTRIES: dict[str, Any] = {
    "fields": [{"name": "code", "type": "string"}, {"name": "name", "type": "string"}],
    "primaryKey": "code",
}
CUSTOMERS: dict[str, Any] = {
    "fields": [
        {"name": "name", "type": "string"},
        {"name": "country", "type": "string"},
        {"name": "boss_id", "type": "integer"},
        {"name": "meta", "type": "object"},
    ],
    "foreignKeys": [
        {"fields": "country", "reference": {"resource": "countries", "fields": "code"}},
        {"fields": "boss_id", "reference": {"resource": "", "fields": "id"}, "x-reverse-name": "staff"},
    ],
}
ORDERS: dict[str, Any] = {
    "fields": [
        {"name": "number", "type": "integer"},
        {"name": "total", "type": "number"},
        {"name": "customer_id", "type": "integer"},
        {"name": "billing_id", "type": "integer"},
        {"name": "at", "type": "datetime"},
    ],
    "primaryKey": "number",
    "foreignKeys": [
        {"fields": "customer_id", "reference": {"resource": "customers", "fields": "id"}},
        {"fields": "billing_id", "reference": {"resource": "customers", "fields": "id"}, "x-reverse-name": "bills"},
    ],
}
LINES: dict[str, Any] = {
    "fields": [
        {"name": "order", "type": "integer"},
        {"name": "place", "type": "integer"},
        {"name": "article", "type": "string"},
    ],
    "primaryKey": ["order", "place"],
    "foreignKeys": [{"fields": "order", "reference": {"resource": "orders", "fields": "number"}}],
}


class Shop:
    """Three countries, four customers (one without a country), six orders, some with lines."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.countries = engine.table("countries", COUNTRIES)
        self.customers = engine.table("customers", CUSTOMERS)
        self.orders = engine.table("orders", ORDERS)
        self.lines = engine.table("lines", LINES)
        self.countries.create(
            [{"code": "DE", "name": "Germany"}, {"code": "FR", "name": "France"}, {"code": "IT", "name": "Italy"}]
        )
        self.customers.create(
            [
                {"name": "Ann", "country": "FR", "meta": {"vip": True}},
                {"name": "Bob", "country": "DE", "boss_id": 1},
                {"name": "Cid", "country": None, "boss_id": 1},
                {"name": "Dot", "country": "DE", "boss_id": 2},
            ]
        )
        self.orders.create(
            [
                {"number": 1, "total": 10, "customer_id": 1, "billing_id": 2, "at": "2024-01-01T00:00:00Z"},
                {"number": 2, "total": 20, "customer_id": 1, "at": "2024-01-02T00:00:00Z"},
                {"number": 3, "total": 20, "customer_id": 2, "billing_id": 2},
                {"number": 4, "total": None, "customer_id": 3, "at": "2024-01-02T00:00:00Z"},
                {"number": 5, "total": 5, "at": "2024-01-01T00:00:00Z"},
                {"number": 6, "total": 20, "customer_id": 2},
            ]
        )
        self.lines.create(
            [
                {"order": 1, "place": 1, "article": "pen"},
                {"order": 1, "place": 2, "article": "ink"},
                {"order": 3, "place": 1, "article": "pen"},
            ]
        )

    def numbers(self, *pairs: tuple[str, str]) -> list[int]:
        """The numbers of the orders that a question finds, in its order."""
        return [row["number"] for row in self.orders.ask(*pairs)["data"]]

    def names(self, *pairs: tuple[str, str]) -> list[str]:
        """The names of the customers that a question finds, in its order."""
        return [row["name"] for row in self.customers.ask(*pairs)["data"]]
