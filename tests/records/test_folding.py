"""Case folding by the database is Unicode's simple one, for every letter, in each of the ways it is written."""

import unicodedata
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from records.casefold import simple_fold
from records.providers.postgres.folding import Folding
from tests.records.engine import Engine
from tests.records.test_rows_types import ids

# PostgreSQL's own tables are newer than Python's, so letters that Python does not know are left out.
LETTERS = [
    letter
    for point in range(1, 0x110000)
    if not 0xD800 <= point <= 0xDFFF and unicodedata.category(letter := chr(point)) not in ("Cn", "Co")
]


def ways(version: int) -> list[int]:
    """The versions whose way of folding this server can do."""
    return [way for way in (160000, 170000, 180000) if way <= version]


def test_every_letter_folds_as_unicode_says(database_url: str) -> None:
    groups: dict[str, set[str]] = {}
    for letter in LETTERS:
        groups.setdefault(simple_fold(letter), set()).add(letter)
    expected = sorted(map(sorted, groups.values()))
    statement = SQL("SELECT {folded} FROM unnest(%s::text[]) WITH ORDINALITY AS letters (letter, place) ORDER BY place")
    with psycopg.connect(database_url) as connection:
        for version in ways(connection.info.server_version):
            query = statement.format(folded=Folding(version).folded(SQL("letter")))
            found: dict[str, set[str]] = {}
            for letter, (folded,) in zip(LETTERS, connection.execute(query, [LETTERS]).fetchall(), strict=True):
                found.setdefault(folded, set()).add(letter)
            assert sorted(map(sorted, found.values())) == expected, version


def test_definitions_fold_as_the_database_does_in_few_letters(database_url: str) -> None:
    folded = Folding().folded(SQL("word::text"))
    assert len(folded.as_string(None)) < 100  # a definition must fit a row of the catalogue, on 16 without TOAST
    with psycopg.connect(database_url) as connection:
        for word, other in (("ÀÉÎ", "àéî"), ("ΟΔΟΣ", "οδος"), ("STRAß", "straß")):
            statement = SQL("SELECT {folded} FROM unnest(%s::text[]) AS words (word)").format(folded=folded)
            one, two = connection.execute(statement, [[word, other]]).fetchall()
            assert one == two


def test_words_fold_as_their_letters_do(database_url: str) -> None:
    words = [
        "ΟΔΟΣ",
        "οδός",
        "İstanbul",
        "ISTANBUL",
        "ıstanbul",
        "STRASSE",
        "Straße",
        "ſtop",
        "Ꭰꭰ",
        "ǅ",
        "ﬅ",
        "",
        "a\nB",
    ]
    with psycopg.connect(database_url) as connection:
        for version in ways(connection.info.server_version):
            folded = Folding(version).folded(SQL("word::text"))
            query = SQL("SELECT {folded} FROM unnest(%s::text[]) AS word").format(folded=folded)
            found = [row[0] for row in connection.execute(query, [words]).fetchall()]
            for one, mine in zip(words, found, strict=True):
                for other, theirs in zip(words, found, strict=True):
                    same = list(map(simple_fold, one)) == list(map(simple_fold, other))
                    assert (mine == theirs) is same, (version, one, other)


@pytest.mark.parametrize(
    ("operator", "text", "expected"),
    [
        ("iexact", "οδοσ", [1, 2]),
        ("iexact", "istanbul", [4]),
        ("iexact", "İSTANBUL", [3]),
        ("istartswith", "I", [4]),
        ("icontains", "STRASSE", []),
        ("icontains", "STRAẞE", [5]),
        ("iendswith", "ς", [1, 2]),
        ("ilike", "ΟΔΟ_", [1, 2]),
        ("iexact", "K", [6]),
        ("nicontains", "ſ", [1, 2, 6]),
    ],
)
def test_operators_fold(engine: Engine, operator: str, text: str, expected: list[Any]) -> None:
    rows = engine.table("words", {"fields": [{"name": "w"}]})
    rows.create([{"w": word} for word in ("ΟΔΟΣ", "οδος", "İstanbul", "Istanbul", "Straße", "\u212a", None)])
    assert ids(rows.ask((f"w__{operator}", text))) == expected
