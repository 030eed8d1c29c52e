"""What a schema holds, read from PostgreSQL's catalogue as definitions that name no schema.

The trick: with ``search_path`` set to the schema, PostgreSQL prints what lies in it unqualified; run with
``search_path`` set to another schema, the same text makes the same object there. It reads, and changes nothing.
Members of extensions are left out: they belong to the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from tenants.tables import Kind, kind_of

_RELATIONS = """
SELECT c.oid, c.relname AS name, c.relkind::text AS kind, c.reloptions AS options, t.reloptions AS toast_options
FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema})
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY c.oid
"""
_COLUMNS = """
SELECT a.attrelid AS relation, a.attname AS name, a.attidentity::text AS identity, a.attgenerated <> '' AS generated,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS "default"
FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE a.attrelid = ANY({oids}) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_CONSTRAINTS = """
SELECT c.oid, c.conrelid AS relation, c.conname AS name, c.contype::text AS kind, c.conindid AS index,
       c.confrelid AS target, pg_get_constraintdef(c.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey))
       AS columns
FROM pg_constraint c
WHERE c.conrelid = ANY({oids}) AND c.contype IN ('p', 'u', 'c', 'x', 'f')
ORDER BY position(c.contype IN 'puxcf'), c.conrelid, c.oid
"""
_INDEXES = """
SELECT i.indexrelid AS oid, x.relname AS name, x.reloptions AS options,
       pg_get_indexdef(i.indexrelid, 0, true) AS definition,
       EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')
               AND c.conrelid = i.indrelid) AS of_constraint
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY({oids}) AND i.indisvalid
ORDER BY i.indrelid, i.indexrelid
"""
_SEQUENCES = """
SELECT c.oid, c.relname AS name, s.seqtypid::regtype::text AS type, s.seqstart AS start, s.seqincrement AS step,
       s.seqmin AS least, s.seqmax AS most, s.seqcache AS cache, s.seqcycle AS cycle,
       d.refobjid AS relation, a.attname AS column, d.deptype::text AS bond
FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema}) AND c.relkind = 'S'
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY c.oid
"""
_FUNCTIONS = """
SELECT p.oid, p.oid::regprocedure::text AS name, p.prokind::text AS kind, p.proconfig AS settings,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
       format('%I.%I(', n.nspname, p.proname) AS qualified, format('%I(', p.proname) AS unqualified
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = {schema}
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
ORDER BY p.oid
"""
_TRIGGERS = """
SELECT t.oid, t.tgrelid AS relation, t.tgname AS name, t.tgenabled::text AS enabled,
       pg_get_triggerdef(t.oid, true) AS definition
FROM pg_trigger t WHERE t.tgrelid = ANY({oids}) AND NOT t.tgisinternal ORDER BY t.oid
"""
_VIEWS = """
SELECT c.oid, c.relname AS name, c.relkind::text AS kind, pg_get_viewdef(c.oid) AS definition
FROM pg_class c WHERE c.oid = ANY({oids}) ORDER BY c.oid
"""
_STATISTICS = """
SELECT s.oid, s.stxname AS name, pg_get_statisticsobjdef(s.oid) AS definition,
       format('%I.%I', n.nspname, s.stxname) AS qualified, format('%I', s.stxname) AS unqualified
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = ANY({oids}) ORDER BY s.oid
"""
_COMMENTS = """
SELECT d.objoid AS oid, d.classoid::regclass::text AS catalogue, d.description AS text
FROM pg_description d WHERE d.objoid = ANY({oids}) AND d.objsubid = 0
"""
_FOREIGN = """
WITH space AS (
    SELECT oid FROM pg_namespace WHERE nspname = {schema}
), own AS (
    SELECT 'pg_class'::regclass AS classid, oid AS objid FROM pg_class WHERE relnamespace = (SELECT oid FROM space)
    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = (SELECT oid FROM space)
    UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace = (SELECT oid FROM space)
), inner_parts AS (
    SELECT d.classid, d.objid FROM own JOIN pg_depend d ON (d.refclassid, d.refobjid) = (own.classid, own.objid)
    WHERE d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass,
                        'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_statistic_ext'::regclass)
), mine AS (SELECT * FROM own UNION SELECT * FROM inner_parts)
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) || ' needs '
       || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
FROM mine JOIN pg_depend d ON (d.classid, d.objid) = (mine.classid, mine.objid)
CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) AS needed
WHERE d.refclassid <> 'pg_namespace'::regclass
  AND (d.refclassid, d.refobjid) NOT IN (SELECT classid, objid FROM mine)
  AND needed.schema NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE (e.classid, e.objid) = (d.refclassid, d.refobjid) AND e.deptype = 'e')
"""

