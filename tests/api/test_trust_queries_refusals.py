"""TRUST's rows about questions over HTTP: hidden paths, pages that cannot be, typos that must not widen anything."""

from typing import Any

import psycopg
import pytest

from tests.api.queried import Stage, url
from tests.api.test_trust_queries import dumped, refused


@pytest.fixture(scope="module")
def stage(django_db_setup: None) -> Stage:
    """Made once; its rows stay as they are."""
    return Stage("refusing")


HIDDEN = [
    *("created_by", "created_by__password__startswith", "t1.password", "t0.id", "pk", "pk__in", "schema_hash", "id.x"),
    *("_connector", "_negated", "physical_table_name", "tenant", "_created", "_updated", "_created_at", "_version"),
    *(
        "_version__gt",
        "_updated_at__lt",
        "xmin",
        "ctid",
        "tableoid",
        "c1",
        "c2",
        "t.c1",
        "maker.created_by",
        "maker.pk",
    ),
    *("maker.pk", "maker._version", "maker.xmin", "parts._created_at", "user.password", "datar_user.password"),
    *("public.datar_user.password", "pg_catalog.pg_user.usename", "owner.email", "auth_user.id", "client.api_key"),
    *('"_version"', '"created_by"', '"xmin"', 'maker."_version"', "makers.name", "things.name", "maker_id.name"),
]
"""Paths that a model or a server has and a table's description does not."""


@pytest.mark.parametrize("path", HIDDEN)
def test_az_03_hidden_paths_are_unknown_and_no_oracle(stage: Stage, path: str) -> None:
    """Each guess is refused in the same words, whether it is right or wrong, and before any row is read."""
    name = path.partition("__")[0]
    for value in ("1", "pbkdf2", "", "%"):
        for answer in (
            stage.ask((path, value)),
            stage.ask((path, value), ("_count", "estimated"), ("name", "nobody")),
            stage.api.post(f"{stage.things}query/", {"filters": {path: value}}),
            stage.api.post(f"{stage.things}query/", {"filters": {"or": [{"name": "lamp"}, {path: value}]}}),
            stage.api.delete(url(stage.things, [("filter", dumped({path: value}))])),
        ):
            assert refused(answer, "unknown_field"), (path, answer)
    assert refused(stage.ask(("fields", path)), "unknown_field")
    assert refused(stage.ask(("populate", path)), "unknown_field")
    assert refused(stage.api.get(f"{stage.things}1/?fields={path.replace('#', '')}"), "unknown_field")
    assert refused(stage.ask(("ordering", name)), "invalid_ordering")
    assert refused(stage.ask(("_aggregate", f"min({name})")), "invalid_aggregate")
    assert refused(stage.ask(("_group_by", name)), "invalid_aggregate")
    having = (("_aggregate", "count(*)"), ("_having", f"{path.replace(chr(34), '')}>0"))
    assert refused(stage.ask(*having), "invalid_aggregate")
    assert stage.ask().data["total"] == 4


@pytest.mark.parametrize("path", ["created_by__password__startswith", "t1.password", "_connector", "schema_hash"])
def test_az_03_a_right_guess_reads_like_a_wrong_one(stage: Stage, path: str) -> None:
    right, wrong = (stage.api.get(url(stage.things, [(path, value)]), x_request_id="same") for value in ("p", "zzz"))
    assert (right.status, right.content) == (wrong.status, wrong.content)


@pytest.mark.parametrize(
    "pairs",
    [
        *(
            (("page_size", text),)
            for text in ("0", "-1", "1000000000", "abc", "1.5", "1e3", "", "1001", "٣", " 1", "+1")
        ),
        *((("page", text),) for text in ("0", "-1", "abc", "1.5", "", "9" * 30, "1;2", "null")),
        *((("offset", text),) for text in ("-1", "1" + "0" * 18, "abc", "1.5", "", "0x1")),
        *((("limit", text),) for text in ("0", "-1", "1000000000", "abc", "1.5", "all", "")),
        (("page", "1"), ("limit", "1")),
        (("page", "1"), ("offset", "0")),
        (("page", "1"), ("cursor", "")),
        (("page_size", "5"), ("offset", "5")),
        (("cursor", ""), ("limit", "1")),
        (("cursor", ""), ("offset", "1")),
        (("populate", "parts"), ("populate_limit", "0")),
        (("populate", "parts"), ("populate_limit", "101")),
    ],
)
def test_re_04_pages_that_cannot_be(stage: Stage, pairs: tuple[tuple[str, str], ...]) -> None:
    assert refused(stage.ask(*pairs), "invalid_pagination")
    assert refused(stage.api.post(f"{stage.things}query/", dict(pairs)), "invalid_pagination")


