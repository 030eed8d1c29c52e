"""``search``: no text and no question can hurt it, and what it makes of them."""

import random
import string
import time

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Literal

from records.limits import SEARCHED_CHARACTERS
from records.providers.postgres import searching
from records.providers.postgres.columns import qualified
from records.providers.postgres.source import Source
from records.searched import search_words, searchable
from tests.quick import quickest
from tests.records.books import BOOKS, FIELDS, WEIGHED, found, shelved
from tests.records.building import table_of
from tests.records.engine import Engine, Rows
from tests.records.physical import planted

BOTH = pytest.mark.parametrize("books", ["declared", "undeclared"], indirect=True)


@pytest.fixture
def books(engine: Engine, request: pytest.FixtureRequest) -> Rows:
    """The books, with ``search_fields`` or without them."""
    return shelved(engine, declared=request.param == "declared")


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
    assert books.list(search=words, ordering="-rank")["total"] in range(len(BOOKS) + 1)
    assert quickest(lambda: books.list(search=words, ordering="-rank")) <= 0.1


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


def test_the_index_is_used(sql_engine: Engine) -> None:
    """In a table of many rows, also by a prepared statement that was planned for any words."""
    rows = sql_engine.table("books", {"fields": FIELDS, "search_fields": WEIGHED})
    words = {"title": SQL("'word' || n || ' common'")}
    fill = planted(rows.table, words, SQL("generate_series(1, 50000) AS n"))
    question = SQL("SELECT * FROM {source} WHERE {found}").format(
        source=(source := Source(rows.table)).text, found=searching.found_text(source, Literal('"word4711"'))
    )
    prepared = SQL("SELECT * FROM {source} WHERE {found}").format(
        source=source.text, found=searching.found_text(source, SQL("$1"))
    )
    with psycopg.connect(sql_engine.url, autocommit=True) as connection:
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
