"""Bodies and parameters of writes → WritePlans. Knows no database and no HTTP."""

from dataclasses import dataclass
from typing import Any

from datar.errors import FieldError, Invalid, InvalidFields, InvalidRows, NotFound, TooLarge
from records import limits
from records.additional import removed
from records.conditions import EVERYTHING, AllOf, Condition
from records.filters import condition_of
from records.keys import key_row, read_key
from records.lists import split_list, unquoted
from records.params.flat import Pairs
from records.params.tree import parse_filter
from records.payload import Purpose, check_rows, fill_absent, parse_json, repeated, same_key_twice
from records.plan import WritePlan
from records.planning import check_paths, read_meta
from records.relations import Lookups
from records.rowerrors import ABSENT_FIELD
from records.stamp import CREATED_FIELD, UPDATED_FIELD, stamp_new, stamped
from records.table import ADDITIONAL_NAME, Field, Json, Table
from records.versions import Tags, refuse_unversioned, wanted_versions

Rows = list[dict[str, Json]]
_UPSERT_WORDS = frozenset({"unique_fields"})
_CREATE_WORDS = frozenset({"on_error"})
_DELETE_WORDS = frozenset({"ids", "filter"})
_EMPTY_FILTERS = frozenset({"", "{}", "[]", "null"})


@dataclass(frozen=True, slots=True)
class UpsertBatch:
    """Plans of rows that send the same fields; each plan knows the places its rows had in the body."""

    plans: tuple[WritePlan, ...]
    single: bool
    minimal: bool


def plan_create(table: Table, body: bytes, pairs: Pairs, *, minimal: bool) -> WritePlan:
    """The rows of a create, checked."""
    meta = read_meta(pairs, _CREATE_WORDS)
    rows, single = read_rows(body)
    rows = check_rows(table, rows, Purpose.CREATE, single=single)
    stamp_new(table, rows)
    fields = _full_fields(table, rows[0]) if single else sent_fields(table, rows)
    return WritePlan(table, rows, fields, meta=meta, minimal=minimal, single=single)


def skips(pairs: Pairs) -> bool:
    """Whether a create leaves refused rows out: ``on_error=skip``. Raises Invalid for another word than ``fail``."""
    word = dict(pairs).get("on_error", "fail")
    if word not in ("fail", "skip"):
        raise Invalid("'on_error' is fail or skip.", code="invalid_parameter")
    return word == "skip"


def plan_upsert(table: Table, body: bytes, pairs: Pairs, *, minimal: bool) -> UpsertBatch:
    """The rows of an upsert, checked, grouped by the fields they send (only these change in a row that is there)."""
    refuse_unversioned(table)
    meta = read_meta(pairs, _UPSERT_WORDS)
    unique = _unique_fields(table, dict(pairs).get("unique_fields"))
    rows, single = read_rows(body)
    sent = [_sent_names(table, row) if isinstance(row, dict) else frozenset() for row in rows]
    rows = check_rows(table, rows, Purpose.CREATE, single=single)
    _check_unique_values(table, unique, rows, single=single)
    stamp_new(table, rows)
    groups: dict[tuple[frozenset[str], frozenset[str]], list[int]] = {}
    for place, names in enumerate(sent):
        groups.setdefault((names, removed(rows[place].get(ADDITIONAL_NAME))), []).append(place)
    plans = tuple(
        WritePlan(
            table,
            [rows[place] for place in places],
            _full_fields(table, rows[places[0]]) if single else sent_fields(table, [rows[p] for p in places]),
            unique=unique,
            sent=tuple(field for field in table.shown if field.name in names),
            meta=meta,
            minimal=minimal,
            single=single,
            places=tuple(places),
        )
        for (names, _), places in groups.items()
    )
    return UpsertBatch(plans, single, minimal)


