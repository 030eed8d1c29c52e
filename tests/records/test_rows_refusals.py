"""What a refusal of the database is called, and which row it is said to concern."""

import random
import string

from datar.errors import Conflict, Invalid
from tests.records.engine import Engine
from tests.records.refusals import refused


def test_a_row_that_fits_no_page_is_too_large(engine: Engine) -> None:
    rows = engine.table("wide", {"fields": [{"name": f"f{place}"} for place in range(900)]})
    letters = random.Random(1)
    row = {f"f{place}": "".join(letters.choices(string.ascii_letters, k=40)) for place in range(900)}
    with refused(Invalid, "row_too_large"):
        rows.create(row)


def test_a_unique_index_of_some_rows_names_no_row(engine: Engine) -> None:
    index = {"name": "one", "fields": "a", "unique": True, "where": {"b": 1}}
    fields = [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]
    rows = engine.table("partial", {"fields": fields, "indexes": [index]})
    rows.create([{"a": 1, "b": 1}, {"a": 2, "b": 1}])
    with refused(Conflict, "conflict_unique") as refusal:
        rows.create([{"a": 1, "b": 0}, {"a": 2, "b": 1}])
    assert refusal.error.extra == {"fields": ["a"]}
