"""Six books, for questions in words."""

from typing import Any

from tests.records.engine import Engine, Rows

FIELDS: list[dict[str, Any]] = [
    {"name": "title"},
    {"name": "body"},
    {"name": "mail", "format": "email"},
    {"name": "pages", "type": "integer"},
    {"name": "code", "format": "uuid"},
]
WEIGHED: list[Any] = ["title", {"field": "body", "weight": "C"}]
BOOKS: list[dict[str, Any]] = [
    {"title": "The Art of Fishing", "body": "Rods, lines and patience.", "pages": 100, "mail": "art@books.example"},
    {"title": "New York", "body": "A city guide", "pages": 200, "mail": "city@books.example"},
    {"title": "York, new", "body": "A city with fishing", "pages": 300},
    {"title": "Straße nach Köln", "body": None, "pages": 400},
    {"title": None, "body": "ПРИВЕТ мир; ΟΔΟΣ 東京 café", "pages": 500},
    {"title": "well-known self_made a/b", "body": "http://example.com/path?q=1 version 3.14, don't", "pages": 600},
]


def shelved(engine: Engine, *, declared: bool) -> Rows:
    """The books, with ``search_fields`` or without them."""
    rows = engine.table("books", {"fields": FIELDS, **({"search_fields": WEIGHED} if declared else {})})
    rows.create(BOOKS)
    return rows


def found(rows: Rows, words: str, **params: str) -> list[int]:
    """The pages of what is found, which tell the books apart, in hundreds."""
    return [row["pages"] // 100 for row in rows.list(search=words, **params)["data"]]
