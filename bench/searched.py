"""The rows that are searched: 50,000 flights in words, written through the service."""

import json
from typing import Any

from bench import tables
from bench.client import Client

ROWS = 50_000
_URL = "/api/apps/{}/datatables/{}/data/"


def fill(client: Client, *apps: str) -> None:
    """Read the demo's flights, airlines and airports, and write a title and a route for each flight into these apps."""
    airlines = {row["carrier"]: row["name"] for row in _rows(client, "airlines", 1)}
    airports = {row["faa"]: row["name"] for row in _rows(client, "airports", 2)}
    for first in range(0, ROWS // 1_000, 10):
        sent = [
            {
                "title": f"{airlines[row['carrier']]} {row['flight']}",
                "route": f"{airports[row['origin']]} to {airports.get(row['dest'], row['dest'])}",
            }
            for page in range(first, first + 10)
            for row in _page(client, "flights", page + 1)
        ]
        for app in apps:
            client.send("POST", _URL.format(app, tables.SEARCH_TABLE), sent, {"Prefer": "return=minimal"})


def _rows(client: Client, table: str, pages: int) -> list[dict[str, Any]]:
    return [row for page in range(1, pages + 1) for row in _page(client, table, page)]


def _page(client: Client, table: str, page: int) -> list[dict[str, Any]]:
    url = f"{_URL.format(tables.APP, table)}?page_size=1000&page={page}"
    rows: list[dict[str, Any]] = json.loads(client.send("GET", url))["data"]
    return rows
