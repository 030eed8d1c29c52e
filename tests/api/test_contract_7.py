"""CONTRACT 7 over HTTP, a test for each of its sentences; what each operator and type does is held in tests/records."""

import json

import pytest

from tests.api.descriptors import new_app, new_table
from tests.api.library import ROWS, Library
from tests.api.queried import url


@pytest.fixture(scope="module")
def lib(django_db_setup: None) -> Library:
    """Made once."""
    return Library()


def test_all_parameters_repeated_ones_too_are_anded(lib: Library) -> None:
    assert lib.ids("people", ("name", "bob")) == lib.ids("people", ("name__eq", "bob")) == [2]
    assert lib.ids("people", ("id__gt", "1"), ("id__gt", "2"), ("id__lt", "4")) == [3]
    assert lib.ids("people", ("name", "bob"), ("name", "Ann")) == []


def test_resolution_is_longest_label_then_path_then_operator(lib: Library) -> None:
    assert lib.ids("odd", ("a__gt", "1")) == [2], "the label a__gt is 1"
    assert lib.ids("odd", ('"a"__gt', "1")) == lib.ids("odd", ("a__gt__lt", "5")) == [2]
    assert lib.ids("odd", ("a__gte", "2")) == [2]
    assert lib.ids("odd", ("a.b", "6")) == [2], "a label, no path"


def test_a_label_in_quotes_is_literal_anywhere(lib: Library) -> None:
    assert lib.ids("odd", ("ordering", '-"a,b"')) == [1, 2]
    assert lib.ask("odd", ("_aggregate", 'sum("Unit Price")'))["data"] == [{"sum_Unit Price": 15}]
    assert lib.ids("odd", ('"o.o"."a.b"', "5")) == lib.ids("odd", ('"o.o".a', "1")) == [2]
    assert lib.ask("odd", ("fields", '"a,b"'), ("page_size", "1"))["data"] == [{"a,b": 2}]
    assert list(lib.ask("odd", ("_group_by", '"a,b"'))["data"][0]) == ["a,b"]
    assert lib.ask("odd", ("populate", '"o.o"'), ("id", "2"))["data"][0]["o.o"]["id"] == 1


def test_a_reserved_word_is_a_label_with_an_operator_or_in_quotes(lib: Library) -> None:
    assert lib.ids("odd", ("page__eq", "2")) == lib.ids("odd", ('"page"', "2")) == [2]
    assert lib.ask("odd", ("page", "2"))["data"] == [], "alone it is the word"


def test_every_word_that_begins_with_an_underscore_is_reserved(lib: Library) -> None:
    assert lib.ids("odd", ("_own__eq", "2")) == lib.ids("odd", ('"_own"', "2")) == [2]
    assert lib.code("odd", ("_own", "2")) == "unknown_field"
    assert lib.code("odd", ("_nobody__eq", "2")) == "unknown_field"


def test_lists_are_comma_separated_or_a_json_array(lib: Library) -> None:
    assert lib.ids("people", ("name__in", "Ann,bob")) == lib.ids("people", ("name__in", '["Ann","bob"]')) == [1, 2]
    assert lib.ids("people", ("id__between", "2,3")) == lib.ids("people", ("id__range", "[2,3]")) == [2, 3]
    assert lib.code("people", ("name__in", "")) == lib.code("people", ("name__in", "[]")) == "invalid_filter"


def test_a_date_is_its_midnight_and_a_space_in_an_offset_a_plus(lib: Library) -> None:
    assert lib.ids("people", ("seen", "2024-01-01")) == lib.ids("people", ("seen", "2024-01-01T02:00:00 02:00")) == [2]
    assert lib.ids("people", ("seen__gt", "2024-01-01")) == [3]
    bare = lib.api.get(f"{lib.data('people')}?seen=2024-01-01T02:00:00+02:00")
    assert bare.data["total"] == 1


