"""Rows of other stores that refer to rows which are removed, or whose keys change: refused, or done to as declared.

First everything is looked at that may refuse, then what is below the rows in other stores goes or is changed, the
lowest first, and last the rows themselves by their own store. So no row is left without its parent; where the last step
fails, rows below have gone or changed all the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Final

from datar.errors import Conflict
from records import limits
from records.conditions import AllOf, Condition, Expression
from records.linking import Key, Row, among, key_of, keys_of, linked_rows, read_json
from records.orphans import points_at, still_referred_to
from records.plan import KeyedPlan, LinkedPlan, ListPlan, Sort, WritePlan
from records.provider import Provider, Stale, Stores
from records.query import Page
from records.remote_conditions import too_many_keys
from records.remote_keys import found_by, stored_rows
from records.table import ABSENT, Field, ForeignKey, Json, Table

_ROWS_AT_ONCE: Final = 1_000
"""Rows of one change that a foreign key's action makes."""

Reference = tuple[Table, ForeignKey]
"""A foreign key, and the table that has it."""


def refuse_changed_keys(plan: WritePlan, provider: Provider, stores: Stores) -> None:
    """Raise Conflict when a change takes a unique value away that rows of another store refer to."""
    table = plan.table
    sent = {each.name for each in (plan.fields if plan.sent is None else plan.sent)}.difference(table.primary_key)
    if not any(name in unique for unique in table.uniques for name in sent) or not stores.crossed:
        return
    removal = _Removal(table, stores)
    for child, key in removal.references(table):
        if child.identity.store == table.identity.store or sent.isdisjoint(key.target_fields):
            continue
        gone = _changed(plan, [table.by_name[name] for name in key.target_fields], sent, provider)
        if gone and removal.rows_below(child, key, gone, 1):
            raise removal.refusal(table, child, key)


def _changed(plan: WritePlan, fields: Sequence[Field], sent: set[str], provider: Provider) -> list[Key]:
    """The values in these fields that stored rows will no longer have."""
    by = found_by(plan)
    stored = stored_rows(plan, by, fields, provider)
    written = {(key_of(row, by) if not plan.key else next(iter(stored), None)): row for row in plan.rows}
    gone = []
    for own, row in stored.items():
        new = written.get(own, {})
        old = key_of(row, fields)
        if old is not None and old != key_of({**row, **{name: new[name] for name in sent if name in new}}, fields):
            gone.append(old)
    return gone


def release(plan: WritePlan, provider: Provider, stores: Stores) -> WritePlan:
    """Do what the removal of rows does to rows of other stores; then the removal that is left to their own store.

    Raises Conflict (``conflict_foreign_key``), Invalid (``relation_not_local``: too many rows to look at), Stale.
    """
    if not stores.crossed:
        return plan
    removal = _Removal(plan.table, stores)
    if not removal.reaches(plan.table):
        return plan
    if plan.where is not None:
        rows = removal.read(plan.table, plan.where)
        plan = replace(plan, where=AllOf((plan.where, among((), plan.table.key_fields, _own_keys(plan.table, rows)))))
    else:
        rows = _present(plan, removal, provider)
    if rows:
        removal.add(plan.table, rows)
        removal.run()
    return plan


def _present(plan: WritePlan, removal: "_Removal", provider: Provider) -> list[Row]:
    """The rows that a plan names by their keys; none where one is not there, or not in the version that is named."""
    table = plan.table
    if plan.versions is not None:
        found = provider.get(KeyedPlan(table, table.key_fields, plan.key))
        if found is None or str(found.version) not in plan.versions:
            return []
    read = LinkedPlan(table, removal.fields_of(table), table.key_fields, ())
    rows = linked_rows(provider, read, _own_keys(table, plan.rows))
    return rows if len(rows) == len(plan.rows) else []


