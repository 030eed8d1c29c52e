"""What a table's rows are as text, read back."""

import csv
import io
from typing import Any

from records.exports import Form
from tests.records.engine import Rows, read


def lines(rows: Rows, form: Form, **params: str) -> bytes:
    """The whole text."""
    return b"".join(rows.records.export(list(params.items()), form))


def cells(rows: Rows, **params: str) -> list[dict[str, str]]:
    """CSV as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(lines(rows, "csv", **params).decode(), newline=""), strict=True))


def objects(rows: Rows, **params: str) -> list[Any]:
    """Each line of JSON."""
    text = lines(rows, "ndjson", **params)
    assert text.endswith(b"\n") or not text
    return [read(line) for line in text.split(b"\n")[:-1]]
