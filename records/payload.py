"""Rows as clients send them to rows that can be stored, or every reason why not. Knows one table, no database.

``check_rows`` says what is wrong with each row by itself, ``find_duplicates`` what is wrong between them;
what stored rows have against them only the database knows.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from datar.errors import Conflict, FieldError, InvalidFields, InvalidRows
from records.additional import gather
from records.durations import duration_seconds
from records.jsonbody import parse_json
from records.jsonschema import Purpose
from records.limits import ERRORS_SHOWN
from records.rowcheck import NotSurelyFineError, Row, RowCheck, row_check
from records.rowerrors import ABSENT_FIELD, WHOLE_ROW, NameHints, canonical_or_errors
from records.table import ABSENT, Json, Table
from records.uuids import uuid7

__all__ = [
    "Purpose",
    "check_rows",
    "fill_absent",
    "find_duplicates",
    "parse_json",
    "render_validation",
    "repeated",
    "same_key_twice",
    "sift_rows",
    "unique_groups",
]


def check_rows(table: Table, rows: list[Json], purpose: Purpose, *, single: bool = False) -> list[Row]:
    """The same rows, changed in place: values canonical and, on CREATE, absent fields filled by default or new UUID.

    Other absent fields stay absent; additional ones come to stand together under ``ADDITIONAL_NAME``. Raises
    ``InvalidFields`` when ``single``, else ``InvalidRows`` with the errors of
    the first ``ERRORS_SHOWN`` invalid rows and the count of all.
    """
    check = row_check(table, purpose)
    try:
        check.canonicalise(rows)
    except NotSurelyFineError:
        errors, invalid = _exact_errors(check, rows)
        if errors:
            if single:
                raise InvalidFields([FieldError(each.field, each.code, each.message) for each in errors]) from None
            raise InvalidRows(errors, len(rows), invalid) from None
    _fill(check, rows)
    return rows


def sift_rows(table: Table, rows: list[Json]) -> tuple[list[int], dict[int, list[FieldError]]]:
    """Places of the rows that are good to create, made canonical and filled in place; and what is wrong with others.

    Of more than ``ERRORS_SHOWN`` wrong rows the later ones stand there without their errors.
    """
    check = row_check(table, Purpose.CREATE)
    wrong: dict[int, list[FieldError]] = {}
    try:
        check.canonicalise(rows)
    except NotSurelyFineError:
        hints = NameHints(table)
        for index, row in enumerate(rows):
            found = canonical_or_errors(check, row, index, hints)
            if found:
                wrong[index] = found[:ERRORS_SHOWN] if len(wrong) < ERRORS_SHOWN else []
    good = [place for place in range(len(rows)) if place not in wrong]
    _fill(check, [rows[place] for place in good])
    return good, wrong


def _exact_errors(check: RowCheck, rows: list[Json]) -> tuple[list[FieldError], int]:
    """The errors of the first invalid rows, and how many rows are invalid; valid ones become canonical."""
    hints = NameHints(check.table)
    errors: list[FieldError] = []
    invalid = 0
    for index, row in enumerate(rows):
        found = canonical_or_errors(check, row, index, hints)
        if found:
            invalid += 1
            if invalid <= ERRORS_SHOWN:
                errors += islice(found, ERRORS_SHOWN)
    return errors, invalid


def _fill(check: RowCheck, rows: list[Row]) -> None:
    if check.table.additional is not None:
        gather(rows, check.rules)
    for name, default in check.defaults:
        for row in rows:
            if name not in row:
                row[name] = default
    if check.generated_uuid is not None:
        for row in rows:
            if check.generated_uuid not in row:
                row[check.generated_uuid] = uuid7()


def fill_absent(table: Table, row: Row) -> Row:
    """The row as PUT means it: an absent field takes its default or null. Key fields are left as they are."""
    filled = dict(row)
    for field in table.fields:
        if field.name not in filled and field.name not in table.primary_key:
            filled[field.name] = None if field.default is ABSENT else field.default
    return filled


def find_duplicates(table: Table, rows: Sequence[Row]) -> list[FieldError]:
    """Rows that repeat an earlier row's primary key or unique fields, as the database compares; nulls are distinct.

    ``rows`` are canonical. One error per later row and key; ``field`` joins the labels with ", ".
    """
    found = []
    for names in unique_groups(table):
        for earlier, index in repeated(table, names, rows):
            what = " and ".join(f"'{name}'" for name in names)
            message = f"Has the same {what} as row {earlier}; send each once."
            found.append(FieldError(", ".join(names), "duplicate_in_batch", message, index))
    return found


def repeated(table: Table, names: Sequence[str], rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """(earlier, later) places of rows with equal values in these fields; nulls are distinct, absent ones too."""
    first: dict[Json, int] = {}
    for index, key in enumerate(zip(*(_comparables(table, name, rows) for name in names), strict=True)):
        earlier = index if None in key else first.setdefault(key, index)
        if earlier != index:
            yield earlier, index


def same_key_twice(names: Sequence[str], first: int, later: int) -> Conflict:
    """The 409 for two rows of one batch that cannot both be stored."""
    return Conflict(
        f"Rows {first} and {later} have the same key; send each row once.",
        code="conflict_unique",
        extra={"fields": list(names), "index": later, "indexes": [first, later]},
    )


def unique_groups(table: Table) -> tuple[tuple[str, ...], ...]:
    """Every set of fields in which no two rows may be equal."""
    indexes = tuple(index.fields for index in table.indexes if index.unique and index.where is None)
    return tuple(dict.fromkeys((*table.uniques, *indexes)))


def _comparables(table: Table, name: str, rows: Sequence[Row]) -> list[Json]:
    """A column as the database compares it. Canonical text of an instant is equal when the instant is."""
    values = [row.get(name) for row in rows]
    if table.by_name[name].type == "duration":
        return [value and duration_seconds(value) for value in values]
    return values


def render_validation(table: Table, rows: list[Json]) -> tuple[bool, list[str], list[dict[str, Json]]]:
    """The verdict create would give without looking at stored rows: valid or not, sentences, and their details.

    Sentences and details speak of the first ``ERRORS_SHOWN`` invalid rows; a last sentence says how many more there
    are. Rows count from 0.
    """
    try:
        errors = find_duplicates(table, check_rows(table, rows, Purpose.CREATE))
        invalid = len({each.index for each in errors})
    except InvalidRows as refused:
        errors, invalid = list(refused.errors), refused.invalid_rows
        duplicates = _duplicates_beside(table, rows, {each.index for each in errors}, invalid)
        errors = sorted([*errors, *duplicates], key=lambda each: each.index or 0)
        invalid += len({each.index for each in duplicates})
    shown = sorted({each.index or 0 for each in errors})[:ERRORS_SHOWN]
    kept = [each for each in errors if (each.index or 0) <= shown[-1]] if shown else []
    sentences = [_sentence(each) for each in kept]
    if invalid > len(shown):
        sentences.append(f"{invalid - len(shown)} more rows are invalid.")
    details = [{"row": each.index, "field": each.field, "code": each.code, "message": each.message} for each in kept]
    return not errors, sentences, details


def _duplicates_beside(table: Table, rows: list[Json], known: set[int | None], invalid: int) -> list[FieldError]:
    """Duplicates among the valid rows; none where not all the invalid ones are known, for then no more are shown."""
    if invalid > len(known):
        return []
    valid = [{} if place in known else row for place, row in enumerate(rows)]
    _fill(row_check(table, Purpose.CREATE), [row for place, row in enumerate(valid) if place not in known])
    return find_duplicates(table, valid)


def _sentence(error: FieldError) -> str:
    if error.code == "required" and error.message == ABSENT_FIELD.message:
        return f"Row {error.index}: Missing required field '{error.field}'"
    if error.field == WHOLE_ROW:
        return f"Row {error.index}: {error.message}"
    return f"Row {error.index}: Field '{error.field}': {error.message}"
