"""Conditions → SQL, one template per operator; the values they bind; what their text depends on.

``condition_text`` asks ``binds`` for each value in the order in which ``condition_values`` yields them.
"""

import base64
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from psycopg.sql import SQL, Composable, Identifier, Literal

from records.conditions import AllOf, AnyOf, Condition, Expression, Found, Match, Not, Output, Some
from records.operators import JSON_TYPES
from records.providers.postgres.binding import Binds, Bound, Remembered
from records.providers.postgres.columns import STORAGES, columns_of, compared
from records.providers.postgres.expressions import (
    expression_shape,
    expression_text,
    expression_values,
    hops_shape,
    null_text,
    storage_of,
)
from records.providers.postgres.folding import Folding
from records.providers.postgres.searching import found_text
from records.providers.postgres.source import Source, joined
from records.table import Field
from records.typerow import TEXT

_CONTAINED: Final = SQL("{plain} AND {document} @> jsonb_build_object({key}, {value})")
_LABELLED: Final = SQL("jsonb_build_object(({keys}::text[])[1], {value})")
_CONTAINABLE: Final = [STORAGES[name] for name in (TEXT, "uuid", "bigint", "integer", "numeric", "boolean", "date")]
Outputs = Sequence[Composable]
"""How each Output of a group is written, by its place; of a duration, its length."""

_JOINS_MOST: Final = 8
"""More tables than these and PostgreSQL thinks about the order of joins for seconds."""
_TEMPLATES: Final[dict[str, SQL]] = {
    "eq": SQL("{left} = {right}"),
    "ne": SQL("{left} <> {right}"),
    "gt": SQL("{left} > {right}"),
    "gte": SQL("{left} >= {right}"),
    "lt": SQL("{left} < {right}"),
    "lte": SQL("{left} <= {right}"),
    "in": SQL("{left} = ANY ({right})"),
    "contains": SQL("strpos({left}, {right}) > 0"),
    "startswith": SQL("{left} ^@ {right}"),
    "endswith": SQL("right({left}, length({right})) = {right}"),
    "iexact": SQL("{left} = {right}"),
    "icontains": SQL("strpos({left}, {right}) > 0"),
    "istartswith": SQL("{left} ^@ {right}"),
    "iendswith": SQL("right({left}, length({right})) = {right}"),
    "like": SQL('{left} LIKE {right} COLLATE "C"'),
    "ilike": SQL("{left} LIKE {right}"),
}
_FOLDED: Final = frozenset({"iexact", "icontains", "istartswith", "iendswith", "ilike"})
_WHOLE_JSON: Final[dict[str, SQL]] = {
    "contains": SQL("{left} @> {right}"),
    "contained_by": SQL("{left} <@ {right}"),
    "has_key": SQL("{left} ? {right}"),
    "has_any_keys": SQL("{left} ?| {right}"),
    "has_all_keys": SQL("{left} ?& {right}"),
}
"""Of an object or an array: as an index can serve it."""
_TEXT_ASIDE: Final = SQL("CASE WHEN jsonb_typeof({left}) = 'string' THEN false ELSE {holds} END")
_ANY_JSON: Final[dict[str, SQL]] = {
    "contains": SQL(
        "CASE WHEN jsonb_typeof({left}) = 'string' AND jsonb_typeof({right}) = 'string'"
        " THEN strpos({left} #>> '{{}}', {right} #>> '{{}}') > 0 ELSE {left} @> {right} END"
    ),
    "contained_by": SQL("{left} <@ {right}"),
}
"""Of a value that may be a text: PostgreSQL's operators take a text for an array of one."""
_KEY_TYPES: Final = {"has_key": SQL("text"), "has_any_keys": SQL("text[]"), "has_all_keys": SQL("text[]")}
_FORESEEN: Final = frozenset({"eq", "ne", "gt", "gte", "lt", "lte", "in"})
_EXISTS: Final = SQL("EXISTS (SELECT FROM {source} WHERE {joined} AND ({condition}))")
_AMONG: Final = SQL("coalesce(({here}) IN (SELECT DISTINCT {there} FROM {source} WHERE {condition}), FALSE)")
"""The same where it is no part of a conjunction: asked once for all rows. PostgreSQL would look for the child of each
row anew, and through the whole table where few keys occur in it."""


