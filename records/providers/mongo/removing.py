"""Write plans that remove rows: by key, in a version, or all that a condition holds of; and what refers to them."""

from pymongo.client_session import ClientSession

from records.catalog import Catalog
from records.conditions import reached
from records.plan import WritePlan, Written
from records.providers.mongo import retrying
from records.providers.mongo.changing import in_versions
from records.providers.mongo.families import Family, Size, entered
from records.providers.mongo.inserting import is_bulk
from records.providers.mongo.layout import KEY
from records.providers.mongo.ledger import Ledger
from records.providers.mongo.matching import condition_stages
from records.providers.mongo.references import marked, only
from records.providers.mongo.releasing import Releasing
from records.providers.mongo.server import Document, Pipeline, Server
from records.providers.mongo.source import Source
from records.providers.mongo.standing import check_standing
from records.providers.mongo.values import Bson, key_from_texts, key_of
from records.table import Table


def delete(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog) -> Written:
    """Remove the plan's rows, all or none. Raises Conflict, Stale."""
    return retrying.tried(lambda alone: _removed(server, ledger, plan, catalog, alone=alone))


def _removed(server: Server, ledger: Ledger, plan: WritePlan, catalog: Catalog, *, alone: bool) -> Written:
    bulk = plan.where is not None or is_bulk(len(plan.rows))
    parents = () if plan.where is None else tuple(reached(plan.where))
    with entered(ledger, plan.table, Size(is_bulk=bulk), catalog, parents=parents, alone=alone) as (entry, family):
        if plan.single and not family.links_to(plan.table):
            return _remove_one(server, plan)
        with retrying.transaction(server) as session:
            releasing = Releasing(server, session, entry, family, plan.table, catalog)
            return _remove_all(server, plan, session, family, releasing)


def _remove_one(server: Server, plan: WritePlan) -> Written:
    """A row that nothing can refer to: one command."""
    collection = server.collection(plan.table)
    count = collection.delete_one(_wanted(plan)).deleted_count
    if not count:
        check_standing(server, plan.table)
    found = bool(count) or (plan.versions is not None and collection.find_one({KEY: _key(plan)}, {KEY: 1}) is not None)
    return Written(count, found=found, held=True)


def _remove_all(
    server: Server, plan: WritePlan, session: ClientSession, family: Family, releasing: Releasing
) -> Written:
    if plan.where is not None:
        stages = condition_stages(plan.where, Source(plan.table))
        return Written(_remove_found(server, plan.table, stages, session, family, releasing), held=True)
    collection = server.collection(plan.table)
    keys = [_key(plan)] if plan.single else [key_of(plan.table, row) for row in plan.rows]
    asked = _wanted(plan) if plan.single else {KEY: {"$in": keys}}
    rows = list(collection.find(asked, only(family.paths(plan.table)), session=session))
    known = {marked((row[KEY],)) for row in rows}
    missing = tuple(place for place, key in enumerate(keys) if marked((key,)) not in known)
    if missing:
        check_standing(server, plan.table)
    if missing and plan.single:
        found = plan.versions is not None and collection.find_one({KEY: keys[0]}, {KEY: 1}, session=session)
        return Written(0, missing=missing, found=bool(found), held=True)
    if missing:
        return Written(0, missing=missing, held=True)
    releasing.remove(rows)
    return Written(len(rows), held=True)


def _remove_found(
    server: Server, table: Table, stages: Pipeline, session: ClientSession, family: Family, releasing: Releasing
) -> int:
    """Remove what these stages leave; how many. The service holds rows only where other rows refer to them."""
    collection = server.collection(table)
    if not family.links_to(table) and all("$match" in stage for stage in stages):
        query: Document = {"$and": [stage["$match"] for stage in stages]} if stages else {}
        return collection.delete_many(query, session=session).deleted_count
    rows = list(collection.aggregate([*stages, {"$project": only(family.paths(table))}], session=session))
    releasing.remove(rows)
    return len(rows)


def _key(plan: WritePlan) -> Bson:
    return key_from_texts(plan.table, plan.key)


def _wanted(plan: WritePlan) -> Document:
    """What finds a single row, in one of the versions that were named."""
    return {KEY: _key(plan)} if plan.versions is None else in_versions(_key(plan), plan.versions)
