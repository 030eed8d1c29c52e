"""Rows that belong to rows known by their keys alone: one pipeline, whatever the number of keys."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from datar.errors import Invalid
from records.plan import LinkedPlan
from records.providers.mongo.asking import asked
from records.providers.mongo.layout import KEY, compared_path, path_of
from records.providers.mongo.listing import projection
from records.providers.mongo.populating import link_paths, populate_stages
from records.providers.mongo.rendering import row_writer
from records.providers.mongo.server import Document, Pipeline, Server
from records.providers.mongo.values import Bson, operand
from records.table import Field

_PLACE: Final = "_n"


def read_linked(server: Server, plan: LinkedPlan) -> bytes:
    """The rows as JSON texts joined by commas, in the order of the primary key. Raises PyMongoError."""
    wanted = list(_operands(plan))
    if not wanted:
        return b""
    stages: Pipeline = [_found(plan, wanted), {"$project": projection(_paths(plan))}]
    order = {compared_path(plan.table, field): 1 for field in plan.table.key_fields}
    if plan.limit is not None:
        stages += _first(plan, plan.limit)
    stages += [{"$sort": order}, *populate_stages(plan.populated, plan.table)]
    most = len(wanted) * (plan.limit or 1)
    documents = asked(server, lambda asking: asking.rows(plan.table, stages, most=most))
    return row_writer(plan.table, plan.fields, plan.populated).page(documents)


def _operands(plan: LinkedPlan) -> Iterator[tuple[Bson, ...]]:
    """The keys as values; without those that no document can hold."""
    for key in plan.keys:
        with suppress(Invalid):
            yield tuple(operand(field, text) for field, text in zip(plan.by, key, strict=True))


def _paths(plan: LinkedPlan) -> list[str]:
    fields: Sequence[Field] = (*plan.fields, *plan.by)
    paths = [path_of(plan.table, field) for field in fields] + [compared_path(plan.table, field) for field in plan.by]
    return [KEY, *paths, *link_paths(plan.populated, plan.table)]


def _found(plan: LinkedPlan, wanted: Sequence[tuple[Bson, ...]]) -> Document:
    """The condition, as an index of the key or of values that are there serves it."""
    table, by = plan.table, plan.by
    if sorted(field.name for field in by) == sorted(table.primary_key):
        return {"$match": {KEY: {"$in": [_whole_key(plan, values) for values in wanted]}}}
    paths = [compared_path(table, field) for field in by]
    if len(by) == 1:
        return {"$match": {paths[0]: {"$in": [value for (value,) in wanted], "$exists": True}}}
    pairs = [dict(zip(paths, ({"$eq": value} for value in values), strict=True)) for values in wanted]
    return {"$match": {"$or": pairs}}


def _whole_key(plan: LinkedPlan, values: tuple[Bson, ...]) -> Bson:
    """The ``_id`` of a row with these values."""
    if len(values) == 1:
        return values[0]
    columns = {field.name: value for field, value in zip(plan.by, values, strict=True)}
    return {field.column: columns[field.name] for field in plan.table.key_fields}


def _first(plan: LinkedPlan, limit: int) -> Pipeline:
    """Of the rows of each value the first so many. Places are counted by one value alone; a key of parts is one too."""
    values = {f"k{place}": f"${compared_path(plan.table, field)}" for place, field in enumerate(plan.by)}
    window = {"partitionBy": values, "sortBy": {KEY: 1}, "output": {_PLACE: {"$documentNumber": {}}}}
    return [{"$setWindowFields": window}, {"$match": {_PLACE: {"$lte": limit}}}]
