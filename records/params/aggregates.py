"""``_aggregate``, ``_group_by`` and ``_having`` → what was asked. Only what CONTRACT 7's grammar allows gets through.

The patterns give nothing back once they took it, so a text costs time in proportion to its length; nothing nests.
"""

import re
from collections.abc import Sequence
from typing import Final

from datar.errors import Invalid
from records import limits
from records.nearest import nearest
from records.operators import PARTS
from records.query import AskedAggregate, AskedExpression, AskedGroup, Comparison

FUNCTIONS: Final = (
    *("count", "sum", "avg", "min", "max", "stddev", "variance"),
    *("array_agg", "string_agg", "json_agg"),
)
UNITS: Final = ("year", "quarter", "month", "week", "day", "hour", "minute")

# Every repetition is possessive: what a pattern took it never gives back, whatever was sent.
_PATH: Final = r"""(?:"[^"]*+"|[^\s"'(),\x00-\x1f\x7f])++"""
_ZONE: Final = r"[A-Za-z0-9_+/ -]{1,64}+"
_EXPRESSION: Final = (
    rf"(?:date_trunc\( *+'(?P<unit>[^']*+)' *+, *+(?P<cut>{_PATH}) *+"
    rf"(?:, *+(?:'(?P<quoted>{_ZONE})'|(?P<bare>{_ZONE})))?+ *+\)"
    rf"|(?P<part>[A-Za-z_]{{1,64}}+)\( *+(?P<of>{_PATH}) *+\)"
    rf"|(?P<path>{_PATH}))"
)
_ALIAS: Final = r"(?: ++(?i:as) ++(?P<alias>[A-Za-z][A-Za-z0-9_]{0,62}+))?+"
_AGGREGATE: Final = re.compile(
    rf" *+(?P<function>[A-Za-z_]{{1,64}}+)\( *+"
    rf"(?:(?P<star>\*)|(?P<distinct>(?i:distinct) ++)?{_EXPRESSION}) *+\){_ALIAS} *+"
)
_GROUP: Final = re.compile(rf" *+{_EXPRESSION}{_ALIAS} *+")
_CALL: Final = re.compile(r" *+([A-Za-z_]{1,64}+) *+\(")
_HAVING: Final = re.compile(
    r"""(?P<name>(?:"[^"]*+"|[^"=<>!,])++)(?P<sign><=|>=|<>|!=|[=<>]) *+"""
    r"""(?P<value>(?:\[(?:"(?:[^"\\]|\\.)*+"|[^\]"])*+\]|"(?:[^"]|"")*+"|[^,"\[ ][^,]*+)?+) *+(?:,|\Z)""",
    re.DOTALL,
)
_SIGNS: Final = {"=": "", "!=": "__ne", "<>": "__ne", ">": "__gt", ">=": "__gte", "<": "__lt", "<=": "__lte"}
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def parse_aggregates(terms: Sequence[str]) -> tuple[AskedAggregate, ...]:
    """The aggregates, each term being one. Raises Invalid: ``invalid_aggregate``, ``query_too_complex``."""
    _check_number(terms, limits.AGGREGATES, "_aggregate")
    return tuple(_aggregate(term) for term in terms)


def parse_groups(terms: Sequence[str]) -> tuple[AskedGroup, ...]:
    """The keys of groups, each term being one. Raises Invalid: ``invalid_aggregate``, ``query_too_complex``."""
    _check_number(terms, limits.GROUP_KEYS, "_group_by")
    return tuple(_group(term) for term in terms)


def parse_having(text: str) -> tuple[Comparison, ...]:
    """``name__operator=value,…`` or ``name > number``, in any mixture; values are texts. Raises Invalid."""
    found: list[Comparison] = []
    place = 0
    while not found or place < len(text) or text[place - 1 : place] == ",":
        match = _HAVING.match(text, place)
        if match is None:
            raise _refused("_having", text[place:], "write name__operator=value (a list as [1,2]) or name > number.")
        found.append(_condition(match))
        if len(found) > limits.FILTERS:
            raise Invalid(f"More than {limits.FILTERS} comparisons in '_having'.", code="query_too_complex")
        place = match.end()
    return tuple(found)


