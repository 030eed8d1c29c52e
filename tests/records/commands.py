"""What MongoDB is sent, recorded, and walked: every operator, path, name and variable in it must be one of our own."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bson.decimal128 import Decimal128
from pymongo import monitoring

CANARY = "canary"
"""What tests put into every text that a client sends: it must be no name, no path, no variable."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STAGES = _words("""
    $match $lookup $unwind $set $unset $project $sort $limit $skip $group $count $sample $unionWith $documents
    $setWindowFields
""")
QUERIES = _words("$eq $ne $gt $gte $lt $lte $in $nin $exists $all $regex $options")
EXPRESSIONS = _words("""
    $and $or $not $eq $ne $gt $gte $lt $lte $in $cond $ifNull $switch $type $isArray $isNumber $let $literal
    $map $filter $reduce $first $getField $objectToArray $arrayElemAt $slice $range $size $indexOfArray
    $concatArrays $setIsSubset $setIntersection $anyElementTrue $allElementsTrue $sortArray
    $indexOfBytes $strLenBytes $strLenCP $substrCP $regexMatch $regexFind $regexFindAll $concat
    $add $subtract $multiply $divide $pow $sqrt $abs $exp $trunc $max $sum $push $addToSet $count $toDecimal
    $year $month $dayOfMonth $dayOfWeek $hour $minute $second $millisecond $dateTrunc $denseRank $documentNumber
""")
ALONE = _words("getMore killCursors ping hello listCollections endSessions commitTransaction abortTransaction")
"""Commands that hold nothing of a client."""
ARGUMENTS = _words("""
    vars in input as cond limit initialValue if then else branches case default field date unit startOfWeek timezone
    regex options sortBy
""")
WORDS = _words("""
    string object array number missing decimal long int double bool null date binData objectId undefined
    year quarter month week day hour minute monday s
""")
"""Bare texts that an expression of ours may hold: types, units, options."""
OWN_TEXT = re.compile(r" [0-9]+|\[[\\{}pLNM]+\]\+")
"""A sign before a field's words, and what words are made of."""
NAME = re.compile(rf"(?!.*{CANARY})[a-z_][a-z0-9_]*", re.ASCII | re.IGNORECASE)
PATH = re.compile(rf"(?!.*{CANARY})[a-z_][a-z0-9_]*(\.([a-z_][a-z0-9_]*|[0-9]+))*", re.ASCII | re.IGNORECASE)


class Recorder(monitoring.CommandListener):
    """Every command that any client of this process sends while it records."""

    def __init__(self) -> None:
        self.commands: list[Mapping[str, Any]] | None = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A command leaves."""
        if self.commands is not None:
            self.commands.append(event.command)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Of no interest."""


RECORDER = Recorder()
monitoring.register(RECORDER)  # clients made from now on tell it; it does nothing unless it records


@contextmanager
def recorded() -> Iterator[list[Mapping[str, Any]]]:
    """The commands sent in the block."""
    commands: list[Mapping[str, Any]] = []
    RECORDER.commands = commands
    try:
        yield commands
    finally:
        RECORDER.commands = None


def check_command(command: Mapping[str, Any], collections: frozenset[str]) -> None:
    """Fail where a command holds an operator, a path or a name that is not ours, where such a thing would be read."""
    name = next(iter(command))
    match name:
        case "aggregate":
            assert command["aggregate"] in collections
            check_pipeline(command["pipeline"], collections)
        case "count":
            assert command["count"] in collections and not command.get("query"), command
        case "find":
            assert command["find"] in collections
            check_query(command.get("filter", {}))
            _check_stage("$sort", command.get("sort", {}))
            _check_stage("$project", command.get("projection", {}))
        case "insert":
            for document in command["documents"]:
                assert all(map(NAME.fullmatch, document)), document
        case "update":
            for each in command["updates"]:
                check_query(each["q"])
                _check_changes(each["u"], collections)
        case "delete":
            for each in command["deletes"]:
                check_query(each["q"])
        case _:
            assert name in ALONE, name


def _check_changes(changes: Any, collections: frozenset[str]) -> None:
    if isinstance(changes, list):
        check_pipeline(changes, collections)
        return
    assert set(changes) <= {"$set", "$unset"}, changes
    assert all(PATH.fullmatch(path) for members in changes.values() for path in members), changes


