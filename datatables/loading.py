"""A data package's files → rows of a tenant's tables, in one transaction.

It knows that a value must satisfy the same rules as one sent to the API (each distinct cell is judged once) and how to
name what was refused: resource, line, field. It refuses to know where the files are.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import structlog
from django.db import connection, transaction

from apps import services as apps
from apps.models import App
from datar.errors import DatarError, InvalidFields
from datar.garbage import looked_at_seldom
from datasources import services as datasources
from datasources.connect import provider_for
from datasources.models import DataSource
from datatables.catalog import TableCatalog
from datatables.cells import BadCell
from datatables.definitions import resolver, stored_table
from datatables.files import CannotLoad, PackageFiles, ResourceFile, Where
from datatables.package import create_schema
from datatables.queries import find_table
from records.canonical import RefusedError
from records.provider import Loader, Provider, RefusedLoad
from records.rules import FieldRule
from records.stamp import NOW, stamped
from records.table import ABSENT, Field, Json, Table
from records.uuids import uuid7
from tenants.context import use

Report = Callable[[int, int, str], None]
"""(done, of how many, what is being done); called often, with done == of how many at the end of each task."""

REPORTED_ROWS = 5_000

log = structlog.get_logger("datar.datatables")


def load_package(
    *,
    files: PackageFiles,
    tenant: str,
    app_slug: str,
    datasource_slug: str | None = None,
    provider_type: str | None = None,
    conditions: Sequence[Where] = (),
    resources: Sequence[str] = (),
    report: Report,
) -> dict[str, int]:
    """Make the package's app and tables where they are missing and append the rows; how many, by resource.

    A datasource that is missing is made where ``provider_type`` says of which kind; one that is there must be of it.
    ``resources`` names those whose rows are loaded (none: all); ``conditions`` say which rows. One transaction: at the
    first thing that is wrong nothing is changed. Raises CannotLoad with a sentence.
    """
    for name in resources:
        files.resource(name)
    loaders: dict[str, Loader] = {}
    try:
        with looked_at_seldom(), use(tenant), transaction.atomic():
            _make_app(files, app_slug)
            if provider_type is not None:
                _make_datasource(app_slug, datasource_slug or datasources.DEFAULT, provider_type)
            create_schema(app_slug=app_slug, datasource_slug=datasource_slug, user_id=None, package=files.descriptor)
            _require_place(files, app_slug, datasource_slug, provider_type)
            tables = _in_order(files, app_slug, resources)
            with connection.cursor() as cursor:  # a large file takes longer than a request may
                cursor.execute("SET LOCAL statement_timeout = 0; SET CONSTRAINTS ALL DEFERRED")
            return {
                table.identity.name: _load(files, table, loader, conditions, report)
                for table, loader in _with_loaders(tables, loaders)
            }
    except BaseException as error:
        if left := _left(loaders):
            names = ", ".join(left)
            raise CannotLoad(f"{_said(error)} Rows that were added could not be taken back, of: {names}.") from error
        if isinstance(error, DatarError):
            raise CannotLoad(_sentence(error)) from error
        raise


def _require_place(files: PackageFiles, app_slug: str, datasource_slug: str | None, provider_type: str | None) -> None:
    """Raise CannotLoad where a table lies in another datasource than was named: rows would be added there."""
    if datasource_slug is None and provider_type is None:
        return
    named = datasource_slug or datasources.DEFAULT
    for name in files.names:
        source = find_table(app_slug, name).data_source
        if source.slug != named:
            raise CannotLoad(
                f"Table '{name}' is in datasource '{source.slug}' ({source.provider_type}), not in '{named}'; leave"
                " --datasource and --provider out, or load into another app."
            )


def _with_loaders(
    tables: Sequence[tuple[Table, Provider]], loaders: dict[str, Loader]
) -> Iterator[tuple[Table, Loader]]:
    """Each table with what fills it, which is noted before it begins."""
    for table, provider in tables:
        loader = loaders[table.identity.name] = provider.loader(table, TableCatalog(table.identity.namespace))
        yield table, loader


def _left(loaders: Mapping[str, Loader]) -> list[str]:
    """Take back what the transaction does not; the tables where that failed."""
    left = []
    for name, loader in loaders.items():
        try:
            loader.undo()
        except Exception as error:  # noqa: BLE001 - the other tables, and what went wrong first, still count
            log.error("rows of a load that failed stay", table=name, error=type(error).__name__)
            left.append(name)
    return left


def _said(error: BaseException) -> str:
    if isinstance(error, DatarError):
        return _sentence(error)
    return str(error) if isinstance(error, CannotLoad) else f"{type(error).__name__}."


def _make_app(files: PackageFiles, app_slug: str) -> None:
    descriptor = files.descriptor
    if not App.objects.filter(slug=app_slug).exists():
        name, about = str(descriptor.get("title") or app_slug), str(descriptor.get("description") or "")
        apps.create(user_id=None, name=name, slug=app_slug, description=about)


def _make_datasource(app_slug: str, slug: str, provider_type: str) -> None:
    source = DataSource.objects.filter(app__slug=app_slug, slug=slug).first()
    if source is None:
        name = slug.replace("-", " ").capitalize()
        datasources.create(app_slug=app_slug, user_id=None, name=name, slug=slug, provider_type=provider_type)
    elif source.provider_type != provider_type:
        raise CannotLoad(
            f"The datasource '{slug}' is {source.provider_type}, not {provider_type}; name another one with"
            " --datasource, which is made when it is missing."
        )


def _in_order(files: PackageFiles, app_slug: str, resources: Sequence[str]) -> list[tuple[Table, Provider]]:
    """The tables to fill and their providers, parents before children."""
    resolve = resolver()
    _hold([find_table(app_slug, name).pk for name in resources or files.names])
    rows = [find_table(app_slug, name) for name in resources or files.names]
    providers = {row.pk: provider_for(row.data_source.provider_type) for row in rows}
    waiting = [stored_table(row, resolve) for row in rows]
    done: list[Table] = []
    while waiting:
        names = {table.identity.name for table in waiting}
        ready = [table for table in waiting if not _parents(table) & (names - {table.identity.name})] or waiting
        done += ready
        waiting = [table for table in waiting if table not in ready]
    return [(table, providers[table.identity.id]) for table in done]


def _hold(ids: list[int]) -> None:
    """None of these tables moves away until the transaction ends; who writes rows is not kept waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM datar_datatable WHERE id = ANY(%s) ORDER BY id FOR SHARE", [ids])


