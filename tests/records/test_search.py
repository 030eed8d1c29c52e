"""``search``: what it finds, in what order, and that no text and no question can hurt it."""

import random
import string
import time
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Literal

from datar.errors import Invalid
from records.limits import SEARCHED_CHARACTERS
from records.providers.postgres import searching
from records.providers.postgres.columns import qualified
from records.providers.postgres.source import Source
from records.searched import search_words, searchable
from tests.records.building import table_of
from tests.records.engine import Engine, Rows
from tests.records.physical import planted

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
BOTH = pytest.mark.parametrize("books", ["declared", "undeclared"], indirect=True)


@pytest.fixture
def books(engine: Engine, request: Any) -> Rows:
    """The books, with ``search_fields`` or without them."""
    declared = {"search_fields": WEIGHED} if request.param == "declared" else {}
    rows = engine.table("books", {"fields": FIELDS, **declared})
    rows.create(BOOKS)
    return rows


def found(rows: Rows, words: str, **params: str) -> list[int]:
    """The pages of what is found, which tell the books apart, in hundreds."""
    return [row["pages"] // 100 for row in rows.list(search=words, **params)["data"]]


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


def distinct_words(characters: int, of: int, alphabet: str) -> str:
    """A text of so many characters: words of ``of`` letters, as different as can be."""
    chosen = random.Random(5)
    words = ("".join(chosen.choices(alphabet, k=of)) for _ in range(characters // (of + 1)))
    return " ".join(words)


WIDE = "".join(map(chr, range(0x20000, 0x2A000)))


@pytest.mark.parametrize(
    "text",
    [
        distinct_words(1_000_000, 4, string.ascii_letters),
        distinct_words(1_000_000, 1, WIDE),
        distinct_words(1_000_000, 3, WIDE),
        distinct_words(1_000_000, 500, WIDE),
        "x" * 1_000_000,
        "東" * 1_000_000,
        "ΐ" * 1_000_000,
        "a_" * 500_000,
        "~/" * 500_000,
        "1.1.1-" * 150_000,
        "<!--" * 250_000,
        "-a@b.c/" * 140_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_the_longest_texts(engine: Engine, text: str) -> None:
    """A text of a million characters is stored and searched, soon; PostgreSQL's own bound and parser are not met."""
    declared = engine.table("declared", {"fields": FIELDS, "search_fields": WEIGHED})
    every = engine.table("every", {"fields": FIELDS})
    for rows in (declared, every):
        rows.create({"title": "needle", "body": text, "pages": 100})
        began = time.perf_counter()
        assert found(rows, "needle") == [1]
        assert found(rows, "haystack", ordering="rank") == []
        assert time.perf_counter() - began < 3


def test_the_first_characters_are_searched(engine: Engine) -> None:
    """Each field has its share of the whole."""
    share = SEARCHED_CHARACTERS // 2
    rows = engine.table("books", {"fields": FIELDS, "search_fields": WEIGHED})
    rows.create({"title": "x " * (share // 2 - 1) + "in " + "out", "pages": 100})
    assert (found(rows, "x"), found(rows, "out")) == ([1], [])


@BOTH
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200), asked=st.text())
def test_every_text_is_found_by_itself(books: Rows, text: str, asked: str) -> None:
    """As a phrase, whatever stands in it; and whatever is asked has an answer."""
    key = books.create({"title": text, "pages": 900})["id"]
    phrase = '"' + text.replace('"', " ") + '"'
    if any(sign.isascii() and sign.isalnum() for sign in text):
        assert books.list(search=phrase, id=str(key))["total"] == 1
    words = asked.replace("\0", "")
    if words.strip():
        books.list(search=words.encode(errors="ignore").decode() or "x", ordering="rank")
    books.delete(key)


@BOTH
@pytest.mark.parametrize(
    "words",
    [
        *('"' * 1_000, "-" * 1_000, "- " * 500, "(" * 1_000, "'\\" * 500, "%_\\", "a-" * 500, "-a " * 333),
        *("or " * 333, "a or " * 200, '"a b ' * 200, "-" + '"' * 999, "a:* & !b <-> c", ":*", "<->", "\\", "'", "%"),
        *("x" * 1_000, "𐐀" * 1_000, "(a+)+$" * 166, ".*" * 500, "[[:alpha:]]", "a_" * 500, "~/" * 500, "<!--" * 250),
        *("\t\n\x01", "\u200d\ufeff", "\U0001f600"),
    ],
    ids=lambda words: repr(words[:6]),
)
def test_in_10_search_is_literal_and_quick(books: Rows, words: str) -> None:
    """No question is broken, and none takes long."""
    books.list(search="warm", ordering="rank")
    began = time.perf_counter()
    answer = books.list(search=words, ordering="-rank")
    assert time.perf_counter() - began <= 0.1
    assert answer["total"] in range(len(BOOKS) + 1)


@pytest.mark.no_database
def test_every_question_is_written_in_one_way() -> None:
    """Terms stand in quotes, what is no word is left out, ``or`` stands between two terms."""
    assert search_words('new york OR "le mans" -e-mail') == '"new" "york" or "le mans" -"e mail"'
    assert search_words('or a or or b or - -"" -"x y') == '"or" "a" or "or" "b" or -"x y"'
    assert search_words("".join(map(chr, range(32, 127)))).isprintable()
    assert search_words(string.punctuation) == ""


def test_texts_are_parted_as_questions_are(engine: Engine) -> None:
    """The signs that part words in rows are those that part them in questions: ASCII's punctuation."""
    parted = SQL("SELECT {signs}, length({spaces})").format(
        signs=searching._PUNCTUATION.format(), spaces=searching._SPACES
    )
    with psycopg.connect(engine.url) as connection:
        assert connection.execute(parted).fetchone() == (string.punctuation, len(string.punctuation))


def test_the_index_is_used(engine: Engine) -> None:
    """In a table of many rows, also by a prepared statement that was planned for any words."""
    rows = engine.table("books", {"fields": FIELDS, "search_fields": WEIGHED})
    words = {"title": SQL("'word' || n || ' common'")}
    fill = planted(rows.table, words, SQL("generate_series(1, 50000) AS n"))
    question = SQL("SELECT * FROM {source} WHERE {found}").format(
        source=(source := Source(rows.table)).text, found=searching.found_text(source, Literal('"word4711"'))
    )
    prepared = SQL("SELECT * FROM {source} WHERE {found}").format(
        source=source.text, found=searching.found_text(source, SQL("$1"))
    )
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(fill)
        connection.execute(SQL("ANALYZE {}").format(qualified(rows.table)))
        connection.execute(SQL("PREPARE asked (text) AS {}").format(prepared))
        connection.execute("SET plan_cache_mode = force_generic_plan")
        for asked in (question, SQL("EXECUTE asked('word4711')")):
            plan = "\n".join(line for (line,) in connection.execute(SQL("EXPLAIN {}").format(asked)))
            assert "Bitmap Index Scan" in plan and "Seq Scan" not in plan
    assert rows.list(search="word4711")["total"] == 1


@pytest.mark.no_database
def test_search_fields_are_text() -> None:
    """Nothing else is indexed; without a declaration only texts of any length are searched."""
    assert searchable(table_of({"name": "a", "format": "uri"}))
    others = [{"name": "m", "type": "yearmonth"}, {"name": "u", "format": "uuid"}, {"name": "b", "format": "binary"}]
    assert not searchable(table_of(*others))
