"""Words, operators and spellings of other APIs, and what is said about them."""

import pytest

from datar.errors import Invalid, NotSupportedYet
from records.conditions import EVERYTHING
from records.operators import OPERATORS, PARTS
from records.params.body import parse_query_body
from records.params.flat import RESERVED
from records.planning import plan_list
from records.synonyms import _OPERATORS, _OURS, meant_comparison, meant_operator, meant_word
from tests.records.building import table_of
from tests.records.engine import Engine
from tests.records.refusals import refused
from tests.records.test_nearest import NoTables

FIELDS = ({"name": "dest"}, {"name": "delay", "type": "integer"}, {"name": "at", "type": "datetime"})


def said(name: str, value: str = "x") -> str:
    with refused(Invalid) as refusal:
        plan_list(((name, value),), table_of(*FIELDS), NoTables(), EVERYTHING)
    return refusal.error.detail.partition("Did you mean ")[2].rstrip("?")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sort", "'ordering'"),
        ("order_by", "'ordering'"),
        ("sort[0]", "'ordering'"),
        ("distinct", "'_group_by'"),
        ("per_page", "'page_size'"),
        ("page[size]", "'page_size'"),
        ("q", "'search'"),
        ("Select", "'fields'"),
        ("expand", "'populate'"),
        ("$top", "'limit'"),
        ("delay>60", "'delay__gt=60'"),
        ("delay<=", "'delay__lte'"),
        ("dest!LAX", "'dest__ne=LAX'"),
        ("delay<", "'delay__lte'"),
        ("delay>", "'delay__gte'"),
        ("dest!", "'dest__ne'"),
        ("dest<>LAX", "'dest__ne=LAX'"),
        ("filters[delay][$gte]", "'delay__gte'"),
        ("filters[dest][$notIn]", "'dest__nin'"),
        ("filters[dest]", "'dest__eq'"),
        ("dest__regex", "'like'"),
        ("dest__exact", "'eq'"),
        ("dest__startsWith", "'startswith'"),
        ("dest__$eq", "'eq'"),
        ("at__weekday", "'week_day'"),
        ("dely", "'delay'"),
    ],
)
def test_the_word_that_was_meant_is_named(name: str, meant: str) -> None:
    assert said(name) == meant


def test_a_field_of_such_a_name_is_that_field() -> None:
    table = table_of({"name": "sort"}, {"name": "delay>60"})
    for name in ("sort", "delay>60"):
        plan_list(((name, "x"),), table, NoTables(), EVERYTHING)


def test_words_of_a_body_and_words_for_later() -> None:
    with refused(Invalid, "unknown_parameter") as refusal:
        parse_query_body(b'{"where": {}}')
    assert "'filters'" in refusal.error.detail
    with refused(NotSupportedYet) as later:
        plan_list((("include", "x"),), table_of(*FIELDS), NoTables(), EVERYTHING)
    assert "'populate'" in later.error.detail


def test_a_relation_alone_is_said_to_have_fields(engine: Engine) -> None:
    engine.table("lines", {"fields": [{"name": "code"}, {"name": "name"}], "primaryKey": "code"})
    key = {"fields": "carrier", "reference": {"resource": "lines", "fields": "code"}, "x-name": "line"}
    table = engine.table("trips", {"fields": [{"name": "carrier"}], "foreignKeys": [key]}).table
    with refused(Invalid, "unknown_field") as refusal:
        plan_list((("line", "UA"),), table, engine, EVERYTHING)
    assert refusal.error.detail.endswith(
        "'line' is a relation; write one of its fields, as in line.name, or the field 'carrier'."
    )


def test_an_array_for_one_value_is_said_to_be_a_list() -> None:
    for name, meant in (
        ("dest", "dest__in"),
        ("dest__eq", "dest__in"),
        ("dest__ne", "dest__nin"),
        ("delay", "delay__in"),
    ):
        with refused(Invalid) as refusal:
            plan_list((("filters", f'{{"{name}": ["1", "2"]}}'),), table_of(*FIELDS), NoTables(), EVERYTHING)
        assert refusal.error.detail.endswith(f"An array goes with '{meant}'.")


def test_what_is_meant_is_there_and_no_word_of_ours() -> None:
    assert set(_OURS) <= RESERVED
    assert set(_OPERATORS) <= OPERATORS.keys() | PARTS.keys()
    words = [word for texts in _OPERATORS.values() for word in texts.split()]
    assert len(words) == len(set(words))
    assert not set(words) & (OPERATORS.keys() | PARTS.keys())
    words = [word for texts in _OURS.values() for word in texts.split()]
    assert len(words) == len(set(words))


def test_nothing_is_said_of_what_is_no_word() -> None:
    assert meant_word("zzz") == meant_comparison("zzz") == meant_operator("zzz", OPERATORS) == ""
    assert meant_comparison("a" * 100_000 + ">") == ""
