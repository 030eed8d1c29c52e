"""Pages, order, fields, system columns and how parameters are read."""

from typing import Any

import pytest

from datar.errors import Invalid, NotFound, NotSupportedYet
from records.params.flat import ELSEWHERE, KNOWN_LATER
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused

PEOPLE: dict[str, Any] = {
    "fields": [
        {"name": "name", "type": "string"},
        {"name": "age", "type": "integer"},
        {"name": "page", "type": "string"},
        {"name": "a__b", "type": "string"},
        {"name": "a", "type": "object"},
    ]
}


@pytest.fixture
def people(engine: Engine) -> Rows:
    """Twenty-five people; ages repeat, so that only the key parts them."""
    rows = engine.table("people", PEOPLE)
    rows.create([{"name": f"n{number:02}", "age": number % 3} for number in range(1, 26)])
    return rows


def ids(page: Any) -> list[int]:
    """The ids of a page."""
    return [row["id"] for row in page["data"]]


def test_pages_by_number(people: Rows) -> None:
    first = people.list()
    assert (first["total"], first["page"], first["page_size"], len(first["data"])) == (25, 1, 20, 20)
    assert list(first) == ["data", "total", "page", "page_size"]
    last = people.list(page="2")
    assert (ids(last), last["total"]) == ([21, 22, 23, 24, 25], 25)
    beyond = people.list(page="9")
    assert beyond == {"data": [], "total": 25, "page": 9, "page_size": 20}
    assert ids(people.list(page_size="3", page="2")) == [4, 5, 6]


def test_pages_by_offset(people: Rows) -> None:
    assert people.list(limit="2", offset="24", fields="id") == {
        "data": [{"id": 25}],
        "total": 25,
        "limit": 2,
        "offset": 24,
    }
    assert people.list(limit="2", offset="25") == {"data": [], "total": 25, "limit": 2, "offset": 25}
    assert len(people.list(offset="0")["data"]) == 20
    assert people.list(limit="25")["total"] == 25
    assert people.list(limit="5", offset="20", age__isnull="false")["total"] == 25


def test_total_of_what_is_filtered(people: Rows) -> None:
    assert people.list(age="1", page_size="2")["total"] == 9
    assert people.list(age="1", page_size="9")["total"] == 9
    assert people.list(age="1", page_size="10")["total"] == 9
    assert people.list(age="1", page_size="5", page="3") == {"data": [], "total": 9, "page": 3, "page_size": 5}
    assert people.list(name="nobody") == {"data": [], "total": 0, "page": 1, "page_size": 20}


def test_an_empty_table_has_an_empty_page(engine: Engine) -> None:
    rows = engine.table("empty", PEOPLE)
    assert rows.list() == {"data": [], "total": 0, "page": 1, "page_size": 20}
    assert rows.list(limit="1", offset="10") == {"data": [], "total": 0, "limit": 1, "offset": 10}


@pytest.mark.parametrize(
    "params",
    [
        *({"page_size": text} for text in ("0", "-1", "1001", "1000000000", "abc", "1.5", "", " 5", "٣", "1e2")),
        *({"page": text} for text in ("0", "-1", "x", "", "9" * 30)),
        *({"limit": text} for text in ("0", "-1", "1001", "")),
        *({"offset": text} for text in ("-1", "1.5", "1000000000000000000", "")),
        {"page": "1", "offset": "0"},
        {"page_size": "10", "limit": "10"},
        {"page": "2", "limit": "10"},
    ],
)
def test_re_04_pages_that_cannot_be(people: Rows, params: dict[str, str]) -> None:
    with refused(Invalid, "invalid_pagination"):
        people.list(**params)


def test_order_is_total(people: Rows) -> None:
    by_age = ids(people.list(ordering="age", page_size="25"))
    assert by_age == sorted(by_age, key=lambda number: (number % 3, number))
    down = ids(people.list(ordering="-age", page_size="25"))
    assert down == sorted(down, key=lambda number: (-(number % 3), number))
    paged = [
        number for page in range(1, 6) for number in ids(people.list(ordering="-age", page=str(page), page_size="5"))
    ]
    assert paged == down
    assert ids(people.list(ordering="-id", page_size="2")) == [25, 24]
    assert ids(people.list(ordering="age,-name", page_size="2")) == [24, 21]


@pytest.mark.parametrize(
    "ordering",
    [
        "",
        ",",
        "age,",
        "-",
        "--age",
        "nope",
        "name;drop",
        "name)",
        "--x",
        "?",
        "age,age",
        "age,-age",
        "a.b",
        "\x01",
        '"age',
        "a",
    ],
)
def test_in_06_orders_that_cannot_be(people: Rows, ordering: str) -> None:
    with refused(Invalid, "invalid_ordering"):
        people.list(ordering=ordering)


def test_too_many_of_anything(people: Rows) -> None:
    with refused(Invalid, "query_too_complex"):
        people.ask(*[("age", "1")] * 51)
    people.ask(*[("age", "1")] * 50)
    with refused(Invalid, "query_too_complex"):
        people.ask(*[("age", "1")] * 201)
    with refused(Invalid, "invalid_ordering"):
        people.list(ordering=",".join(f"f{number}" for number in range(500)))


def test_fields_are_chosen_in_their_order(people: Rows) -> None:
    assert [list(row) for row in people.list(fields="name,id", page_size="1")["data"]] == [["name", "id"]]
    assert list(people.get(1, fields="age")) == ["age"]
    assert ids(people.list(fields="id", ordering="-name", name__contains="n0", page_size="2")) == [9, 8]
    for text in ("", "nope", "name,name", "name,", "id;"):
        with pytest.raises(Invalid):
            people.list(fields=text)
        with pytest.raises(Invalid):
            people.get(1, fields=text)


