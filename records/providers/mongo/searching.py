"""``search`` → a match query.

Of a table that declares ``search_fields`` rows are found by their stored words, which an index holds; of another one
its texts are looked through.
"""

from typing import Final

from records.providers.mongo.aggregation import Aggregation, all_of, any_of, either, literal, named
from records.providers.mongo.layout import KEY, WORDS, path_of
from records.providers.mongo.patterns import OPTIONS, folded_pattern
from records.providers.mongo.server import Document
from records.providers.mongo.source import Source
from records.providers.mongo.words import Alternative, Term, alternatives_of
from records.searched import searched_characters, searched_fields
from records.table import Table

LETTER: Final = r"\p{L}\p{N}\p{M}"
"""What words are made of."""


def found_query(words: str, source: Source) -> Document:
    """What finds the rows by a text of ``searched.search_words``; never unknown."""
    alternatives = alternatives_of(words)
    if not alternatives:
        return {KEY: {"$in": []}}
    if source.table.search_fields:
        return {"$or": [_by_words(terms) for terms in alternatives]}
    ways = [all_of([_in_texts(term) for term in terms]) for terms in alternatives]
    return {"$expr": named("texts", texts_of(source.table), any_of(ways))}


def texts_of(table: Table) -> list[Aggregation]:
    """What is searched of each text of a row: its first characters, null where there is none."""
    share = searched_characters(table)
    return [_begin(f"${path_of(table, field)}", share) for field, _ in searched_fields(table)]


def _begin(path: str, characters: int) -> Aggregation:
    is_long = {"$gt": [{"$strLenBytes": {"$ifNull": [path, ""]}}, characters]}
    return either(is_long, {"$substrCP": [path, 0, characters]}, path)


def _by_words(terms: Alternative) -> Document:
    sought = [word for term in terms if not term.negated for word in term.words]
    excluded = [term.words[0] for term in terms if term.negated and len(term.words) == 1]
    queries: list[Document] = []
    if sought:
        queries.append({WORDS: {"$all": list(dict.fromkeys(sought))}})
    if excluded:
        queries.append({WORDS: {"$nin": excluded}})
    queries += [{"$expr": _side_by_side(term)} for term in terms if len(term.words) > 1]
    return {"$and": queries}


def _side_by_side(term: Term) -> Aggregation:
    """Whether the words of a phrase follow each other; what is negated: whether they do not."""
    words, first = list(term.words), {"$arrayElemAt": ["$$words", "$$at"]}
    here = {
        "$and": [
            {"$eq": [first, literal(words[0])]},
            {"$eq": [{"$slice": ["$$words", "$$at", len(words)]}, literal(words)]},
        ]
    }
    places = {"$range": [0, {"$size": "$$words"}]}
    found = named(
        "words",
        {"$ifNull": [f"${WORDS}", []]},
        {"$anyElementTrue": [{"$map": {"input": places, "as": "at", "in": here}}]},
    )
    return {"$not": [found]} if term.negated else found


def _in_texts(term: Term) -> Aggregation:
    inner = {"$regexMatch": {"input": "$$text", "regex": literal(_pattern(term)), "options": OPTIONS}}
    found = {"$anyElementTrue": [{"$map": {"input": "$$texts", "as": "text", "in": inner}}]}
    return {"$not": [found]} if term.negated else found


def _pattern(term: Term) -> str:
    """What matches the words where they stand as words, between them what is none."""
    between = f"[^{LETTER}]+"
    return f"(?<![{LETTER}]){between.join(map(folded_pattern, term.words))}(?![{LETTER}])"
