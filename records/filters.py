"""What was asked of rows → what must hold of them: names resolved, values coerced, words rewritten to plain ones.

Raises Invalid with the word that is wrong and the nearest that is right.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from datar.errors import Invalid
from records.coerce import key_text
from records.conditions import AllOf, AnyOf, Condition, Expression, Match, Not, Output, Some
from records.lists import unquoted
from records.names import Word, check_length, resolve, words_of
from records.nearest import nearest
from records.operands import match_of
from records.operators import JSON_TYPES, OPERATORS, PARTS, Operator
from records.params.tree import comparisons_of
from records.query import AllAsked, AnyAsked, Asked, Comparison, NotAsked
from records.relations import Lookups, Relation
from records.synonyms import meant_operator
from records.table import Field, Table

_EQUAL = OPERATORS["eq"]


class _Alone:
    """A catalog of no other table."""

    def find(self, app: str, name: str) -> Table | None:
        """None."""
        return None

    def children(self, table: Table) -> tuple[Table, ...]:
        """None."""
        return ()


def condition_of(asked: Asked, table: Table, lookups: Lookups) -> Condition:
    """What was asked, understood.

    Raises Invalid: ``unknown_field``, ``unknown_operator``, ``operator_not_supported``, ``invalid_filter``,
    ``query_too_complex``, or the code of the type that a value is not of.
    """
    match asked:
        case Comparison():
            return _comparison(asked, table, lookups)
        case NotAsked(inner):
            return negation(condition_of(inner, table, lookups))
        case AllAsked(parts):
            return AllOf(tuple(condition_of(part, table, lookups) for part in parts))
        case AnyAsked(parts):
            return AnyOf(tuple(condition_of(part, table, lookups) for part in parts))


def own_condition(asked: Asked, table: Table) -> Condition:
    """The same for what stands inside a definition, such as an index: no relations. Raises Invalid."""
    lookups = Lookups(_Alone())
    for comparison in comparisons_of(asked):
        try:
            found = resolve(comparison.name, table, lookups)
        except Invalid as refused:
            if refused.code != "unknown_field" or "." not in comparison.name:
                raise
            raise Invalid(f"{refused.detail} Only the table's own fields fit here.", code=refused.code) from None
        if found.hops or found.field.is_additional:
            raise Invalid(f"'{comparison.name}': only the table's own fields fit here.", code="invalid_filter")
    return condition_of(asked, table, lookups)


def negation(condition: Condition) -> Condition:
    """What holds where the condition does not, unknown where it is; ``not`` stands at the leaves alone.

    Among conjuncts a provider can join where it would have to look row by row.
    """
    match condition:
        case Not(inner):
            return inner
        case AllOf(parts) if parts:
            return AnyOf(tuple(negation(part) for part in parts))
        case AnyOf(parts):
            return AllOf(tuple(negation(part) for part in parts))
    return Not(condition)


def outputs_condition(comparisons: tuple[Comparison, ...], outputs: Mapping[str, Output]) -> Condition:
    """What must hold of groups; ``outputs`` by the names they have in the answer. Raises Invalid."""
    return AllOf(tuple(_output(comparison, outputs) for comparison in comparisons))


def paths_of(condition: Condition) -> set[tuple[str, ...]]:
    """The relation paths a condition goes through, each as its names from the table on."""
    return set(_paths(condition, ()))


def expression_of(name: str, table: Table, lookups: Lookups) -> tuple[Expression, tuple[Relation, ...]]:
    """The value a path names, and the relations it goes through to it, to-many ones too. Raises Invalid."""
    found = resolve(name, table, lookups)
    return _expression(name, found.field, found.words), found.hops


def _paths(condition: Condition, before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    match condition:
        case Match(Expression(hops=hops)) if path := (*before, *(hop.name for hop in hops)):
            yield path
        case Not(inner):
            yield from _paths(inner, before)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _paths(part, before)
        case Some(hops, relation, inner):
            yield from _paths(inner, (*before, *(hop.name for hop in (*hops, relation))))


def _comparison(asked: Comparison, table: Table, lookups: Lookups) -> Condition:
    found = resolve(asked.name, table, lookups)
    words, operator = _operator(found.words)
    expression = _expression(asked.name, found.field, words)
    return _through(found.hops, expression, operator, asked)


def _through(hops: tuple[Relation, ...], expression: Expression, operator: Operator, asked: Comparison) -> Condition:
    """The comparison at the end of a path: each to-many relation on the way opens a "some such row"."""
    for place, hop in enumerate(hops):
        if hop.many:
            return Some(hops[:place], hop, _through(hops[place + 1 :], expression, operator, asked))
    return match_of(replace(expression, hops=hops), operator, asked)


def _operator(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], Operator]:
    """The last word is the operator when it is one and stands without quotes."""
    if words and not words[-1].quoted and words[-1].text in OPERATORS:
        return words[:-1], OPERATORS[words[-1].text]
    return words, _EQUAL


def _expression(name: str, field: Field, words: tuple[Word, ...]) -> Expression:
    """The field, the keys into its JSON or the part of its day or instant."""
    if field.type in JSON_TYPES:
        keys = tuple(key_text(name, word.text) for word in words)
        return Expression(field, keys=keys, reading="json" if keys or field.type == "any" else "")
    if not words:
        return Expression(field)
    word = words[0]
    if word.quoted or word.text not in PARTS:
        raise _unknown_operator(word.text, field, name)
    if field.type not in PARTS[word.text]:
        raise Invalid(
            f"'{word.text}' in '{name}' is a part of {' and '.join(PARTS[word.text])} fields;"
            f" '{field.name}' is of type {field.type}.",
            code="operator_not_supported",
        )
    if len(words) > 1:
        raise _unknown_operator(words[1].text, field, name)
    return Expression(field, part=word.text)


def _unknown_operator(word: str, field: Field, name: str) -> Invalid:
    known = [*OPERATORS, *(part for part, types in PARTS.items() if field.type in types)]
    if word in known:
        hint = " One operator stands last, after a part at most."
    else:
        hint = meant_operator(word, known) or f" Known: {', '.join(known)}."
    return Invalid(f"'{name}': field '{field.name}' has no operator '{word}'.{hint}", code="unknown_operator")


def _output(asked: Comparison, outputs: Mapping[str, Output]) -> Condition:
    name, words = _output_name(asked.name, outputs)
    words, operator = _operator(words)
    output = outputs[name]
    if words:
        raise _unknown_operator(words[0].text, replace(output.result, name=name), asked.name)
    return match_of(replace(output, result=replace(output.result, name=name)), operator, asked)


def _output_name(name: str, outputs: Mapping[str, Output]) -> tuple[str, tuple[Word, ...]]:
    """The longest name that fits, and the words after it."""
    check_length(name)
    cut = len(name)
    while cut > 0:
        for known in (name[:cut], unquoted(name[:cut])):
            if known in outputs:
                return known, words_of(name[cut:], name)
        cut = name.rfind("__", 0, cut)
    hint = nearest(name.partition("__")[0], outputs) or f" Known: {', '.join(outputs)}."
    raise Invalid(
        f"'_having' names '{name}', which is no aggregate of this query; add it to '_aggregate' first.{hint}",
        code="invalid_aggregate",
    )
