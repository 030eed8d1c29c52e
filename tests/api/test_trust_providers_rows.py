"""TRUST's rows about records that many write at once, and about exact values, on each provider over HTTP."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from typing import Any

import jiter
import pytest
from django.db import connections

from tests.api.descriptors import pointing
from tests.api.kept import Kept
from tests.api.test_trust_queries_pages import own_client
from tests.cast import Api
from tests.records.together import together
from tests.stores import PROVIDERS, mongodb_known

KEY = {"name": "id", "type": "integer"}
CODES: dict[str, Any] = {
    "fields": [{"name": "code", "type": "string", "constraints": {"unique": True}}, {"name": "n", "type": "integer"}]
}


@pytest.fixture(scope="module", params=PROVIDERS)
def kept(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[Kept]:
    """A tenant whose tables the provider keeps."""
    with mongodb_known():
        yield Kept(request.param)


def at_once(works: list[Callable[[Api], None]], api: Api) -> None:
    """All begin at the same moment, each with a client and a connection of its own."""

    def closing(work: Callable[[Api], None]) -> Callable[[], None]:
        mine = own_client(api)

        def run() -> None:
            try:
                work(mine)
            finally:
                connections.close_all()

        return run

    together([closing(work) for work in works])


def test_di_04_one_unique_value_is_created_once(kept: Kept) -> None:
    data = kept.table("codes", CODES)
    outcomes: Counter[tuple[int, str]] = Counter()

    def create(api: Api) -> None:
        answer = api.post(data, {"code": "one"})
        outcomes[answer.status, answer.code] += 1

    at_once([create] * 50, kept.api)
    assert outcomes == {(201, ""): 1, (409, "conflict_unique"): 49}
    assert kept.api.get(data).data["total"] == 1


def test_di_04_upserts_race_for_the_same_keys(kept: Kept) -> None:
    data = kept.table("raced", CODES)
    made: Counter[str] = Counter()

    def upsert(api: Api) -> None:
        for number in range(50):
            answer = api.post(f"{data}upsert/?unique_fields=code", {"code": str(number), "n": number})
            assert answer.status == (201 if answer.data["created"] else 200), answer
            made[str(number)] += answer.data["created"]

    at_once([upsert] * 8, kept.api)
    assert made == dict.fromkeys(map(str, range(50)), 1)
    assert kept.api.get(data).data["total"] == 50


@pytest.mark.parametrize("action", ["NO ACTION", "CASCADE", "SET NULL"])
def test_di_06_no_child_is_left_without_its_parent(kept: Kept, action: str) -> None:
    word = action.replace(" ", "").lower()
    parents = kept.table(f"parents{word}", {"fields": [KEY], "primaryKey": "id"})
    schema = pointing(f"parents{word}")
    schema["foreignKeys"][0]["x-actions"] = {"onDelete": action}
    children = kept.table(f"children{word}", schema)
    numbers = range(1, 21)
    kept.api.post(parents, [{"id": number} for number in numbers])
    seen: Counter[tuple[int, str]] = Counter()

    def work(act: Callable[[Api, int], Any]) -> Callable[[Api], None]:
        def run(api: Api) -> None:
            for number in numbers:
                answer = act(api, number)
                seen[answer.status, answer.code] += 1

        return run

    at_once(
        [
            work(lambda api, number: api.delete(f"{parents}{number}/")),
            work(lambda api, number: api.post(children, {"id": number, "other_id": number})),
            work(lambda api, number: api.post(children, [{"id": 100 + number, "other_id": number}])),
        ],
        kept.api,
    )
    assert {code for status, code in seen} <= {"", "conflict_foreign_key", "conflict_retry"}, seen
    left = {row["id"] for row in kept.api.get(f"{parents}?page_size=99").data["data"]}
    pointed = {row["other_id"] for row in kept.api.get(f"{children}?page_size=99").data["data"]}
    assert pointed - {None} <= left


EXACT = ["0.1", "0.10", "1e-20", "1.10", "9007199254740993.5", "1234567890123456789012345678901234", "1e2", "-2.50"]
LONG = "12345678901234567890123456789012345678"
WHOLE = [2**53 + 1, 2**63 - 1, -(2**63)]


def test_di_15_numbers_are_exact_or_refused(kept: Kept) -> None:
    fields = [
        {"name": "whole", "type": "integer"},
        {"name": "num", "type": "number"},
        {"name": "meta", "type": "object"},
    ]
    data = kept.table("numbers", {"fields": fields})

    def sent(text: str, *, name: str = "num") -> Any:
        return kept.api.post(data, f'{{"{name}":{text}}}'.encode())

    for text in EXACT:
        made = sent(text)
        assert made.status == 201, made
        stored = read(kept.api.get(made.headers["Location"]).content)["data"]["num"]
        assert Decimal(stored) == Decimal(text)
        nested = sent(f'{{"deep":[{text}]}}', name="meta")
        assert Decimal(read(nested.content)["data"]["meta"]["deep"][0]) == Decimal(text)
    assert b'"num":1.10' in sent("1.10").content
    assert b"-" not in sent("-0").content and b"-" not in sent("-0.0").content
    total = read(kept.api.get(f"{data}?_aggregate=sum(num) as s").content)["data"][0]["s"]
    with localcontext(prec=100):
        assert Decimal(total) == sum(map(Decimal, [*EXACT, "1.10"]), Decimal(0))
    for number in WHOLE:
        made = sent(str(number), name="whole")
        assert read(made.content)["data"]["whole"] == number
        assert kept.api.get(f"{data}?whole={number}").data["total"] == 1
    assert refusal(sent(str(2**63), name="whole")) == refusal(sent(str(-(2**63) - 1), name="whole")) != ""
    assert sent("1.0", name="whole").status == 400
    long = sent(LONG)
    if kept.provider == "mongodb":  # the one difference: docs/decisions/0012-mongodb.md
        assert long.status == 400 and "num" in long.data
        code = kept.api.post(data, f'{{"num":{LONG}}}'.encode(), accept="application/problem+json").data["errors"][0]
        assert code["code"] == "number_out_of_range"
    else:
        assert read(long.content)["data"]["num"] == int(LONG)


def refusal(answer: Any) -> str:
    """The code of a 400."""
    assert answer.status == 400, answer
    return str(answer.code)


def read(content: bytes) -> Any:
    """JSON with exact numbers."""
    return jiter.from_json(content, float_mode="decimal")


TEXTS = ["😀", "é", "e\u0301", "\ufffe\uffff", "\u202e", "a\tb\nc", "$where", "a.b", "", " ", "\x7f", "ﬁ", "I\u0307"]


def test_di_18_text_is_kept_to_the_byte_or_refused(kept: Kept) -> None:
    fields = [{"name": "text", "type": "string"}, {"name": "meta", "type": "object"}]
    data = kept.table("texts", {"fields": [*fields], "primaryKey": "text"})
    for text in TEXTS:
        made = kept.api.post(data, {"text": text, "meta": {text: [text]}})
        assert (made.status, made.data) == (201, {"data": {"text": text, "meta": {text: [text]}}}), text
        assert kept.api.get(made.headers["Location"]).data == made.data
    assert kept.api.get(data).data["total"] == len(TEXTS)
    assert [row["text"] for row in kept.api.get(f"{data}?ordering=text").data["data"]] == sorted(TEXTS)
    assert refusal_of_twin(kept.api, data) == "conflict_unique"
    for body in (
        b'{"text":"a\\u0000b"}',
        b'{"text":"\\ud800"}',
        b'{"text":"x","meta":{"a\\u0000":1}}',
        b'{"text":"x","meta":{"a":["\\udfff"]}}',
        b'{"text":"\xff\xfe"}',
    ):
        answer = kept.api.post(data, body)
        assert answer.status == 400, (body, answer)
    assert kept.api.get(data).data["total"] == len(TEXTS)


def refusal_of_twin(api: Api, data: str) -> str:
    """What a text that is there already is refused with; its equal in another normal form is another text."""
    answer = api.post(data, json.dumps({"text": "e\u0301"}).encode())
    assert answer.status == 409, answer
    return answer.code