def test_keys_parts_and_operators_follow_a_path(lib: Library) -> None:
    assert lib.ids("people", ("meta__color", "red")) == lib.ids("people", ("meta__color__startswith", "r")) == [1]
    assert lib.ids("people", ("meta__size__gt", "3")) == [2]
    assert lib.ids("people", ('meta__"gt"', "3")) == [1], "a key equal to an operator is quoted"
    assert lib.ids("people", ("seen__month__gte", "2")) == lib.ids("people", ("seen__hour", "23")) == [3]
    assert lib.ids("people", ("born__day", "29")) == lib.ids("people", ("born__week_day__in", "6,7")) == [1]
    assert lib.ids("books", ("author.seen__year", "2024")) == [3]
    assert lib.ids("books", ("author.meta__color__ne", "blue")) == [1, 2]


def test_filters_is_a_tree_in_both_spellings(lib: Library) -> None:
    tree = {"or": [{"name": "Ann"}, {"and": [{"id__gt": 2}, {"not": {"name__isnull": True}}]}]}
    triples = [{"field": "id", "operator": "gte", "value": 2}, {"field": "country", "value": "DE"}]
    for asked, expected in ((tree, [1, 3]), (triples, [2, 4]), ({"or": [triples, {"id": 1}]}, [1, 2, 4])):
        assert lib.ids("people", ("filters", json.dumps(asked))) == expected
        body = lib.api.post(f"{lib.data('people')}query/", {"filters": asked})
        assert [row["id"] for row in body.data["data"]] == expected
    assert lib.code("people", ("filter", json.dumps(tree))) == "unknown_parameter", "that one removes"


def test_nulls_are_three_valued_absent_keys_too(lib: Library) -> None:
    assert lib.ids("people", ("name__ne", "Ann")) == lib.ids("people", ("name__nin", "Ann")) == [2, 3]
    assert lib.ids("people", ("filters", '{"not":{"name":"Ann"}}')) == [2, 3]
    assert lib.ids("people", ("filters", '{"not":{"meta__color":"red"}}')) == []
    assert lib.ids("people", ("name__isnull", "true")) == lib.ids("people", ("name__null", "true")) == [4]
    assert lib.ids("people", ("meta__color__isnull", "true")) == [2, 3, 4]
    assert lib.ids("people", ("name__nnull", "true")) == [1, 2, 3]


def test_letters_fold_and_order_by_code_point_with_nulls_as_in_postgresql(lib: Library) -> None:
    assert lib.ids("people", ("name__icontains", "čA")) == lib.ids("people", ("name__iexact", "ČAPEK")) == [3]
    assert lib.ids("people", ("ordering", "name")) == [1, 2, 3, 4]
    assert lib.ids("people", ("ordering", "-name")) == [4, 3, 2, 1]


def test_relations_go_forward_and_back_in_filters_order_and_groups(lib: Library) -> None:
    assert lib.ids("books", ("author.name__contains", "n")) == [1, 2]
    assert lib.ids("books", ("author.country.code", "FR")) == lib.ids("books", ("author.country.name", "France"))
    assert lib.ids("people", ("books.author_id.status", "open")) == [1]
    assert lib.ids("people", ("staff.staff.id", "4")) == [1]
    assert lib.ids("books", ("ordering", "-author.name,title")) == [4, 3, 2, 1]
    assert lib.code("people", ("ordering", "staff.name")) == "invalid_ordering"
    groups = lib.ask("books", ("_group_by", "author.country.name"), ("_aggregate", "count(*)"))["data"]
    assert [(row["author.country.name"], row["count"]) for row in groups] == [("France", 2), ("Germany", 1), (None, 1)]
    assert lib.code("books", ("author.boss.boss.boss.name", "x")) == "query_too_complex"


