"""TRUST's rows about questions over HTTP: labels, orders, aggregates, structures and keys are literal or refused."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api.descriptors import new_table
from tests.api.queried import Stage, url
from tests.cast import Answer
from tests.stores import PROVIDERS, mongodb_known


@pytest.fixture(scope="module")
def stage(django_db_setup: None) -> Stage:
    """Made once; its rows stay as they are."""
    return Stage("trusted")


@pytest.fixture(scope="module", params=PROVIDERS)
def kept(django_db_setup: None, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The same, of each provider."""
    with mongodb_known():
        yield Stage("kept", request.param)


def refused(answer: Answer, code: str) -> bool:
    """Whether it is a 400 of this code, with a request id and something to read."""
    return (answer.status, answer.code, answer.data["code"]) == (400, code, code) and bool(answer.data["detail"])


WORDS_AS_LABELS = [
    *("ctid", "xmin", "tableoid", "oid", "a.b", "a__gt", "a__b", "__a", "a__", "name.first", "page", "page_size"),
    *("limit", "offset", "cursor", "ordering", "fields", "search", "populate", "populate_limit", "format", "include"),
    *("depth", "relationship_type", "filters", "filter", "ids", "unique_fields", "on_error", "dry_run", "_count"),
    *("allow_data_loss", "allowed_actions", "_meta", "_aggregate", "_group_by", "_having", "rank", "count", "eq", "*"),
]


def test_in_04_words_are_labels_reached_with_an_operator_or_quoted(stage: Stage) -> None:
    fields = [{"name": label, "type": "integer"} for label in WORDS_AS_LABELS]
    data = new_table(stage.api, stage.app, "words", {"fields": fields}, materialize=True) + "data/"
    rows = [dict.fromkeys(WORDS_AS_LABELS, number) for number in (2, 1)]
    assert stage.api.post(data, rows).status == 201

    def ids(*pairs: tuple[str, str]) -> list[int]:
        answer = stage.ask(*pairs, table=data)
        assert answer.status == 200, (pairs, answer)
        return [row["id"] for row in answer.data["data"]]

    for label in WORDS_AS_LABELS:
        quoted = f'"{label}"'
        assert ids((f"{label}__eq", "1")) == ids((quoted, "1")) == ids((f"{quoted}__lt", "2")) == [2], label
        assert ids(("filters", f'{{"\\"{label}\\"__gte":2}}')) == [1]
        assert ids(("filters", f'[{{"field":"{quoted.replace(chr(34), chr(92) + chr(34))}","value":1}}]')) == [2]
        assert ids(("ordering", quoted)) == [2, 1], label
        assert stage.ask(("fields", quoted), table=data).data["data"] == [{label: 2}, {label: 1}]
        groups = stage.ask(("_group_by", f"{quoted} as k"), ("_aggregate", f"sum({quoted}) as s"), table=data)
        assert groups.data["data"] == [{"k": 1, "s": 1}, {"k": 2, "s": 2}], label


@pytest.mark.parametrize("label", ["_created_at", "_updated_at", "_version", "_depth", "_relationship_type"])
def test_in_04_names_of_the_system_columns_are_reserved(stage: Stage, label: str) -> None:
    schema = {"fields": [{"name": label, "type": "integer"}]}
    answer = stage.api.post(
        f"{stage.app}datatables/", {"name": "reserved", "json_schema": schema}, accept="application/problem+json"
    )
    assert answer.status == 400
    assert {error["code"] for error in answer.data["errors"]} == {"reserved_name"}


ORDERS = [
    *("-name;drop", "name)", "(name", "-", "--x", "--name", "?", ",".join(f"f{number}" for number in range(500)), ""),
    *("a.b", "name.x", "maker", "maker.x", "parts.label", "name\x00", "na\nme", "\x1b[31m", "name ", " name", "+name"),
    *("name desc", "name,name", "name,-name", "name,", ",name", "NAME", "namme", "meta", "meta__color", "at__year"),
    *("name__gt", "rank", "-rank", "count(*)", "sum(price)", "1", "random()", "*", '"name', '""', "_version", "pk"),
]


@pytest.mark.parametrize("ordering", ORDERS)
def test_in_06_orders_that_are_none(stage: Stage, ordering: str) -> None:
    assert refused(stage.ask(("ordering", ordering)), "invalid_ordering")
    assert refused(stage.ask(("ordering", ordering), ("cursor", "")), "invalid_ordering")
    assert refused(stage.api.post(f"{stage.things}query/", {"ordering": ordering}), "invalid_ordering")
    if "count(*)" not in ordering:
        groups = (("_group_by", "stock"), ("_aggregate", "count(*)"), ("ordering", ordering))
        assert refused(stage.ask(*groups), "invalid_ordering")


