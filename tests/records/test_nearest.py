"""The word that was meant, and what of a query is kept in memory."""

import time

import pytest

from datar.errors import Invalid, NotSupportedYet
from records import plan
from records.nearest import nearest
from records.params import flat
from tests.records.building import table_of
from tests.records.engine import Engine
from tests.records.refusals import refused

FIELDS = ({"name": "name"}, {"name": "parent_id", "type": "integer"})


def test_the_nearest_word_is_named() -> None:
    assert nearest("nme", ["name", "size"]) == " Did you mean 'name'?"
    assert nearest("nme", ["name"], quote='"') == ' Did you mean "name"?'
    assert nearest("xyz", ["name"]) == ""


def test_long_words_and_many_of_them_cost_little() -> None:
    begun = time.perf_counter()
    assert nearest("a" * 65, ["a" * 65]) == ""
    assert nearest("a" * 64, ["a" * 254] * 100_000) == ""
    nearest("ab" * 32, [f"{'ba' * 30}{number}" for number in range(1_000)])
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("params", "code", "says"),
    [
        (
            {"fields": "name,nme"},
            "unknown_field",
            "'fields' names 'nme', which is no field of this table. Did you mean",
        ),
        ({"ordering": "nme"}, "invalid_ordering", "Did you mean 'name'?"),
        ({"nme": "1"}, "unknown_field", "Did you mean 'name'?"),
        ({"name__contain": "1"}, "unknown_operator", "Did you mean 'contains'?"),
    ],
)
def test_an_unknown_name_is_said_to_be_of_its_parameter(params: dict[str, str], code: str, says: str) -> None:
    with refused(Invalid, code) as refusal:
        plan.plan_list(tuple(params.items()), table_of(*FIELDS))
    assert says in refusal.error.detail


@pytest.mark.parametrize("params", [{"fields": "parent.n"}, {"ordering": "-parent.n"}, {"ordering": "rank"}])
def test_paths_through_a_relation_are_not_built_yet(engine: Engine, params: dict[str, str]) -> None:
    engine.table("parents", {"fields": [{"name": "n"}]})
    key = {"fields": "parent_id", "reference": {"resource": "parents", "fields": "id"}}
    rows = engine.table("children", {"fields": list(FIELDS), "foreignKeys": [key]})
    with refused(NotSupportedYet):
        rows.list(**params)


def test_long_questions_are_not_kept() -> None:
    table = table_of(*FIELDS)
    plan._short_plan.cache_clear()
    flat._short_pairs.cache_clear()
    values = ",".join(map(str, range(500)))
    assert plan.plan_list((("parent_id__in", values),), table).fields
    assert flat.read_pairs(f"parent_id__in={values}") == (("parent_id__in", values),)
    assert (plan._short_plan.cache_info().currsize, flat._short_pairs.cache_info().currsize) == (0, 0)
    assert plan.plan_list((("parent_id", "1"),), table) is plan.plan_list((("parent_id", "1"),), table)
    assert flat.read_pairs("a=1") is flat.read_pairs("a=1")