def condition_text(condition: Condition, source: Source, binds: Binds, outputs: Outputs = ()) -> Composable:
    """The condition on a row of ``source`` (of a group, on its ``outputs``); parts of a whole stand in parentheses."""
    match condition:
        case Match():
            return _conjunct(condition, source, binds, outputs)
        case Not(Some() as some):
            return SQL("NOT {some}").format(some=_some(some, source, binds))
        case Not(inner):
            return SQL("NOT ({inner})").format(inner=_inner_text(inner, source, binds, outputs))
        case AllOf(()):
            return SQL("TRUE")
        case AllOf(parts):
            write = _inner_text if _joins(condition) > _JOINS_MOST else condition_text
            return SQL(" AND ").join(_part(part, write(part, source, binds, outputs)) for part in parts)
        case AnyOf(parts):
            return SQL(" OR ").join(_part(part, _inner_text(part, source, binds, outputs)) for part in parts)
        case Some():
            return _some(condition, source, binds)
        case Found(words):
            return found_text(source, binds(words))


def condition_values(condition: Condition) -> Iterator[Bound]:
    """The values to bind, in the order in which ``condition_text`` asks for them."""
    match condition:
        case Match(expression, _, value):
            if isinstance(expression, Expression):
                yield from expression_values(expression)
            if isinstance(value, tuple):
                yield _list(condition)
            elif not isinstance(value, bool):
                yield value
        case Not(inner) | Some(condition=inner):
            yield from condition_values(inner)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from condition_values(part)
        case Found(words):
            yield words


def condition_shape(condition: Condition) -> Hashable:
    """Everything the condition's text depends on; equal shapes have equal texts."""
    match condition:
        case Match(expression, operator, value):
            left = expression_shape(expression) if isinstance(expression, Expression) else _output_shape(expression)
            return left, operator, value if isinstance(value, bool) else None
        case Not(inner):
            return "not", condition_shape(inner)
        case AllOf(parts) | AnyOf(parts):
            return type(condition).__name__, tuple(condition_shape(part) for part in parts)
        case Some(hops, relation, inner):
            return "some", hops_shape((*hops, relation)), condition_shape(inner)
        case Found():
            return "found"


def _output_shape(output: Output) -> Hashable:
    return output.place, output.result.type, output.result.format


def _joins(condition: Condition) -> int:
    """How many "some row" of a conjunction could become joins."""
    match condition:
        case Some() | Not(Some()):
            return 1
        case AllOf(parts):
            return sum(_joins(part) for part in parts)
    return 0


def _inner_text(condition: Condition, source: Source, binds: Binds, outputs: Outputs) -> Composable:
    """A condition inside a disjunction or a negation, where no join can stand for "some row"."""
    match condition:
        case Match():
            return _match(condition, source, binds, outputs)
        case Some():
            return _among(condition, source, binds)
        case Not(inner):
            return SQL("NOT ({inner})").format(inner=_inner_text(inner, source, binds, outputs))
        case AllOf(parts) if parts:
            return SQL(" AND ").join(_part(part, _inner_text(part, source, binds, outputs)) for part in parts)
    return condition_text(condition, source, binds, outputs)


def _part(condition: Condition, text: Composable) -> Composable:
    return text if isinstance(condition, Match | Some) else SQL("({text})").format(text=text)


def _some(some: Some, source: Source, binds: Binds) -> Composable:
    """Some row among conjuncts: as a join where PostgreSQL can foresee how many rows it will find."""
    return _exists(some, source, binds) if _is_foreseen(some.condition) else _among(some, source, binds)


def _is_foreseen(condition: Condition) -> bool:
    """Whether the server's statistics speak of it. Of what they do not, it takes a share for granted, and for a page of
    20 it would go through the table row by row in hope of meeting them soon."""
    match condition:
        case Match(Expression(field=Field(inside=""), keys=(), reading="", part=""), operator, value):
            return isinstance(value, bool) or operator in _FORESEEN
        case Not(inner) | Some(condition=inner):
            return _is_foreseen(inner)
        case AllOf(parts) | AnyOf(parts):
            return all(_is_foreseen(part) for part in parts)
    return False


def _exists(some: Some, source: Source, binds: Binds) -> Composable:
    here = source.alias_of(some.hops)
    child = source.child(some.relation.target)
    inner = condition_text(some.condition, child, binds)
    return _EXISTS.format(source=child.text, joined=joined(some.relation, here, child.alias), condition=inner)


