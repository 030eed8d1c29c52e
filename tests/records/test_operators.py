"""Every operator with every type: it fits or is refused, it is three-valued, and bad operands are refused."""

from typing import Any

import pytest

from datar.errors import Invalid
from records.fieldtypes import FIELD_TYPES
from records.jsontext import dumps
from records.operators import OPERATORS, Operator
from records.typerow import FieldType
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.test_rows_types import VALUES, ids, rows_of, text_of

_CONTAINERS = [name for name, kind in FIELD_TYPES.items() if kind.is_json and name != "any"]


def fits(operator: Operator, name: str, kind: FieldType) -> bool:
    """Whether the operator fits: by the type table, and an ``any`` takes all that JSON does."""
    if operator.fits == "any" or name == "any":
        return True
    table = {"filter": kind.filter, "order": kind.order, "text": kind.is_text, "json": kind.is_json}
    table["contents"] = kind.is_text or kind.is_json
    return table[operator.fits]


def operand(operator: Operator, name: str) -> Any:
    """A JSON operand of the operator for a type; for texts one that finds something."""
    first, last = VALUES[name][0], VALUES[name][-1]
    json = {"contains": [first], "contained_by": [first, last]}
    if name in _CONTAINERS and operator.operand in ("text", "json"):
        return json.get(operator.name, first)
    return {
        "value": first,
        "list": [first],
        "pair": [first, first if name == "any" else last],
        "text": "a",
        "pattern": "%a%",
        "flag": True,
        "json": json["contained_by"],
        "key": "a",
        "keys": ["a", "x"],
    }[operator.operand]


def found(rows: Rows, tree: Any) -> list[int]:
    """The ids that a filter tree finds."""
    return ids(rows.ask(("filters", dumps(tree).decode())))


def test_the_operators_are_those_of_the_contract() -> None:
    texts = ["contains", "startswith", "endswith", "iexact", "icontains", "istartswith", "iendswith"]
    contract = "eq ne gt gte lt lte between nbetween range in nin like ilike isnull null nnull contained_by"
    assert set(OPERATORS) == {
        *contract.split(),
        *("has_key", "has_any_keys", "has_all_keys"),
        *texts,
        *(f"n{name}" for name in texts),
    }


