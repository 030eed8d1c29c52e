"""What MongoDB is sent while odd things are asked: operators, paths and names of our own alone (TRUST IN-08)."""

from collections.abc import Iterator
from typing import Any

import pytest

from datar.errors import DatarError, Invalid
from records.operators import OPERATORS
from records.providers.mongo.layout import collection_name
from tests.records.commands import CANARY, check_command, recorded
from tests.records.engine import Engine, Rows

ODD: list[Any] = [
    {"$ne": None},
    {"$gt": ""},
    {"$where": "sleep(9000)"},
    {"$function": {"body": "function() { return 1 }", "args": [], "lang": "js"}},
    {"$accumulator": {"init": CANARY}},
    {"$regex": ".*"},
    {"$expr": {"$eq": ["$_id", "$_id"]}},
    {"$lookup": {"from": CANARY, "as": "x"}},
    {"$out": CANARY},
    {"$merge": {"into": CANARY}},
    {"$unionWith": CANARY},
    {"$literal": CANARY},
    {"a.b": CANARY, "$a": CANARY, "~$a": CANARY, "": CANARY},
    [{"$ne": CANARY}],
    ["$_id", "$$ROOT"],
]
TEXTS = ["$_id", "$$ROOT", "$$NOW", "$where", "$literal", "$", "$$", "a.b", "~$x", ".*", "{$ne:null}", f"${CANARY}"]
KEYS = ["$where", "$ne", "a.b", ".", "$$ROOT", "~$x", "~", "0", "-1", f"${CANARY}", "$function", "$_id"]
FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer"},
    {"name": "text", "type": "string"},
    {"name": "$where", "type": "string"},
    {"name": "a.b $ne", "type": "integer"},
    {"name": "price", "type": "number"},
    {"name": "good", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "at", "type": "datetime"},
    {"name": "clock", "type": "time"},
    {"name": "length", "type": "duration"},
    {"name": "yr", "type": "year"},
    {"name": "raw", "type": "string", "format": "binary"},
    {"name": "meta", "type": "object"},
    {"name": "items", "type": "array"},
    {"name": "what", "type": "any"},
    {"name": "parent_id", "type": "integer"},
]
JSON_FIELDS = ("meta", "items", "what")
SCALARS = [field["name"] for field in FIELDS if field["name"] not in (*JSON_FIELDS, "$where", "a.b $ne")]


@pytest.fixture
def odd(database_url: str) -> Iterator[Rows]:
    """A table of MongoDB with labels and values that look like orders to a server."""
    engine = Engine(database_url, "mongo")
    key = {"fields": "parent_id", "reference": {"resource": "", "fields": "id"}, "x-reverse-name": "children"}
    rows = engine.table("odd", {"fields": FIELDS, "primaryKey": "id", "foreignKeys": [key], "search_fields": ["text"]})
    yield rows
    engine.close()


def asked(rows: Rows, body: Any) -> str:
    """What a list answers: the code of a refusal, else nothing."""
    try:
        rows.query(body)
    except DatarError as refused:
        return refused.code
    return ""


def test_in_08_only_operators_of_our_own_reach_the_server(odd: Rows) -> None:
    """Whatever stands in a filter, an order, a group or a search: at most a value, under ``$literal`` or compared."""
    with recorded() as commands:
        odd.create(
            [
                {"id": place, "text": text, "$where": text, "meta": {text: 1, **value}, "what": value, "parent_id": 1}
                for place, (text, value) in enumerate(zip(TEXTS, ODD, strict=False), 1)
                if isinstance(value, dict)
            ]
        )
        for value in [*ODD, *TEXTS]:
            for name in ("text", '"$where"', "meta", "items", "what", "parent.text", "children.what", "meta__a", "at"):
                for operator in OPERATORS:
                    code = asked(odd, {"filters": {f"{name}__{operator}": value}})
                    assert code != "internal_error", (name, operator, value)
        for key in KEYS:
            for name in (f'meta__"{key}"', f'what__a__"{key}"', f'parent.meta__"{key}"', f'children.what__"{key}"'):
                for body in (
                    {"filters": {name: f"${CANARY}"}},
                    {"filters": {f"{name}__in": TEXTS}, "search": key},
                    {"filters": {f"{name}__has_any_keys": KEYS}},
                    {"_group_by": [name], "_aggregate": [f"max({name})", "count(*)"]},
                ):
                    asked(odd, body)
            odd.ask(("search", f"{key} -x"), ("ordering", "-rank"))
    collections = frozenset({collection_name(odd.table)})
    assert len([command for command in commands if {"aggregate", "find"} & {*command}]) > 1_000
    for command in commands:
        check_command(command, collections)


def test_in_08_a_document_is_no_value_of_a_scalar(odd: Rows) -> None:
    """It is refused before anything is sent."""
    with recorded() as commands:
        for value in ODD:
            for name in SCALARS:
                with pytest.raises(Invalid) as caught:
                    odd.query({"filters": {name: value}})
                assert caught.value.code == "invalid_filter", (name, value)
    assert not commands


def test_keys_and_texts_that_look_like_orders_are_found_as_what_they_are(odd: Rows) -> None:
    """Literally, and nothing else."""
    for place, key in enumerate(KEYS, 1):
        odd.create({"id": place, "text": key, "meta": {key: key}, "what": {"a": [key]}})
    for place, key in enumerate(KEYS, 1):
        for name, value in (
            ("text", key),
            (f'meta__"{key}"', key),
            ("meta__has_key", key),
            ("meta__contains", {key: key}),
            ("what__contains", {"a": [key]}),
            ("what__a__has_key", key),
        ):
            found = odd.query({"filters": {name: value}})
            assert [row["id"] for row in found["data"]] == [place], (name, value)