def plan_update(
    table: Table, record_id: str, body: bytes, pairs: Pairs, if_match: Tags | None, *, replace: bool
) -> WritePlan:
    """A change of one row, in one of the versions that ``if_match`` names."""
    meta = read_meta(pairs)
    key = read_key(table, record_id)
    versions = wanted_versions(table, if_match)
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object; send an array to the list's own URL.", code="invalid_type")
    sent = frozenset(value)
    if replace:
        value = _replaced(table, value, key_row(table, key))
    try:
        row = check_rows(table, [value], Purpose.UPDATE, single=True)[0]
    except InvalidFields as refused:
        raise InvalidFields([_absent_or_wrong(error, sent) for error in refused.errors]) from None
    _check_key_unchanged(table, row, key_row(table, key))
    if replace and table.additional is not None:
        row.setdefault(ADDITIONAL_NAME, {})
    fields = tuple(field for field in table.shown if field.name in row and field.name not in table.primary_key)
    return WritePlan(
        table, [row], fields, key=key, meta=meta, single=True, changes=True, versions=versions, replaces=replace
    )


def plan_update_many(table: Table, body: bytes, pairs: Pairs, *, minimal: bool) -> WritePlan:
    """A change of many rows, each with its key in it."""
    refuse_unversioned(table)
    meta = read_meta(pairs)
    rows, single = read_rows(body)
    if single:
        raise Invalid(
            "Send an array of objects, each with its key; one row is changed at its own URL.", code="invalid_type"
        )
    rows = check_rows(table, rows, Purpose.UPDATE)
    lacking = [
        FieldError(name, "required", "The key of the row to change is required.", place)
        for place, row in enumerate(rows)
        for name in table.primary_key
        if row.get(name) is None
    ]
    if lacking:
        raise InvalidRows(lacking, len(rows))
    _refuse_twice(table, table.primary_key, rows)
    fields = tuple(field for field in sent_fields(table, rows) if field.name not in table.primary_key)
    return WritePlan(table, rows, fields, meta=meta, minimal=minimal, changes=True)


def plan_delete(table: Table, record_id: str, pairs: Pairs, if_match: Tags | None) -> WritePlan:
    """The removal of one row, in one of the versions that ``if_match`` names."""
    for name, _ in pairs:
        raise Invalid(f"Unknown query parameter '{name}'; a delete of one record takes none.", code="unknown_parameter")
    key = read_key(table, record_id)
    versions = wanted_versions(table, if_match)
    return WritePlan(table, [key_row(table, key)], key=key, single=True, changes=True, versions=versions)


def plan_delete_many(table: Table, pairs: Pairs, lookups: Lookups, scope: Condition) -> WritePlan:
    """The removal of the rows that ``ids`` names, or ``filter`` finds; without either nothing is ever deleted."""
    words = dict(pairs)
    read_meta(pairs, _DELETE_WORDS, meta=False)
    if len(words) > 1:
        raise Invalid("Delete by 'ids' or by 'filter', not by both.", code="invalid_parameter")
    refuse_unversioned(table)
    if words.get("filter", "").strip() not in _EMPTY_FILTERS:
        where = condition_of(parse_filter("filter", words["filter"]), table, lookups)
        check_paths(where, [])
        return WritePlan(table, [], changes=True, where=where if scope is EVERYTHING else AllOf((scope, where)))
    if "ids" not in words:
        raise Invalid(
            'Say what to delete: ?ids=1,2 or ?filter={"field":"value"}; an empty filter deletes nothing.',
            code="filter_required",
        )
    rows = {key: key_row(table, key) for key in _read_ids(table, words["ids"])}
    return WritePlan(table, list(rows.values()), changes=True)


def read_rows(body: bytes) -> tuple[Any, bool]:
    """The body's rows and whether it was one object. Raises Invalid and TooLarge (``too_many_items``)."""
    value = parse_json(body)
    if isinstance(value, dict):
        return [value], True
    if not isinstance(value, list):
        raise Invalid("The body must be a JSON object, or an array of them.", code="invalid_type")
    if not value:
        raise Invalid("The array is empty; send at least one row.", code="invalid_type")
    if len(value) > limits.ROWS_PER_REQUEST:
        raise TooLarge(
            f"{len(value)} rows in one request; at most {limits.ROWS_PER_REQUEST}: send them in parts.",
            code="too_many_items",
            extra={"limit": limits.ROWS_PER_REQUEST},
        )
    return value, False