def test_how_relations_are_called(lib: Library) -> None:
    assert lib.ids("books", ("corrector.name", "bob")) == [1], "x-name"
    assert lib.code("books", ("editor.name", "bob")) == "unknown_field"
    assert lib.ids("books", ("author.name", "bob")) == [3], "the field without _id"
    assert lib.ids("people", ("country.name", "France")) == [1], "the field itself"
    assert lib.ids("people", ("staff.name", "bob")) == [1], "x-reverse-name"
    assert lib.ask("countries", ("people.name", "Ann"))["data"] == [{"code": "FR", "name": "France"}], "the table"
    assert lib.code("people", ("books.title", "x")) == "unknown_field", "twice: only table.field works"
    assert lib.ids("people", ("books.editor_id.title", "Open seas")) == [1]


def test_a_table_that_is_not_there_now_has_no_relations_and_the_error_says_so(lib: Library) -> None:
    api, app = lib.api, new_app(lib.api)
    key = {"fields": "to_id", "reference": {"resource": "goals", "fields": "id"}, "x-enforced": False}
    fields = [{"name": "to_id", "type": "integer"}]
    goals = new_table(api, app, "goals", {"fields": [{"name": "x", "type": "string"}]})
    data = new_table(api, app, "shots", {"fields": fields, "foreignKeys": [key]}, materialize=True) + "data/"
    for pairs in ((("to.x", "1"),), (("populate", "to"),)):
        answer = api.get(url(data, pairs))
        assert (answer.status, answer.code, "not materialized" in answer.data["detail"]) == (400, "unknown_field", True)
    assert api.get(data).status == 200
    assert api.post(f"{goals}materialize/").status == 200
    assert api.get(url(data, [("to.x", "1")])).status == 200
    assert api.delete(goals).status in (204, 409)


def test_the_primary_key_is_the_last_term_of_an_order(lib: Library) -> None:
    assert lib.ids("people", ("ordering", "country")) == [2, 4, 1, 3]
    assert lib.ids("people", ("ordering", "-country")) == [3, 1, 2, 4], "ascending whatever the others are"


def test_pages(lib: Library) -> None:
    assert {**lib.ask("people", ("page", "2"), ("page_size", "3")), "data": 1} == {
        "data": 1,
        "total": 4,
        "page": 2,
        "page_size": 3,
    }
    by_place = lib.ask("people", ("limit", "1"), ("offset", "3"))
    assert list(by_place) == ["data", "total", "limit", "offset"] and len(by_place["data"]) == 1
    beyond = lib.ask("people", ("page", "9"), ("page_size", "3"))
    assert (beyond["data"], beyond["total"], beyond["page"]) == ([], 4, 9)
    assert lib.code("people", ("page", "1"), ("offset", "1")) == "invalid_pagination"
    assert lib.code("people", ("page", "1"), ("cursor", "")) == "invalid_pagination"
    first = lib.ask("people", ("cursor", ""), ("page_size", "3"))
    assert list(first) == ["data", "next_cursor", "page_size"]
    rest = lib.ask("people", ("cursor", first["next_cursor"]), ("page_size", "3"))
    assert ([row["id"] for row in rest["data"]], rest["next_cursor"]) == ([4], None)
    assert len(lib.ask("people")["data"]) == 4 and lib.ask("people")["page_size"] == 20


def test_count_fields_search_and_rank(lib: Library) -> None:
    assert lib.ask("people", ("_count", "none"))["total"] is None
    assert lib.ask("people", ("_count", "estimated"))["total"] == lib.ask("people", ("_count", "exact"))["total"] == 4
    assert lib.ask("people", ("fields", "pay,name"), ("id", "1"))["data"] == [{"pay": 0.1, "name": "Ann"}]
    assert lib.ids("books", ("search", "SHIPS red")) == [1]
    assert lib.ids("books", ("search", '"red ships" OR seas')) == [1, 3]
    assert lib.ids("books", ("search", "ships -blue")) == [1]
    assert lib.ids("books", ("search", "red"), ("ordering", "-rank")) == [1, 3], "the title weighs more"
    assert lib.ids("people", ("search", "ann")) == [1], "all text fields"


