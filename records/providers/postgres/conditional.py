"""Changes and removals of one row in one of its versions, and removals by condition → one statement each.

Each says beside what it did whether the guard held: then a write that touched nothing is a result, not a stale plan.
"""

from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from records.conditions import reached
from records.plan import WritePlan
from records.providers.postgres.binding import Placeholders
from records.providers.postgres.columns import compared, qualified
from records.providers.postgres.compile import Values, key_conditions, key_values
from records.providers.postgres.folding import Folding
from records.providers.postgres.guard import guard
from records.providers.postgres.source import Source
from records.providers.postgres.where import condition_text, condition_values
from records.system import VERSION
from records.table import Table

_FOUND: Final = SQL("EXISTS (SELECT FROM {table} WHERE {key})")
_CHANGE: Final = SQL(
    "WITH changed AS (UPDATE {table} SET {changes} WHERE {key} AND {version} AND {guard} "
    "RETURNING {row} AS row, {number} AS version) "
    "SELECT (SELECT row FROM changed), (SELECT version FROM changed), {found}, {guard}"
)
_REMOVE: Final = SQL(
    "WITH gone AS (DELETE FROM {table} WHERE {key} AND {version} AND {guard} RETURNING 1) "
    "SELECT (SELECT count(*) FROM gone), {found}, {guard}"
)
# Rows are locked in the order of their keys, and a row that changed meanwhile is looked at again before it is removed.
_REMOVE_WHERE: Final = SQL(
    "WITH found AS MATERIALIZED (SELECT {keys} FROM {source} WHERE ({condition}) AND {guard} "
    "ORDER BY {order} FOR UPDATE OF {alias}), "
    "gone AS (DELETE FROM {table} AS t USING found WHERE {join} RETURNING 1) "
    "SELECT (SELECT count(*) FROM gone), {guard}"
)


def change_in_version(plan: WritePlan, changes: Composable, row: Composable) -> Composed:
    """Change the row ``plan.key`` in one of ``plan.versions``: text, new version, is it there, did the guard hold."""
    table = plan.table
    return _CHANGE.format(
        table=qualified(table),
        changes=changes,
        key=_key(table),
        version=_version(),
        number=Identifier(VERSION),
        guard=guard(table),
        row=row,
        found=_found(table),
    )


def removal_in_version(plan: WritePlan) -> Composed:
    """Remove the row ``plan.key`` in one of ``plan.versions``: how many went, is it there, did the guard hold."""
    table = plan.table
    return _REMOVE.format(
        table=qualified(table), key=_key(table), version=_version(), guard=guard(table), found=_found(table)
    )


def version_values(plan: WritePlan) -> Values:
    """The key and the versions."""
    return {**key_values(plan.key), "versions": list(plan.versions or ())}


def removal_by_condition(plan: WritePlan, folding: Folding) -> Composed:
    """Remove every row that ``plan.where`` holds of: how many, and whether the guard held, of related tables too."""
    assert plan.where is not None
    table = plan.table
    source = Source(table)
    condition = condition_text(plan.where, source, Placeholders(folding))
    tables = {each.identity.id: each for each in [table, *reached(plan.where)]}
    held = SQL(" AND ").join(guard(each) for each in tables.values())
    keys = [compared(field) for field in table.key_fields]
    names = [Identifier(source.alias, key.name) for key in keys]
    return _REMOVE_WHERE.format(
        keys=SQL(", ").join(
            SQL("{name} AS {key}").format(name=name, key=Identifier(f"k{place}")) for place, name in enumerate(names)
        ),
        condition=condition,
        source=source.text,
        guard=held,
        order=SQL(", ").join(names),
        alias=Identifier(source.alias),
        table=qualified(table),
        join=SQL(" AND ").join(
            SQL("{mine} = {found}").format(mine=Identifier("t", key.name), found=Identifier("found", f"k{place}"))
            for place, key in enumerate(keys)
        ),
    )


def removal_values(plan: WritePlan) -> Values:
    """The values of ``removal_by_condition``."""
    assert plan.where is not None
    return {f"value{place}": value for place, value in enumerate(condition_values(plan.where))}


def _key(table: Table) -> Composed:
    return SQL(" AND ").join(key_conditions(table))


def _version() -> Composed:
    return SQL("{version} = ANY ({versions}::text[]::bigint[])").format(
        version=Identifier(VERSION), versions=Placeholder("versions")
    )


def _found(table: Table) -> Composed:
    return _FOUND.format(table=qualified(table), key=_key(table))
