"""JSON Schema validators and patterns that run in linear time and open nothing. The one place that makes them."""

from collections.abc import Mapping
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import RegexOptions

from records.limits import LARGE_PATTERN_BYTES, PATTERN_BYTES, PATTERN_CHARACTERS
from records.table import Json

_LINEAR: Final = RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES)
_SMALL: Final = RegexOptions(size_limit=LARGE_PATTERN_BYTES, dfa_size_limit=LARGE_PATTERN_BYTES)


def compile_schema(schema: Mapping[str, Json], *, patterns: RegexOptions = _LINEAR) -> Any:
    """A validator of JSON Schema 2020-12. Raises jsonschema_rs.ValidationError when the schema itself is wrong.

    ``offline`` keeps it from reading files and hosts that a ``$ref`` names; the pattern options choose the engine
    without backtracking.
    """
    return jsonschema_rs.Draft202012Validator(dict(schema), offline=True, pattern_options=patterns)


def full_match(pattern: str) -> str:
    """The pattern of a constraint as JSON Schema has it: the whole value must match."""
    return f"^(?:{pattern})$"


def pattern_mistake(pattern: str) -> str:
    """What keeps a pattern from being used, as a sentence; "" when nothing does."""
    if len(pattern) > PATTERN_CHARACTERS:
        return f"has {len(pattern)} characters; at most {PATTERN_CHARACTERS} are allowed."
    # Alone as well as wrapped: "a)|(b" would otherwise break out of the group that makes it match the whole value.
    if _compiles(pattern, _LINEAR) and _compiles(full_match(pattern), _LINEAR):
        return ""
    return (
        "is not a pattern of a linear-time engine: it has a syntax error, uses back-references or look-around,"
        " or becomes too large when repeated; rewrite it without."
    )


def is_large(pattern: str) -> bool:
    """Whether a pattern takes much memory once compiled, if it can be compiled at all; quick to say."""
    return len(pattern) > PATTERN_CHARACTERS or not _compiles(full_match(pattern), _SMALL)


def _compiles(pattern: str, options: RegexOptions) -> bool:
    try:
        compile_schema({"pattern": pattern}, patterns=options)
    except (jsonschema_rs.ValidationError, UnicodeEncodeError):
        return False
    return True
