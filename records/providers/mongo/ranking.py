"""``rank`` → an aggregation expression: how well search words find a row, as PostgreSQL's ``ts_rank`` weighs it.

Source: tsrank.c of PostgreSQL. Where one of several words may do, the places of each count, the first ones most; where
all must be there, pairs of words count, near ones most. A word counts by the weight of its field.
"""

from typing import Final

from records.providers.mongo.aggregation import Aggregation, either, literal, named
from records.providers.mongo.layout import WORDS
from records.providers.mongo.patterns import folded_pattern
from records.providers.mongo.searching import LETTER, texts_of
from records.providers.mongo.source import Source
from records.providers.mongo.words import Alternative, alternatives_of, field_sign
from records.searched import searched_fields
from records.table import Table

_WEIGHTS: Final = {"A": 1.0, "B": 0.4, "C": 0.2, "D": 0.1, "": 0.1}
_PLACES: Final = 256
"""Of each word so many places count, and so many of all words where pairs do."""
_SERIES: Final = 1.64493406685
"""The sum of 1/n²."""
_FAR: Final = 100
_LEAST: Final = 1e-20


def rank_of(words: str, source: Source) -> Aggregation:
    """How well the row is found by a text of ``searched.search_words``: a double, greater for a better one."""
    alternatives = alternatives_of(words)
    sought = sorted({word for terms in alternatives for term in terms for word in term.words})
    if not sought:
        return literal(0.0)
    pairs = len(sought) > 1 and _must_all(alternatives)
    rank = _of_pairs(sought) if pairs else _of_each(sought)
    return named("words", _words(source), _with_starts(source.table, rank))


def _must_all(alternatives: tuple[Alternative, ...]) -> bool:
    """Whether the question's outermost word is "and", or "followed by"."""
    terms = alternatives[0]
    return len(alternatives) == 1 and (len(terms) > 1 or (len(terms[0].words) > 1 and not terms[0].negated))


def _words(source: Source) -> Aggregation:
    """The row's words with the fields' signs between them, as ``words.words_of`` stores them."""
    if source.table.search_fields:
        return {"$ifNull": [f"${WORDS}", []]}
    parts: list[Aggregation] = []
    for place, text in enumerate(texts_of(source.table)):
        found = {"$regexFindAll": {"input": text, "regex": f"[{LETTER}]+"}}
        parts += [literal([field_sign(place)]), {"$map": {"input": found, "as": "found", "in": "$$found.match"}}]
    return {"$concatArrays": parts}


def _with_starts(table: Table, rank: Aggregation) -> Aggregation:
    """The rank, in which ``$$starts`` is where the fields begin and ``$$weights`` holds their weights."""
    fields = searched_fields(table)
    starts = [{"$indexOfArray": ["$$words", field_sign(place)]} for place in range(len(fields))]
    weights = [_WEIGHTS[weight] for _, weight in fields]
    return {"$let": {"vars": {"starts": starts, "weights": literal(weights)}, "in": rank}}


def _places(word: str, most: int) -> Aggregation:
    """The first places of a word. A row's own words are folded, those found in its texts are not."""
    held = {"$arrayElemAt": ["$$words", "$$at"]}
    equal = {"$regexMatch": {"input": held, "regex": literal(rf"^{folded_pattern(word)}\z")}}
    every = {"$range": [0, {"$size": "$$words"}]}
    return {"$filter": {"input": every, "as": "at", "cond": equal, "limit": most}}


def _weight(place: Aggregation) -> Aggregation:
    """The weight of the field that a place is in: of the last one that begins before it."""
    before = {"$filter": {"input": "$$starts", "as": "start", "cond": {"$lte": ["$$start", place]}}}
    return {"$arrayElemAt": ["$$weights", {"$subtract": [{"$size": before}, 1]}]}


def _of_each(words: list[str]) -> Aggregation:
    return {"$divide": [{"$add": [_of_one(word) for word in words]}, len(words)]}


def _of_one(word: str) -> Aggregation:
    """The weights of a word's places, the n-th divided by n², but for the greatest, which counts whole."""
    weights = {"$map": {"input": _places(word, _PLACES), "as": "at", "in": _weight("$$at")}}
    share = {"$divide": [{"$arrayElemAt": ["$$held", "$$this"]}, _square("$$this")]}
    shares = {
        "$reduce": {
            "input": {"$range": [0, {"$size": "$$held"}]},
            "initialValue": 0.0,
            "in": {"$add": ["$$value", share]},
        }
    }
    greatest = {"$max": "$$held"}
    own = {"$divide": [greatest, _square({"$indexOfArray": ["$$held", greatest]})]}
    whole = {"$divide": [{"$subtract": [{"$add": [greatest, shares]}, own]}, _SERIES]}
    return named("held", weights, either({"$eq": ["$$held", []]}, 0.0, whole))


def _square(place: Aggregation) -> Aggregation:
    return {"$pow": [{"$add": [place, 1]}, 2]}


def _of_pairs(words: list[str]) -> Aggregation:
    """What pairs of places of two words come to, each taking its share of what is left."""
    most = max(1, _PLACES // len(words))
    places = []
    for number, word in enumerate(words):
        entry = {"p": "$$at", "q": number, "w": _weight("$$at")}
        places.append({"$map": {"input": _places(word, most), "as": "at", "in": entry}})
    taken = {"$subtract": [1, {"$multiply": [{"$subtract": [1, "$$value"]}, {"$subtract": [1, "$$pair"]}]}]}
    more = named("pair", _pair("$$one", "$$this"), either({"$lt": ["$$value", 0]}, "$$pair", taken))
    inner = {
        "$reduce": {
            "input": "$$places",
            "initialValue": "$$so",
            "in": either({"$lt": ["$$this.q", "$$one.q"]}, more, "$$value"),
        }
    }
    outer = {"$let": {"vars": {"one": "$$this", "so": "$$value"}, "in": inner}}
    every = {"$reduce": {"input": "$$places", "initialValue": -1.0, "in": outer}}
    rank = named("rank", every, either({"$lt": ["$$rank", 0]}, _LEAST, "$$rank"))
    return named("places", {"$concatArrays": places}, rank)


def _pair(one: str, other: str) -> Aggregation:
    apart = {"$abs": {"$subtract": [f"{one}.p", f"{other}.p"]}}
    near = {"$add": [1.005, {"$multiply": [0.05, {"$exp": {"$subtract": [{"$divide": [apart, 1.5]}, 2]}}]}]}
    distance = either({"$gt": [apart, _FAR]}, 1e-30, {"$divide": [1, near]})
    return {"$sqrt": {"$multiply": [f"{one}.w", f"{other}.w", distance]}}
