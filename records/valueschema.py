"""The ``jsonSchema`` constraint: only schemas that stand alone, open nothing and finish soon."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import jsonschema_rs

from records.limits import JSON_SCHEMA_NODES
from records.mistakes import Mistakes, join
from records.patterns import compile_schema, pattern_mistake
from records.table import Json

_REFUSED: Final = (
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
)
_LITERAL: Final = ("enum", "examples")


class _Recursive(ValueError):
    """A reference that leads back to itself."""


def check_value_schema(path: str, schema: Json, mistakes: Mistakes) -> bool:
    """Whether ``schema`` can be used; what keeps it from being used becomes mistakes."""
    if not isinstance(schema, dict):
        mistakes.add(path, "invalid_constraint", "must be a JSON Schema written out here as an object.")
        return False
    if not _check_words(path, schema, mistakes):
        return False
    try:
        nodes = _count(schema, schema, ())
    except _Recursive:
        mistakes.add(path, "invalid_constraint", "has a $ref that leads back to itself; recursion is not supported.")
        return False
    if nodes > JSON_SCHEMA_NODES:
        mistakes.add(
            path, "schema_too_large", f"has more than {JSON_SCHEMA_NODES} parts, references counted each time."
        )
        return False
    try:
        compile_schema({key: value for key, value in schema.items() if key != "$schema"})
    except jsonschema_rs.ValidationError:
        mistakes.add(path, "invalid_constraint", "is not a valid JSON Schema (2020-12).")
        return False
    return True


def patterns_of(schema: Json) -> Iterator[str]:
    """Every pattern of a schema that may not be one yet: values of ``pattern``, keys of ``patternProperties``."""
    waiting = [schema]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, list):
            waiting += inner
        elif isinstance(inner, dict):
            waiting += inner.values()
            if isinstance(inner.get("pattern"), str):
                yield inner["pattern"]
            if isinstance(inner.get("patternProperties"), dict):
                yield from inner["patternProperties"]


def _check_words(path: str, schema: Json, mistakes: Mistakes) -> bool:
    """References must be local, identifiers would change what local means, patterns must be linear."""
    fine = True
    if isinstance(schema, list):
        for index, inner in enumerate(schema):
            fine = _check_words(f"{path}[{index}]", inner, mistakes) and fine
    for word, inner in schema.items() if isinstance(schema, dict) else ():
        at = join(path, word[:64])
        if word in _REFUSED and isinstance(inner, str | bool):
            mistakes.add(at, "invalid_constraint", "is not supported; use $defs and $ref.")
            fine = False
        elif word == "$ref" and isinstance(inner, str):
            if not inner.startswith("#/") or "%" in inner:
                mistakes.add(at, "invalid_constraint", 'must begin with "#/" and hold no "%"; nothing else is opened.')
                fine = False
        elif mistake := _pattern_mistake(word, inner):
            mistakes.add(at, "pattern_unsupported", mistake)
            fine = False
        elif not (word in _LITERAL and isinstance(inner, list)):
            fine = _check_words(at, inner, mistakes) and fine
    return fine


def _pattern_mistake(word: str, inner: Json) -> str:
    patterns: Iterable[str] = ()
    if word == "pattern" and isinstance(inner, str):
        patterns = (inner,)
    elif word == "patternProperties" and isinstance(inner, dict):
        patterns = inner
    return next(filter(None, map(pattern_mistake, patterns)), "")


def _count(schema: Json, root: Mapping[str, Json], trail: tuple[str, ...]) -> int:
    """Parts of a schema with references expanded: what one value may cost. Stops soon after the limit."""
    total = 1
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for each in inner:
        total += _count(each, root, trail)
        if total > JSON_SCHEMA_NODES:
            return total
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        reference = schema["$ref"]
        if reference in trail:
            raise _Recursive
        total += _count(_resolve(reference, root), root, (*trail, reference))
    return total


def _resolve(reference: str, root: Mapping[str, Json]) -> Json:
    """What a local pointer points at, or None; a pointer to nothing is found when the schema is compiled."""
    found: Json = root
    for part in reference.removeprefix("#/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            return None
    return found