def _aggregate(term: str) -> AskedAggregate:
    match = _AGGREGATE.fullmatch(term)
    if match is None:
        raise _refused("_aggregate", term, _mistake(term))
    function, alias, star = match["function"], match["alias"] or "", match["star"] is not None
    if function not in FUNCTIONS:
        raise _refused("_aggregate", term, _unknown(function, FUNCTIONS))
    if star and function != "count":
        raise _refused("_aggregate", term, f"'{function}' needs a field; only count takes '*'.")
    expression = None if star else _expression(match, "_aggregate", term)
    return AskedAggregate(function, expression, match["distinct"] is not None, alias)


def _group(term: str) -> AskedGroup:
    match = _GROUP.fullmatch(term)
    if match is None:
        raise _refused("_group_by", term, "write field, year(field) or date_trunc('month',field), perhaps as name.")
    return AskedGroup(_expression(match, "_group_by", term), match["alias"] or "")


def _expression(match: re.Match[str], word: str, term: str) -> AskedExpression:
    """What the groups of ``_EXPRESSION`` caught."""
    path = match["path"] or match["of"] or match["cut"]
    part, unit = match["part"] or "", match["unit"]
    if path == "*":
        raise _refused(word, term, "'*' stands in count(*) alone.")
    if part and part not in PARTS:
        if part in FUNCTIONS:
            raise _refused(word, term, "functions do not nest, and a group is none.")
        raise _refused(word, term, _unknown(part, (*PARTS, "date_trunc")))
    if unit is not None and unit not in UNITS:
        raise _refused(word, term, _unknown(unit, UNITS))
    # A plus that was not percent-encoded arrives as a blank; no zone's name has blanks.
    zone = (match["quoted"] or match["bare"] or "").strip().replace(" ", "+")
    if (match["quoted"] or match["bare"]) and not zone:
        raise _refused(word, term, "the zone is empty; write an IANA name such as 'Europe/Paris'.")
    return AskedExpression(path, part, unit or "", zone)


def _condition(match: re.Match[str]) -> Comparison:
    name, sign, value = match["name"].strip(), match["sign"], match["value"].strip(" ")
    if not name:
        raise _refused("_having", match[0], "it has no name; write name__operator=value.")
    if sign != "=" and not _NUMBER.fullmatch(value):
        raise _refused("_having", match[0], f"'{sign}' compares with a number; else write name__operator=value.")
    if value.startswith('"'):
        value = value[1:-1].replace('""', '"')
    return Comparison(name + _SIGNS[sign], value)


def _mistake(term: str) -> str:
    call = _CALL.match(term)
    if call and call[1] not in FUNCTIONS:
        return _unknown(call[1], FUNCTIONS)
    if " as " in term.lower():
        return "a name after 'as' is a letter, then at most 62 letters, digits and _ (A-Z, a-z)."
    return 'write function(field) or count(*), perhaps as name; a label with blanks as in sum("Unit Price").'


def _unknown(word: str, known: Sequence[str]) -> str:
    return f"'{_shown(word)}' is not known here; known: {', '.join(known)}.{nearest(word.lower(), known)}"


def _check_number(terms: Sequence[str], most: int, word: str) -> None:
    if len(terms) > most:
        raise Invalid(f"More than {most} terms in '{word}'.", code="query_too_complex")


def _refused(word: str, term: str, why: str) -> Invalid:
    return Invalid(f"'{word}' cannot take '{_shown(term)}': {why}", code="invalid_aggregate")


def _shown(text: str) -> str:
    return text[: limits.TEXT_SHOWN].encode("utf-8", "backslashreplace").decode()
