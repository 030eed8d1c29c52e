"""``search``: what it finds, and in what order."""

from typing import Any

import pytest

from datar.errors import Invalid
from records.searched import searchable
from tests.records.books import BOOKS, FIELDS, WEIGHED, found, shelved
from tests.records.engine import Engine, Rows

BOTH = pytest.mark.parametrize("books", ["declared", "undeclared"], indirect=True)


@pytest.fixture
def books(engine: Engine, request: pytest.FixtureRequest) -> Rows:
    """The books, with ``search_fields`` or without them."""
    return shelved(engine, declared=request.param == "declared")


@BOTH
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fishing", [1, 3]),
        ("FiShInG", [1, 3]),
        ("fish", []),
        ("city fishing", [3]),
        ("city art", []),
        ("new york", [2, 3]),
        ('"new york"', [2]),
        ('"york new"', [3]),
        ('"fishing rods"', []),  # no phrase reaches from one field into the next
        ("york -fishing", [2]),
        ("-city", [1, 4, 5, 6]),
        ('york -"new york"', [3]),
        ("art or guide", [1, 2]),
        ("art OR city fishing", [1, 3]),  # and binds closer than or
        ("straße", [4]),
        ("STRASSE", []),
        ("köln", [4]),
        ("KÖLN", [4]),
        ("koln", []),
        ("привет МИР", [5]),
        ("οδος", [5]),
        ("οδοσ", [5]),
        ("東京", [5]),
        ("CAFÉ", [5]),
        ("well-known", [6]),
        ("known", [6]),
        ("known-well", []),
        ("self_made", [6]),
        ("made", [6]),
        ("example.com", [6]),
        ("http://example.com/path", [6]),
        ("3.14", [6]),
        ("don't", [6]),
        ("dont", []),
        ("a/b", [6]),
        ("or", []),
        ("!!", []),
        ("fishing !!", [1, 3]),
        ("fishing -", [1, 3]),
        ("fishing or", []),
    ],
)
def test_words(books: Rows, words: str, expected: list[int]) -> None:
    """Words, phrases, exclusions and alternatives; whatever the case; literal in everything else."""
    assert found(books, words) == expected
    assert books.list(search=words)["total"] == len(expected)


def test_only_declared_fields_are_searched(engine: Engine) -> None:
    """Without ``search_fields`` every text is; a UUID is none."""
    fields = {"fields": FIELDS}
    declared, every = engine.table("declared", {**fields, "search_fields": WEIGHED}), engine.table("every", fields)
    for rows in (declared, every):
        rows.create([*BOOKS, {"title": "x", "code": "0b0e0000-0000-4000-8000-00000000abcd", "pages": 700}])
    assert (found(declared, "books.example"), found(every, "books.example")) == ([], [1, 2])
    assert found(every, "0b0e0000") == []


def test_rank_is_best_last_and_weights_count(engine: Engine) -> None:
    """``-rank`` is best first; a word of a heavier field weighs more; equal ones come by their key."""
    rows = engine.table("books", {"fields": FIELDS, "search_fields": WEIGHED})
    rows.create(
        [
            {"body": "fishing", "pages": 100},
            {"title": "fishing", "pages": 200},
            {"title": "fishing", "body": "fishing fishing", "pages": 300},
            {"title": "fishing", "pages": 400},
        ]
    )
    assert found(rows, "fishing", ordering="-rank") == [3, 2, 4, 1]
    assert found(rows, "fishing", ordering="rank") == [1, 2, 4, 3]
    assert found(rows, "fishing", ordering="rank,-pages") == [1, 4, 2, 3]
    assert found(rows, "fishing", ordering="-rank", page_size="2", page="2") == [4, 1]


@BOTH
def test_with_filters_pages_and_aggregates(books: Rows) -> None:
    """What is found is narrowed, counted, paged and grouped like any list."""
    assert found(books, "city", pages__gt="200") == [3]
    assert found(books, "-zebra", page_size="2", page="2") == [3, 4]
    grouped = books.list(search="city", _aggregate="count(*),sum(pages)")
    assert grouped["data"] == [{"count": 2, "sum_pages": 500}]
    per_title = books.list(search="fishing", _group_by="title", _aggregate="count(*)")
    assert per_title["data"] == [{"title": "The Art of Fishing", "count": 1}, {"title": "York, new", "count": 1}]


@BOTH
def test_cursors_by_rank(books: Rows) -> None:
    """Pages by a cursor in the order of rank meet every row once."""
    page: Any = {"next_cursor": ""}
    seen = []
    while page["next_cursor"] is not None:
        page = books.list(search="-zebra", ordering="-rank,pages", page_size="2", cursor=page["next_cursor"])
        seen += [row["pages"] // 100 for row in page["data"]]
    assert seen == [1, 2, 3, 4, 5, 6]


def test_with_relations(engine: Engine) -> None:
    """Words are those of the list's own rows; relations filter, order and populate beside them."""
    engine.table("shelves", {"fields": [{"name": "id", "type": "integer"}, {"name": "label"}]}).create(
        [{"id": 1, "label": "fishing"}, {"id": 2, "label": "travel"}]
    )
    key = {"fields": "shelf_id", "reference": {"resource": "shelves", "fields": "id"}}
    fields = [*FIELDS, {"name": "shelf_id", "type": "integer"}]
    rows = engine.table("books", {"fields": fields, "search_fields": WEIGHED, "foreignKeys": [key]})
    rows.create([{**book, "shelf_id": place % 2 + 1} for place, book in enumerate(BOOKS)])
    assert found(rows, "fishing", **{"shelf.label": "fishing"}) == [1, 3]
    assert found(rows, "york", **{"shelf.label": "travel"}) == [2]
    assert found(rows, "york", ordering="-shelf.label,-rank") == [2, 3]
    row = rows.list(search="guide", populate="shelf")["data"][0]
    assert row["shelf"] == {"id": 2, "label": "travel"}


def test_changes_are_found_at_once(engine: Engine) -> None:
    """A row's words follow every write of it."""
    rows = engine.table("books", {"fields": FIELDS, "search_fields": WEIGHED})
    key = rows.create({"title": "one", "pages": 100})["id"]
    rows.update(key, {"body": "two"})
    assert found(rows, "one two") == [1]
    rows.update(key, {"title": "three", "pages": 100}, replace=True)
    assert (found(rows, "one"), found(rows, "two"), found(rows, "three")) == ([], [], [1])
    rows.upsert({"id": key, "title": "four", "pages": 100})
    assert found(rows, "four") == [1]
    assert "_search" not in rows.get(key) and "_search" not in rows.get(key, _meta="true")


def test_a_table_without_text_has_nothing_to_search(engine: Engine) -> None:
    """A 400 that says so."""
    rows = engine.table("numbers", {"fields": [{"name": "n", "type": "integer"}]})
    assert not searchable(rows.table)
    with pytest.raises(Invalid, match="text fields") as caught:
        rows.list(search="one")
    assert caught.value.code == "invalid_parameter"


def test_many_text_fields(engine: Engine) -> None:
    """The widest tables can be searched, each field by its share."""
    labels = [f"f{place}" for place in range(500)]
    for name, more in (("every", {}), ("declared", {"search_fields": labels})):
        rows = engine.table(name, {"fields": [{"name": label} for label in labels], **more})
        rows.create([{"f499": "needle"}, {"f0": "x " * 50_000, "f250": "needle"}])
        assert [row["id"] for row in rows.list(search="needle", fields="id")["data"]] == [1, 2]
