"""A tenant's database as a whole: copied when a tenant is made from another, dropped with it."""

from collections.abc import Collection, Sequence
from typing import Any

from records.providers.mongo.errors import wrapped
from records.providers.mongo.server import Document, Server


def clone(server: Server, source: str, target: str, collections: Sequence[str]) -> None:
    """Make these collections of ``source`` in ``target``: with validators, indexes and documents.

    The caller keeps their writers away. Raises what ``wrapped`` raises; what was made by then is the caller's to drop.
    """
    with wrapped():
        known = {one["name"]: dict(one) for one in server.database(source).list_collections()}
        for name in collections:
            _clone_one(server, source, target, known[name])


def drop(server: Server, namespace: str) -> None:
    """Drop the namespace's database, if there is one."""
    with wrapped():
        server.client.drop_database(server.database(namespace).name)


def present(server: Server, namespaces: Collection[str]) -> list[str]:
    """Those of the namespaces that have a database."""
    with wrapped():
        known = frozenset(server.client.list_database_names())
    return [name for name in namespaces if server.database(name).name in known]


def _clone_one(server: Server, source: str, target: str, described: Document) -> None:
    """Indexes are built over the documents, which is faster than to keep them while documents come."""
    name = described["name"]
    theirs, ours = server.database(source)[name], server.database(target)[name]
    server.database(target).create_collection(name, **described.get("options", {}))
    theirs.aggregate([{"$out": {"db": ours.database.name, "coll": name}}])
    models = [_index(one) for one in theirs.list_indexes() if one["name"] != "_id_"]
    if models:
        ours.database.command("createIndexes", name, indexes=models)


def _index(described: Any) -> Document:
    """An index's description as a command takes it."""
    return {key: value for key, value in described.items() if key not in ("v", "ns")}
