"""Fields that rows carry beside those of the schema, where a table takes them. Knows labels and values, no database.

Among the values of a row they stand together under ``ADDITIONAL_NAME``, by their labels; null says that one goes.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from records.canonical import RefusedError, json_value
from records.descriptor_fields import RESERVED, label_mistake
from records.limits import ADDITIONAL_FIELDS
from records.table import ADDITIONAL_NAME, Json

HEADING: Final = "_additional"
"""What the column that holds them is called in CSV."""
_TOO_MANY: Final = RefusedError(
    "too_many_fields", f"Has more than {ADDITIONAL_FIELDS} fields that the schema does not name; send fewer."
)


def unknown_names(row: Mapping[str, Json], known: Collection[str]) -> list[str]:
    """The names of a row that the schema does not know. Raises RefusedError when they are too many."""
    names = [name for name in row if name not in known]
    if len(names) > ADDITIONAL_FIELDS:
        raise _TOO_MANY
    return names


def check_label(name: str, known: Iterable[str]) -> None:
    """Raise RefusedError for a name that cannot be a field's, or is one of the schema's in other characters."""
    if name in RESERVED:
        raise RefusedError("read_only_field", "This is a system column; leave it out.")
    if mistake := label_mistake(name):
        raise RefusedError("invalid_label", f"The name of a field {mistake}")
    if not name.isascii():
        plain = unicodedata.normalize("NFC", name)
        twin = next((label for label in known if unicodedata.normalize("NFC", label) == plain), None)
        if twin is not None:
            raise RefusedError("duplicate_field", f"Is '{twin}' in other characters; send it as the schema has it.")


def check_additional(rows: Iterable[dict[str, Json]], known: Collection[str]) -> None:
    """Raise RefusedError when anything that the schema does not know cannot be stored."""
    seen: set[str] = set()
    for row in rows:
        for name in unknown_names(row, known):
            if name not in seen:
                check_label(name, known)
                seen.add(name)
            json_value(row[name])


def gather(rows: Iterable[dict[str, Json]], known: Collection[str]) -> None:
    """Put what the schema does not know of each row together, in place."""
    for row in rows:
        names = [name for name in row if name not in known]
        if names:
            row[ADDITIONAL_NAME] = {name: row.pop(name) for name in names}


def kept(additional: Mapping[str, Json] | None) -> dict[str, Json]:
    """What a row has of them: those that are not null."""
    return {name: value for name, value in (additional or {}).items() if value is not None}


def removed(additional: Mapping[str, Json] | None) -> frozenset[str]:
    """Those that a change takes away."""
    return frozenset(name for name, value in (additional or {}).items() if value is None)


def headings(labels: Sequence[str]) -> list[str]:
    """Labels as CSV's header shows them."""
    return [label or HEADING for label in labels]


def members(row: Mapping[str, Json], labels: Collection[str]) -> Iterator[tuple[str, Json]]:
    """Of a row as it is answered, what has none of these labels."""
    return ((name, value) for name, value in row.items() if name not in labels)
