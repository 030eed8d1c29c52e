"""What links rows of different stores: the values of their keys, as JSON and as text, and the rows that have them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import jiter

from records import limits
from records.conditions import AllOf, AnyOf, Condition, Expression, Match
from records.durations import duration_seconds
from records.plan import LinkedPlan
from records.provider import Provider
from records.relations import Relation
from records.table import Field, Json

Row = dict[str, Json]
Key = tuple[Json, ...]
"""The values of a link's fields, none of them null, as rows in JSON hold them."""


def read_json(text: bytes) -> Json:
    """An answer's JSON text, numbers exact."""
    return jiter.from_json(text, float_mode="decimal", cache_mode="keys")


def read_rows(texts: bytes) -> list[Row]:
    """Rows that were written as JSON texts joined by commas."""
    rows: list[Row] = read_json(b"[" + texts + b"]")
    return rows


def key_of(row: Row, fields: Sequence[Field]) -> Key | None:
    """The values of these fields; None where one is null: such a row is linked to nothing."""
    key = tuple(row.get(field.name) for field in fields)
    return None if None in key else key


def keys_of(rows: Iterable[Row], fields: Sequence[Field]) -> list[Key]:
    """The different keys of rows, in the order of the rows."""
    return list(dict.fromkeys(key for row in rows if (key := key_of(row, fields)) is not None))


def texts_of(key: Key, fields: Sequence[Field]) -> tuple[str, ...]:
    """A key as a provider is told of it: canonical texts, of a duration its length."""
    return tuple(_text(field, value) for field, value in zip(fields, key, strict=True))


def _text(field: Field, value: Json) -> str:
    if field.type == "duration":
        return str(duration_seconds(value))
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def linked_rows(provider: Provider, plan: LinkedPlan, keys: Sequence[Key]) -> list[Row]:
    """The rows of the plan that have these keys: one question for at most ``REMOTE_KEYS`` of them."""
    rows: list[Row] = []
    for some in _parts(keys):
        texts = tuple(texts_of(key, plan.by) for key in some)
        part = LinkedPlan(plan.table, plan.fields, plan.by, texts, plan.limit, plan.populated)
        rows += read_rows(provider.linked(part))
    return rows


def _parts(keys: Sequence[Key]) -> Iterator[list[Key]]:
    left = iter(keys)
    while part := list(islice(left, limits.REMOTE_KEYS)):
        yield part


def among(hops: tuple[Relation, ...], fields: Sequence[Field], keys: Sequence[Key]) -> Condition:
    """That the fields, after to-one hops, have one of these keys; never true where one of them is null."""
    return among_texts(hops, fields, [texts_of(key, fields) for key in keys])


def among_texts(hops: tuple[Relation, ...], fields: Sequence[Field], texts: Sequence[tuple[str, ...]]) -> Condition:
    """The same, of keys as canonical texts."""
    expressions = [Expression(field, hops) for field in fields]
    if len(fields) == 1 or not texts:
        return Match(expressions[0], "in", tuple(text[0] for text in texts))
    # Grouped by the field that has the fewest values: there is a branch for each.
    columns = list(zip(*texts, strict=True))
    least = min(range(len(columns)), key=lambda place: len(set(columns[place])))
    groups: dict[str, list[tuple[str, ...]]] = {}
    for text in texts:
        groups.setdefault(text[least], []).append(text)
    return AnyOf(tuple(_group(expressions, least, group) for group in groups.values()))


def _group(expressions: Sequence[Expression], same: int, texts: Sequence[tuple[str, ...]]) -> Condition:
    """That the fields have one of these keys, of which the part ``same`` is equal in all."""
    others = [place for place in range(len(expressions)) if place != same]
    if len(others) == 1:
        place = others[0]
        rest: Condition = Match(expressions[place], "in", tuple(dict.fromkeys(text[place] for text in texts)))
    else:
        rest = AnyOf(
            tuple(AllOf(tuple(Match(expressions[n], "eq", text[n]) for n in others)) for text in dict.fromkeys(texts))
        )
    return AllOf((Match(expressions[same], "eq", texts[0][same]), rest))
