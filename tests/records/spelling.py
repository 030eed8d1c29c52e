"""The model's questions as a client writes them: URL pairs, ``filters`` trees in both spellings, data/query/ bodies."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from records.jsontext import dumps
from tests.records.model import All, Condition, Is, No, Question, Search, Some, Sort, Value, World, kind_of
from tests.records.model_groups import Aggregate, Grouping, Key
from tests.records.model_operators import NEGATIONS, TEXTS
from tests.records.model_values import PARTS

SIMPLE = re.compile(r"[^\W_]+(?:_[^\W_]+)*")
COMPARISON_WORDS = frozenset({"eq", "gt", "gte", "lt", "lte", "in", "between", "range", "isnull", "null", "nnull"})
JSON_WORDS = frozenset({"contained_by", "has_key", "has_any_keys", "has_all_keys"})
OPERATOR_WORDS = COMPARISON_WORDS | JSON_WORDS | NEGATIONS.keys() | TEXTS.keys()
TAKEN = frozenset({"page", "limit", "offset", "fields", "search", "ordering", "format", "depth", "ids"})
_SIGNS = {"eq": "=", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
Pair = tuple[str, str]


@dataclass(frozen=True)
class Spelling:
    """How a question is written: where its filters stand, and which of the equal ways are taken."""

    form: Literal["url", "filters", "body"] = "url"
    quoted: bool = False
    triples: bool = False
    arrays: bool = False
    offset: bool = False


def pairs_of(world: World, table: str, asked: Question | Grouping, spelling: Spelling) -> list[Pair]:
    """A question as URL parameters."""
    base = asked.base if isinstance(asked, Grouping) else asked
    pairs: list[Pair] = []
    composed: list[Condition] = []
    for part in base.where:
        if isinstance(part, Is) and spelling.form == "url":
            pairs.append((written(part.value, spelling, part.operator), operand(world, table, part, spelling)))
        else:
            composed.append(part)
    if composed:
        pairs.append(("filters", dumps(tree(composed, spelling)).decode()))
    for name, value in words_of(asked, spelling, groups_world=(world, table)).items():
        pairs.append((name, ",".join(value) if isinstance(value, list) else str(value)))
    return pairs


def body_of(world: World, table: str, asked: Question | Grouping, spelling: Spelling) -> bytes:
    """A question as the body of data/query/."""
    base = asked.base if isinstance(asked, Grouping) else asked
    words = words_of(asked, spelling, groups_world=(world, table))
    body: dict[str, Any] = {
        name: value if spelling.arrays or not isinstance(value, list) else ",".join(value)
        for name, value in words.items()
    }
    if base.where:
        body["filters"] = tree(base.where, spelling)
    if isinstance(asked, Grouping) and asked.having and not spelling.arrays:
        body["_having"] = tree(asked.having, spelling)
    return dumps(body)


def words_of(
    asked: Question | Grouping, spelling: Spelling, groups_world: tuple[World, str]
) -> dict[str, str | int | list[str]]:
    """Everything but filters: word → text, number or terms."""
    base = asked.base if isinstance(asked, Grouping) else asked
    words: dict[str, str | int | list[str]] = {}
    if base.order:
        words["ordering"] = [term(sort, spelling) for sort in base.order]
    if base.search:
        words["search"] = searched(base.search)
    if isinstance(asked, Grouping):
        words |= _group_words(asked, spelling, groups_world)
    if base.fields is not None:
        words["fields"] = [word(name, spelling) for name in base.fields]
    if base.populate:
        words["populate"] = [".".join(word(name, spelling) for name in path) for path in base.populate]
        if base.populate_limit != 100:
            words["populate_limit"] = base.populate_limit
    if not isinstance(asked, Grouping) or asked.keys:
        words |= paging(base, spelling)
    return words


def paging(base: Question, spelling: Spelling) -> dict[str, str | int | list[str]]:
    """The page by number where it begins at one, else by offset."""
    if spelling.offset or base.start % base.size:
        return {"limit": base.size, "offset": base.start}
    if (base.size, base.start) == (20, 0):
        return {}
    return {"page_size": base.size, "page": base.start // base.size + 1}


def _group_words(asked: Grouping, spelling: Spelling, place: tuple[World, str]) -> dict[str, str | int | list[str]]:
    words: dict[str, str | int | list[str]] = {}
    if asked.keys:
        words["_group_by"] = [key_text(key, spelling) for key in asked.keys]
    if asked.aggregates:
        words["_aggregate"] = [aggregate_text(each, spelling) for each in asked.aggregates]
    if asked.having:
        words["_having"] = [having_text(one, spelling) for one in asked.having]
    return words


def key_text(key: Key, spelling: Spelling) -> str:
    """A term of ``_group_by``, its name as alias unless it is the one it gets anyway."""
    return expression(key.value, spelling) + ("" if key.name == plain_name(key.value) else f" as {key.name}")


def aggregate_text(each: Aggregate, spelling: Spelling) -> str:
    """A term of ``_aggregate``."""
    inner = "*" if each.value is None else expression(each.value, spelling)
    distinct = "distinct " if each.distinct else ""
    own = each.function if each.value is None else f"{each.function}_{distinct.strip()}_{plain_name(each.value)}"
    alias = "" if each.name == own.replace("__", "_") else f" as {each.name}"
    return f"{each.function}({distinct}{inner}){alias}"


def plain_name(value: Value) -> str:
    """What a value is called in the answer when it has no alias."""
    path = ".".join((*value.ways, value.label))
    return f"{value.part}_{path}" if value.part else f"date_trunc_{path}" if value.unit else path


def expression(value: Value, spelling: Spelling) -> str:
    """``path``, ``part(path)`` or ``date_trunc('unit',path,zone)``."""
    path = written(Value(value.label, value.ways, value.keys), spelling)
    if value.part:
        return f"{value.part}({path})"
    zone = f",'{value.zone}'" if value.zone else ""
    return f"date_trunc('{value.unit}',{path}{zone})" if value.unit else path


def having_text(one: Is, spelling: Spelling) -> str:
    """A comparison of ``_having``: by a sign where one fits and the operand is a number."""
    number = isinstance(one.operand, int | Decimal) and not isinstance(one.operand, bool)
    if spelling.offset and number and one.operator in _SIGNS:
        return f"{one.value.label}{_SIGNS[one.operator]}{one.operand}"
    if isinstance(one.operand, list):
        text = dumps(one.operand).decode()
    else:
        text = '"' + one.operand.replace('"', '""') + '"' if isinstance(one.operand, str) else _scalar(one.operand)
    return f"{one.value.label}__{one.operator}={text}"


def term(sort: Sort, spelling: Spelling) -> str:
    """A term of ``ordering``."""
    name = sort.by if isinstance(sort.by, str) else written(sort.by, spelling)
    return f"-{name}" if sort.descending else name


def written(value: Value, spelling: Spelling, operator: str = "") -> str:
    """A value's name, perhaps with its operator."""
    keys = [f"__{_key(key, spelling)}" for key in value.keys]
    label = word(value.label, spelling)
    if value.keys and not spelling.quoted:
        label = '"' + value.label.replace('"', '""') + '"'
    path = ".".join(
        (*(way if SIMPLE.fullmatch(way.replace(".", "x")) else word(way, spelling) for way in value.ways), label)
    )
    part = f"__{value.part}" if value.part else ""
    plain = operator == "eq" and (spelling.quoted or label not in TAKEN) and not spelling.triples
    return path + "".join(keys) + part + (f"__{operator}" if operator and not plain else "")


