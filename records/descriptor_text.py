"""What no descriptor may hold anywhere: text or numbers that cannot be stored. Knows JSON, not its meaning."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from records.canonical import RefusedError, number, text
from records.mistakes import Mistakes, join
from records.table import Json

_NAME_PATH: Final = re.compile(r"fields\[[0-9]+\]\.name")


def exact(value: object, mistakes: Mistakes, path: str = "") -> Json:
    """A copy of a JSON value with Decimals for floats; text and numbers that cannot be stored become mistakes."""
    if isinstance(value, dict):
        for key in value:
            _check(text, key, mistakes, path)
        return {key: exact(inner, mistakes, join(path, _shown(key))) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner, mistakes, f"{path}[{index}]") for index, inner in enumerate(value)]
    if isinstance(value, str):
        # A field's name has rules of its own, which tell more.
        if not _NAME_PATH.fullmatch(path):
            _check(text, value, mistakes, path)
    elif isinstance(value, float):
        return exact(Decimal(repr(value)), mistakes, path)
    elif value is not None and not isinstance(value, bool):
        _check(number, value, mistakes, path)
    return value


def _check(rule: Callable[[Json], Json], value: Json, mistakes: Mistakes, path: str) -> None:
    try:
        rule(value)
    except RefusedError as refused:
        mistakes.add(path, refused.code, refused.message)


def _shown(key: str) -> str:
    return key[:64].encode("utf-8", "backslashreplace").decode()