@dataclass
class _Removal:
    """One removal of rows of ``root`` and what follows: rows that go, what may refuse it, what is done elsewhere."""

    root: Table
    stores: Stores
    gone: dict[int, set[Key]] = field(default_factory=dict)
    checks: list[Callable[[], None]] = field(default_factory=list)
    actions: list[Callable[[], None]] = field(default_factory=list)
    known: dict[int, list[Reference]] = field(default_factory=dict)

    def references(self, table: Table) -> list[Reference]:
        """The enforced foreign keys that lead to a table, those of its own store too."""
        if table.identity.id not in self.known:
            self.known[table.identity.id] = [
                (child, key)
                for child in self.stores.dependents(table)
                for key in child.foreign_keys
                if key.enforced and points_at(key, table)
            ]
        return self.known[table.identity.id]

    def reaches(self, table: Table, seen: frozenset[int] = frozenset()) -> bool:
        """Whether removing its rows concerns rows of another store."""
        if table.identity.id in seen:
            return False
        seen |= {table.identity.id}
        return any(
            child.identity.store != table.identity.store or (key.on_delete == "CASCADE" and self.reaches(child, seen))
            for child, key in self.references(table)
        )

    def fields_of(self, table: Table) -> tuple[Field, ...]:
        """The fields that rows on their way out are read with: their key, and what is referred to."""
        names = dict.fromkeys(table.primary_key)
        for _, key in self.references(table):
            names |= dict.fromkeys(key.target_fields)
        return tuple(table.by_name[name] for name in names)

    def read(self, table: Table, where: Condition) -> list[Row]:
        """The rows that a condition holds of. Raises Invalid when they are more than ``REMOTE_KEYS``."""
        rows = self.page(table, self.fields_of(table), where, limits.REMOTE_KEYS + 1)
        if len(rows) > limits.REMOTE_KEYS:
            name = table.identity.name
            raise too_many_keys(f"Rows of another database may refer to rows of '{name}', of which too many would go")
        return rows

    def page(self, table: Table, fields: tuple[Field, ...], where: Condition, size: int) -> list[Row]:
        """The first rows of which a condition holds."""
        order = tuple(Sort(Expression(each)) for each in table.key_fields)
        plan = ListPlan(table, fields, where, order, Page(size, 0, None), count="none")
        rows: list[Row] = read_json(self.stores.provider_of(table).read(plan))["data"]
        return rows

    def rows_below(self, child: Table, key: ForeignKey, links: Sequence[Key], size: int) -> list[Row]:
        """The first rows of a table that lead along its key to one of these values."""
        rows: list[Row] = []
        for where in _leading(child, key, links):
            rows += self.page(child, child.key_fields, where, size)
            if len(rows) >= size:
                break
        return rows

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        """These rows will go: find out what follows."""
        own = self.gone.setdefault(table.identity.id, set())
        new = [row for row in rows if key_of(row, table.key_fields) not in own]
        own.update(_own_keys(table, new))
        for child, key in self.references(table):
            links = keys_of(new, [table.by_name[name] for name in key.target_fields])
            if links:
                self._follow(table, child, key, links)

    def _follow(self, table: Table, child: Table, key: ForeignKey, links: list[Key]) -> None:
        remote = child.identity.store != table.identity.store
        if key.on_delete == "CASCADE":
            if self.reaches(child):
                for where in _leading(child, key, links):
                    self.add(child, self.read(child, where))
            if remote:
                self.actions.append(partial(self._remove, child, key, links))
        elif key.on_delete in ("SET NULL", "SET DEFAULT"):
            if remote:
                self.checks.append(partial(self._check_default, table, child, key, links))
                self.actions.append(partial(self._detach, child, key, links))
        else:
            self.checks.append(partial(self._check_none, table, child, key, links))

    def run(self) -> None:
        """Look at everything that may refuse, then act. Without anything to do elsewhere only what is elsewhere."""
        for check in self.checks:
            check()
        for action in self.actions:
            action()

    def refusal(self, table: Table, child: Table, key: ForeignKey) -> Conflict:
        """That rows of the child still refer to rows of the table; of the root it is said by which fields."""
        identity = child.identity
        names = key.target_fields if table.identity.id == self.root.identity.id else ()
        fields = [each.name for each in table.fields if each.name in names]
        active = self.stores.find(identity.app, identity.name) is not None
        return still_referred_to(identity.name, fields, active=active)

    def _check_none(self, table: Table, child: Table, key: ForeignKey, links: list[Key]) -> None:
        if child.identity.store == table.identity.store and not self.actions:
            return  # its own store will tell, and nothing will have been done before
        going = self.gone.get(child.identity.id, set())
        rows = self.rows_below(child, key, links, len(going) + 1)
        if not going.issuperset(_own_keys(child, rows)):
            raise self.refusal(table, child, key)

    def _check_default(self, table: Table, child: Table, key: ForeignKey, links: list[Key]) -> None:
        """The row that children are to lead to instead must be there and stay."""
        default = _left(child, key)
        if None in default.values() or not self.rows_below(child, key, links, 1):
            return
        by = tuple(table.by_name[name] for name in key.target_fields)
        plan = LinkedPlan(table, tuple({each.name: each for each in (*table.key_fields, *by)}.values()), by, ())
        rows = linked_rows(self.stores.provider_of(table), plan, [tuple(default.values())])
        staying = set(_own_keys(table, rows)) - self.gone.get(table.identity.id, set())
        if not staying:
            raise self.refusal(table, child, key)

    def _remove(self, child: Table, key: ForeignKey, links: list[Key]) -> None:
        provider = self.stores.provider_of(child)
        for where in _leading(child, key, links):
            if not provider.delete(WritePlan(child, [], changes=True, where=where), self.stores).held:
                raise Stale

    def _detach(self, child: Table, key: ForeignKey, links: list[Key]) -> None:
        """Rows of the child lead nowhere, or to their default, some at a time."""
        provider, left = self.stores.provider_of(child), _left(child, key)
        fields = tuple(child.by_name[name] for name in key.fields)
        for where in _leading(child, key, links):
            while rows := self.page(child, child.key_fields, where, _ROWS_AT_ONCE):
                changed = [{**row, **left} for row in rows]
                written = provider.update(WritePlan(child, changed, fields, changes=True, minimal=True), self.stores)
                if not written.count and not written.missing:
                    raise Stale


def _own_keys(table: Table, rows: Iterable[Row]) -> list[Key]:
    return keys_of(rows, table.key_fields)


def _leading(child: Table, key: ForeignKey, links: Sequence[Key]) -> Iterator[Condition]:
    """That a row of the child leads along the key to one of these values; they are told in parts."""
    fields, left = [child.by_name[name] for name in key.fields], iter(links)
    while part := list(islice(left, limits.REMOTE_KEYS)):
        yield among((), fields, part)


def _left(child: Table, key: ForeignKey) -> dict[str, Json]:
    """What the fields of a foreign key become when the row it leads to goes."""
    if key.on_delete == "SET NULL":
        return dict.fromkeys(key.fields)
    defaults = {name: child.by_name[name].default for name in key.fields}
    return {name: None if default is ABSENT else default for name, default in defaults.items()}