def test_meta_shows_the_system_columns(people: Rows) -> None:
    row = people.get(1, _meta="true")
    assert list(row) == ["id", "name", "age", "page", "a__b", "a", "_created_at", "_updated_at", "_version"]
    assert row["_created_at"] == row["_updated_at"]
    assert row["_created_at"].endswith("Z")
    assert isinstance(row["_version"], int)
    assert people.list(_meta="true", page_size="1")["data"] == [row]
    assert list(people.list(_meta="true", fields="id", page_size="1")["data"][0]) == [
        "id",
        "_created_at",
        "_updated_at",
        "_version",
    ]
    assert people.list(_meta="false", page_size="1")["data"][0] == people.get(1)
    with refused(Invalid, "invalid_parameter"):
        people.list(_meta="yes")


def test_versions_never_repeat(people: Rows) -> None:
    seen = [row["_version"] for row in people.list(_meta="true", page_size="25")["data"]]
    assert len(set(seen)) == 25
    before = people.get(3, _meta="true")
    people.update(3, {"name": "x"})
    after = people.get(3, _meta="true")
    assert after["_version"] > max(seen)
    assert after["_created_at"] == before["_created_at"]
    assert after["_updated_at"] > before["_updated_at"]


def test_every_parameter_counts(people: Rows) -> None:
    assert ids(people.ask(("age__gte", "1"), ("age__lt", "2"), ("name__ne", "n01"), ("page_size", "2"))) == [4, 7]
    assert people.ask(("age", "1"), ("age", "2"))["total"] == 0
    for word in ("page", "ordering", "fields", "_meta", "limit"):
        with refused(Invalid, "invalid_parameter"):
            people.ask((word, "1"), (word, "1"))


def test_labels_longest_first_then_operator(people: Rows) -> None:
    people.update(1, {"page": "p", "a__b": "x"})
    for name in ("page__eq", '"page"', '"page"__eq', "a__b", "a__b__eq", '"a__b"', '"a__b"__eq'):
        assert ids(people.ask((name, "p" if "page" in name else "x"))) == [1], name
    assert ids(people.list(ordering="page", fields="id", page_size="1")) == [1]
    assert people.get(1, fields='"page","a__b"') == {"page": "p", "a__b": "x"}


@pytest.mark.parametrize(
    "name", ["nope", "Name", "name ", "nope__eq", "__eq", "_x", "", '"', '"name', '"nope"', '"name"x', "id__", "a[]"]
)
def test_unknown_words_are_named(people: Rows, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        people.ask((name, "1"))
    assert caught.value.code in ("unknown_field", "unknown_operator")
    assert type(caught.value) is Invalid


@pytest.mark.parametrize("operator", ["foo", "regex", "EQ", "exact", "gt__lt", "pk"])
def test_unknown_operators_are_named(people: Rows, operator: str) -> None:
    with refused(Invalid, "unknown_operator") as refusal:
        people.ask((f"name__{operator}", "1"))
    assert operator in refusal.error.detail


@pytest.mark.parametrize("word", sorted(KNOWN_LATER))
def test_words_of_later_are_not_supported_yet(people: Rows, word: str) -> None:
    with refused(NotSupportedYet, "not_supported_yet") as refusal:
        people.ask((word, "1"))
    assert word in refusal.error.detail
    with refused(NotSupportedYet):
        people.get(1, **{word: "1"})


@pytest.mark.parametrize("word", sorted(ELSEWHERE))
def test_words_of_other_endpoints_are_unknown_to_a_list(people: Rows, word: str) -> None:
    with refused(Invalid, "unknown_parameter") as refusal:
        people.ask((word, "1"))
    assert word in refusal.error.detail


def test_a_word_misspelt_names_the_nearest(people: Rows) -> None:
    with refused(Invalid, "unknown_field") as refusal:
        people.ask(("_agregate", "1"))
    assert "Did you mean '_aggregate'?" in refusal.error.detail


def test_a_single_row_takes_few_parameters(people: Rows) -> None:
    for word in ("name", "page", "ordering", "nope"):
        with refused(Invalid, "unknown_parameter"):
            people.get(1, **{word: "1"})


@pytest.mark.parametrize(
    "record_id",
    [
        "abc",
        "-1",
        str(2**63),
        "1e3",
        "NaN",
        "\x00",
        "٣",
        "1'",
        "",
        "x" * 5000,
        "01",
        "1.0",
        "+1",
        "26",
        "1,2",
        "~e",
        " 1",
    ],
)
def test_bi_04_ids_that_are_nobodys(people: Rows, record_id: str) -> None:
    with refused(NotFound, "not_found"):
        people.get(record_id)
    with refused(NotFound, "not_found"):
        people.update(record_id, {"name": "x"})
    with refused(NotFound, "not_found"):
        people.delete(record_id)
    assert people.list()["total"] == 25


def test_a_path_through_a_relation_a_typo_is_a_typo(engine: Engine) -> None:
    customers = engine.table(
        "customers", {"fields": [{"name": "id", "type": "integer"}, {"name": "country", "type": "string"}]}
    )
    key = {"fields": "customer_id", "reference": {"resource": "customers", "fields": "id"}}
    fields = [{"name": "id", "type": "integer"}, {"name": "customer_id", "type": "integer"}]
    orders = engine.table("orders", {"fields": fields, "primaryKey": "id", "foreignKeys": [key]})
    customers.create([{"country": "FR"}, {"country": "DE"}])
    orders.create([{"customer_id": 2}, {"customer_id": 1}])
    assert ids(orders.ask(("customer.country", "FR"))) == [2]
    with refused(Invalid, "unknown_field"):
        orders.ask(("costumer.country", "FR"))