def _among(some: Some, source: Source, binds: Binds) -> Composable:
    here = source.alias_of(some.hops)
    child = source.child(some.relation.target)
    inner = condition_text(some.condition, child, binds)
    theirs = [columns_of(there)[0].of(child.alias) for _, there in some.relation.pairs]
    known = [SQL("{column} IS NOT NULL").format(column=column) for column in theirs]
    return _AMONG.format(
        here=SQL(", ").join(columns_of(mine)[0].of(here) for mine, _ in some.relation.pairs),
        there=SQL(", ").join(theirs),
        source=child.text,
        condition=SQL(" AND ").join([*known, SQL("({inner})").format(inner=inner)]),
    )


def _conjunct(match: Match, source: Source, binds: Binds, outputs: Outputs) -> Composable:
    """A comparison among conjuncts: an equality also as what an index of whole documents can answer.

    Of a null the one is unknown and the other false, so under a negation it would not do.
    """
    if not _is_contained(match, source):
        return _match(match, source, binds, outputs)
    assert isinstance(match.expression, Expression)
    asked = Remembered(binds)
    left, right = _sides(match, source, asked, outputs)
    column = compared(match.expression.field)
    return _CONTAINED.format(
        plain=_compared(match, left, right, binds.folding),
        document=Identifier(source.alias_of(match.expression.hops), column.inside),
        key=Literal(column.name),
        value=_LABELLED.format(keys=asked.parts[0], value=right) if match.expression.keys else right,
    )


def _is_contained(match: Match, source: Source) -> bool:
    """Whether it is an equality inside an indexed document, of a type that JSON writes in its canonical form."""
    match match:
        case Match(Expression(hops=hops, keys=keys, reading=reading, part="", unit="") as expression, "eq", str()):
            document = (hops[-1].target if hops else source.table).identity.document
            kept = not keys and reading == "" and compared(expression.field).storage in _CONTAINABLE
            kept = kept or (expression.names_additional and reading == "json")
            return bool(expression.field.inside and kept and document is not None and document.indexed)
    return False


def _match(match: Match, source: Source, binds: Binds, outputs: Outputs) -> Composable:
    expression = match.expression
    if isinstance(match.value, bool):
        left = outputs[expression.place] if isinstance(expression, Output) else null_text(expression, source, binds)
        return SQL("{left} IS {null}").format(left=left, null=SQL("NULL" if match.value else "NOT NULL"))
    return _compared(match, *_sides(match, source, binds, outputs), binds.folding)


def _sides(match: Match, source: Source, binds: Binds, outputs: Outputs) -> tuple[Composable, Composable]:
    expression = match.expression
    if isinstance(expression, Output):
        left = outputs[expression.place]
    else:
        left = expression_text(expression, source, binds)
    return left, _right(match, binds)


def _compared(match: Match, left: Composable, right: Composable, folding: Folding) -> Composable:
    if match.operator in _FOLDED:
        left, right = folding.folded(left), folding.folded(right)
    if match.expression.result.type not in JSON_TYPES or match.operator not in _WHOLE_JSON:
        return _TEMPLATES[match.operator].format(left=left, right=right)
    if isinstance(match.expression, Expression) and not match.expression.reading:
        return _WHOLE_JSON[match.operator].format(left=left, right=right)
    if match.operator in _ANY_JSON:
        return _ANY_JSON[match.operator].format(left=left, right=right)
    return _TEXT_ASIDE.format(left=left, holds=_WHOLE_JSON[match.operator].format(left=left, right=right))


def _right(match: Match, binds: Binds) -> Composable:
    """The bound value as the type it is compared as."""
    if match.operator in _KEY_TYPES:
        bound = binds(_list(match) if isinstance(match.value, tuple) else str(match.value))
        return SQL("{bound}::{cast}").format(bound=bound, cast=_KEY_TYPES[match.operator])
    storage = storage_of(match.expression.result)
    if not isinstance(match.value, tuple):
        return storage.bind.format(text=binds(str(match.value)), cast=storage.cast)
    return SQL("{texts}::{cast}[]").format(texts=binds(_list(match)), cast=storage.cast)


def _list(match: Match) -> list[str]:
    """The values of a list, as the texts that an array of the type is read from; bytes in PostgreSQL's own spelling."""
    assert isinstance(match.value, tuple)
    if storage_of(match.expression.result) is STORAGES["bytea"]:
        return [f"\\x{base64.b64decode(text).hex()}" for text in match.value]
    return list(match.value)
