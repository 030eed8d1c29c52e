"""Rows of relations put into rows: nested ``$lookup`` stages that look for the few rows of a page only.

A ``$lookup`` finds a missing value in every document that misses it too. So a value that may be missing is looked for
as MinKey then, which no row holds.
"""

from collections.abc import Sequence
from typing import Any

from bson.min_key import MinKey

from records.plan import Populated
from records.providers.mongo.layout import KEY, WORDS, collection_name, compared_path, path_of
from records.providers.mongo.server import Document, Pipeline
from records.relations import Relation
from records.table import Table


def populate_stages(populated: Sequence[Populated], table: Table) -> Pipeline:
    """Relation number i of the level as a list of documents in member ``_p<i>``; of to-one relations 0 or 1."""
    return [stage for place, each in enumerate(populated) for stage in _stages(each, table, place)]


def link_paths(populated: Sequence[Populated], table: Table) -> list[str]:
    """The paths of a row that its relations are found by."""
    return [path_of(table, here) for each in populated for here, _ in each.relation.pairs]


def _stages(each: Populated, table: Table, place: int) -> Pipeline:
    relation, link = each.relation, f"_l{place}"
    if _is_whole_key(relation):
        if len(relation.pairs) == 1:
            # What is missing is found nowhere: every row has a key.
            return [_lookup(each, path_of(table, relation.pairs[0][0]), KEY, {}, place)]
        mine = {there.name: path_of(table, here) for here, there in relation.pairs}
        key = {field.column: f"${mine[field.name]}" for field in relation.target.key_fields}
        return [{"$set": {link: key}}, _lookup(each, link, KEY, {}, place)]
    (here, there), *others = relation.pairs
    sought: Any = {"$ifNull": [f"${path_of(table, here)}", MinKey()]}
    variables = {
        f"v{number}": {"$ifNull": [f"${path_of(table, mine)}", MinKey()]} for number, (mine, _) in enumerate(others)
    }
    return [{"$set": {link: sought}}, _lookup(each, link, path_of(relation.target, there), variables, place)]


def _lookup(each: Populated, local: str, foreign: str, variables: Document, place: int) -> Document:
    stage: Document = {
        "from": collection_name(each.relation.target),
        "localField": local,
        "foreignField": foreign,
        "pipeline": _inside(each, variables),
        "as": f"_p{place}",
    }
    return {"$lookup": {**stage, "let": variables} if variables else stage}


def _inside(each: Populated, variables: Document) -> Pipeline:
    """What is done with the rows that the first pair of fields found."""
    target = each.relation.target
    stages: Pipeline = []
    there = [path_of(target, field) for _, field in each.relation.pairs]
    if not _is_whole_key(each.relation):
        # That is what an index of unique values holds, so that it serves.
        stages.append({"$match": {path: {"$exists": True} for path in there}})
    if variables:
        pairs = [{"$eq": [f"${path}", f"$$v{number}"]} for number, path in enumerate(there[1:])]
        stages.append({"$match": {"$expr": {"$and": pairs}}})
    if each.relation.many:
        stages.append({"$sort": {compared_path(target, field): 1 for field in target.key_fields}})
    stages.append({"$limit": each.limit if each.relation.many else 1})
    if target.search_fields:
        stages.append({"$unset": WORDS})
    return [*stages, *populate_stages(each.populated, target)]


def _is_whole_key(relation: Relation) -> bool:
    """Whether the relation leads to the very key of its target."""
    return sorted(there.name for _, there in relation.pairs) == sorted(relation.target.primary_key)
