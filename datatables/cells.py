"""One cell of a CSV file to the JSON value that the API would be sent, by the field's Frictionless type.

It knows what a field's descriptor says about files (``missingValues``, ``trueValues``, ``groupChar``, ``decimalChar``,
``bareNumber``, ``format``, ``delimiter``) and nothing of constraints: what the value must satisfy is judged where the
API judges it. ``docs/how-to/load-a-package.md`` shows the same rules to users.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import jiter

from records.table import Json

Read = Callable[[str], Json]

REMEMBERED = 50_000
"""Distinct cells of one column that are kept; columns of real data repeat themselves."""
_TRUE = ("true", "True", "TRUE", "1")
_FALSE = ("false", "False", "FALSE", "0")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BESIDE_NUMBER = re.compile(r"^[^0-9+\-.]*|[^0-9]*$")


class BadCell(ValueError):
    """A cell that is no value of its field's type; the text says what is due."""


class Column(dict[str, Any]):
    """What ``judge`` makes of one column's cells, each distinct cell read once: ``column[cell]``. Raises BadCell."""

    def __init__(self, read: Read, missing: Iterable[str], judge: Callable[[Json], Any]) -> None:
        super().__init__()
        self._read = read
        self._missing = frozenset(missing)
        self._judge = judge

    def __missing__(self, cell: str) -> Any:
        value = self._judge(None if cell in self._missing else self._read(cell))
        if len(self) >= REMEMBERED:
            self.clear()
        self[cell] = value
        return value


def column_reader(field: Mapping[str, Json], missing: Iterable[str], judge: Callable[[Json], Any]) -> Column:
    """The reader of a field's cells; ``missing`` are the schema's missing values, the field's own go first.

    ``judge`` gets each JSON value (None for a missing one) and says what the column holds of it.

    Raises BadCell when the descriptor asks for a form that files are not read in.
    """
    kind = field.get("type", "string")
    if kind not in _READERS:
        raise BadCell(f"the type {kind!r} cannot be read from a file")
    return Column(_READERS[kind](field), _words(field.get("missingValues", missing)), judge)


def _words(values: Iterable[Json]) -> list[str]:
    """Missing values of Frictionless v2 may carry a label: ``{"value": "-99", "label": "refused"}``."""
    return [value["value"] if isinstance(value, dict) else value for value in values]


def _string(field: Mapping[str, Json]) -> Read:
    return str


def _integer(field: Mapping[str, Json]) -> Read:
    clean = _cleaner(field)

    def read(cell: str) -> Json:
        text = clean(cell)
        if not _WHOLE.fullmatch(text):
            raise BadCell("a whole number is due")
        return int(text)

    return read


def _number(field: Mapping[str, Json]) -> Read:
    clean = _cleaner(field)
    point = field.get("decimalChar", ".")

    def read(cell: str) -> Json:
        text = clean(cell).replace(point, ".")
        if not _NUMBER.fullmatch(text):
            raise BadCell("a number is due")
        try:
            return int(text) if _WHOLE.fullmatch(text) else Decimal(text)
        except (InvalidOperation, ValueError):
            raise BadCell("a number of a size that can be stored is due") from None

    return read


def _cleaner(field: Mapping[str, Json]) -> Callable[[str], str]:
    """What takes group characters and, where ``bareNumber`` is false, currency signs and the like from a number."""
    group = field.get("groupChar", "")
    bare = field.get("bareNumber", True)

    def clean(cell: str) -> str:
        text = cell.replace(group, "") if group else cell
        return text if bare else _BESIDE_NUMBER.sub("", text)

    return clean


def _boolean(field: Mapping[str, Json]) -> Read:
    values = dict.fromkeys(field.get("falseValues", _FALSE), False) | dict.fromkeys(
        field.get("trueValues", _TRUE), True
    )

    def read(cell: str) -> Json:
        if cell not in values:
            raise BadCell(f"one of {', '.join(values)} is due")
        return values[cell]

    return read


def _moment(default: Read, canonical: Callable[[datetime], str]) -> Callable[[Mapping[str, Json]], Read]:
    """A reader of dates or times: the default form as it stands, or a pattern such as ``%d/%m/%Y``."""

    def reader(field: Mapping[str, Json]) -> Read:
        form = field.get("format", "default")
        if form == "default":
            return default
        if "%" not in form:
            raise BadCell(f"the format {form!r} cannot be read from a file; use default or a pattern such as %d/%m/%Y")

        def read(cell: str) -> Json:
            try:
                return canonical(datetime.strptime(cell, form))  # noqa: DTZ007 - a zone is part of the pattern
            except ValueError:
                raise BadCell(f"a value of the form {form} is due") from None

        return read

    return reader


def _instant(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _spaced(cell: str) -> str:
    """``2013-01-01 10:00:00`` as many programs write it, with the T that is due."""
    return cell.replace(" ", "T", 1)


def _json(field: Mapping[str, Json]) -> Read:
    def read(cell: str) -> Json:
        try:
            return jiter.from_json(cell.encode(), float_mode="decimal", catch_duplicate_keys=True)
        except ValueError:
            raise BadCell("JSON is due") from None

    return read


def _list(field: Mapping[str, Json]) -> Read:
    delimiter = field.get("delimiter", ",")
    item = _READERS[field.get("itemType", "string")]({})

    def read(cell: str) -> Json:
        return [item(part) for part in cell.split(delimiter)]

    return read


def _geopoint(field: Mapping[str, Json]) -> Read:
    form = field.get("format", "default")
    number = _number({})

    def read(cell: str) -> Json:
        if form == "array":
            return _json({})(cell)
        if form == "object":
            point = _json({})(cell)
            if not isinstance(point, dict) or set(point) != {"lon", "lat"}:
                raise BadCell('{"lon": …, "lat": …} is due')
            return [point["lon"], point["lat"]]
        parts = cell.split(",")
        if len(parts) != 2:
            raise BadCell("longitude and latitude with a comma between are due")
        return [number(part.strip()) for part in parts]

    return read


_READERS: Mapping[str, Callable[[Mapping[str, Json]], Read]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _moment(str, lambda moment: moment.date().isoformat()),
    "time": _moment(str, lambda moment: moment.time().isoformat()),
    "datetime": _moment(_spaced, _instant),
    "year": lambda field: _integer({}),
    "yearmonth": _string,
    "duration": _string,
    "object": _json,
    "array": _json,
    "list": _list,
    "any": _string,
    "geojson": _json,
    "geopoint": _geopoint,
}