@pytest.mark.parametrize("name", FIELD_TYPES)
def test_every_operator_fits_or_is_refused_and_is_three_valued(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    values, null = list(range(1, len(VALUES[name]) + 1)), len(VALUES[name]) + 1
    for operator in OPERATORS.values():
        tree = {f"v__{operator.name}": operand(operator, name)}
        if not fits(operator, name, FIELD_TYPES[name]):
            with refused(Invalid, "operator_not_supported") as refusal:
                found(rows, tree)
            assert operator.name in refusal.error.detail
            continue
        holds, fails = found(rows, tree), found(rows, {"not": tree})
        assert set(holds).isdisjoint(fails)
        if operator.operand == "flag":
            assert sorted(holds + fails) == [*values, null]
        elif name != "any":
            assert sorted(holds + fails) == values, f"{operator.name}: a null is unknown, all else is not"
        if operator.negated and operator.operand != "flag":
            assert found(rows, {f"v__{operator.means}": operand(operator, name)}) == fails
        elif operator.means and not operator.negated:
            assert found(rows, {f"v__{operator.means}": operand(operator, name)}) == holds


@pytest.mark.parametrize("name", [name for name, kind in FIELD_TYPES.items() if kind.order])
def test_between_takes_both_ends(engine: Engine, name: str) -> None:
    rows = rows_of(engine, name)
    values = VALUES[name]
    first, last = (f'"{text_of(value)}"'.replace("\\", "\\\\") for value in (values[0], values[-1]))
    everybody = list(range(1, len(values) + 1))
    assert ids(rows.list(v__between=f"[{first},{last}]")) == everybody
    assert ids(rows.list(v__nbetween=f"[{first},{last}]")) == []
    assert ids(rows.list(v__range=f"[{first},{first}]")) == [1]
    assert ids(rows.list(v__nbetween=f"[{first},{first}]")) == everybody[1:]
    assert ids(rows.list(v__between=f"[{last},{first}]")) == ([] if len(everybody) > 1 else [1])
    for text in ("", "[]", f"[{first}]", f"[{first},{first},{first}]"):
        with refused(Invalid, "invalid_filter"):
            rows.ask(("v__between", text))


@pytest.fixture
def words(engine: Engine) -> Rows:
    """Texts with every letter that SQL could take for its own."""
    rows = engine.table("words", {"fields": [{"name": "w", "type": "string"}]})
    rows.create([{"w": word} for word in ("abc", "ABC", "a%c", "a_c", "a\\c", "", "Straße", "a\nc", None)])
    return rows


@pytest.mark.parametrize(
    ("operator", "text", "expected"),
    [
        ("like", "a%", [1, 3, 4, 5, 8]),
        ("like", "a_c", [1, 3, 4, 5, 8]),
        ("like", r"a\%c", [3]),
        ("like", r"a\_c", [4]),
        ("like", r"a\\c", [5]),
        ("like", "%", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("like", "", [6]),
        ("like", "bc", []),
        ("ilike", "A_C", [1, 2, 3, 4, 5, 8]),
        ("ilike", "%STRA_E%", [7]),
        ("startswith", "a%", [3]),
        ("startswith", "", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("istartswith", "A", [1, 2, 3, 4, 5, 8]),
        ("nistartswith", "a", [6, 7]),
        ("endswith", "c", [1, 3, 4, 5, 8]),
        ("endswith", "\\c", [5]),
        ("iendswith", "C", [1, 2, 3, 4, 5, 8]),
        ("nendswith", "c", [2, 6, 7]),
        ("contains", "%", [3]),
        ("contains", "_", [4]),
        ("ncontains", "c", [2, 6, 7]),
        ("nicontains", "C", [6, 7]),
        ("iexact", "aBc", [1, 2]),
        ("niexact", "aBc", [3, 4, 5, 6, 7, 8]),
        ("nstartswith", "a", [2, 6, 7]),
    ],
)
def test_in_10_texts_are_compared_letter_for_letter(words: Rows, operator: str, text: str, expected: list[int]) -> None:
    assert ids(words.ask((f"w__{operator}", text))) == expected
    assert found(words, {f"w__{operator}": text}) == expected


@pytest.mark.parametrize("pattern", ["\\", "a\\", "%\\\\\\"])
def test_a_pattern_that_ends_in_a_backslash_is_refused(words: Rows, pattern: str) -> None:
    for operator in ("like", "ilike"):
        with refused(Invalid, "invalid_filter"):
            words.ask((f"w__{operator}", pattern))


@pytest.mark.parametrize(
    "value", [{"$ne": None}, {"$where": "1"}, {"$regex": "."}, [], [1], {}, None, {"a": {"$function": 1}}, [["a"]]]
)
def test_in_08_a_structure_where_a_scalar_is_due(engine: Engine, value: Any) -> None:
    fields = [{"name": "n", "type": "integer"}, {"name": "w"}, {"name": "m", "type": "object"}]
    rows = engine.table("docs", {"fields": fields})
    scalars = ("eq", "ne", "gt", "like", "icontains", "has_key")
    names = [f"{name}__{operator}" for name in ("n", "w", "m__a", "m__$ne") for operator in scalars]
    taken = [name for name in names if not (name.startswith("n__") and name[3:] in ("like", "icontains"))]
    for name in [name for name in taken if name[0] == "m" or not name.endswith("has_key")]:
        with refused(Invalid, "invalid_filter"):
            found(rows, {name: value})
    for name in ("n__isnull", "w__nnull", "m__a__null"):
        with refused(Invalid, "invalid_filter"):
            found(rows, {name: value})


def test_in_10_unknown_operators_name_the_nearest(words: Rows) -> None:
    for name, says in {
        "w__contain": "'contains'",
        "w__starts": "'startswith'",
        "w__regex": "'like'",
        "w__xyzzy": "Known:",
        "w__gt__lt": "stands last",
        'w__"gt"': "stands last",
    }.items():
        with refused(Invalid, "unknown_operator") as refusal:
            words.ask((name, "1"))
        assert says in refusal.error.detail, name


LABELS = [
    "a.b",
    "x__gt",
    "gt",
    'q"q',
    "a,b",
    "%s",
    "%(v)s",
    "{0}",
    "a b",
    "é",
    "*",
    "-a",
    "year",
    "a__b__c",
    "__x",
    "$",
]


def test_labels_of_any_text_are_filtered(engine: Engine) -> None:
    rows = engine.table("odd", {"fields": [{"name": label, "type": "integer"} for label in LABELS]})
    rows.create({label: place for place, label in enumerate(LABELS)})
    for place, label in enumerate(LABELS):
        quoted = '"' + label.replace('"', '""') + '"'
        for name in (quoted, f"{quoted}__eq", f"{quoted}__lte"):
            assert ids(rows.ask((name, str(place)))) == [1], name
            assert found(rows, {name: place}) == [1], name
        assert ids(rows.ask((f"{quoted}__gt", str(place)))) == []
