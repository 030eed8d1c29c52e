"""Tables as MongoDB keeps them: validators, indexes and what of them it cannot keep, and what is taken back."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier
from pymongo.errors import WriteError

from datar.errors import Invalid, Unavailable
from records import limits
from records.filters import own_condition
from records.params.tree import parse_tree
from records.provider import Change
from records.providers.mongo.defining import Command
from records.providers.mongo.layout import KEY
from records.providers.mongo.partial import InexpressibleError, partial_filter, satisfies
from records.providers.mongo.provider import MongoProvider
from records.table import Table
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.users import USERS

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer"},
    {"name": "code", "type": "string", "constraints": {"unique": True}},
    {"name": "n", "type": "number"},
    {"name": "day", "type": "date"},
    {"name": "at", "type": "datetime"},
    {"name": "long", "type": "duration"},
    {"name": "flag", "type": "boolean"},
    {"name": "doc", "type": "object"},
]
CODES = ["a", "b", "$c", ""]
NUMBERS = ["1", "1.0", "2.50", "-3"]
DAYS = ["2024-01-31", "2024-02-01"]
MOMENTS = ["2024-01-31T00:00:00Z", "2024-01-31T00:00:00.000001Z", "2024-01-31T00:00:00.001Z"]
LENGTHS = ["PT60M", "PT1H", "P1D"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A namespace in MongoDB."""
    engine = Engine(database_url, "mongo")
    yield engine
    engine.close()


@pytest.fixture
def users(engine: Engine) -> Rows:
    """A table of its own for each test."""
    return engine.table("users", USERS)


def changes_of(engine: Engine, *tables: Table) -> tuple[Change[Command], ...]:
    """What makes these tables."""
    return provider_of(engine).create(tables, engine.find)


def provider_of(engine: Engine) -> MongoProvider:
    """The engine's provider."""
    assert isinstance(engine.provider, MongoProvider)
    return engine.provider


def collections(engine: Engine) -> list[str]:
    """The names of the tenant's collections."""
    assert engine.server is not None
    return engine.server.database(engine.namespace).list_collection_names()


def test_a_document_of_another_shape_is_refused_by_the_validator(engine: Engine, users: Rows) -> None:
    users.create({"name": "Ann", "email": "a"})
    kept = engine.collection(users.table).find_one({}, {KEY: 0})
    assert kept is not None
    name = users.table.by_name["name"].column
    engine.collection(users.table).insert_one({KEY: 70, **kept, users.table.by_name["email"].column: "b"})
    for wrong in ({name: 5}, {name: None}, {"_version": "x"}, {"_created_at": kept["_created_at"]["t"]}):
        with pytest.raises(WriteError):
            engine.collection(users.table).insert_one({KEY: 71, **kept, **wrong})


def test_nulls_are_no_value_of_a_unique_index(users: Rows) -> None:
    assert len(users.create([{"name": "a"}, {"name": "b", "email": None}])) == 2


def test_a_condition_that_mongodb_cannot_hold_makes_no_unique_index(engine: Engine) -> None:
    where = {"code__icontains": "x"}
    index = {"name": "some", "fields": ["code"], "unique": True, "where": where}
    table = engine.define("held", {"fields": FIELDS, "primaryKey": "id", "indexes": [index]})
    with refused(Invalid, "invalid_index") as refusal:
        changes_of(engine, table)
    assert refusal.error.detail.startswith("Index 'some': on MongoDB the 'where' of a unique index")
    plain = engine.table("plain", {"fields": FIELDS, "primaryKey": "id", "indexes": [{**index, "unique": False}]})
    assert plain.create({"code": "x"})["id"] == 1


def test_an_index_of_what_is_inside_json_is_not_made(engine: Engine) -> None:
    """It would serve no question, and every write would pay for it."""
    index = {"name": "inside", "fields": ["doc"], "method": "gin"}
    rows = engine.table("inner", {"fields": FIELDS, "primaryKey": "id", "indexes": [index]})
    assert len(engine.collection(rows.table).index_information()) == len(["the key's", "that of the unique code"])


def test_as_many_indexes_as_mongodb_holds(engine: Engine) -> None:
    names = [f"f{number}" for number in range(limits.MONGODB_INDEXES)]
    fields = [{"name": name, "type": "integer", "constraints": {"unique": True}} for name in names]
    with refused(Invalid, "schema_too_large"):
        changes_of(engine, engine.define("many", {"fields": fields}))
    rows = engine.table("most", {"fields": [*fields[:-1], {"name": names[-1], "type": "integer"}]})
    assert rows.create(dict.fromkeys(names, 1))["id"] == 1
    assert len(engine.collection(rows.table).index_information()) == limits.MONGODB_INDEXES


def test_what_was_made_is_taken_back_when_a_later_step_fails(engine: Engine) -> None:
    one, two = engine.define("one", USERS), engine.define("two", USERS)
    changes = changes_of(engine, one, two)
    provider = provider_of(engine)
    with psycopg.connect(engine.url) as connection:
        connection.execute(SQL("CREATE SEQUENCE {}").format(Identifier(engine.namespace, f"dt{two.identity.id}_key")))
        with pytest.raises(psycopg.errors.DuplicateTable):
            provider.apply(changes, connection)
    assert not {one.identity.physical_name, two.identity.physical_name} & set(collections(engine))
    with psycopg.connect(engine.url) as connection:
        texts = provider.apply(changes, connection)
    assert texts[0].sql.startswith(f'CREATE SEQUENCE "{engine.namespace}"."dt{one.identity.id}_key" AS bigint;\ndb.')
    assert f'{{"drop": "{one.identity.physical_name}"' in texts[0].rollback_sql