def _parents(table: Table) -> set[str]:
    return {key.target_table for key in table.foreign_keys if key.enforced and key.target_app == table.identity.app}


def _load(files: PackageFiles, table: Table, loader: Loader, conditions: Sequence[Where], report: Report) -> int:
    """Fill one table from its file."""
    file = files.resource(table.identity.name)
    labels = file.labels()
    filled = _filled(table, loader, labels, file.name)
    fields = [table.by_name[label] for label in labels] + list(filled)
    lines = array("L")
    rows = (
        [*chain.from_iterable(cells), *chain.from_iterable(make() for make in filled.values())]
        for cells in _reported(file.rows(conditions, judge_of(table, loader)), file, lines, report)
    )
    try:
        with connection.wrap_database_errors:
            return loader.append(fields, rows, connection.connection)
    except RefusedLoad as error:
        raise _refused(error, table, lines) from error


def _reported(
    rows: Iterator[tuple[int, list[Any] | None]], file: ResourceFile, lines: "array[int]", report: Report
) -> Iterator[list[Any]]:
    """The rows that are wanted; their line numbers are noted, and progress is told by lines read."""
    total = file.lines()
    task = f"Loading {file.name}"
    report(0, total + 1, task)
    for read, (line, cells) in enumerate(rows, start=1):
        if read % REPORTED_ROWS == 0:
            report(min(read, total), total + 1, task)
        if cells is not None:
            lines.append(line)
            yield cells
    report(total + 1, total + 1, task)


def judge_of(table: Table, loader: Loader) -> Callable[[str, Json], tuple[Any, ...]]:
    """What a cell's value becomes in the table, or why it cannot: the rules that bodies of requests meet."""
    rules = {field.name: FieldRule(field) for field in table.fields}

    def judge(label: str, value: Json) -> tuple[Any, ...]:
        rule = rules[label]
        if value is None:
            if rule.field.required or label in table.primary_key:
                raise BadCell("a value is required")
            return loader.cells(rule.field, None)
        try:
            return loader.cells(rule.field, rule.judge(value))
        except RefusedError as error:
            raise BadCell(f"{error.message[0].lower()}{error.message[1:].removesuffix('.')}") from None

    return judge


def _filled(
    table: Table, loader: Loader, labels: Sequence[str], name: str
) -> Mapping[Field, Callable[[], tuple[Any, ...]]]:
    """The fields without a column in the file that we fill, and with what. Raises CannotLoad for one that we cannot."""
    filled: dict[Field, Callable[[], tuple[Any, ...]]] = {}
    for field in table.fields:
        if field.name in labels or (table.generated_key == "integer" and field.name in table.primary_key):
            continue
        if table.generated_key == "uuid" and field.name in table.primary_key:
            filled[field] = partial(_new_key, field, loader)
        elif field.name in ("created_at", "updated_at") and stamped(table, field.name):
            filled[field] = partial(_same, loader.cells(field, NOW))
        elif field.default not in (ABSENT, None):
            filled[field] = partial(_same, loader.cells(field, field.default))
        elif field.required or field.name in table.primary_key:
            raise CannotLoad(f"{name}: the file has no column {field.name!r}, which is required.")
    return filled


def _new_key(field: Field, loader: Loader) -> tuple[Any, ...]:
    return loader.cells(field, uuid7())


def _same(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    return cells


def _refused(error: RefusedLoad, table: Table, lines: "array[int]") -> CannotLoad:
    """What the store refused, by resource, line and fields; an operator may see the value."""
    line = f", line {lines[error.place]}" if error.place is not None and 0 <= error.place < len(lines) else ""
    fields = f", field {', '.join(map(repr, error.fields))}" if error.fields else ""
    values = f" Value: {error.values}." if error.values else ""
    return CannotLoad(f"{table.identity.name}{line}{fields}: {error.said}{values}")


def _sentence(error: DatarError) -> str:
    if isinstance(error, InvalidFields):
        return "; ".join(f"{one.field}: {one.message}" for one in error.errors)
    return error.detail
