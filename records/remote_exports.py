"""Exports of rows that carry relations to other stores: rows come as lines of JSON, are filled some at a time, and
go out in the form that was asked for."""

from collections.abc import Generator, Iterator, Sequence
from decimal import Decimal

from records.additional import headings, members
from records.exports import Form, Pieces, pieces, quoted, quoted_if_needed
from records.fieldtypes import field_type
from records.jsontext import dumps
from records.linking import Row, read_rows
from records.operators import JSON_TYPES
from records.plan import ListPlan
from records.provider import Stores
from records.remote_populate import Level, fill
from records.table import ADDITIONAL_NAME, Field, Json


def filled_export(plan: ListPlan, level: Level, lines: Pieces, form: Form, stores: Stores) -> Pieces:
    """The rows of ``lines`` (a JSON object each, of the level's own part) with what the level adds, in their form."""
    return Pieces(_coming(plan, level, lines, form, stores))


def _coming(plan: ListPlan, level: Level, lines: Pieces, form: Form, stores: Stores) -> Generator[bytes, None, None]:
    relations = {each.relation.name for each in plan.populated}
    fields = [None if label in relations else plan.table.by_name.get(label) for label in level.labels]
    try:
        rows = _filled(lines, level, stores)
        if form == "csv":
            written = (_csv_line(row, level.labels, fields, relations) for row in rows)
        else:
            written = (dumps(row) for row in rows)
        yield from pieces(written, form, headings(level.labels))
    finally:
        lines.close()


def _filled(lines: Pieces, level: Level, stores: Stores) -> Iterator[Row]:
    """A piece is whole lines: so many rows are filled at once."""
    for piece in lines:
        rows = read_rows(b",".join(piece.split(b"\n")[:-1]))
        fill(rows, level, stores)
        yield from rows


def _csv_line(row: Row, labels: Sequence[str], fields: Sequence[Field | None], relations: set[str]) -> bytes:
    cells = (
        _cell(_value(row, label, labels), field, always_json=label in relations)
        for label, field in zip(labels, fields, strict=True)
    )
    return ",".join(cells).encode()


def _value(row: Row, label: str, labels: Sequence[str]) -> Json:
    """A member; of the name that is none, all that the schema does not know, as an object."""
    return row[label] if label != ADDITIONAL_NAME else dict(members(row, labels)) or None


def _cell(value: Json, field: Field | None, *, always_json: bool) -> str:
    """The value as in JSON, a text without its quotes, objects and arrays as JSON text in CSV's quotes; null is
    nothing."""
    if value is None:
        return ""
    if always_json or isinstance(value, dict | list):
        return quoted(dumps(value).decode())
    text = _plain(value)
    if field is None:
        return text
    if field.type in JSON_TYPES:
        return quoted(text)
    return quoted_if_needed(text) if field_type(field).is_text or not text else text


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