AGGREGATES = [
    *("sum(price)),pg_sleep(5)--", "pg_sleep(5)", "sum(sum(price))", "sum(count(*))", "median(price)", "SUM(price)"),
    *("sum(price", "sum price", "price", "", ",", "sum()", "sum(*)", "count", "count()", "count(**)", "sum(prise)"),
    *('count(*) as "n"', "count(*) as a.b", "count(*) as a\nb", "count(*) as a b", "count(*) as 1a", "count(*) as é"),
    *("count(*) as ", "count(*) as a'b", "count(*) as a;b", "count(*) n", f"count(*) as {'n' * 64}", "sum(1)"),
    *("sum(price)+1", "sum(price) filter (where true)", "sum(price)::int", "sum(distinct)", "sum(all price)"),
    *("min(year(price))", "min(century(at))", "min(date_trunc('eon',at))", "min(date_trunc('day',at,Mars/City))"),
    *("min(date_trunc('day',price))", "count(parts.label)", "sum(maker.x)", "sum(x.price)", "sum(name)", "avg(at)"),
    *("string_agg(price)", "string_agg(name,';')", "min(meta)", "count(distinct *)", "count(*),count(*)", "sum(\x00)"),
]


@pytest.mark.parametrize("term", AGGREGATES)
def test_in_07_aggregates_that_are_none(stage: Stage, term: str) -> None:
    began = time.perf_counter()
    assert refused(stage.ask(("_aggregate", term)), "invalid_aggregate")
    assert refused(stage.api.post(f"{stage.things}query/", {"_aggregate": term}), "invalid_aggregate")
    assert time.perf_counter() - began < 2, "nothing slept"


GROUPS = [
    "nope",
    "name,nope",
    "*",
    "count(*)",
    "sum(price)",
    "name;drop",
    "name)",
    "",
    "parts.label",
    "x.name",
    "maker",
]
GROUPS += [
    "maker",
    "year(price)",
    "year(year(at))",
    "name as a.b",
    'name as "n"',
    "name__gt",
    "span,",
    "date_trunc('day',at",
]


@pytest.mark.parametrize("term", GROUPS)
def test_in_07_groups_that_are_none(stage: Stage, term: str) -> None:
    assert refused(stage.ask(("_group_by", term)), "invalid_aggregate")
    assert refused(stage.ask(("_group_by", term), ("_aggregate", "count(*)")), "invalid_aggregate")


STRUCTURES: list[Any] = [
    {"$ne": None},
    {"$gt": ""},
    {"$where": "sleep(1000)"},
    {"$regex": ".*"},
    {"$function": {"body": "x", "args": [], "lang": "js"}},
    {"$expr": {"$eq": ["$a", "$a"]}},
    {"$lookup": {"from": "users"}},
    {"$out": "stolen"},
    {"a.b": 1},
    {},
    [],
    [1],
    [["x"]],
    [{"$ne": 1}],
    None,
]


@pytest.mark.parametrize("value", STRUCTURES)
def test_in_08_a_structure_is_no_scalar(kept: Stage, value: Any) -> None:
    names = ("name", "price", "stock__gte", "at__year", "day", "sold", "name__contains", "maker.name", "meta__color")
    trees: list[Any] = [{name: value} for name in (*names, "meta__color__ne", "meta__has_key", "parts.label")]
    trees += [{"name__in": [value]}, {"or": [{"name": "lamp"}, {"price": value}]}, {"not": {"name": value}}]
    trees += [[{"field": "name", "operator": "ne", "value": value}], {"name__isnull": value}]
    for tree in trees:
        answer = kept.api.post(f"{kept.things}query/", {"filters": tree})
        code = "invalid_parameter" if tree == {"name__isnull": value} else "invalid_filter"
        assert refused(answer, code) or refused(answer, "invalid_filter"), (tree, answer)
        removal = kept.api.delete(url(kept.things, [("filter", dumped(tree))]))
        assert removal.status == 400 and removal.code in ("invalid_filter", "invalid_parameter"), (tree, removal)
    assert kept.ask().data["total"] == 4


@pytest.mark.parametrize("name", ["$where", "$or", "$expr", "name.$ne", "$name", "name__$ne", "a.b", "$", "."])
def test_in_08_words_of_another_database_are_none(kept: Stage, name: str) -> None:
    for answer in (
        kept.api.post(f"{kept.things}query/", {"filters": {name: "1"}}),
        kept.api.post(f"{kept.things}query/", {"filters": [{"field": name, "value": "1"}]}),
        kept.ask((name, "1")),
    ):
        assert answer.status == 400 and answer.code in ("unknown_field", "unknown_operator"), answer


