"""A tenant with countries, people and their bosses, books of authors and editors, and a table of odd labels."""

from typing import Any

from tests.api.descriptors import new_app, new_table
from tests.api.queried import url
from tests.cast import Answer, Api, new_tenant

COUNTRIES: dict[str, Any] = {
    "fields": [{"name": "code", "type": "string"}, {"name": "name", "type": "string"}],
    "primaryKey": "code",
}
PEOPLE: dict[str, Any] = {
    "fields": [
        {"name": "name", "type": "string"},
        {"name": "country", "type": "string"},
        {"name": "boss_id", "type": "integer"},
        {"name": "meta", "type": "object"},
        {"name": "born", "type": "date"},
        {"name": "seen", "type": "datetime"},
        {"name": "pay", "type": "number"},
    ],
    "foreignKeys": [
        {"fields": "country", "reference": {"resource": "countries", "fields": "code"}},
        {"fields": "boss_id", "reference": {"resource": "", "fields": "id"}, "x-reverse-name": "staff"},
    ],
}
BOOKS: dict[str, Any] = {
    "fields": [
        {"name": "title", "type": "string"},
        {"name": "author_id", "type": "integer"},
        {"name": "editor_id", "type": "integer"},
        {"name": "status", "type": "string"},
    ],
    "foreignKeys": [
        {"fields": "author_id", "reference": {"resource": "people", "fields": "id"}},
        {"fields": "editor_id", "reference": {"resource": "people", "fields": "id"}, "x-name": "corrector"},
    ],
    "search_fields": [{"field": "title", "weight": "A"}, {"field": "status", "weight": "D"}],
}
ODD: dict[str, Any] = {
    "fields": [
        *({"name": name, "type": "integer"} for name in ("a", "a__gt", "a,b", "a.b", "Unit Price", "page", "_own")),
        {"name": "boss_id", "type": "integer"},
    ],
    "foreignKeys": [{"fields": "boss_id", "reference": {"resource": "odd", "fields": "id"}, "x-name": "o.o"}],
}
ROWS: dict[str, list[dict[str, Any]]] = {
    "countries": [{"code": "DE", "name": "Germany"}, {"code": "FR", "name": "France"}],
    "people": [
        {"name": "Ann", "country": "FR", "meta": {"color": "red", "gt": 3}, "born": "1980-02-29", "pay": 0.1},
        {"name": "bob", "country": "DE", "boss_id": 1, "meta": {"size": 4}, "seen": "2024-01-01T00:00:00Z", "pay": 0.2},
        {"name": "Čapek", "boss_id": 1, "seen": "2024-03-05T23:30:00Z", "pay": 100000000000000000000},
        {"name": None, "country": "DE", "boss_id": 2},
    ],
    "books": [
        {"title": "Red ships", "author_id": 1, "editor_id": 2, "status": "open"},
        {"title": "Blue ships", "author_id": 1, "status": "shut"},
        {"title": "Open seas", "author_id": 2, "editor_id": 1, "status": "open red"},
        {"title": "Nothing"},
    ],
    "odd": [
        {"a": 1, "a__gt": 9, "a,b": 2, "a.b": 5, "Unit Price": 7, "page": 1, "_own": 1},
        {"a": 2, "a__gt": 1, "a,b": 1, "a.b": 6, "Unit Price": 8, "page": 2, "_own": 2, "boss_id": 1},
    ],
}


class Library:
    """Countries, people and their bosses, books of authors and editors, and a table of odd labels."""

    def __init__(self) -> None:
        self.tenant = new_tenant("library")
        self.app = new_app(self.api)
        for name, schema in (("countries", COUNTRIES), ("people", PEOPLE), ("books", BOOKS), ("odd", ODD)):
            new_table(self.api, self.app, name, schema, materialize=True)
            made = self.api.post(self.data(name), ROWS[name])
            assert made.status == 201, made

    @property
    def api(self) -> Api:
        """The owner."""
        return self.tenant.api

    def data(self, name: str) -> str:
        """The URL of a table's rows."""
        return f"{self.app}datatables/{name}/data/"

    def ask(self, name: str, *pairs: tuple[str, str]) -> Any:
        """What a list answers."""
        answer = self.answer(name, *pairs)
        assert answer.status == 200, (pairs, answer)
        return answer.data

    def answer(self, name: str, *pairs: tuple[str, str]) -> Answer:
        """The answer, whatever it is."""
        return self.api.get(url(self.data(name), pairs))

    def ids(self, name: str, *pairs: tuple[str, str]) -> list[int]:
        """The ids found, in the list's order."""
        return [row["id"] for row in self.ask(name, *pairs)["data"]]

    def code(self, name: str, *pairs: tuple[str, str]) -> str:
        """The code of a 400."""
        answer = self.answer(name, *pairs)
        assert answer.status == 400, (pairs, answer)
        return answer.code
