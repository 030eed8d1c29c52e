"""The files of a Frictionless data package that lies on this machine.

It knows descriptors, CSV dialects, encodings and compression, and opens nothing outside the package's directory. It
refuses to know tables and databases. Only commands use it: the API never opens a ``path``.
"""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import jiter

from datatables.cells import BadCell, Column, column_reader
from records.table import Json

if TYPE_CHECKING:
    from _csv import Reader

Judge = Callable[[str, Json], Any]
"""(field, its JSON value or None) → what a row holds of it; raises BadCell. Asked once for each distinct cell."""

DESCRIPTOR = "datapackage.json"
_RANGE = re.compile(r"(-?[0-9]+)-([0-9]+)")
_DIALECT = {"delimiter", "quoteChar", "doubleQuote", "escapeChar", "skipInitialSpace", "header", "lineTerminator"}


class CannotLoad(Exception):
    """The package cannot be loaded; the text is a sentence with resource, line and field where they are known."""


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """A package's descriptor and the directory that its paths begin in."""

    descriptor: Mapping[str, Json]
    directory: Path

    def resource(self, name: str) -> "ResourceFile":
        """The tabular file of that resource. Raises CannotLoad when it has none that can be read."""
        for resource in self.descriptor.get("resources", []):
            if resource.get("name") == name:
                return ResourceFile(resource, self.directory)
        raise CannotLoad(f"{name}: the package has no such resource; it has {', '.join(self.names) or 'none'}.")

    @property
    def names(self) -> list[str]:
        """The resources' names, in the package's order."""
        return [str(resource.get("name")) for resource in self.descriptor.get("resources", [])]


@dataclass(frozen=True, slots=True)
class Where:
    """``field`` must be one of ``values``: ``1,3`` or, of whole numbers, ``2-12``; ``resource`` None means all."""

    resource: str | None
    field: str
    values: str

    @classmethod
    def parse(cls, text: str) -> "Where":
        """``month=1``, ``flights.month=2-12``. Raises CannotLoad."""
        name, equals, values = text.partition("=")
        resource, point, field = name.partition(".")
        if not equals or not values or not (field if point else resource):
            raise CannotLoad(f"{text!r} is no condition; write FIELD=VALUES or RESOURCE.FIELD=VALUES.")
        return cls(resource, field, values) if point else cls(None, resource, values)

    def cells(self) -> set[str]:
        """The values as a file would write them."""
        if found := _RANGE.fullmatch(self.values):
            return {str(value) for value in range(int(found[1]), int(found[2]) + 1)}
        return set(self.values.split(","))


def open_package(path: Path, directory: Path | None = None) -> PackageFiles:
    """The package at ``path``: a directory that holds ``datapackage.json``, or such a file. Raises CannotLoad.

    Its files are looked for beside it, or in ``directory``.
    """
    file = path / DESCRIPTOR if path.is_dir() else path
    try:
        descriptor = jiter.from_json(file.read_bytes(), float_mode="decimal", catch_duplicate_keys=True)
    except OSError as error:
        raise CannotLoad(f"{file}: {error.strerror}.") from None
    except ValueError as error:
        raise CannotLoad(f"{file} is not JSON: {error}.") from None
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("resources"), list):
        raise CannotLoad(f"{file} is no data package: it has no list of resources.")
    return PackageFiles(descriptor, directory or file.parent)


