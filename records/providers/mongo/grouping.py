"""Groups → one pipeline: they are made once, for the page and for their number.

Averages, spreads and exact sums of numbers are said in Python. Where order or ``_having`` ask for one of these, every
group is sent, and the page is taken of them here: of a list what is before its end is held, of an export all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, Final, TypeVar

from records import limits
from records.conditions import EVERYTHING, Condition, Output
from records.operators import JSON_TYPES
from records.plan import GroupPlan
from records.providers.mongo.aggregates import Gathering
from records.providers.mongo.asking import Asking, asked
from records.providers.mongo.errors import answer_too_large
from records.providers.mongo.finishing import Computed, order_key, parted, places_of, truth
from records.providers.mongo.jsonorder import order_member
from records.providers.mongo.keyed import keyed_plan
from records.providers.mongo.layout import KEY
from records.providers.mongo.matching import condition_stages, having_stage
from records.providers.mongo.rendering import dumps
from records.providers.mongo.server import Document, Pipeline, Server
from records.providers.mongo.shown import Shown
from records.providers.mongo.source import Source
from records.providers.mongo.streaming import Batches
from records.providers.mongo.sums import Inexact
from records.query import Page

T = TypeVar("T")

_TOTAL: Final = "_total"
_Rank = list[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """Groups of a page, and how many there are in all where it was counted."""

    groups: list[Document]
    total: int | None


def read_groups(server: Server, plan: GroupPlan) -> bytes:
    """The page of groups and their number, or the one row of a plan without groups, as JSON text."""
    found, rows = asked(server, lambda asking: _read(asking, keyed_plan(plan, asking)))
    total = b"null" if found.total is None else b"%d" % found.total
    if not plan.groups:
        row = rows[0] if rows else b"null"
        return b'{"data":[' + b",".join(rows) + b'],"aggregates":' + row + b',"total":' + total + b"}"
    assert plan.page is not None
    return b'{"data":[' + b",".join(rows) + b'],"total":' + total + b"," + dumps(_place(plan.page))[1:]


def _read(asking: Asking, plan: GroupPlan) -> tuple[Found, list[bytes]]:
    for wide in (False, True):
        grouped = Grouped(plan, wide=wide)
        try:
            found = grouped.page(asking)
            return found, [dumps(grouped.row(group)) for group in found.groups]
        except Inexact:
            continue
    raise AssertionError


class Grouped:
    """The pipeline of a plan. ``wide`` sums are exact, whatever the numbers."""

    def __init__(self, plan: GroupPlan, *, wide: bool) -> None:
        self._plan = plan
        source = Source(plan.table)
        where = [] if plan.where == EVERYTHING else condition_stages(plan.where, source)
        self._terms = [
            (sort.expression.place, sort.descending) for sort in plan.order if isinstance(sort.expression, Output)
        ]
        compared = {*(place for place, _ in self._terms), *places_of(plan.having)}
        gathering = Gathering(plan, source, compared, wide=wide)
        self.outputs: list[Shown] = gathering.outputs
        self.names = [*(group.name for group in plan.groups), *(each.name for each in plan.aggregates)]
        self._computed = [place for place in compared if self.outputs[place].computed]
        theirs, self._having = parted(plan.having, self._computed)
        members = [shown.member for shown in self.outputs]
        # MongoDB moves conditions on the row itself before a sort, so that an index may serve either.
        self._stages: Pipeline = [{"$sort": {KEY: 1}}] if gathering.in_key_order else []
        self._stages += [*where, *source.stages, *_grouping(plan, gathering)]
        self._stages += having_stage(theirs, members) if theirs != EVERYTHING else []

    def page(self, asking: Asking) -> Found:
        """The page that the plan asks for, or every group. Raises Inexact, PyMongoError."""
        plan, page = self._plan, self._plan.page
        skip, limit = (0, 0) if page is None else (page.offset, page.size)
        counted = plan.count != "none"
        if self._computed:
            return self._finished(asking.each(plan.table, self._sorted()), skip, limit)
        if page is None:
            groups = asking.rows(plan.table, self._sorted(), most=1)
            return Found(groups, len(groups) if counted else None)
        groups = asking.rows(plan.table, self._paged(skip, limit, counted=counted), most=limit)
        if not counted:
            return Found(groups, None)
        if not groups and skip:
            return Found(groups, asking.count(plan.table, self._stages))
        return Found(groups, groups[0][_TOTAL] if groups else 0)

    def batches(self, asking: Asking, batches: Batches) -> Iterator[list[Document]]:
        """The groups of the page, or all, some at once. Raises Inexact, PyMongoError."""
        page = self._plan.page
        if self._computed:
            yield self.page(asking).groups
            return
        stages = self._sorted() if page is None else self._paged(page.offset, page.size, counted=False)
        yield from batches.of(self._plan.table, stages)

    def row(self, group: Document) -> dict[str, Any]:
        """A group as what orjson writes. Raises Inexact."""
        return {name: shown.json(group) for name, shown in zip(self.names, self.outputs, strict=True)}

    def _paged(self, skip: int, limit: int, *, counted: bool) -> Pipeline:
        stages = [*self._stages]
        if counted:
            stages.append({"$setWindowFields": {"output": {_TOTAL: {"$count": {}}}}})
        stages = self._sorted(stages)
        return [*stages, *([{"$skip": skip}] if skip else []), {"$limit": limit}]

    def _sorted(self, stages: Pipeline | None = None) -> Pipeline:
        """The groups in their order, as far as MongoDB can tell it.

        Terms behind the last number of Python's say in which order they come, of those before it the rank is told.
        """
        stages = [*(self._stages if stages is None else stages)]
        members: Document = {}
        keys: dict[str, int] = {}
        for place, descending in self._terms:
            shown = self.outputs[place]
            if not shown.computed:
                members[f"_s{place}"] = order_member(shown.member, is_json=shown.result.type in JSON_TYPES)
                keys[f"_s{place}"] = -1 if descending else 1
        if members:
            stages.append({"$set": members})
        for place in self._before:
            rank = {"sortBy": {f"_s{place}": keys.pop(f"_s{place}")}, "output": {f"_r{place}": {"$denseRank": {}}}}
            stages.append({"$setWindowFields": rank})
        return [*stages, {"$sort": keys}] if keys else stages

    @property
    def _numbers(self) -> list[tuple[int, bool]]:
        """The terms of the order up to the last that is a number of Python's."""
        last = max((at for at, (place, _) in enumerate(self._terms) if self.outputs[place].computed), default=-1)
        return self._terms[: last + 1]

    @property
    def _before(self) -> list[int]:
        """Of these, the places that MongoDB ranks."""
        return [place for place, _ in self._numbers if not self.outputs[place].computed]

    def _finished(self, groups: Iterable[Document], skip: int, limit: int) -> Found:
        """The page of those that satisfy what MongoDB could not ask; without a limit all of them.

        Raises Invalid (``query_too_complex``) where more of them are to be held than ``limits.GROUPS_HELD``.
        """
        kept = _Kept(self.outputs, self._computed, self._having, self._numbers)
        ranked = kept.ranked(groups)
        if not limit or skip + limit > limits.GROUPS_HELD:
            ranked = _few(ranked)
        page = nsmallest(skip + limit, ranked, key=_rank) if limit else sorted(ranked, key=_rank)
        return Found([group for _, group in page[skip:]], kept.count if self._plan.count != "none" else None)