Row = Any
"""A row of one of the queries above, its columns as attributes."""


class NotCloneable(Exception):
    """The schema holds something that cannot be cloned; the text says what."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All of a schema that a clone gets. ``tables`` are the cloned ones only; so is what belongs to them."""

    tables: Sequence[Row]
    columns: dict[int, list[Row]]
    constraints: Sequence[Row]
    indexes: Sequence[Row]
    sequences: Sequence[Row]
    functions: Sequence[Row]
    triggers: Sequence[Row]
    views: Sequence[Row]
    statistics: Sequence[Row]
    comments: dict[tuple[str, int], str]


def read_contents(connection: psycopg.Connection[Any], schema: str) -> Contents:
    """The schema's contents; ``search_path`` must be exactly ``schema``. Raises NotCloneable, UnlistedTable."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:

        def rows(query: LiteralString, oids: Sequence[int] = ()) -> list[Row]:
            text = sql.SQL(query)
            values = sql.SQL("{}::oid[]").format(sql.Literal(list(oids)))
            return cursor.execute(text.format(schema=sql.Literal(schema), oids=values)).fetchall()

        relations = rows(_RELATIONS)
        tables = cloned_tables(relations)
        oids = [table.oid for table in tables]
        columns: dict[int, list[Row]] = {oid: [] for oid in oids}
        for column in rows(_COLUMNS, oids):
            columns[column.relation].append(column)
        every = rows(_SEQUENCES)
        contents = Contents(
            tables=tables,
            columns=columns,
            constraints=rows(_CONSTRAINTS, oids),
            indexes=rows(_INDEXES, oids),
            sequences=[one for one in every if one.relation is None or one.relation in columns],
            functions=rows(_FUNCTIONS),
            triggers=rows(_TRIGGERS, oids),
            views=rows(_VIEWS, [one.oid for one in relations if one.kind in "vm"]),
            statistics=rows(_STATISTICS, oids),
            comments={},
        )
        described = [one.oid for kind in commented(contents).values() for one in kind]
        for comment in rows(_COMMENTS, described):
            contents.comments[comment.catalogue, comment.oid] = comment.text
        return contents


def foreign_dependencies(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """What in the schema needs something of another one (PostgreSQL's own and extensions apart), in words."""
    query = sql.SQL(_FOREIGN).format(schema=sql.Literal(schema))
    return [str(text) for (text,) in connection.execute(query).fetchall()]


def cloned_tables(relations: Sequence[Row]) -> list[Row]:
    """Of the relations, the tables that a clone gets."""
    strange = [one.name for one in relations if one.kind in "pf"]
    if strange:
        raise NotCloneable(f"partitioned or foreign tables are not cloned: {', '.join(strange)}")
    return [one for one in relations if one.kind == "r" and kind_of(one.name) is not Kind.SHARED]


def commented(contents: Contents) -> dict[str, Sequence[Row]]:
    """Whatever may carry a comment of its own, by catalogue (comments of columns come with LIKE)."""
    return {
        "pg_class": [*contents.tables, *contents.indexes, *contents.sequences, *contents.views],
        "pg_constraint": contents.constraints,
        "pg_proc": contents.functions,
        "pg_trigger": contents.triggers,
        "pg_statistic_ext": contents.statistics,
    }
