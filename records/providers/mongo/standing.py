"""Whether the collections of a read still stand: a read made for an older schema must fail, as it does in PostgreSQL.

To MongoDB an absent collection is an empty one. So a pipeline names the collection's UUID, and is refused
where the name stands for nothing, or for another one. Of collections that it joins the names are looked for afterwards:
a name is never used again, so one that stands then stood before.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo.errors import OperationFailure

from records.provider import Stale
from records.providers.mongo.errors import MOVED, code_of
from records.providers.mongo.layout import collection_name
from records.providers.mongo.server import Document, Pipeline, Server
from records.table import Table


@contextmanager
def standing(server: Server, table: Table) -> Iterator[dict[str, Any]]:
    """The option with which a pipeline on the table's collection is sent. Raises Stale where that is not there."""
    name = (table.identity.namespace, collection_name(table))
    known = server.uuids.get(name)
    if known is None:
        known = _uuid(server, *name)
        server.uuids.put(name, known)
    try:
        yield {"collectionUUID": known}
    except OperationFailure as error:
        if code_of(error) != MOVED:
            raise
        server.uuids.drop(lambda other: other == name)
        raise Stale from error


def check_standing(server: Server, table: Table) -> None:
    """Raise Stale where the table's collection is gone: asked after a write that found nothing in it."""
    _uuid(server, table.identity.namespace, collection_name(table))


def check_joined(server: Server, table: Table, stages: Pipeline) -> None:
    """Raise Stale where a collection is gone that these stages, of the same database, have read."""
    names = set(_joined(stages))
    if not names:
        return
    database = server.database(table.identity.namespace)
    if len(database.list_collection_names(filter={"name": {"$in": sorted(names)}})) < len(names):
        raise Stale


def _uuid(server: Server, namespace: str, name: str) -> Any:
    for described in server.database(namespace).list_collections(filter={"name": name}):
        return described["info"]["uuid"]
    raise Stale


def _joined(stages: Sequence[Document]) -> Iterator[str]:
    """The collections that stages look rows up in; only our own names stand in these places."""
    for stage in stages:
        if "$lookup" in stage:
            lookup = stage["$lookup"]
            yield lookup["from"]
            yield from _joined(lookup.get("pipeline", ()))
        if "$unionWith" in stage:  # with rows of the same collection
            yield from _joined(stage["$unionWith"].get("pipeline", ()))