@dataclass(frozen=True, slots=True)
class ResourceFile:
    """One resource's CSV file."""

    resource: Mapping[str, Json]
    directory: Path

    @property
    def name(self) -> str:
        """The resource's name."""
        return str(self.resource["name"])

    def lines(self) -> int:
        """Lines of the file, the header included: how long loading it will take, not how many rows it has."""
        with self._open() as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))

    def labels(self) -> list[str]:
        """The fields that the file has a column for, in its order. Raises CannotLoad."""
        with self._reader() as reader:
            return self._labels(reader)

    def rows(self, conditions: Sequence[Where], judge: Judge) -> Iterator[tuple[int, list[Any] | None]]:
        """Line number and cells as ``judge`` makes them (None where a condition does not hold), in the file's order.

        Raises CannotLoad at the first cell that is no value of its field's type, or that ``judge`` refuses.
        """
        with self._reader() as reader:
            labels = self._labels(reader)
            columns = self._columns(labels, judge)
            tests = self._tests(labels, conditions)
            for cells in reader:
                if len(cells) != len(labels):
                    if not cells:
                        continue
                    raise CannotLoad(f"{self.name}, line {reader.line_num}: {len(cells)} cells, {len(labels)} are due.")
                if any(cells[place] not in allowed for place, allowed in tests):
                    yield reader.line_num, None
                    continue
                try:
                    yield reader.line_num, [column[cell] for column, cell in zip(columns, cells, strict=True)]
                except BadCell:
                    raise self._bad_cell(reader.line_num, labels, columns, cells) from None

    def _tests(self, labels: list[str], conditions: Sequence[Where]) -> list[tuple[int, set[str]]]:
        return [
            (labels.index(condition.field), condition.cells())
            for condition in conditions
            if condition.resource in (None, self.name) and condition.field in labels
        ]

    @property
    def _fields(self) -> dict[str, Mapping[str, Json]]:
        return {str(field.get("name")): field for field in self.resource.get("schema", {}).get("fields", [])}

    def _labels(self, reader: "Reader") -> list[str]:
        """The header's labels; where a dialect says that there is none, the fields in their order."""
        labels = next(reader, []) if self._has_header() else list(self._fields)
        unknown = [label for label in labels if label not in self._fields]
        if unknown or not labels or len(set(labels)) != len(labels):
            raise CannotLoad(
                f"{self.name}: the columns {', '.join(unknown or labels)} are not the fields of the schema."
            )
        return labels

    def _bad_cell(self, line: int, labels: list[str], columns: list[Column], cells: list[str]) -> CannotLoad:
        """The first cell of the line that cannot be read, by name."""
        for label, column, cell in zip(labels, columns, cells, strict=True):
            try:
                column[cell]
            except BadCell as error:
                return CannotLoad(f"{self.name}, line {line}, field {label!r}: {error}.")
        return CannotLoad(f"{self.name}, line {line}: a cell cannot be read.")

    def _columns(self, labels: list[str], judge: Judge) -> list[Column]:
        missing = self.resource.get("schema", {}).get("missingValues", [""])
        columns = []
        for label in labels:
            try:
                columns.append(column_reader(self._fields[label], missing, partial(judge, label)))
            except BadCell as error:
                raise CannotLoad(f"{self.name}, field {label!r}: {error}.") from None
        return columns

    # --- the file

    @contextmanager
    def _reader(self) -> Iterator["Reader"]:
        with self._open() as binary:
            text = io.TextIOWrapper(binary, encoding=self._encoding(), newline="")
            reader = csv.reader(text, strict=True, **self._dialect())
            try:
                yield reader
            except csv.Error as error:
                raise CannotLoad(f"{self.name}, line {reader.line_num}: {error}.") from None
            except UnicodeDecodeError as error:
                raise CannotLoad(f"{self.name}, after line {reader.line_num}: not {error.encoding}.") from None

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        path = self._path()
        compression = self.resource.get("compression") or {".zip": "zip", ".gz": "gz"}.get(path.suffix, "no")
        try:
            if compression == "zip":
                with zipfile.ZipFile(path) as archive, archive.open(self._inner(archive)) as file:
                    yield file
            elif compression in ("gz", "no"):
                with path.open("rb") as raw:
                    yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if compression == "gz" else raw
            else:
                raise CannotLoad(f"{self.name}: the compression {compression!r} is not known; zip and gz are.")
        except (OSError, zipfile.BadZipFile) as error:
            raise CannotLoad(f"{self.name}: {path}: {getattr(error, 'strerror', None) or error}.") from None

    def _inner(self, archive: zipfile.ZipFile) -> str:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        inner = self.resource.get("innerpath") or (names[0] if len(names) == 1 else "")
        if inner not in names:
            raise CannotLoad(f"{self.name}: the archive holds {len(names)} files; say which one in innerpath.")
        return str(inner)

    def _path(self) -> Path:
        path = self.resource.get("path")
        if isinstance(path, list) and len(path) == 1:
            path = path[0]
        if not isinstance(path, str) or "://" in path:
            raise CannotLoad(f"{self.name}: its path is not one file beside the package.")
        directory = self.directory.resolve()
        found = (directory / path).resolve()
        if not found.is_relative_to(directory):
            raise CannotLoad(f"{self.name}: {path} lies outside the package's directory.")
        return found

    def _encoding(self) -> str:
        encoding = str(self.resource.get("encoding", "utf-8"))
        try:
            "".encode(encoding)
        except LookupError:
            raise CannotLoad(f"{self.name}: the encoding {encoding!r} is not known.") from None
        return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding

    def _described(self) -> Mapping[str, Json]:
        """The dialect, whose words v1 writes at the top and v2 under ``csv``."""
        dialect = self.resource.get("dialect") or {}
        words = {**dialect, **dialect.get("csv", {})} if isinstance(dialect, dict) else {"dialect": dialect}
        words.pop("csv", None)
        unknown = sorted(set(words) - _DIALECT)
        if unknown:
            raise CannotLoad(f"{self.name}: the dialect's {', '.join(unknown)} is not known here.")
        return words

    def _has_header(self) -> bool:
        return bool(self._described().get("header", True))

    def _dialect(self) -> dict[str, Json]:
        words = self._described()
        return {
            "delimiter": words.get("delimiter", ","),
            "quotechar": words.get("quoteChar", '"'),
            "doublequote": words.get("doubleQuote", True),
            "escapechar": words.get("escapeChar"),
            "skipinitialspace": words.get("skipInitialSpace", False),
        }
