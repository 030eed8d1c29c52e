"""The floor's pipelines on MongoDB, written by hand for this one purpose: the same rows as the service gives.

It takes from the tenant's metadata which member of which collection holds a field. It uses none of the service's
pipelines, so a service that grew slow in what it asks for would show.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

from bench.statements import Place

Document = dict[str, Any]
Pipeline = list[dict[str, Any]]
Shape = Callable[[Mapping[str, Any]], Document]
"""A document as the row that is answered."""
Ask = Callable[[Sequence[str]], Document]
"""What a request's parts are answered with."""
_SIZE = 20
_LARGE = 1_000


def path_of(place: Place, label: str) -> str:
    """Where a field stands in a document: parts of the key inside ``_id``."""
    if label not in place.key:
        return place.named(label)
    return "_id" if len(place.key) == 1 else f"_id.{place.named(label)}"


def key_order(place: Place) -> Document:
    """The key's fields as a sort."""
    return {path_of(place, label): 1 for label in place.key}


def shaping(place: Place) -> Shape:
    """Documents → rows: every field under its label, null where it is absent, instants as ``orjson`` writes them."""
    steps: list[tuple[str, str, str]] = []
    instants = [label for label, _, kind in place.fields if kind == "datetime"]
    for label, _, _ in place.fields:
        member, _, part = path_of(place, label).partition(".")
        steps.append((label, member, part))
    plain = [(label, member) for label, member, part in steps if not part]
    parts = [(label, part) for label, _, part in steps if part]

    def shape(document: Mapping[str, Any]) -> Document:
        get = document.get
        row: Document = {label: get(member) for label, member in plain}
        if parts:
            key = document["_id"]
            for label, part in parts:
                row[label] = key[part]
        for label in instants:
            if row[label] is not None:
                row[label] = row[label]["t"]
        return row

    return shape


def shown(place: Place) -> Document:
    """The projection to the members of a row: what the service keeps for itself is left out."""
    members = {path_of(place, label).partition(".")[0]: 1 for label, _, _ in place.fields}
    return {"$project": members}


def instant(text: str) -> Document:
    """A text of the URL as an instant is stored."""
    moment = datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    return {"t": moment, "u": 0}


def key_of(place: Place, parts: Sequence[str]) -> Any:
    """Texts of a key's fields as ``_id``."""
    kinds = {label: kind for label, _, kind in place.fields}
    values = [_value(kinds[label], part) for label, part in zip(place.key, parts, strict=True)]
    if len(values) == 1:
        return values[0]
    return {place.named(label): value for label, value in zip(place.key, values, strict=True)}


def _value(kind: str, text: str) -> Any:
    return instant(text) if kind == "datetime" else int(text) if kind == "integer" else text


def questions(database: Database[Document], places: Mapping[str, Place]) -> dict[str, Ask]:
    """What is read, by the names that the lines ask for."""
    flights, airports, search = places["flights"], places["airports"], places["search"]
    dest, delay = path_of(flights, "dest"), path_of(flights, "dep_delay")
    carrier = path_of(flights, "carrier")

    def everything(_: Sequence[str]) -> Document:
        return {}

    def two(values: Sequence[str]) -> Document:
        return {dest: values[0], delay: {"$gte": int(values[1])}}

    def three(values: Sequence[str]) -> Document:
        return {**two(values), carrier: values[2]}

    def words(values: Sequence[str]) -> Document:
        return {"_words": {"$all": [values[0]]}}

    pages = {
        "small": (airports, _SIZE, everything),
        "page20": (flights, _SIZE, everything),
        "filtered": (flights, _SIZE, two),
        "three": (flights, _SIZE, three),
        "page1000": (flights, _LARGE, everything),
        "search": (search, _SIZE, words),
    }
    found: dict[str, Ask] = {}
    for name, (place, size, where) in pages.items():
        found[name] = _page(database, place, size, where, total=True)
        found[f"{name}bare"] = _page(database, place, size, where, total=False)
    found["single"] = _single(database, flights)
    found["populated"] = _populated(
        database, flights, {"airline": ("carrier", places["airlines"]), "origin_airport": ("origin", airports)}
    )
    found["groups"] = _groups(database, flights)
    found["first"] = found["behind"] = _behind(database, flights)
    return found


def _single(database: Database[Document], place: Place) -> Ask:
    collection, shape, project = database[place.table], shaping(place), shown(place)

    def ask(values: Sequence[str]) -> Document:
        stages = [{"$match": {"_id": {"$eq": key_of(place, values)}}}, project]
        return {"data": shape(next(collection.aggregate(stages)))}

    return ask


