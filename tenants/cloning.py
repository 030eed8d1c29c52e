"""One schema becomes two: the structure, and the rows of what ``tenants.tables`` lists, in one script.

Every name stays as it is (tables, columns, constraints, indexes, sequences), so that each later migration finds in a
clone what it finds in the source; and nothing in the clone depends on the source. It knows PostgreSQL's catalogue
through ``tenants.catalogue`` and refuses to know who the clone is for. The caller holds the transaction.
"""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tenants.catalogue import Contents, NotCloneable, Row, commented, foreign_dependencies, read_contents
from tenants.tables import STRUCTURE_AND_ROWS, WRITTEN_LAST, Kind, kind_of

_DEFERRED_ACTIONS = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_SEQUENCE = "INCREMENT BY {step} MINVALUE {least} MAXVALUE {most} START WITH {start} CACHE {cache} {cycle}"


def clone(connection: psycopg.Connection[Any], source: str, target: str) -> None:
    """Make the schema ``target`` from ``source``, within the connection's transaction.

    Rows of the source that are being written are waited for, and cannot be written until the transaction ends.
    Raises NotCloneable, UnlistedTable, and psycopg's errors (DuplicateSchema, LockNotAvailable ...).
    """
    path = connection.execute("SELECT current_setting('search_path')").fetchone()
    _search(connection, source)
    _lock_rows(connection, source, sorted(STRUCTURE_AND_ROWS - WRITTEN_LAST))
    contents = read_contents(connection, source)
    physical = [one.name for one in contents.tables if kind_of(one.name) is Kind.STRUCTURE_AND_ROWS]
    _lock_rows(connection, source, sorted(set(physical) - STRUCTURE_AND_ROWS))
    _lock_rows(connection, source, sorted(WRITTEN_LAST))
    script = sql.SQL(";\n").join(_script(contents, source, target))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(target)))
    _search(connection, target)
    connection.execute(script)
    foreign = foreign_dependencies(connection, target)
    if foreign:
        raise NotCloneable(f"the clone would depend on another schema: {'; '.join(foreign[:5])}")
    connection.execute("SELECT set_config('search_path', %s, true)", path)


def _search(connection: psycopg.Connection[Any], schema: str) -> None:
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema)))


def _lock_rows(connection: psycopg.Connection[Any], schema: str, tables: list[str]) -> None:
    """Readers go on, writers wait: what describes the tables, the tables, and their rows stay of one moment."""
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename = ANY(%s) ORDER BY 1", [schema, tables]
    ).fetchall()
    if found:
        names = sql.SQL(", ").join(sql.Identifier(schema, name) for (name,) in found)
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))


def _text(definition: LiteralString) -> sql.SQL:
    """What PostgreSQL itself printed as SQL; nothing a client wrote passes here but through PostgreSQL's quoting."""
    return sql.SQL(definition)


def _name(row: Row) -> sql.Identifier:
    return sql.Identifier(row.name)


def _script(contents: Contents, source: str, target: str) -> Iterator[sql.Composable]:
    """The statements, in the order of what needs what; triggers come after rows, so that none fires."""
    yield sql.SQL("SET LOCAL check_function_bodies = off")
    yield from _functions(contents, source, target)
    yield from _sequences(contents)
    for table in contents.tables:
        yield from _table(table, contents, source)
    for table in contents.tables:
        if kind_of(table.name) is Kind.STRUCTURE_AND_ROWS:
            yield _rows(table, contents, source)
    yield from _positions(contents, source)
    yield from _constraints(contents)
    yield from _statistics(contents)
    yield from _views(contents)
    yield from _triggers(contents)
    yield from _comments(contents)


def _functions(contents: Contents, source: str, target: str) -> Iterator[sql.Composable]:
    for function in contents.functions:
        if function.definition is None:
            raise NotCloneable(f"aggregates are not cloned: {function.name}")
        yield _text(function.definition.replace(function.qualified, function.unqualified, 1))
        for setting in function.settings or ():
            if setting == f"search_path={source}":
                yield sql.SQL("ALTER ROUTINE {} SET search_path = {}").format(
                    _text(function.name), sql.Identifier(target)
                )


def _sequences(contents: Contents) -> Iterator[sql.Composable]:
    """Those that are no identity's; an identity makes its own."""
    for one in contents.sequences:
        if one.bond != "i":
            yield sql.SQL("CREATE SEQUENCE {} AS {} {}").format(_name(one), _text(one.type), _sequence_options(one))


def _sequence_options(one: Row) -> sql.Composable:
    return sql.SQL(_SEQUENCE).format(
        step=sql.Literal(one.step),
        least=sql.Literal(one.least),
        most=sql.Literal(one.most),
        start=sql.Literal(one.start),
        cache=sql.Literal(one.cache),
        cycle=sql.SQL("CYCLE" if one.cycle else "NO CYCLE"),
    )


def _table(table: Row, contents: Contents, source: str) -> Iterator[sql.Composable]:
    """Columns by LIKE; defaults and identities anew, for LIKE's would use the source's sequences or rename them."""
    yield sql.SQL(
        "CREATE TABLE {} (LIKE {} INCLUDING COMMENTS INCLUDING COMPRESSION INCLUDING GENERATED INCLUDING STORAGE)"
    ).format(_name(table), sql.Identifier(source, table.name))
    alter = sql.SQL("ALTER TABLE {} ").format(_name(table))
    for column in contents.columns[table.oid]:
        if column.default is not None:
            yield alter + sql.SQL("ALTER {} SET DEFAULT {}").format(_name(column), _text(column.default))
    for one in contents.sequences:
        if one.relation == table.oid and one.bond == "i":
            yield alter + _identity(one, contents)
        elif one.relation == table.oid:
            column = sql.Identifier(table.name, one.column)
            yield sql.SQL("ALTER SEQUENCE {} OWNED BY {}").format(_name(one), column)
    options = [*(table.options or ()), *(f"toast.{option}" for option in table.toast_options or ())]
    if options:
        yield alter + sql.SQL("SET ({})").format(_options(options))


