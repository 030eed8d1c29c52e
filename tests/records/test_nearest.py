"""The word that was meant, and what of a query is kept in memory."""

import time
from dataclasses import replace

import pytest

from datar.errors import Invalid
from records.conditions import EVERYTHING
from records.nearest import nearest
from records.params import flat
from records.planning import plan_list
from records.table import Table
from tests.records.building import table_of
from tests.records.engine import Engine
from tests.records.refusals import refused

FIELDS = ({"name": "name"}, {"name": "parent_id", "type": "integer"})


class NoTables:
    """A catalog without tables."""

    secret = b"only for tests"
    crossed = False

    def parent(self, app: str, name: str) -> Table | None:
        return None

    def find(self, app: str, name: str) -> Table | None:
        return None

    def children(self, table: Table) -> tuple[Table, ...]:
        return ()

    def dependents(self, table: Table) -> tuple[Table, ...]:
        return ()

    def reload(self, table: Table) -> Table:
        return table

    def forget(self) -> None:
        return None


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
        plan_list(tuple(params.items()), table_of(*FIELDS), NoTables(), EVERYTHING)
    assert says in refusal.error.detail


def test_long_questions_are_not_kept() -> None:
    table, none = table_of(*FIELDS), NoTables()
    values = ",".join(map(str, range(500)))
    long, short = (("parent_id__in", values),), (("parent_id", "1"),)
    assert plan_list(long, table, none, EVERYTHING) is not plan_list(long, table, none, EVERYTHING)
    assert plan_list(short, table, none, EVERYTHING) is plan_list(short, table, none, EVERYTHING)
    flat._short_pairs.cache_clear()
    assert flat.read_pairs(f"parent_id__in={values}") == long
    assert flat._short_pairs.cache_info().currsize == 0
    assert flat.read_pairs("a=1") is flat.read_pairs("a=1")


def test_a_kept_plan_rests_on_the_tables_it_was_made_for(engine: Engine) -> None:
    parents = engine.table("parents", {"fields": [{"name": "n"}]}).table
    key = {"fields": "parent_id", "reference": {"resource": "parents", "fields": "id"}}
    table = engine.table("children", {"fields": list(FIELDS), "foreignKeys": [key]}).table
    asked = (("ordering", "parent.n"),)
    plan = plan_list(asked, table, engine, EVERYTHING)
    assert plan_list(asked, table, engine, EVERYTHING) is plan
    engine.tables["crm", "parents"] = replace(parents)
    assert plan_list(asked, table, engine, EVERYTHING) is not plan
    reverse = (("children.name", "x"),)
    plan = plan_list(reverse, parents, engine, EVERYTHING)
    assert plan_list(reverse, parents, engine, EVERYTHING) is plan
    del engine.tables["crm", "children"]
    with refused(Invalid, "unknown_field"):
        plan_list(reverse, parents, engine, EVERYTHING)