def word(text: str, spelling: Spelling) -> str:
    """A label or relation name; in quotes where it must be."""
    if SIMPLE.fullmatch(text) and not spelling.quoted:
        return text
    return '"' + text.replace('"', '""') + '"'


def _key(key: str, spelling: Spelling) -> str:
    plain = SIMPLE.fullmatch(key) and key not in OPERATOR_WORDS and key not in PARTS
    return key if plain and not spelling.quoted else '"' + key.replace('"', '""') + '"'


def tree(parts: Sequence[Condition], spelling: Spelling) -> Any:
    """Conditions that all hold, as a tree: an array of triples where it can be one and is wanted."""
    if spelling.triples and all(isinstance(part, Is) for part in parts):
        return [_triple(part, spelling) for part in parts if isinstance(part, Is)]
    nodes = [_node(part, spelling) for part in parts]
    return nodes[0] if len(nodes) == 1 else {"and": nodes}


def _node(part: Condition, spelling: Spelling) -> Any:
    match part:
        case Is(value, operator, given):
            return {written(value, spelling, operator): given}
        case No(inner):
            return {"not": _node(inner, spelling)}
        case All(parts):
            return tree(parts, spelling)
        case Some(parts):
            return {"or": [_node(each, spelling) for each in parts]}


def _triple(part: Is, spelling: Spelling) -> dict[str, Any]:
    return {"field": written(part.value, spelling), "operator": part.operator, "value": part.operand}


def operand(world: World, table: str, part: Is, spelling: Spelling) -> str:
    """What stands right of ``=`` in a URL."""
    json_kind = kind_of(world, table, part.value) == "json"
    read = _json_scalar if json_kind and part.operator not in ("isnull", "null", "nnull") else _scalar
    if part.operator in ("contains", "ncontains", "contained_by") and isinstance(part.operand, list | dict):
        return dumps(part.operand).decode()
    if not isinstance(part.operand, list):
        return read(part.operand)
    texts = [read(one) for one in part.operand]
    plain = all(text and not set(text) & set(',"[') for text in texts)
    return ",".join(texts) if plain and not spelling.arrays else dumps(part.operand).decode()


def _scalar(value: Any) -> str:
    return (
        value if isinstance(value, str) else ("true" if value else "false") if isinstance(value, bool) else str(value)
    )


def _json_scalar(value: Any) -> str:
    """A text that reads as something else stands in quotes."""
    if not isinstance(value, str):
        return _scalar(value)
    plain = value[:1] not in ('"', "[", "{") and not re.fullmatch(r"true|false|null|[-+.0-9eE]+", value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def searched(search: Search) -> str:
    """Search words as a client writes them."""
    return " OR ".join(
        " ".join(
            ("-" if negated else "") + (words[0] if len(words) == 1 else '"' + " ".join(words) + '"')
            for negated, words in terms
        )
        for terms in search
    )
