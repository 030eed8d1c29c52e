"""A written name → relations, field and the words after it (CONTRACT 7: longest label, then path, then operator).

Knows how names are written and how a table's relations are called; knows no operators.
"""

from dataclasses import dataclass, replace

from datar.errors import Invalid
from records import limits
from records.nearest import nearest
from records.params.flat import RESERVED
from records.relations import Lookups, Relation, Relations
from records.synonyms import meant_comparison, meant_word
from records.table import Field, Table


@dataclass(frozen=True, slots=True)
class Word:
    """A word after a label, between ``__``: a key, a part or an operator. A quoted one is a key."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """The relations a name goes through, the field it ends at, and the words that follow."""

    hops: tuple[Relation, ...]
    field: Field
    words: tuple[Word, ...]


def resolve(name: str, table: Table, lookups: Lookups) -> Resolved:
    """The meaning of a name. Raises Invalid: ``unknown_field``, ``query_too_complex`` (too long, too many hops)."""
    check_length(name)
    hops: list[Relation] = []
    here, rest = table, name
    while True:
        step, rest = _step(rest, here, lookups, whole=name, first=not hops)
        if isinstance(step, Field):
            return Resolved(tuple(hops), step, words_of(rest, name))
        hops.append(step)
        check_hops(hops, name)
        here = step.target


def resolve_relations(path: str, table: Table, lookups: Lookups) -> tuple[Relation, ...]:
    """The relations of a path that names nothing else, as ``populate`` does.

    Raises Invalid: ``unknown_field``, ``query_too_complex`` (too long, deeper than ``POPULATE_DEPTH``).
    """
    check_length(path)
    hops: list[Relation] = []
    here, rest = table, path
    while rest:
        cut = _longest_relation(rest + ".", here, lookups)
        if cut is None:
            raise unknown_relation(rest, path, here, lookups)
        relation, rest = cut
        hops.append(relation)
        if len(hops) > limits.POPULATE_DEPTH:
            raise Invalid(f"'{path}' is deeper than {limits.POPULATE_DEPTH} relations.", code="query_too_complex")
        here, rest = relation.target, rest[:-1]
    return tuple(hops)


def check_length(name: str) -> None:
    """Raise Invalid for a name of more than ``QUERY_NAME_CHARACTERS``: reading one takes time that grows faster."""
    most = limits.QUERY_NAME_CHARACTERS
    if len(name) > most:
        begin = name[: limits.TEXT_SHOWN]
        raise Invalid(f"A name has more than {most} characters: '{begin}…'.", code="query_too_complex")


def check_hops(hops: list[Relation], name: str) -> None:
    """Raise Invalid when a path has more hops than ``RELATION_HOPS``."""
    if len(hops) > limits.RELATION_HOPS:
        raise Invalid(f"'{name}' goes through more than {limits.RELATION_HOPS} relations.", code="query_too_complex")


def unknown_field(name: str, table: Table, lookups: Lookups | None = None) -> Invalid:
    """The 400 for a word that is neither a field nor a parameter, with the nearest that is."""
    quoted = "" if table.additional is None else ' Fields that the schema does not name are written in quotes: "name".'
    return Invalid(
        f"'{name}' is neither a field of this table nor a parameter.{_meant(name, table, lookups)}{quoted}",
        code="unknown_field",
    )


def _meant(name: str, table: Table, lookups: Lookups | None) -> str:
    """A hint at what an unknown name may mean: another API's comparison, a relation alone, a word, a near name."""
    head, cut, rest = name.partition("__")
    if hint := meant_comparison(name):
        return hint
    if head in {key.relation for key in table.foreign_keys}:
        if cut:
            return f" '{head}' is a relation; its fields follow a point: {head}.{rest}"
        return "" if lookups is None else _fields_follow(head, lookups.of(table))
    names = lookups.of(table).names() if lookups is not None and "." in name else []
    known = [*table.by_name, *names, *RESERVED]
    return nearest(head, known) if cut else meant_word(head, known)


def _fields_follow(name: str, relations: Relations) -> str:
    """What to write instead of a relation's name alone."""
    found = relations.find(name)
    if found is None:
        return ""
    keys = {there.name for _, there in found.pairs}
    field = next((field.name for field in found.target.fields if field.name not in keys), found.target.fields[0].name)
    own = found.pairs[0][0].name
    return f" '{name}' is a relation; write one of its fields, as in {name}.{field}, or the field '{own}'."