def test_a_table_whose_transaction_was_not_kept_can_be_made_again(engine: Engine) -> None:
    table = engine.define("again", USERS)
    with psycopg.connect(engine.url) as connection:
        provider_of(engine).apply(changes_of(engine, table), connection)
        connection.rollback()
    engine.make(table)
    assert engine.rows("again").create({"name": "a"})["id"] == 1
    with psycopg.connect(engine.url) as connection, refused(Unavailable, "provider_not_available"):
        connection.execute(SQL("DROP SEQUENCE {}").format(Identifier(engine.namespace, f"dt{table.identity.id}_key")))
        provider_of(engine).apply(changes_of(engine, table), connection)
    assert engine.rows("again").list()["total"] == 1, "rows are never dropped by a definition"


def test_a_row_larger_than_a_document(users: Rows) -> None:
    large = {"name": "x" * 17_000_000}
    with refused(Invalid, "row_too_large"):
        users.create(large)
    with refused(Invalid, "row_too_large"):
        users.create([{"name": "a"}, large])
    with refused(Invalid, "row_too_large"):
        users.upsert({**large, "email": "a"}, unique_fields="email")
    answer = users.skip([{"name": "a"}, large, {"name": "b"}], minimal=True)
    assert (answer["created"], answer["skipped"]) == (2, 1)
    assert list(answer["errors"][0]["errors"].values()) == [
        ["A row is larger than MongoDB can hold (16 MB); shorten it."]
    ]


CODE = st.sampled_from(CODES)
LEAVES = st.one_of(
    st.builds(lambda op, v: {f"code__{op}": v}, st.sampled_from(["eq", "ne", "gt", "lte"]), CODE),
    st.builds(lambda op, v: {f"day__{op}": v}, st.sampled_from(["eq", "lt", "gte"]), st.sampled_from(DAYS)),
    st.builds(lambda op, v: {f"at__{op}": v}, st.sampled_from(["eq", "ne", "lt", "gte"]), st.sampled_from(MOMENTS)),
    st.builds(lambda op, v: {f"long__{op}": v}, st.sampled_from(["eq", "ne", "gt"]), st.sampled_from(LENGTHS)),
    st.builds(lambda v: {"flag": v}, st.booleans()),
    st.builds(
        lambda op, v: {f"code__{op}": v}, st.sampled_from(["in", "nin"]), st.lists(st.sampled_from(CODES), min_size=1)
    ),
    st.builds(
        lambda name, v: {f"{name}__isnull": v}, st.sampled_from(["code", "long", "at", "doc", "flag"]), st.booleans()
    ),
)
WORDS = st.sampled_from(["and", "or"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda part: {"not": part}, inner),
        st.builds(
            lambda word, parts: {word: parts}, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)
        ),
    ),
    max_leaves=4,
)


@pytest.fixture
def sample(engine: Engine) -> Rows:
    """Rows with every mixture of values and nulls."""
    rows = engine.table("sample", {"fields": [{**field, "constraints": {}} for field in FIELDS], "primaryKey": "id"})
    sent: list[dict[str, Any]] = [
        {"code": code, "day": day, "at": at, "long": long, "flag": flag, "doc": {} if flag else None}
        for code in (*CODES, None)
        for day in (*DAYS, None)
        for at in (*MOMENTS, None)
        for long, flag in (("PT1H", True), ("P1D", False), (None, None))
    ]
    rows.create(sent)
    return rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_an_index_of_some_rows_has_those_that_a_filter_finds(
    engine: Engine, sample: Rows, tree: dict[str, Any]
) -> None:
    """The filter, MongoDB's reading of it and ours, and what a list of these rows would show are the same."""
    table = sample.table
    try:
        asked: Any = partial_filter(own_condition(parse_tree(tree), table), table)
    except InexpressibleError:  # more alternatives than a filter has
        reject()
    stored = list(engine.collection(table).find({}))
    found = {document[KEY] for document in engine.collection(table).find(asked)}
    assert {document[KEY] for document in stored if satisfies(document, asked)} == found
    assert {row["id"] for row in sample.query({"filters": tree, "page_size": 1000})["data"]} == found


def test_the_filter_is_one_that_an_index_takes(engine: Engine) -> None:
    trees = [
        {"not": {"or": [{"code__in": ["a", "$b"]}, {"day__isnull": False}]}},
        {"and": [{"code__ne": "a"}, {"or": [{"at__lt": MOMENTS[1]}, {"n__between": [1, 2]}]}]},
    ]
    indexes = [
        {"name": f"w{place}", "fields": ["flag", "long"], "unique": place == 0, "where": tree}
        for place, tree in enumerate(trees)
    ]
    rows = engine.table("some", {"fields": FIELDS, "primaryKey": "id", "indexes": indexes})
    kept = engine.collection(rows.table).index_information()
    assert sum("partialFilterExpression" in each for each in kept.values()) == 3, "and the one of nullable codes"