def check_pipeline(stages: list[Any], collections: frozenset[str]) -> None:
    """Every stage is one of ours and holds what is ours."""
    for stage in stages:
        ((name, inner),) = stage.items()
        assert name in STAGES, name
        if name == "$match":
            check_query(inner)
        elif name == "$lookup":
            _check_lookup(inner, collections)
        elif name == "$unionWith":
            assert inner["coll"] in collections
            check_pipeline(inner.get("pipeline", []), collections)
        else:
            _check_stage(name, inner)


def _check_stage(name: str, inner: Any) -> None:
    if name in ("$count", "$unset"):
        assert all(map(PATH.fullmatch, [inner] if isinstance(inner, str) else inner)), inner
    elif name == "$unwind":
        check_expression(inner["path"] if isinstance(inner, dict) else inner)
    elif name == "$setWindowFields":
        assert set(inner) <= {"partitionBy", "sortBy", "output"}, inner
        check_expression(inner.get("partitionBy"))
        _check_stage("$sort", inner.get("sortBy", {}))
        _check_stage("$set", inner["output"])
    elif name in ("$set", "$project", "$group", "$sort"):
        for path, value in inner.items():
            assert PATH.fullmatch(path), path
            check_expression(value)
    else:
        check_expression(inner)


def _check_lookup(lookup: Any, collections: frozenset[str]) -> None:
    assert set(lookup) <= {"from", "localField", "foreignField", "as", "let", "pipeline"}, lookup
    assert lookup["from"] in collections
    assert all(PATH.fullmatch(lookup[word]) for word in ("localField", "foreignField", "as") if word in lookup)
    for name, value in lookup.get("let", {}).items():
        assert NAME.fullmatch(name)
        check_expression(value)
    check_pipeline(lookup.get("pipeline", []), collections)


def check_query(query: Any) -> None:
    """A match query: our paths, our operators; what they compare with is a value, whatever it looks like."""
    for name, inner in query.items():
        if name in ("$and", "$or", "$nor"):
            for each in inner:
                check_query(each)
        elif name == "$expr":
            check_expression(inner)
        else:
            assert PATH.fullmatch(name), name
            _check_operators(inner)


def _check_operators(inner: Any) -> None:
    if not isinstance(inner, dict):
        assert not isinstance(inner, list), inner
        return
    assert inner, inner
    for word, value in inner.items():
        if word == "$not":
            _check_operators(value)
        else:
            assert word in QUERIES, word


def check_expression(value: Any) -> None:
    """An aggregation expression: our operators and paths, values under ``$literal``."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        _check_document(value)
    elif isinstance(value, list):
        for item in value:
            check_expression(item)
    else:
        assert isinstance(value, bool | int | float | datetime | Decimal128 | None), value


def _check_text(text: str) -> None:
    if text.startswith("$$"):
        assert PATH.fullmatch(text[2:]), text
    elif text.startswith("$"):
        assert PATH.fullmatch(text[1:]), text
    else:
        assert not text or text in WORDS or OWN_TEXT.fullmatch(text), text


def _check_document(document: Any) -> None:
    operators = [name for name in document if name.startswith("$")]
    if not operators:
        for name, value in document.items():
            assert NAME.fullmatch(name), name
            check_expression(value)
        return
    (name,) = document
    assert name in EXPRESSIONS, name
    inner = document[name]
    if name == "$literal":
        return
    if isinstance(inner, dict) and not any(word.startswith("$") for word in inner):
        for word, value in inner.items():
            assert word in ARGUMENTS or name in ("$push", "$addToSet", "$first", "$last"), (name, word)
            _check_argument(word, value)
    else:
        check_expression(inner)


def _check_argument(word: str, value: Any) -> None:
    if word == "vars":
        for name, inner in value.items():
            assert NAME.fullmatch(name), name
            check_expression(inner)
    elif word == "as":
        assert NAME.fullmatch(value), value
    elif word == "branches":
        for branch in value:
            check_expression(branch["case"])
            check_expression(branch["then"])
    else:
        check_expression(value)
