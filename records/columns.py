"""Names of columns: made from labels, safe in SQL, never used again. Knows nothing else of a table."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

_STEM_CHARACTERS: Final = 40


def assign_columns(labels: Iterable[str], columns: Mapping[str, str], used: int) -> tuple[dict[str, str], int]:
    """The column of every label, and the counter after it.

    A label in ``columns`` keeps its column; any other gets ``<stem>_<n>`` with the next ``n`` after ``used``, which the
    caller stores: a number is never given twice, so the column of a removed field is never another field's.
    """
    assigned: dict[str, str] = {}
    for label in labels:
        if label in columns:
            assigned[label] = columns[label]
        else:
            used += 1
            assigned[label] = f"{_stem(label)}_{used}"
    return assigned, used


def _stem(label: str) -> str:
    """ASCII that resembles the label. It never ends in ``_<digits>``: ``<column>_2`` is the column beside another's."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode("ascii").lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not stem[:1].isalpha():
        stem = f"f{stem}"
    stem = stem[:_STEM_CHARACTERS].rstrip("_")
    while (joined := re.sub(r"_([0-9]+)$", r"\1", stem)) != stem:
        stem = joined
    return stem