def _page(
    database: Database[Document],
    place: Place,
    size: int,
    where: Callable[[Sequence[str]], Document],
    *,
    total: bool,
) -> Ask:
    """``size`` rows in the key's order; the total is a second pipeline in the same snapshot."""
    collection, shape, project, order = database[place.table], shaping(place), shown(place), key_order(place)

    def ask(values: Sequence[str]) -> Document:
        match, skip = where(values[1:]), int(values[0])
        stages: Pipeline = [{"$match": match}, {"$sort": order}, {"$skip": skip}, {"$limit": size}, project]
        if not total:
            return {"data": [shape(row) for row in collection.aggregate(stages, batchSize=size + 1)], "total": None}
        with database.client.start_session(snapshot=True) as session:
            rows = [shape(row) for row in collection.aggregate(stages, session=session, batchSize=size + 1)]
            if 0 < len(rows) < size:
                return {"data": rows, "total": skip + len(rows)}
            count: Pipeline = [{"$match": match}, {"$count": "n"}]
            options: Document = {} if match else {"hint": "_id_"}  # keys are smaller than documents
            counted = collection.aggregate(count, session=session, **options)
            return {"data": rows, "total": sum(row["n"] for row in counted)}

    return ask


def _populated(database: Database[Document], place: Place, parents: Mapping[str, tuple[str, Place]]) -> Ask:
    """A page without a total; in each row, under a name, the parent that a field points at."""
    collection, shape, project, order = database[place.table], shaping(place), shown(place), key_order(place)
    shapes = {name: shaping(parent) for name, (_, parent) in parents.items()}
    lookups: Pipeline = [
        {"$lookup": {"from": parent.table, "localField": path_of(place, field), "foreignField": "_id", "as": name}}
        for name, (field, parent) in parents.items()
    ]

    def whole(document: Document) -> Document:
        row = shape(document)
        for name, shape_parent in shapes.items():
            row[name] = shape_parent(document[name][0]) if document[name] else None
        return row

    def ask(values: Sequence[str]) -> Document:
        stages: Pipeline = [{"$sort": order}, {"$skip": int(values[0])}, {"$limit": _SIZE}, project, *lookups]
        return {"data": [whole(row) for row in collection.aggregate(stages, batchSize=_SIZE + 1)], "total": None}

    return ask


def _groups(database: Database[Document], place: Place) -> Ask:
    """All groups of carriers: how many rows, a sum, an average of 15 significant digits."""
    collection, key = database[place.table], path_of(place, "carrier")
    stages: Pipeline = [
        {
            "$group": {
                "_id": f"${key}",
                "count": {"$sum": 1},
                "sum_distance": {"$sum": f"${path_of(place, 'distance')}"},
                "avg_dep_delay": {"$avg": f"${path_of(place, 'dep_delay')}"},
            }
        },
        {"$sort": {"_id": 1}},
    ]

    def ask(_: Sequence[str]) -> Document:
        rows = []
        for row in collection.aggregate(stages):
            mean = float(f"{row['avg_dep_delay']:.15g}")
            rows.append({"carrier": row.pop("_id"), **row, "avg_dep_delay": mean})
        return {"data": rows, "total": len(rows)}

    return ask


def _behind(database: Database[Document], place: Place) -> Ask:
    """The first rows in the key's order, or those behind the key of the request's parts."""
    collection, shape, project, order = database[place.table], shaping(place), shown(place), key_order(place)

    def ask(values: Sequence[str]) -> Document:
        after: Pipeline = [{"$match": {"_id": {"$gt": key_of(place, values)}}}] if values else []
        by: Document = {"_id": 1} if values else order
        stages: Pipeline = [*after, {"$sort": by}, {"$limit": _SIZE}, project]
        return {"data": [shape(row) for row in collection.aggregate(stages, batchSize=_SIZE + 1)]}

    return ask


class Writer:
    """Adds rows to a place as the service keeps them, parents looked for, in a transaction that a majority has."""

    def __init__(self, database: Database[Document], place: Place, parents: Mapping[str, Place]) -> None:
        self._collection = database[place.table]
        self._members = [(label, column) for label, column, _ in place.fields if label not in place.key]
        self._instants = {label for label, _, kind in place.fields if kind == "datetime"}
        self._parents = [(place.named(field), database[parent.table]) for field, parent in parents.items()]

    def documents(self, rows: Sequence[Mapping[str, Any]], first: int) -> list[Document]:
        """Rows as documents, with keys from ``first`` on."""
        now = {"t": datetime.now(UTC).replace(tzinfo=None, microsecond=0), "u": 0}
        made = []
        for key, row in enumerate(rows, first):
            document = {column: row[label] for label, column in self._members}
            for label, column in self._members:
                if label in self._instants:
                    document[column] = instant(row[label])
            made.append({"_id": key, **document, "_created_at": now, "_updated_at": now, "_version": key})
        return made

    def write(self, session: ClientSession, documents: Sequence[Document]) -> None:
        """Insert them, and see that every row's parents are there."""
        with session.start_transaction():
            if len(documents) == 1:
                self._collection.insert_one(documents[0], session=session)
            else:
                self._collection.insert_many(documents, session=session)
            for column, parents in self._parents:
                wanted = {document[column] for document in documents}
                stages: Pipeline = [{"$match": {"_id": {"$in": list(wanted)}}}, {"$project": {"_id": 1}}]
                if len(list(parents.aggregate(stages, session=session))) < len(wanted):
                    raise LookupError(f"no parent for {column}")
