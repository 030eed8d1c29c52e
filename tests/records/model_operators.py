"""The reference model's operators: a plain value, an operator's word and a JSON operand, three-valued."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.records.model_values import plain

Truth = bool | None
NEGATIONS = {
    "ne": "eq",
    "nin": "in",
    "nbetween": "between",
    "ncontains": "contains",
    "nstartswith": "startswith",
    "nendswith": "endswith",
    "niexact": "iexact",
    "nicontains": "icontains",
    "nistartswith": "istartswith",
    "niendswith": "iendswith",
}


def holds(kind: str, operator: str, left: Any, operand: Any) -> Truth:
    """Whether ``left operator operand``; a null is unknown to all but isnull, null and nnull."""
    if operator in ("isnull", "null", "nnull"):
        return (left is None) is (operand is (operator != "nnull"))
    if left is None:
        return None
    if operator in NEGATIONS:
        inner = holds(kind, NEGATIONS[operator], left, operand)
        return None if inner is None else not inner
    if kind == "json":
        return _json_holds(operator, left, operand)
    if operator in TEXTS:
        return TEXTS[operator](left, operand)
    if operator in ("in", "between", "range"):
        operands = [plain(kind, one) for one in operand]
        return left in operands if operator == "in" else operands[0] <= left <= operands[1]
    return COMPARISONS[operator](left, plain(kind, operand))


def fold(text: str) -> str:
    """Unicode simple case folding: lines C and S of CaseFolding.txt, letter by letter."""
    return "".join(map(_fold_letter, text))


def _fold_letter(letter: str) -> str:
    for folded in (letter.casefold(), letter.lower()):  # what folds to several letters has an S line if a lower form
        if len(folded) == 1:
            return folded
    return letter


def like(text: str, pattern: str) -> bool:
    """SQL's LIKE: ``%`` any letters, ``_`` one, a backslash takes the next letter as it is."""
    parts = re.findall(r"\\?.", pattern, re.DOTALL)
    words = {"%": ".*", "_": "."}
    return re.fullmatch("".join(words.get(part, re.escape(part[-1])) for part in parts), text, re.DOTALL) is not None


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}
TEXTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda left, right: right in left,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "iexact": lambda left, right: fold(left) == fold(right),
    "icontains": lambda left, right: fold(right) in fold(left),
    "istartswith": lambda left, right: fold(left).startswith(fold(right)),
    "iendswith": lambda left, right: fold(left).endswith(fold(right)),
    "like": like,
    "ilike": lambda left, right: like(fold(left), fold(right)),
}


def _json_holds(operator: str, left: Any, operand: Any) -> Truth:
    if operator in ("eq", "in"):
        return any(same(left, one) for one in (operand if operator == "in" else [operand]))
    if operator == "contains":
        texts = isinstance(left, str) and isinstance(operand, str)
        return operand in left if texts else contained(operand, left)
    if operator == "contained_by":
        return contained(left, operand)
    if operator in ("has_key", "has_any_keys", "has_all_keys"):
        return _has_keys(operator, left, operand)
    if operator in TEXTS:
        return TEXTS[operator](left, operand) if isinstance(left, str) else None
    return _json_compares(operator, left, operand)


def _json_compares(operator: str, left: Any, operand: Any) -> Truth:
    """Numbers with numbers, texts with texts; anything else is unknown."""
    operands = operand if operator in ("between", "range") else [operand]
    if not all((is_number(left) and is_number(one)) or (is_text(left) and is_text(one)) for one in operands):
        return None
    if operator in ("between", "range"):
        return bool(operands[0] <= left <= operands[1])
    return COMPARISONS[operator](left, operand)


def _has_keys(operator: str, left: Any, operand: Any) -> Truth:
    keys = [operand] if operator == "has_key" else operand
    held = [key in left if isinstance(left, dict | list) else False for key in keys]
    return all(held) if operator == "has_all_keys" else any(held)


def is_number(value: Any) -> bool:
    """A JSON number."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    """A JSON text."""
    return isinstance(value, str)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON values: of one type, numbers as decimals."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if is_number(one) and is_number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


def contained(piece: Any, whole: Any) -> bool:
    """PostgreSQL's ``<@``: at the top an array also holds a lone scalar."""
    if isinstance(whole, list) and not isinstance(piece, dict | list):
        return any(same(piece, item) for item in whole)
    return _inside(piece, whole)


def _inside(piece: Any, whole: Any) -> bool:
    if isinstance(piece, dict) and isinstance(whole, dict):
        return all(key in whole and _inside(value, whole[key]) for key, value in piece.items())
    if isinstance(piece, list) and isinstance(whole, list):
        return all(any(_inside(item, other) for other in whole) for item in piece)
    return same(piece, whole) if not isinstance(piece, dict | list) else False
