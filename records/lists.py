"""Lists inside one parameter: ``a,b``, with labels in double quotes, or a JSON array."""

import jiter

from datar.errors import Invalid


def split_list(value: str, name: str, code: str, *, calls: bool = False) -> list[str]:
    """The parts between commas; a comma inside double quotes does not part. ``""`` inside quotes is one quote.

    With ``calls``, a comma inside parentheses does not part either. Raises Invalid with the code that is given.
    """
    parts: list[str] = []
    start = depth = 0
    inside = False
    for place, character in enumerate(value):
        if character == '"':
            inside = not inside
        elif inside:
            continue
        elif calls and character in "()":
            depth = max(0, depth + (1 if character == "(" else -1))
        elif character == "," and not depth:
            parts.append(value[start:place])
            start = place + 1
    parts.append(value[start:])
    if inside or any(not part for part in parts):
        raise Invalid(f"'{name}' has an empty term or an open quote; write a,b.", code=code)
    return parts


def unquoted(part: str) -> str:
    """A label as written: in double quotes it is literal, and ``""`` stands for one quote."""
    if len(part) > 1 and part[0] == part[-1] == '"':
        return part[1:-1].replace('""', '"')
    return part


def read_values(value: str, name: str) -> list[str]:
    """The values of ``in``: comma-separated, or a JSON array of scalars when it starts with ``[``."""
    if not value.startswith("["):
        return value.split(",") if value else []
    try:
        items = jiter.from_json(value.encode(), float_mode="lossless-float", allow_inf_nan=False)
    except ValueError as error:
        raise Invalid(f"'{name}' is not a JSON array: {error}.", code="invalid_filter") from None
    if not all(isinstance(item, str | int) or type(item).__name__ == "LosslessFloat" for item in items):
        raise Invalid(f"'{name}' takes an array of texts, numbers or booleans.", code="invalid_filter")
    return [_text(item) for item in items]


def _text(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(item)
