"""CONTRACT 10 over HTTP, with the real numbers: what is at a limit is taken, what is over it is refused by its name.

Those of questions stand in ``test_trust_queries_limits.py``, those of time and locks in tests/records and tests/house.
"""

import itertools
import json
from typing import Any

import pytest

from tests.api.descriptors import new_app, new_table
from tests.cast import Answer, Api, new_tenant

MEASURES: dict[str, Any] = {
    "fields": [{"name": "n", "type": "number"}, {"name": "meta", "type": "any"}, {"name": "up_id", "type": "integer"}],
    "foreignKeys": [
        {"fields": "up_id", "reference": {"resource": "", "fields": "id"}, "x-name": "up", "x-reverse-name": "down"}
    ],
}
_numbers = itertools.count(1)


class Bounds:
    """A tenant's app and a table of numbers."""

    def __init__(self) -> None:
        self.tenant = new_tenant("bounds")
        self.app = new_app(self.api)
        self.data = new_table(self.api, self.app, "measures", MEASURES, materialize=True) + "data/"

    @property
    def api(self) -> Api:
        """The owner."""
        return self.tenant.api

    def define(self, schema: dict[str, Any]) -> Answer:
        """The answer to the definition of one more table."""
        name = f"drafted{next(_numbers)}"
        body = {"name": name, "json_schema": schema}
        return self.api.post(f"{self.app}datatables/", body, accept="application/problem+json")


@pytest.fixture(scope="module")
def bounds(django_db_setup: None) -> Bounds:
    """Made once."""
    return Bounds()


def codes(answer: Answer) -> set[str]:
    """The codes of the errors of fields."""
    assert answer.status == 400, answer
    return {error["code"] for error in answer.data["errors"]}


def text_field(**constraints: Any) -> dict[str, Any]:
    """A table of one text."""
    return {"fields": [{"name": "t", "type": "string", "constraints": constraints}]}


def test_an_enum_has_a_thousand_values(bounds: Bounds) -> None:
    assert codes(bounds.define(text_field(enum=[str(number) for number in range(1_001)]))) == {"schema_too_large"}
    assert bounds.define(text_field(enum=[str(number) for number in range(1_000)])).status == 201


def test_a_pattern_has_a_thousand_characters(bounds: Bounds) -> None:
    assert codes(bounds.define(text_field(pattern="a" * 1_001))) == {"pattern_unsupported"}
    assert bounds.define(text_field(pattern="a" * 1_000)).status == 201


def test_a_table_has_a_thousand_fields(bounds: Bounds) -> None:
    fields = [{"name": f"f{number}", "type": "boolean"} for number in range(1_001)]
    assert codes(bounds.define({"fields": fields})) == {"schema_too_large"}


def test_the_fixed_part_of_a_row_fits_a_page(bounds: Bounds) -> None:
    fields = [{"name": f"f{number}", "type": "datetime"} for number in range(999)]
    assert codes(bounds.define({"fields": [*fields, *ids(20)]})) == {"schema_too_large"}
    assert bounds.define({"fields": fields[:900]}).status == 201


def ids(count: int) -> list[dict[str, Any]]:
    """Fields of 16 bytes each."""
    return [{"name": f"u{number}", "type": "string", "format": "uuid"} for number in range(count)]


def test_a_label_has_255_characters(bounds: Bounds) -> None:
    assert codes(bounds.define({"fields": [{"name": "x" * 256, "type": "string"}]})) == {"invalid_label"}
    assert bounds.define({"fields": [{"name": "x" * 255, "type": "string"}]}).status == 201


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        ("1" * 100, True),
        ("1" * 101, False),
        ("1e99", True),
        ("1e100", True),
        ("1e101", False),
        ("1e-100", True),
        ("1e-101", False),
        ("-1e101", False),
        ("0." + "1" * 100, True),
        ("0." + "1" * 101, False),
    ],
)
def test_numbers_have_100_digits_and_a_magnitude(bounds: Bounds, number: str, taken: bool) -> None:
    made = bounds.api.post(bounds.data, f'{{"n":{number}}}'.encode())
    found = bounds.api.get(f"{bounds.data}?n={number}")
    problem = bounds.api.post(bounds.data, f'{{"n":{number}}}'.encode(), accept="application/problem+json")
    if taken:
        assert (made.status, found.status) == (201, 200), (made, found)
        assert found.data["total"] >= 1
    else:
        assert codes(problem) == {"number_out_of_range"}
        assert (found.status, found.code) == (400, "number_out_of_range")


def test_json_nests_64_levels(bounds: Bounds) -> None:
    def sent(levels: int) -> Answer:
        inside = "[" * (levels - 1) + "]" * (levels - 1)
        return bounds.api.post(bounds.data, f'{{"meta":{inside}}}'.encode())

    assert sent(64).status == 201
    over = sent(65)
    assert (over.status, over.code) == (400, "json_too_deep")


def test_a_page_has_a_thousand_rows(bounds: Bounds) -> None:
    assert bounds.api.get(f"{bounds.data}?page_size=1000").status == 200
    for words in ("page_size=1001", "limit=1001", "cursor=&page_size=1001"):
        answer = bounds.api.get(f"{bounds.data}?{words}")
        assert (answer.status, answer.code, "1000" in answer.data["detail"]) == (400, "invalid_pagination", True)


def test_a_request_writes_ten_thousand_rows(bounds: Bounds) -> None:
    api, before = bounds.api, bounds.api.get(bounds.data).data["total"]
    over = [{"id": number} for number in range(10_001)]
    for answer in (
        api.post(bounds.data, over),
        api.post(f"{bounds.data}?on_error=skip", over),
        api.post(f"{bounds.data}upsert/", over),
        api.patch(bounds.data, over),
    ):
        assert (answer.status, answer.code) == (413, "too_many_items"), answer
        assert "10000" in answer.content.decode().replace(",", ""), "it says how many there may be"
    gone = api.delete(f"{bounds.data}?ids={','.join(str(number) for number in range(10_001))}")
    assert (gone.status, gone.code) == (413, "too_many_items")
    assert api.get(bounds.data).data["total"] == before


def test_populated_rows_are_bounded(bounds: Bounds) -> None:
    def code(words: str) -> tuple[int, str]:
        answer = bounds.api.get(f"{bounds.data}?{words}")
        return answer.status, answer.code

    assert code("populate=down&populate_limit=100&page_size=1000") == (200, "")
    assert code("populate=down&populate_limit=101") == (400, "invalid_pagination")
    assert code("populate=down.down") == (200, "")
    assert code("populate=down.down&page_size=25") == (400, "query_too_complex")
    assert code("populate=down.down&page_size=1000&populate_limit=10") == (200, "")
    assert code("populate=down.down.down") == (400, "query_too_complex")
    assert code("populate=up.down.up") == (200, "")
    one = bounds.api.post(f"{bounds.data}query/", {"populate": ["down.down"], "page_size": 25})
    assert (one.status, one.code) == (400, "query_too_complex")


def test_a_body_has_ten_million_bytes(bounds: Bounds) -> None:
    wide = json.dumps({"filters": {"meta": "x" * 10_000_000}}).encode()
    answer = bounds.api.post(f"{bounds.data}query/", wide)
    assert (answer.status, answer.code) == (413, "payload_too_large")
