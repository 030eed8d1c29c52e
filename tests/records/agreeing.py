"""Whether the service answers a question as the model does: rows and their order, totals, pages, columns of groups."""

from dataclasses import replace
from typing import Any

from tests.records.engine import read
from tests.records.model import Question, Row, page, selected
from tests.records.model_groups import Grouping, groups, kinds_of
from tests.records.model_values import plain
from tests.records.spelling import Spelling, body_of, pairs_of
from tests.records.worlds import Stand


def ask(stand: Stand, table: str, asked: Question | Grouping, spelling: Spelling, **more: str) -> Any:
    """The service's answer to a question, written so."""
    records = stand.rows(table).records
    if spelling.form == "body" and not more:
        return read(records.query(body_of(stand.world, table, asked, spelling)))
    return read(records.list([*pairs_of(stand.world, table, asked, spelling), *more.items()]))


def agree(stand: Stand, table: str, asked: Question | Grouping, spelling: Spelling) -> None:
    """Service and model give the same answer."""
    answer = ask(stand, table, asked, spelling)
    if isinstance(asked, Grouping):
        _agree_on_groups(stand, table, asked, answer)
        return
    expected = page(stand.world, table, asked)
    assert answer["data"] == expected
    assert [list(row) for row in answer["data"]] == [list(row) for row in expected] or asked.populate
    assert answer["total"] == len(selected(stand.world, table, asked))


def agree_found(stand: Stand, table: str, asked: Question, spelling: Spelling) -> None:
    """As ``agree``, but keys alone are compared: for a world whose rows are large."""
    key = stand.world.shapes[table].key
    answer = ask(stand, table, asked, spelling)
    expected = selected(stand.world, table, asked)
    assert [_only(row, key) for row in answer["data"]] == [_only(row, key) for row in expected]
    assert answer["total"] == len(expected)


def agree_on_walk(stand: Stand, table: str, asked: Question, spelling: Spelling, size: int) -> None:
    """Pages by cursor, of this size, give every row once, in order, and then an end."""
    asked = replace(asked, size=20, start=0)
    url = replace(spelling, form="filters" if spelling.form == "filters" else "url", offset=False)
    seen: list[Row] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = ask(stand, table, asked, url, cursor=cursor, page_size=str(size))
        assert set(answer) == {"data", "next_cursor", "page_size"}
        assert answer["page_size"] == size
        cursor = answer["next_cursor"]
        assert len(answer["data"]) == size or cursor is None
        seen += answer["data"]
    whole = replace(asked, size=1_000)
    assert seen == page(stand.world, table, whole)


def _agree_on_groups(stand: Stand, table: str, asked: Grouping, answer: Any) -> None:
    expected = groups(stand.world, table, asked)
    kinds = kinds_of(stand.world, table, asked)
    shown = expected[asked.base.start : asked.base.start + asked.base.size] if asked.keys else expected
    got = [{name: _plain(kinds[name], value) for name, value in row.items()} for row in answer["data"]]
    assert got == shown
    assert answer["total"] == len(expected)
    assert asked.keys or answer["aggregates"] == (answer["data"][0] if shown else None)


def _plain(kind: str, value: Any) -> Any:
    if not kind.startswith("["):
        return plain(kind, value)
    return None if value is None else [plain(kind[1:], one) for one in value]


def _only(row: Row, names: tuple[str, ...]) -> list[Any]:
    return [row[name] for name in names]
