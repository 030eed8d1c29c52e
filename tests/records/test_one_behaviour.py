"""One behaviour: the same random operations on flat_table, jsonb, MongoDB and the reference model, answer by answer."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from datar.errors import DatarError
from tests.mongo import why_not_mongodb
from tests.records import asked, ruled
from tests.records.agreeing import agree, agree_on_walk, ask
from tests.records.engine import Layout
from tests.records.model import Question, World, page
from tests.records.model_groups import Grouping
from tests.records.model_writes import Ledger, Ordered, Refused, Unsure, alike
from tests.records.operations import Outcome, Performer, Seen, Step, expected
from tests.records.spelling import Spelling
from tests.records.worlds import SHAPES, Stand, stand_on

STEPS = 20
"""Operations of one example, after those that fill the tables."""
EXAMPLES, LEAST = {"ci": (50, 1_000), "short": (12, 200), "brief": (4, 40), "trust": (550, 10_000)}[
    os.environ.get("DATAR_TEST_PROFILE", "ci")
]
"""Sequences of a profile, and the operations they have at least."""
LAYOUTS: tuple[Layout, ...] = ("flat", "document") if why_not_mongodb() else ("flat", "document", "mongo")


@pytest.fixture(scope="module")
def performers(database_url: str) -> Iterator[list[Performer]]:
    """The tables on every provider."""
    with ExitStack() as stack:
        yield [Performer(stack.enter_context(stand_on(database_url, layout, ruled.DESCRIPTORS))) for layout in LAYOUTS]


class Run:
    """One sequence: the providers, the model, and how many operations they agreed on."""

    def __init__(self, performers: list[Performer]) -> None:
        self.performers = performers
        self.books = Ledger(World(SHAPES, {name: [] for name in SHAPES}), ruled.RULES)
        self.seen: Seen = {}
        self.done = 0
        for performer in performers:
            performer.begin()
            performer.generate_from(100)
            performer.stand.world = self.books.world

    def step(self, step: Step) -> None:
        """Everyone performs it, and the answers are one."""
        note(repr(step))
        if self.is_ordered(step):
            return
        self.done += 1
        outcomes = [performer.perform(step) for performer in self.performers]
        first = outcomes[0]
        if first.refusal is not None and lacks_keys(step):
            self.level()
        sure = True
        try:
            answer = expected(self.books, with_generated(step, first), self.seen)
        except Refused as refusal:
            sure = refusal.sure
            assert_refused(step, first, refusal)
        except Unsure:
            self.look_again()
        else:
            assert first.refusal is None, told(step, first, answer)
            assert_answered(step, first, answer)
        for layout, other in zip(LAYOUTS, outcomes, strict=True):
            alike_enough = same_outcome(first, other) if sure else first.code == other.code
            assert alike_enough, told(layout, step, first, other)

    def is_ordered(self, step: Step) -> bool:
        """Whether the answer would hang on an order that nobody promises."""
        if step.verb in ("delete", "delete_ids", "delete_where"):
            try:
                expected(self.books.tried(), step, self.seen)
            except Ordered:
                return True
            except (Refused, Unsure):
                return False
        return False

    def level(self) -> None:
        """Which generated keys a refused write leaves unused is not promised: the next ones are alike again."""
        for performer in self.performers:
            performer.generate_from(100 + 10 * self.done)

    def ask(self, table: str, question: Question | Grouping, spelling: Spelling) -> None:
        """Everyone answers it alike, and as the model does."""
        self.done += 1
        answers = [told_answer(performer.stand, table, question, spelling) for performer in self.performers]
        for other in answers[1:]:
            assert alike(answers[0], other), told(table, question, spelling, answers[0], other)
        agree(self.performers[0].stand, table, question, spelling)

    def walk(self, table: str, question: Question, spelling: Spelling, size: int) -> None:
        """Everyone gives the model's rows, page by page."""
        self.done += 1
        for performer in self.performers:
            agree_on_walk(performer.stand, table, question, spelling, size)

    def refuse(self, table: str, pairs: Sequence[tuple[str, str]], code: str) -> None:
        """Everyone refuses it in the same words."""
        self.done += 1
        step = Step("ask", table, pairs=tuple(pairs))
        outcomes = [performer.perform(step) for performer in self.performers]
        assert {outcome.code for outcome in outcomes} == {code}, told(step, *outcomes)
        assert all(outcome.refusal == outcomes[0].refusal for outcome in outcomes), told(step, *outcomes)

    def look_again(self) -> None:
        """The world is what the providers say it is."""
        for table in SHAPES:
            whole = self.whole(table)
            assert all(alike(whole[0], other) for other in whole[1:]), told(table, *whole)
            self.books.world.rows[table] = whole[0]
            for row in whole[0]:
                self.books.touch(table, row)
        self.seen.clear()

    def whole(self, table: str) -> list[Any]:
        """All rows of a table, as each provider has them."""
        step = Step("ask", table, pairs=(("page_size", "1000"),))
        return [performer.perform(step).body["data"] for performer in self.performers]

    def agree_on_rows(self) -> None:
        """Every table holds what the model holds."""
        for table in SHAPES:
            known = page(self.books.world, table, Question(size=1000))
            for rows in self.whole(table):
                assert alike(rows, known), told(table, rows, known)


