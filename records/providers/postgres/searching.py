"""``search`` → SQL: a row's words as a tsvector, and how well search words find it.

The parser of PostgreSQL takes minutes for some texts (``a_a_a…``), for it looks for addresses, paths and tags in them.
So texts are reduced to letters, digits and spaces first; ``searched.search_words`` does the same to what is asked.
"""

from typing import Final

from psycopg.sql import SQL, Composable, Composed, Literal

from records.providers.postgres.columns import STORAGES, Column, columns_of
from records.providers.postgres.source import Bare, Source
from records.searched import searched_characters, searched_fields
from records.table import Table

SEARCH: Final = Column("_search", STORAGES["text"])
"""The generated column of a table that declares ``search_fields``; it is written by no statement and never read."""

# Upper case first: the dictionary makes lower case of it, and so two small letters of one capital are the same.
_WORDS: Final = SQL(
    "coalesce(to_tsvector('pg_catalog.simple'::regconfig,"
    ' translate(upper(left({column}, {most}) COLLATE "default"), {punctuation}, {spaces})), {empty})'
)
# Written without a percent sign, which would begin a placeholder.
_PUNCTUATION: Final = SQL(r"""E'!"#$\x25&\'()*+,-./:;<=>?@[\\]^_`{{|}}~'""")
_SPACES: Final = SQL("repeat(' ', 32)")
_EMPTY: Final = SQL("''::tsvector")
_WEIGHTED: Final = SQL("setweight({words}, {weight})")
_GAP: Final = SQL(""" || ''' '':1'::tsvector || """)
"""Between two fields stands a word that nobody can ask for, so that no phrase reaches from one into the next."""
_QUERY: Final = SQL("""websearch_to_tsquery('pg_catalog.simple'::regconfig, upper({words}::text COLLATE "default"))""")
_FOUND: Final = SQL("({vector} @@ {query})")
_RANK: Final = SQL("ts_rank({vector}, {query})")


def found_text(source: Source, words: Composable) -> Composable:
    """Whether the row is found by the words, a text of ``searched.search_words``; never null."""
    return _FOUND.format(vector=_vector(source), query=_QUERY.format(words=words))


def rank_text(source: Source, words: Composable) -> Composable:
    """How well the row is found: a ``real``, greater for a better one, 0 where it is not."""
    return _RANK.format(vector=_vector(source), query=_QUERY.format(words=words))


def vector_of(table: Table) -> Composed:
    """A row's words, for the definition of the table."""
    return _words_of(Bare(table))


def _vector(source: Source) -> Composable:
    return source.column((), SEARCH) if source.table.search_fields else _words_of(source)


def _words_of(source: Source) -> Composed:
    most = Literal(searched_characters(source.table))
    parts: list[Composable] = []
    for field, weight in searched_fields(source.table):
        column = source.column((), columns_of(field)[0])
        words = _WORDS.format(column=column, most=most, punctuation=_PUNCTUATION.format(), spaces=_SPACES, empty=_EMPTY)
        parts.append(_WEIGHTED.format(words=words, weight=Literal(weight)) if weight else words)
    return _GAP.join(parts)