def _identity(one: Row, contents: Contents) -> sql.Composable:
    """Naming the sequence is the form that pg_dump uses; its type is the column's."""
    column = next(column for column in contents.columns[one.relation] if column.name == one.column)
    return sql.SQL("ALTER {} ADD GENERATED {} AS IDENTITY (SEQUENCE NAME {} {})").format(
        _name(column), sql.SQL("ALWAYS" if column.identity == "a" else "BY DEFAULT"), _name(one), _sequence_options(one)
    )


def _options(options: list[str]) -> sql.Composable:
    pairs = [option.partition("=") for option in options]
    return sql.SQL(", ").join(sql.SQL("{} = {}").format(_text(key), sql.Literal(value)) for key, _, value in pairs)


def _rows(table: Row, contents: Contents, source: str) -> sql.Composable:
    """Columns by name, for their order may differ; a column that refers to a table cloned empty becomes null."""
    empty = {one.oid for one in contents.tables if kind_of(one.name) is Kind.STRUCTURE_ONLY}
    authors = {
        column
        for one in contents.constraints
        if one.relation == table.oid and one.kind == "f" and one.target in empty
        for column in one.columns
    }
    columns = [column for column in contents.columns[table.oid] if not column.generated]
    if not columns:
        return sql.SQL("INSERT INTO {} SELECT FROM {}").format(_name(table), sql.Identifier(source, table.name))
    values = [sql.SQL("NULL") if column.name in authors else _name(column) for column in columns]
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
        _name(table),
        sql.SQL(", ").join(_name(column) for column in columns),
        sql.SQL(", ").join(values),
        sql.Identifier(source, table.name),
    )


def _positions(contents: Contents, source: str) -> Iterator[sql.Composable]:
    """Sequences go on where the source's are, but for those of tables cloned empty."""
    empty = {one.oid for one in contents.tables if kind_of(one.name) is Kind.STRUCTURE_ONLY}
    for one in contents.sequences:
        if one.relation not in empty:
            own = sql.SQL("format('%I', {}::text)::regclass").format(sql.Literal(one.name))
            theirs = sql.Identifier(source, one.name)
            yield sql.SQL("SELECT setval({}, last_value, is_called) FROM {}").format(own, theirs)


def _constraints(contents: Contents) -> Iterator[sql.Composable]:
    """Keys, checks, then the other indexes, then foreign keys, each under its own name."""
    tables = {table.oid: _name(table) for table in contents.tables}
    add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
    constraints = [
        (one.kind, add.format(tables[one.relation], _name(one), _text(one.definition))) for one in contents.constraints
    ]
    yield from (statement for kind, statement in constraints if kind != "f")
    for index in contents.indexes:
        if not index.of_constraint:
            yield _text(index.definition)
        elif index.options:
            yield sql.SQL("ALTER INDEX {} SET ({})").format(_name(index), _options(index.options))
    yield from (statement for kind, statement in constraints if kind == "f")


def _statistics(contents: Contents) -> Iterator[sql.Composable]:
    for one in contents.statistics:
        yield _text(one.definition.replace(one.qualified, one.unqualified, 1))


def _views(contents: Contents) -> Iterator[sql.Composable]:
    for view in contents.views:
        kind = sql.SQL("MATERIALIZED VIEW" if view.kind == "m" else "VIEW")
        yield sql.SQL("CREATE {} {} AS {}").format(kind, _name(view), _text(view.definition.rstrip("; \n")))


def _triggers(contents: Contents) -> Iterator[sql.Composable]:
    tables = {table.oid: _name(table) for table in contents.tables}
    for one in contents.triggers:
        yield _text(one.definition)
        if one.enabled in _DEFERRED_ACTIONS:
            yield sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                tables[one.relation], _text(_DEFERRED_ACTIONS[one.enabled]), _name(one)
            )


def _comments(contents: Contents) -> Iterator[sql.Composable]:
    """``COMMENT ON`` wants the kind in words; a constraint's and a trigger's also the table."""
    tables = {table.oid: _name(table) for table in contents.tables}
    words = {id(row): word for rows, word in _kinds(contents) for row in rows}
    for catalogue, rows in commented(contents).items():
        for row in rows:
            text = contents.comments.get((catalogue, row.oid))
            if text is None:
                continue
            name = _text(row.name) if catalogue == "pg_proc" else _name(row)
            on = sql.SQL("")
            if catalogue in ("pg_constraint", "pg_trigger"):
                on = sql.SQL(" ON {}").format(tables[row.relation])  # type: ignore[assignment]  # Composed is Composable
            yield sql.SQL("COMMENT ON {} {}{} IS {}").format(_text(words[id(row)]), name, on, sql.Literal(text))


def _kinds(contents: Contents) -> list[tuple[Any, str]]:
    return [
        (contents.tables, "TABLE"),
        (contents.indexes, "INDEX"),
        (contents.sequences, "SEQUENCE"),
        ([one for one in contents.views if one.kind == "v"], "VIEW"),
        ([one for one in contents.views if one.kind == "m"], "MATERIALIZED VIEW"),
        (contents.constraints, "CONSTRAINT"),
        (contents.functions, "ROUTINE"),
        (contents.triggers, "TRIGGER"),
        (contents.statistics, "STATISTICS"),
    ]