def test_populate(lib: Library) -> None:
    book = lib.ask("books", ("populate", "author.country,corrector"), ("id", "1"))["data"][0]
    assert (book["author_id"], book["author"]["country"], book["corrector"]["name"]) == (1, ROWS["countries"][1], "bob")
    ann = lib.ask("people", ("populate", "*,staff,books.author_id"), ("id", "1"))["data"][0]
    assert (ann["country"], ann["boss"]) == (ROWS["countries"][1], None), "equal names: the object stands in its place"
    assert [each["id"] for each in ann["staff"]] == [2, 3] and len(ann["books.author_id"]) == 2
    few = lib.ask("people", ("populate", "staff"), ("populate_limit", "1"), ("id", "1"))["data"][0]
    assert [each["id"] for each in few["staff"]] == [2]
    assert lib.code("people", ("populate", "boss.boss.boss.boss")) == "query_too_complex"
    one = lib.api.get(f"{lib.data('books')}1/?populate=author")
    assert (one.data["data"]["author"]["name"], "ETag" in one.headers) == ("Ann", False)


def test_aggregates(lib: Library) -> None:
    functions = "count(*),count(name),sum(pay),min(name),max(id),array_agg(id),string_agg(name),json_agg(country)"
    whole = lib.answer("people", ("_aggregate", functions))
    row = whole.data["data"][0]
    assert whole.data == {"data": [row], "aggregates": row, "total": 1}
    assert b'"sum_pay":100000000000000000000.3' in whole.content, "sums are exact"
    assert (row["count"], row["count_name"], row["max_id"], row["array_agg_id"]) == (4, 3, 4, [1, 2, 3, 4])
    assert (row["string_agg_name"], row["json_agg_country"]) == ("Ann,bob,Čapek", ["FR", "DE", None, "DE"])
    rounded = lib.answer("people", ("_aggregate", "avg(id) as a,stddev(id) as s,variance(id) as v,avg(pay) as p"))
    assert b'"s":1.29099444873581,"v":1.66666666666667' in rounded.content
    assert json.loads(rounded.content)["data"][0]["a"] == 2.5


def test_groups_are_named_ordered_paged_and_counted(lib: Library) -> None:
    words = (("_group_by", "country"), ("_aggregate", "count(*) as n,count(distinct name)"))
    groups = lib.ask("people", *words, ("ordering", "-n"), ("page_size", "2"))
    assert groups == {
        "data": [
            {"country": "DE", "n": 2, "count_distinct_name": 1},
            {"country": "FR", "n": 1, "count_distinct_name": 1},
        ],
        "total": 3,
        "page": 1,
        "page_size": 2,
    }
    assert lib.ask("people", *words, ("limit", "1"), ("offset", "2"))["data"][0]["country"] is None
    assert [row["n"] for row in lib.ask("people", *words, ("_having", "n>1"))["data"]] == [2]
    assert lib.ask("people", *words, ("_having", "n__between=[1,1]"))["total"] == 2
    assert lib.ask("people", ("_group_by", "year(seen) as y,date_trunc('month',seen,Europe/Paris) as m"))["total"] == 3
    paris = lib.ask("people", ("_group_by", "date_trunc('day',seen,Europe/Paris) as d"), ("id", "3"))["data"]
    assert paris == [{"d": "2024-03-05T23:00:00Z"}]


def test_lists_and_aggregates_are_text_where_that_is_wanted(lib: Library) -> None:
    lines = lib.api.get(url(lib.data("countries"), [("ordering", "name")]), accept="text/csv")
    assert lines.content.decode() == "code,name\r\nFR,France\r\nDE,Germany\r\n"
    groups = lib.api.get(url(lib.data("people"), [("_group_by", "country")]), accept="application/x-ndjson")
    assert [json.loads(line) for line in groups.content.splitlines()] == [
        {"country": "DE"},
        {"country": "FR"},
        {"country": None},
    ]
