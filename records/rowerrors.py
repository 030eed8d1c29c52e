"""What is wrong with one row, field by field. Runs only for rows that are not surely fine."""

from typing import Any, Final

from datar.errors import FieldError
from records.additional import check_label, unknown_names
from records.canonical import RefusedError, json_value
from records.descriptor_fields import RESERVED
from records.limits import ERRORS_SHOWN, INDEXED_TEXT_BYTES
from records.nearest import nearest
from records.rowcheck import Row, RowCheck
from records.rules import REQUIRED, SURROGATE
from records.table import Json, Table

WHOLE_ROW: Final = "non_field_errors"
"""The field of an error that is about the row as such."""
_HINTS: Final = 10
_NOT_AN_OBJECT: Final = RefusedError("invalid_type", "A record must be a JSON object.")
ABSENT_FIELD: Final = RefusedError("required", "This field is required.")


class NameHints:
    """The nearest known label for unknown ones; only for the first few, since comparing takes time."""

    def __init__(self, table: Table) -> None:
        self._labels = list(table.by_name)
        self._left = _HINTS

    def refusal(self, name: str) -> RefusedError:
        """Why a field of this name cannot be sent."""
        if name in RESERVED:
            return RefusedError("read_only_field", "This is a system column; leave it out.")
        hint = ""
        if self._left:
            self._left -= 1
            hint = nearest(name, self._labels, quote='"')
        return RefusedError("unknown_field", f"The table has no field of this name; leave it out.{hint}")


def canonical_or_errors(check: RowCheck, row: Json, index: int, hints: NameHints) -> list[FieldError]:
    """[] and the row made canonical in place, or what is wrong with it; at most a few errors per field."""
    if not isinstance(row, dict):
        return [FieldError(WHOLE_ROW, _NOT_AN_OBJECT.code, _NOT_AN_OBJECT.message, index)]
    refused = _schema_refusals(check, row, hints)
    forms: Row = {}
    for name, value in row.items():
        if name in refused or value is None or name not in check.rules:
            continue  # of very many unknown fields only the first are told
        try:
            forms[name] = check.rules[name].canonical(value)
        except RefusedError as refusal:
            refused[name] = [refusal]
    _refuse_additional(check, row, refused)
    _refuse_long_texts(check, forms, refused)
    if not refused:
        row.update(forms)
        return []
    return [
        FieldError(_shown(name), refusal.code, refusal.message, index)
        for name, refusals in refused.items()
        for refusal in refusals
    ]


def _schema_refusals(check: RowCheck, row: Row, hints: NameHints) -> dict[str, list[RefusedError]]:
    try:
        if check.exact.is_valid(row):
            return {}
        problems = list(check.exact.iter_errors(row))
    except UnicodeEncodeError:
        return _without_validator(check, row, hints)
    refused: dict[str, list[RefusedError]] = {}
    for problem in problems:
        for name, refusal in _refusals(check, row, problem, hints):
            others = refused.setdefault(name, [])
            if refusal.code not in [other.code for other in others]:
                others.append(refusal)
    return refused


def _refusals(check: RowCheck, row: Row, problem: Any, hints: NameHints) -> list[tuple[str, RefusedError]]:
    word, path = problem.kind.name, problem.instance_path
    if path:
        name = str(path[0])
        return [(name, REQUIRED if row[name] is None else check.rules[name].refusal(problem))]
    if word == "required":
        return [(problem.kind.property, ABSENT_FIELD)]
    if word == "additionalProperties":
        return [(name, hints.refusal(name)) for name in problem.kind.unexpected[:ERRORS_SHOWN]]
    return [(WHOLE_ROW, _NOT_AN_OBJECT)]


def _without_validator(check: RowCheck, row: Row, hints: NameHints) -> dict[str, list[RefusedError]]:
    """The validator cannot read lone surrogates at all, so each field is judged by itself."""
    refused: dict[str, list[RefusedError]] = {name: [ABSENT_FIELD] for name in check.required if name not in row}
    for name, value in row.items():
        if name not in check.rules:
            if check.table.additional is None:
                refused[name] = [hints.refusal(name)]
        elif value is not None:
            try:
                check.rules[name].judge(value)
            except RefusedError as refusal:
                refused[name] = [refusal]
    _refuse_additional(check, row, refused)
    return refused or {WHOLE_ROW: [SURROGATE]}


def _refuse_additional(check: RowCheck, row: Row, refused: dict[str, list[RefusedError]]) -> None:
    if check.table.additional is None:
        return
    try:
        names = unknown_names(row, check.rules)
    except RefusedError as refusal:
        refused[WHOLE_ROW] = [refusal]
        return
    for name in names:
        try:
            check_label(name, check.rules)
            json_value(row[name])
        except RefusedError as refusal:
            refused[name] = [refusal]


def _refuse_long_texts(check: RowCheck, forms: Row, refused: dict[str, list[RefusedError]]) -> None:
    for group in check.indexed_texts:
        sizes = {name: len(forms[name].encode()) for name in group if name in forms}
        if sum(sizes.values()) > INDEXED_TEXT_BYTES:
            longest = max(sizes, key=lambda name: sizes[name])
            together = " together with the other fields of its key" if len(group) > 1 else ""
            message = f"Must have at most {INDEXED_TEXT_BYTES} bytes{together}, since it is a key or indexed."
            refused[longest] = [RefusedError("value_too_long_for_index", message)]


def _shown(name: str) -> str:
    return name[:255].encode("utf-8", "backslashreplace").decode()