@pytest.mark.parametrize("value", [0, -1, 10**9, 10**400])
def test_re_04_numbers_of_pages_in_a_body(stage: Stage, value: int) -> None:
    answer = stage.api.post(f"{stage.things}query/", {"page_size": value})
    assert answer.status == 400 and answer.code in ("invalid_pagination", "number_out_of_range"), answer
    assert refused(stage.api.post(f"{stage.things}query/", {"page_size": 1.5}), "invalid_parameter")
    assert refused(stage.api.post(f"{stage.things}query/", {"page_size": True}), "invalid_parameter")
    assert refused(stage.api.post(f"{stage.things}query/", {"page_size": None}), "invalid_parameter")


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([("page", "1"), ("page", "2")], "invalid_parameter"),
        ([("ordering", "name"), ("ordering", "name")], "invalid_parameter"),
        ([("a[]", "1")], "unknown_field"),
        ([("name[]", "1")], "unknown_field"),
        ([("name[in]", "1")], "unknown_field"),
        ([("filter[name]", "1")], "unknown_field"),
        ([("nmae", "1")], "unknown_field"),
        ([("Name", "1")], "unknown_field"),
        ([("", "1")], "unknown_field"),
        ([("pagesize", "1")], "unknown_field"),
        ([("_agregate", "count(*)")], "unknown_field"),
        ([("name__foo", "1")], "unknown_operator"),
        ([("name__", "1")], "unknown_operator"),
        ([("name__EQ", "1")], "unknown_operator"),
        ([("name__not__eq", "1")], "unknown_operator"),
        ([("stock__contains", "1")], "operator_not_supported"),
        ([("price__like", "1%")], "operator_not_supported"),
        ([("meta__gt", "1")], "operator_not_supported"),
        ([("name__has_key", "a")], "operator_not_supported"),
        ([("name__year", "2024")], "operator_not_supported"),
        ([("day__hour", "1")], "operator_not_supported"),
        ([("unique_fields", "id")], "unknown_parameter"),
        ([("on_error", "skip")], "unknown_parameter"),
        ([("dry_run", "true")], "unknown_parameter"),
        ([("filter", "{}")], "unknown_parameter"),
        ([("ids", "1")], "unknown_parameter"),
        ([("format", "tree")], "not_supported_yet"),
        ([("include", "x")], "not_supported_yet"),
        ([("depth", "2")], "not_supported_yet"),
        ([("relationship_type", "x")], "not_supported_yet"),
    ],
)
def test_bi_05_no_word_is_ignored(stage: Stage, pairs: list[tuple[str, str]], code: str) -> None:
    answer = stage.ask(*pairs)
    assert refused(answer, code), answer
    name = pairs[0][0].partition("__")[0]
    assert name in answer.data["detail"], "the word is named"


@pytest.mark.parametrize(
    ("query", "code"),
    [("name=%zz", ""), ("name=%ff", "invalid_parameter"), ("name=a+b", ""), ("%zz=1", "unknown_field"), ("&&", "")],
)
def test_bi_05_texts_of_a_url(stage: Stage, query: str, code: str) -> None:
    answer = stage.api.get(f"{stage.things}?{query}")
    assert (answer.status, answer.code) == ((400, code) if code else (200, ""))
    if not code and "name" in query:
        assert answer.data["data"] == [], "it is a literal text that nothing is equal to"


def test_bi_05_a_page_and_a_value_of_a_wrong_type(stage: Stage) -> None:
    for name, value, code in (
        ("stock", "x", "invalid_type"),
        ("price", "1e999", "number_out_of_range"),
        ("price", "9" * 5_000, "number_out_of_range"),
        ("price__in", f"1,{'9' * 201}.5", "number_out_of_range"),
        ("price__lt", "1e99999", "number_out_of_range"),
        ("price", "1e", "invalid_type"),
        ("stock", "9" * 5_000, "number_out_of_range"),
        ("stock", "-9223372036854775809", "number_out_of_range"),
        ("at__year", "9" * 30, "number_out_of_range"),
        ("stock", "1.0", "invalid_type"),
        ("stock", "٣", "invalid_type"),
        ("day", "2024-02-30", "invalid_date"),
        ("at", "yesterday", "invalid_datetime"),
        ("sold", "yes", "invalid_type"),
        ("name__isnull", "maybe", "invalid_parameter"),
    ):
        assert refused(stage.ask((name, value)), code), name


def test_di_22_a_typo_in_a_path_never_widens_a_delete(stage: Stage, pg: "psycopg.Connection[Any]") -> None:
    before = stage.stored(pg)
    for tree, code in (
        ({"maker.nmae": "Ann"}, "unknown_field"),
        ({"makr.name": "Ann"}, "unknown_field"),
        ({"parts.label__contians": "x"}, "unknown_operator"),
        ({"and": [{"name": "lamp"}, {"nope": 1}]}, "unknown_field"),
        ({"or": [{"name": "lamp"}, {}]}, "invalid_filter"),
        ({"not": {}}, "invalid_filter"),
        ({"id__in": []}, "invalid_filter"),
        ({"meta__color": {"$ne": None}}, "invalid_filter"),
        ([], "filter_required"),
        ([{"field": "name", "operator": "is", "value": 1}], "unknown_operator"),
        ([{"field": "name"}], "invalid_filter"),
        (None, "filter_required"),
        ("", "invalid_filter"),
        ("all", "invalid_filter"),
        (True, "invalid_filter"),
    ):
        assert refused(stage.api.delete(url(stage.things, [("filter", dumped(tree))])), code), tree
    wide = dumped({"name__nnull": True})
    for pairs in (
        [("filter", wide), ("populate", "maker")],
        [("filter", wide), ("search", "lamp")],
        [("filter", wide), ("page_size", "1")],
        [("filter", wide), ("filters", wide)],
        [("filter", wide), ("nmae", "lamp")],
        [("search", "lamp")],
        [("name", "lamp")],
    ):
        assert refused(stage.api.delete(url(stage.things, pairs)), "unknown_parameter"), pairs
    assert stage.stored(pg) == before
