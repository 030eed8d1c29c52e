"""Mistakes in a table schema, each with its path. Knows the words a descriptor may use, not what they mean."""

from collections.abc import Collection, Mapping
from typing import Final

from datar.errors import FieldError, InvalidFields
from records.limits import MISTAKES_SHOWN
from records.nearest import nearest
from records.table import Json

_WORD_CHARACTERS: Final = 64
_HINTS: Final = 20
FIELD: Final = "json_schema"
"""The field of the API that holds a descriptor; every mistake is an error of it."""

CONSTRAINT_WORDS: Final = (
    "required",
    "unique",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "jsonSchema",
)


class InvalidDescriptor(InvalidFields):
    """A table schema that cannot be taken: all its mistakes, each an error on ``json_schema``."""


class Mistakes:
    """Collects mistakes while a descriptor is read, so that one answer tells them all."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []
        self._hints = _HINTS

    def add(self, path: str, code: str, message: str) -> None:
        """One more mistake at ``path`` (empty: the descriptor itself)."""
        if len(self._errors) == MISTAKES_SHOWN:
            self._errors.append(FieldError(FIELD, "invalid_schema", "There are more mistakes; mend these first."))
            raise InvalidDescriptor(self._errors)
        self._errors.append(FieldError(FIELD, code, f"{path}: {message}" if path else message))

    def stop_if_any(self) -> None:
        """Raise ``InvalidDescriptor`` with all mistakes, if there are any."""
        if self._errors:
            raise InvalidDescriptor(self._errors)

    def words(self, path: str, given: Mapping[str, Json], known: Collection[str]) -> None:
        """Refuse properties that are neither known nor extensions (``x-...``, ``prefix:...``)."""
        for word in given:
            if word in known or word.startswith("x-") or ":" in word:
                continue
            if word == "$ref":
                self.add(path, "schema_must_be_object", "$ref is not followed; write the schema itself here.")
            elif word in CONSTRAINT_WORDS:
                self.add(join(path, word), "unknown_property", f"stands in constraints: move {word} there.")
            else:
                hint = self.nearest(word, known) or f" Known: {', '.join(sorted(known))}."
                message = f'unknown property "{_shown(word)}"; use a known one, or begin its name with "x-".{hint}'
                self.add(path, "unknown_property", message)

    def nearest(self, word: str, known: Collection[str]) -> str:
        """A hint such as `` Did you mean "title"?``, or nothing; only for the first few, since comparing takes time."""
        if self._hints == 0:
            return ""
        self._hints -= 1
        return nearest(word, known, quote='"')

    def text(self, path: str, given: Mapping[str, Json], word: str) -> str:
        """An optional text property, "" when absent."""
        value = given.get(word, "")
        if isinstance(value, str):
            return value
        self.add(join(path, word), "invalid_schema", "must be text.")
        return ""

    def flag(self, path: str, given: Mapping[str, Json], word: str, default: bool = False) -> bool:
        """An optional true or false."""
        value = given.get(word, default)
        if isinstance(value, bool):
            return value
        self.add(join(path, word), "invalid_schema", "must be true or false.")
        return default

    def array(self, path: str, given: Mapping[str, Json], word: str, most: int) -> list[Json]:
        """An optional array of at most ``most`` items, [] when absent or wrong."""
        value = given.get(word, [])
        if not isinstance(value, list):
            self.add(join(path, word), "invalid_schema", "must be an array.")
        elif len(value) > most:
            self.add(join(path, word), "schema_too_large", f"has {len(value)} items; at most {most} are allowed.")
        else:
            return value
        return []


def join(path: str, word: str) -> str:
    """The path of a property of the object at ``path``."""
    return f"{path}.{word}" if path else word


def _shown(word: str) -> str:
    return word[:_WORD_CHARACTERS].encode("utf-8", "backslashreplace").decode()