def told_answer(stand: Stand, table: str, question: Question | Grouping, spelling: Spelling) -> Any:
    """The answer, or what was said against the question."""
    try:
        return ask(stand, table, question, spelling)
    except DatarError as error:
        return [type(error).__name__, error.code, error.detail]


def told(*what: object) -> str:
    """All of it, each on a line: pytest would cut it short."""
    return "\n".join(map(repr, what))


def same_outcome(one: Outcome, other: Outcome) -> bool:
    """Whether no client could tell the two apart."""
    if (one.created, one.record_id, one.refusal) != (other.created, other.record_id, other.refusal):
        return False
    return alike(one.body, other.body)


def lacks_keys(step: Step) -> bool:
    """Whether keys are generated for some of its rows."""
    new = step.verb in ("create", "skip", "upsert")
    return new and any(name not in row for row in step.rows for name in SHAPES[step.table].key)


def with_generated(step: Step, outcome: Outcome) -> Step:
    """The step with the keys that were generated, which the model cannot know; of rows that were refused any free ones.

    That they were free before the model sees: a key that is taken it would refuse.
    """
    name = SHAPES[step.table].key[0]
    if not lacks_keys(step):
        return step
    body = {} if outcome.refusal is not None else outcome.body
    made = [body["data"]] if step.single and body else body.get("data", [])
    out = {error["index"] for error in body.get("errors", ())} if body else set(range(len(step.rows)))
    keys = iter(made)
    answered = [{name: 10_000 + place} if place in out else next(keys) for place in range(len(step.rows))]
    rows = [{name: done[name], **row} for row, done in zip(step.rows, answered, strict=True)]
    return replace(step, rows=tuple(rows))


def assert_refused(step: Step, outcome: Outcome, refusal: Refused) -> None:
    """The providers refuse with the model's reason."""
    assert outcome.code == refusal.code, told(step, outcome, refusal)
    assert outcome.refusal is not None
    if refusal.errors:
        assert {error[:3] for error in outcome.refusal["errors"]} == refusal.errors, told(step, outcome, refusal)
    extra = outcome.refusal["extra"]
    if refusal.fields:
        assert tuple(extra["fields"]) == refusal.fields, told(step, outcome, refusal)
    if refusal.index is not None and "index" in extra:
        assert extra["index"] == refusal.index, told(step, outcome, refusal)


def assert_answered(step: Step, outcome: Outcome, answer: Any) -> None:
    """The providers answer what the model does."""
    body = outcome.body
    if step.verb == "skip":
        assert len(body["errors"]) == answer["skipped"]
        body = {name: value for name, value in body.items() if name != "errors"}
    if step.verb == "delete_ids":
        assert len(body["ids"]) == answer["deleted"]
        body = {"deleted": body["deleted"]}
    assert alike(body, answer), told(step, outcome, answer)


def test_di_24_the_same_operations_have_the_same_answers(performers: list[Performer]) -> None:
    done = 0

    @settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=EXAMPLES)
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        nonlocal done
        sequence = Run(performers)
        for table in ruled.TABLES:
            rows = data.draw(ruled.new_rows(sequence.books, table, 3, generated=False))
            sequence.step(Step("skip", table, rows))
        for table, there in sequence.books.world.rows.items():
            for row in there[:1]:
                sequence.step(Step("get", table, keys=(sequence.books.key_of(table, row),)))
        for _ in range(STEPS):
            if data.draw(st.integers(0, 2)):
                sequence.step(data.draw(ruled.writes(sequence.books, sequence.seen)))
            else:
                asked.ask(sequence, data)
        sequence.agree_on_rows()
        done += sequence.done

    run()
    assert done >= LEAST, f"only {done} operations"