@dataclass(slots=True)
class _Kept:
    """The groups that satisfy what is asked of their numbers; ``count`` of them have come."""

    outputs: list[Shown]
    computed: list[int]
    having: Condition
    terms: list[tuple[int, bool]]
    count: int = 0

    def ranked(self, groups: Iterable[Document]) -> Iterator[tuple[_Rank, Document]]:
        """Each with what it is ordered by. Raises Inexact."""
        for group in groups:
            numbers = {place: compute(group) for place in self.computed if (compute := self.outputs[place].computed)}
            if truth(self.having, numbers) is True:
                self.count += 1
                yield [*self._terms(group, numbers), self.count], group

    def _terms(self, group: Document, numbers: Computed) -> Iterator[Any]:
        for place, descending in self.terms:
            if place in numbers:
                yield order_key(numbers[place], descending=descending)
            else:
                yield group[f"_r{place}"]


def _few(groups: Iterator[T]) -> Iterator[T]:
    """As many as are held at once. Raises Invalid (``query_too_complex``) when there are more."""
    for number, group in enumerate(groups):
        if number == limits.GROUPS_HELD:
            raise answer_too_large()
        yield group


def _rank(pair: tuple[_Rank, Document]) -> _Rank:
    return pair[0]


def _place(page: Page) -> dict[str, int]:
    """Which page it is, in the words it was asked in."""
    if page.number is not None:
        return {"page": page.number, "page_size": page.size}
    return {"limit": page.size, "offset": page.offset}


def _grouping(plan: GroupPlan, gathering: Gathering) -> Pipeline:
    """Rows to groups; of no rows there is a group where none is asked for."""
    stages: Pipeline = [{"$set": members} for members in (gathering.rows, gathering.limbs) if members]
    stages.append({"$group": {"_id": gathering.keys or None, **gathering.groups}})
    if not plan.groups:
        nothing = {"_id": None, **gathering.nothing}
        stages += [{"$unionWith": {"pipeline": [{"$documents": [nothing]}]}}, {"$limit": 1}]
    return [*stages, {"$project": gathering.shape}]
