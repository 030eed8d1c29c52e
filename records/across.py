"""The provider's verbs where relations may lead to other stores: what one store cannot do is parted and put together.

It stands between a plan and its provider, for what is asked elsewhere first depends on the rows there. A plan that
stays in one store passes through as it is. It refuses to know names as they were written, and any one store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from records.exports import Form, Pieces
from records.jsontext import dumps
from records.linking import read_json, read_rows
from records.plan import GroupPlan, KeyedPlan, ListPlan, Row, Sifted, Slice, WritePlan, Written
from records.provider import Provider, Stores
from records.remote_conditions import local_condition
from records.remote_exports import filled_export
from records.remote_keys import first_orphan, lost_parents
from records.remote_populate import Level, fill, is_local, level_of
from records.remote_removals import refuse_changed_keys, release

P = TypeVar("P", ListPlan, KeyedPlan)
Q = TypeVar("Q", ListPlan, GroupPlan, ListPlan | GroupPlan)


@dataclass(frozen=True, slots=True)
class Across:
    """The rows that ``provider`` keeps, and what they have to do with rows of other stores."""

    provider: Provider
    stores: Stores

    def read(self, plan: ListPlan | GroupPlan) -> bytes:
        """A page of rows or groups as JSON text."""
        plan = self._localized(plan)
        if isinstance(plan, GroupPlan) or is_local(plan.populated):
            return self.provider.read(plan)
        level = _level(plan)
        answer = read_json(self.provider.read(_local(plan, level)))
        fill(answer["data"], level, self.stores)
        return dumps(answer)

    def read_slice(self, plan: ListPlan) -> Slice:
        """The rows of a list after a cursor's place."""
        plan = self._localized(plan)
        if is_local(plan.populated):
            return self.provider.read_slice(plan)
        level = _level(plan)
        found = self.provider.read_slice(_local(plan, level))
        rows = read_rows(found.rows)
        fill(rows, level, self.stores)
        return Slice(b",".join(map(dumps, rows)), found.last)

    def stream(self, plan: ListPlan | GroupPlan, form: Form) -> Pieces:
        """The rows or groups as lines, as they come."""
        plan = self._localized(plan)
        if isinstance(plan, GroupPlan) or is_local(plan.populated):
            return self.provider.stream(plan, form)
        level = _level(plan)
        return filled_export(plan, level, self.provider.stream(_local(plan, level), "ndjson"), form, self.stores)

    def get(self, plan: KeyedPlan) -> Row | None:
        """One row, or None."""
        scope = local_condition(plan.scope, self.stores)
        plan = plan if scope is plan.scope else replace(plan, scope=scope)
        if is_local(plan.populated):
            return self.provider.get(plan)
        level = _level(plan)
        found = self.provider.get(_local(plan, level))
        if found is None:
            return None
        answer = read_json(found.body)
        fill([answer["data"]], level, self.stores)
        return Row(dumps(answer), found.version)

    def insert(self, plan: WritePlan) -> Written:
        """All rows or none. Raises Conflict where a parent is missing in another store; so do the other writes."""
        self._check_parents([plan])
        return self.provider.insert(plan, self.stores)

    def insert_each(self, plan: WritePlan) -> Sifted:
        """The rows that can be stored; those without their parent in another store cannot."""
        lost = lost_parents([plan], self.provider, self.stores)
        if not lost:
            return self.provider.insert_each(plan, self.stores)
        kept = [place for place in range(len(plan.rows)) if place not in lost]
        rows, places = [plan.rows[place] for place in kept], tuple(plan.places[place] for place in kept)
        done = self.provider.insert_each(replace(plan, rows=rows, places=places), self.stores)
        stored = {kept[place]: row for place, row in done.stored.items()}
        return Sifted(stored, {**lost, **{kept[place]: refusal for place, refusal in done.refused.items()}})

    def upsert(self, plans: Sequence[WritePlan]) -> tuple[Written, ...]:
        """Insert, or change what each plan's unique fields find; all plans or none."""
        self._check_parents(plans)
        for plan in plans:
            refuse_changed_keys(plan, self.provider, self.stores)
        return self.provider.upsert(plans, self.stores)

    def update(self, plan: WritePlan) -> Written:
        """Change rows by key; all rows or none."""
        self._check_parents([plan])
        refuse_changed_keys(plan, self.provider, self.stores)
        return self.provider.update(plan, self.stores)

    def delete(self, plan: WritePlan) -> Written:
        """Remove rows by key, all or none, or all that a condition holds of; first what other stores have below them.

        Raises Conflict where rows of another store still refer to them.
        """
        if plan.where is not None:
            plan = replace(plan, where=local_condition(plan.where, self.stores))
        return self.provider.delete(release(plan, self.provider, self.stores), self.stores)

    def _localized(self, plan: Q) -> Q:
        where = local_condition(plan.where, self.stores)
        return plan if where is plan.where else replace(plan, where=where)

    def _check_parents(self, plans: Sequence[WritePlan]) -> None:
        lost = lost_parents(plans, self.provider, self.stores)
        if lost:
            raise first_orphan(plans, lost)


def _level(plan: ListPlan | KeyedPlan) -> Level:
    return level_of(plan.fields, plan.populated, meta=plan.meta)


def _local(plan: P, level: Level) -> P:
    """The part of a read that its own store answers, with the fields that links need."""
    fields = {field.name: field for field in (*plan.fields, *level.links)}
    return replace(plan, fields=tuple(fields.values()), populated=level.local)
