"""Operations on the four tables of ``worlds``: what they are, how a provider performs one, how the model does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from datar.errors import DatarError, InvalidFields, InvalidRows
from records.answers import Answer
from records.jsontext import dumps
from records.recordid import join_id
from records.recordset import RecordSet
from records.versions import Tags
from tests.records import model_verbs as verbs
from tests.records.engine import read
from tests.records.model import Condition, Row
from tests.records.model_writes import Key, Ledger, Refused
from tests.records.physical import set_back
from tests.records.spelling import Spelling, tree
from tests.records.worlds import Stand

Verb = Literal[
    "create", "skip", "upsert", "patch", "put", "patch_many", "delete", "delete_ids", "delete_where", "get", "ask"
]
Seen = dict[tuple[str, Key], Any]


@dataclass(frozen=True)
class Step:
    """One request. ``tagged`` says that If-Match names the version in which the row was last read."""

    verb: Verb
    table: str
    rows: tuple[Row, ...] = ()
    single: bool = False
    keys: tuple[Key, ...] = ()
    unique: tuple[str, ...] = ()
    tagged: bool = False
    where: Condition | None = None
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass
class Outcome:
    """What came of a step: the body, or a refusal with all it says; what a client may tell apart."""

    body: Any = None
    refusal: Mapping[str, Any] | None = None
    created: bool = False
    record_id: str = ""

    @property
    def code(self) -> str:
        """The code of the refusal, empty when there is none."""
        return "" if self.refusal is None else str(self.refusal["code"])


class Performer:
    """One provider's four tables, and the tags that were read of their rows."""

    def __init__(self, stand: Stand) -> None:
        self.stand, self.seen = stand, Seen()

    def begin(self) -> None:
        """The tables are empty."""
        self.stand.empty()
        self.seen.clear()

    def generate_from(self, key: int) -> None:
        """The next generated keys are beyond this one."""
        for name in ("people", "notes"):
            set_back(self.stand.engine, self.stand.rows(name).table, key)

    def perform(self, step: Step) -> Outcome:
        """The answer to a step."""
        try:
            return self._answered(step)
        except DatarError as error:
            return Outcome(refusal=_told(error))

    def _answered(self, step: Step) -> Outcome:
        if step.verb == "ask":
            return Outcome(read(self.stand.rows(step.table).records.list(step.pairs)))
        answer = self._written(step)
        return Outcome(read(answer.body) if answer.body else None, None, answer.created, answer.record_id)

    def _written(self, step: Step) -> Answer:
        records = self.stand.rows(step.table).records
        body = dumps(step.rows[0] if step.single else list(step.rows)) if step.rows else b""
        if step.verb == "create":
            return records.create(body, ())
        if step.verb == "skip":
            return records.create(body, [("on_error", "skip")])
        if step.verb == "upsert":
            return records.upsert(body, [("unique_fields", ",".join(step.unique))] if step.unique else [])
        if step.verb == "patch_many":
            return records.update_many(body, ())
        if step.verb == "delete_ids":
            return records.delete_many([("ids", ",".join(map(_id, step.keys)))])
        if step.verb == "delete_where":
            assert step.where is not None
            return records.delete_many([("filter", dumps(tree([step.where], Spelling())).decode())])
        return self._one(step, records, body)

    def _one(self, step: Step, records: RecordSet, body: bytes) -> Answer:
        """What is asked of one row by its key."""
        key = step.keys[0]
        tags = self.seen.get((step.table, key)) if step.tagged else None
        if step.verb == "delete":
            return records.delete(_id(key), (), if_match=tags)
        if step.verb != "get":
            return records.update(_id(key), body, (), replace=step.verb == "put", if_match=tags)
        answer = records.get(_id(key), ())
        self.seen[step.table, key] = Tags(frozenset({answer.tag.strip('"')}))
        return answer


def _id(key: Key) -> str:
    return join_id(tuple(map(str, key)))


def _told(error: DatarError) -> Mapping[str, Any]:
    told: dict[str, Any] = {
        "kind": type(error).__name__,
        "code": error.code,
        "detail": error.detail,
        "extra": error.extra,
    }
    if isinstance(error, InvalidFields | InvalidRows):
        told["errors"] = [(each.index, each.field, each.code, each.message) for each in error.errors]
    return told


def expected(books: Ledger, step: Step, seen: Seen) -> Any:
    """The model's answer; the world is changed. Raises Refused, Unsure, and then nothing is."""
    tried = books.tried()
    answer = _EXPECTED[step.verb](tried, step, seen.get((step.table, step.keys[0])) if step.tagged else None)
    books.take(tried)
    if step.verb == "get":
        seen[step.table, step.keys[0]] = books.versions[step.table, step.keys[0]]
    return answer


def _got(books: Ledger, step: Step, _: int | None) -> Any:
    row = books.find(step.table, step.keys[0])
    if row is None:
        raise Refused("not_found")
    return {"data": row}


_EXPECTED: Mapping[str, Callable[[Ledger, Step, int | None], Any]] = {
    "create": lambda books, step, _: verbs.create(books, step.table, list(step.rows), single=step.single),
    "skip": lambda books, step, _: verbs.skip(books, step.table, list(step.rows)),
    "upsert": lambda books, step, _: verbs.upsert(
        books, step.table, list(step.rows), step.unique or books.world.shapes[step.table].key, single=step.single
    ),
    "patch": lambda books, step, version: verbs.update(
        books, step.table, step.keys[0], step.rows[0], version, replace=False
    ),
    "put": lambda books, step, version: verbs.update(
        books, step.table, step.keys[0], step.rows[0], version, replace=True
    ),
    "patch_many": lambda books, step, _: verbs.update_many(books, step.table, list(step.rows)),
    "delete": lambda books, step, version: verbs.delete(books, step.table, step.keys[0], version),
    "delete_ids": lambda books, step, _: verbs.delete_ids(books, step.table, step.keys),
    "delete_where": lambda books, step, _: verbs.delete_where(books, step.table, step.where),  # type: ignore[arg-type]
    "get": _got,
}
