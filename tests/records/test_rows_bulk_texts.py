"""Texts of a bulk create travel as array literals: whatever they look like there, they arrive as they were sent."""

from typing import Any

import pytest

from tests.records.engine import Engine

TEXTS = [
    "",
    "NULL",
    "null",
    "{}",
    "{a,b}",
    "a,b",
    '"',
    "\\",
    "\\n",
    "\\\\",
    '\\"',
    "\n",
    "\t\r\b\f\x01",
    "\x7f",
    " x ",
    "ü\u2028💡",
]
FIELDS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "text", "type": "string"},
        {"name": "any", "type": "any"},
        {"name": "flag", "type": "boolean"},
        {"name": "raw", "type": "string", "format": "binary"},
        {"name": "long", "type": "duration"},
        {"name": "at", "type": "datetime"},
    ],
    "primaryKey": "id",
}


@pytest.mark.parametrize("texts", [TEXTS, [text for text in TEXTS if text.isprintable()]])
def test_every_text_arrives_as_it_was_sent(engine: Engine, texts: list[str]) -> None:
    rows = engine.table("notes", FIELDS)
    sent = [
        {
            "id": place,
            "text": text,
            "any": [text, {text: None}],
            "flag": place % 2 == 0,
            "raw": "aGk=",
            "long": "PT1H",
            "at": "2024-01-01T00:00:00Z",
        }
        for place, text in enumerate(texts, 1)
    ]
    sent.append(dict.fromkeys(sent[0]) | {"id": 99})
    assert rows.create(sent) == sent
    assert rows.list(page_size="1000")["data"] == sent