def dumped(value: Any) -> str:
    """JSON."""
    return json.dumps(value)


KEYS = [
    "a'b",
    'a"b',
    "a]",
    "{}",
    "$",
    "..",
    "a,b",
    "$where",
    "$.a",
    "a}b",
    "{a",
    "%s",
    "\\",
    "[0]",
    "a->>b",
    "a b",
    "*",
    "?",
]


@pytest.mark.parametrize("key", KEYS)
def test_in_09_json_keys_are_literal(kept: Stage, key: str) -> None:
    place = KEYS.index(key)
    fields = [{"name": "meta", "type": "object"}]
    data = kept.table(f"keys{place}", {"fields": fields})
    rows = [{"meta": {key: 1}}, {"meta": {key: 5}}, {"meta": {"other": 1}}, {"meta": {key: {key: "deep"}}}]
    assert kept.api.post(data, rows).status == 201
    quoted = '"' + key.replace('"', '""') + '"'
    name = f"meta__{quoted}"

    def found(*pairs: tuple[str, str]) -> list[int]:
        answer = kept.ask(*pairs, table=data)
        assert answer.status == 200, (pairs, answer)
        return [row["id"] for row in answer.data["data"]]

    assert found((name, "1")) == [1]
    assert found((f"{name}__gt", "1")) == [2]
    assert found((f"{name}__{quoted}", "deep")) == [4]
    assert found(("meta__has_key", key)) == [1, 2, 4]
    assert found(("meta__contains", dumped({key: 5}))) == [2]
    tree = {"or": [{name: 5}, {f"{name}__isnull": True}]}
    assert found(("filters", dumped(tree))) == [2, 3]
    assert refused(kept.ask(("ordering", name), table=data), "invalid_ordering")
    if '"' in key:  # a label of aggregates has no quote in it
        assert refused(kept.ask(("_aggregate", f"sum(meta__{key})"), table=data), "invalid_aggregate")
        return
    total = kept.ask(("_aggregate", f"sum({name}) as s"), ("meta__has_key", key), table=data)
    assert total.data["data"] == [{"s": 6}]
    groups = kept.ask(("_group_by", f"{name} as k"), ("id__lte", "3"), ("_aggregate", "count(*) as n"), table=data)
    assert sorted(groups.data["data"], key=str) == [{"k": 1, "n": 1}, {"k": 5, "n": 1}, {"k": None, "n": 1}]


HOLDS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "icontains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "iexact": lambda text, part: text == part,
    "ncontains": lambda text, part: part not in text,
}


def test_in_10_wild_letters_are_literal(stage: Stage) -> None:
    fields = [{"name": "text", "type": "string"}]
    data = new_table(stage.api, stage.app, "wild", {"fields": fields}, materialize=True) + "data/"
    texts = ["100%", "100", "a_b", "axb", "a\\b", "ab", "[a-z]", "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "%_\\"]
    assert stage.api.post(data, [{"text": text} for text in texts]).status == 201
    for part in ("%", "_", "\\", "[a-z]", "(a+)+$", "0%", "%_\\", ".", ".*"):
        for operator in HOLDS:
            answer = stage.ask((f"text__{operator}", part), table=data)
            assert answer.status == 200, answer
            assert [row["text"] for row in answer.data["data"]] == [
                text for text in texts if HOLDS[operator](text, part)
            ]
    for operator in ("regex", "iregex", "regexp", "similar_to", "matches", "match", "nregex", "imatch"):
        assert refused(stage.ask((f"text__{operator}", "(a+)+$"), table=data), "unknown_operator")


SEARCHES = ["(a+)+$", "a" * 1000, "(" * 1000, '"', '"' * 999, "-", "OR", "OR OR", "- -", ":*", "a & | ! b", "<->", "'"]
SEARCHES += ["%" * 1000, "\\" * 1000, "(a{1000}){1000}", "a OR " * 199, "-a " * 300, '"a b" ' * 150, "!!", "a:*ABCD"]


@pytest.mark.parametrize("words", SEARCHES)
def test_in_10_search_is_literal_and_quick(stage: Stage, words: str) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        answer = stage.ask(("search", words))
        assert answer.status == 200, answer
        return time.perf_counter() - began

    assert min(seconds() for _ in range(3)) < 0.1