def _full_fields(table: Table, row: dict[str, Json]) -> tuple[Field, ...]:
    """Every field, so that all single creates share a statement; a generated key only when it was sent."""
    if table.generated_key == "integer" and row.get(table.primary_key[0]) is None:
        return tuple(field for field in table.shown if field.name != table.primary_key[0])
    return table.shown


def sent_fields(table: Table, rows: Rows) -> tuple[Field, ...]:
    """The fields that any row sends; never none, for an insert needs a column."""
    names: set[str] = set().union(*rows)
    fields = tuple(field for field in table.shown if field.name in names)
    return fields or table.fields[-1:]


def _sent_names(table: Table, row: dict[str, Json]) -> frozenset[str]:
    """What a row sends; whatever the schema does not know counts as one."""
    if table.additional is None:
        return frozenset(row)
    return frozenset(name if name in table.by_name else ADDITIONAL_NAME for name in row)


def _unique_fields(table: Table, text: str | None) -> tuple[str, ...]:
    if text is None:
        return table.primary_key
    names = tuple(unquoted(part) for part in split_list(text, "unique_fields", "invalid_unique_fields"))
    for unique in table.uniques:
        if set(unique) == set(names) and len(names) == len(unique):
            return unique
    known = "; ".join(",".join(unique) for unique in table.uniques)
    raise Invalid(
        f"'unique_fields' must be the primary key or a unique constraint: {known}.", code="invalid_unique_fields"
    )


def _check_unique_values(table: Table, unique: tuple[str, ...], rows: Rows, *, single: bool) -> None:
    generated = table.generated_key is not None and unique == table.primary_key
    for place, row in enumerate(rows):
        if not generated and any(row.get(name) is None for name in unique):
            where = "" if single else f" in row {place}"
            raise Invalid(f"A unique field is null or absent{where}; send a value.", code="invalid_unique_fields")
    _refuse_twice(table, unique, rows)


def _refuse_twice(table: Table, unique: tuple[str, ...], rows: Rows) -> None:
    """One key twice in a batch: 409 with both indexes."""
    for first, later in repeated(table, unique, rows):
        raise same_key_twice(unique, first, later)


def _replaced(table: Table, row: dict[str, Json], key: dict[str, Json]) -> dict[str, Json]:
    """A PUT's row: absent fields take default or null; the key stays, and so does an absent ``created_at``."""
    absent = set(table.by_name) - set(row)
    filled = {**fill_absent(table, row), **{name: value for name, value in key.items() if name in absent}}
    for name in (CREATED_FIELD, UPDATED_FIELD):
        if name in absent and stamped(table, name) is not None:
            del filled[name]
    return filled


def _absent_or_wrong(error: FieldError, sent: frozenset[str]) -> FieldError:
    """A PUT that lacks a required field lacks it; that it would become null is our way of saying so."""
    if error.code != "required" or error.field in sent:
        return error
    return FieldError(error.field, error.code, ABSENT_FIELD.message)


def _check_key_unchanged(table: Table, row: dict[str, Json], key: dict[str, Json]) -> None:
    for name in table.primary_key:
        if name in row and row[name] != key[name]:
            raise InvalidFields.one(name, "read_only_field", "A key never changes; leave it out or send it as it is.")


def _read_ids(table: Table, text: str) -> list[tuple[str, ...]]:
    parts = text.split(",")  # an id is written with its commas escaped; a double quote in it is a letter
    if "" in parts:
        raise Invalid("'ids' has an empty id; write ids=1,2.", code="invalid_parameter")
    width = len(table.primary_key)
    if len(parts) % width:
        raise Invalid(f"'ids' takes {width} parts for each record, joined by commas.", code="invalid_parameter")
    if len(parts) // width > limits.ROWS_PER_REQUEST:
        raise TooLarge(
            f"More than {limits.ROWS_PER_REQUEST} ids.", code="too_many_items", extra={"limit": limits.ROWS_PER_REQUEST}
        )
    segments = [",".join(parts[place : place + width]) for place in range(0, len(parts), width)]
    return [_read_id(table, segment) for segment in segments]


def _read_id(table: Table, segment: str) -> tuple[str, ...]:
    try:
        return read_key(table, segment)
    except NotFound:
        raise Invalid(f"'{segment[:100]}' in 'ids' cannot be a record's id.", code="invalid_parameter") from None