def unknown_relation(name: str, path: str, table: Table, lookups: Lookups) -> Invalid:
    """The 400 for a relation that is not there, or leads to no table that can be read now."""
    head = _quoted(name)[0] if name.startswith('"') else name.partition(".")[0]
    if lookups.of(table).has(head):
        detail = f"'{head}' in '{path}' leads to a table that is inactive or not materialized; it has no relations."
    else:
        hint = nearest(head, lookups.of(table).names())
        detail = f"'{head}' in '{path}' is no relation of table '{table.identity.name}'.{hint}"
    return Invalid(detail, code="unknown_field")


def words_of(rest: str, name: str) -> tuple[Word, ...]:
    """The words of ``__a__"b"__c``. Raises Invalid where a quote is not closed or a word is empty."""
    words: list[Word] = []
    while rest:
        rest = rest[2:]
        if rest.startswith('"'):
            text, rest = _quoted(rest)
            words.append(Word(text, quoted=True))
        else:
            end = rest.find("__")
            end = len(rest) if end < 0 else end
            words.append(Word(rest[:end]))
            rest = rest[end:]
        if rest and not rest.startswith("__"):
            raise Invalid(f"'{name}' has letters after a closing quote.", code="unknown_field")
        if not words[-1].text and not words[-1].quoted:
            raise Invalid(f"'{name}' has nothing after '__'; write field__operator.", code="unknown_operator")
    return tuple(words)


def _step(rest: str, table: Table, lookups: Lookups, *, whole: str, first: bool) -> tuple[Field | Relation, str]:
    """The field or relation that ``rest`` begins with, and what is left (of a relation, after its point)."""
    if rest.startswith('"'):
        return _quoted_step(rest, table, lookups, whole)
    label = _longest_label(rest, table, first=first)
    if label is not None and len(label) == len(rest):
        return table.by_name[label], ""
    relation = _longest_relation(rest, table, lookups) if "." in rest else None
    if relation is not None and len(rest) - len(relation[1]) - 1 > len(label or ""):
        return relation
    if label is not None:
        return table.by_name[label], rest[len(label) :]
    if "." in rest and (not first or lookups.of(table).has(rest.partition(".")[0])):
        raise unknown_relation(rest, whole, table, lookups)
    raise unknown_field(rest, table, lookups)


def _longest_label(rest: str, table: Table, *, first: bool) -> str | None:
    if rest in table.by_name and not (first and rest.startswith("_")):
        return rest
    cut = rest.rfind("__")
    while cut > 0:
        if rest[:cut] in table.by_name:
            return rest[:cut]
        cut = rest.rfind("__", 0, cut)
    return None


def _longest_relation(rest: str, table: Table, lookups: Lookups) -> tuple[Relation, str] | None:
    """The relation whose name is followed by a point, and what comes after the point."""
    relations = lookups.of(table)
    if rest.startswith('"'):
        name, after = _quoted(rest)
        found = relations.find(name) if after.startswith(".") else None
        return None if found is None else (found, after[1:])
    cut = rest.rfind(".")
    while cut > 0:
        found = relations.find(rest[:cut])
        if found is not None:
            return found, rest[cut + 1 :]
        cut = rest.rfind(".", 0, cut)
    return None


def _quoted_step(rest: str, table: Table, lookups: Lookups, whole: str) -> tuple[Field | Relation, str]:
    label, after = _quoted(rest)
    if after.startswith("."):
        relation = lookups.of(table).find(label)
        if relation is None:
            raise unknown_relation(rest, whole, table, lookups)
        return relation, after[1:]
    known = label in table.by_name
    if not (known or (table.additional is not None and label)) or (after and not after.startswith("__")):
        raise unknown_field(whole, table)
    if not known:
        assert table.additional is not None
        return replace(table.additional, name=label), f"__{rest}"
    return table.by_name[label], after


def _quoted(text: str) -> tuple[str, str]:
    """The part in quotes that ``text`` begins with, and what comes after. Raises Invalid without a closing quote."""
    place = 1
    while True:
        end = text.find('"', place)
        if end < 0:
            raise Invalid(f"'{text}' has an open quote; close it.", code="unknown_field")
        if text[end + 1 : end + 2] != '"':
            return text[1:end].replace('""', '"'), text[end + 1 :]
        place = end + 2
