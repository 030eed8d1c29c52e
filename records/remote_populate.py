"""Relations to other stores put into rows: left out of a row's own question, fetched for all rows at once, put in.

One question per relation and level, whatever the number of rows. What one store can populate by itself it does.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from records.additional import members
from records.linking import Key, Row, key_of, keys_of, linked_rows
from records.plan import LinkedPlan, Populated
from records.provider import Stores
from records.system import SYSTEM_COLUMNS
from records.table import ADDITIONAL_NAME, Field, Json

_NONE: Final[Mapping[str, "Level"]] = {}


@dataclass(frozen=True, slots=True)
class Level:
    """The relations of one level: those that the rows' own store populates, and those that are fetched apart.

    ``below`` are levels under local relations that have something remote in them. ``labels`` are the members of a
    finished row in their order; ``links`` the fields that must be read for what is fetched.
    """

    local: tuple[Populated, ...]
    remote: tuple[Populated, ...]
    below: Mapping[str, "Level"]
    labels: tuple[str, ...]
    links: tuple[Field, ...]


def is_local(populated: Iterable[Populated]) -> bool:
    """Whether one store populates all of it."""
    return all(each.relation.is_local and is_local(each.populated) for each in populated)


def level_of(
    fields: Sequence[Field], populated: Sequence[Populated], *, meta: bool = False, needed: Sequence[Field] = ()
) -> Level:
    """What is to be done with rows of these fields; ``needed`` are further fields that the caller reads of them."""
    local, remote, links = _split(populated, needed)
    levels = {each.relation.name: level_of(each.relation.target.shown, each.populated) for each in local}
    names = [field.name for field in fields]
    names += [each.relation.name for each in populated if each.relation.name not in names]
    return Level(
        local=tuple(replace(each, populated=levels[each.relation.name].local) for each in local),
        remote=tuple(remote),
        below={each.relation.name: levels[each.relation.name] for each in local if not is_local(each.populated)},
        labels=(*names, *(SYSTEM_COLUMNS if meta else ())),
        links=tuple(links.values()),
    )


def fill(rows: Sequence[Row], level: Level, stores: Stores) -> None:
    """Put into each row, in place, what its own store could not; members come into their order."""
    fetched = {each.relation.name: _fetched(each, rows, stores) for each in level.remote}
    for name, below in level.below.items():
        fill(_inner(rows, name), below, stores)
    for place, row in enumerate(rows):
        values = {**row, **{name: found[place] for name, found in fetched.items()}}
        row.clear()
        row.update(_in_order(values, level))


def _in_order(values: Row, level: Level) -> Iterator[tuple[str, Json]]:
    """The members of a finished row; those that no schema names stand where their name that is none does."""
    for label in level.labels:
        if label == ADDITIONAL_NAME:
            yield from members(values, {*level.labels, *(field.name for field in level.links)})
        else:
            yield label, values[label]


def _split(
    populated: Sequence[Populated], needed: Sequence[Field]
) -> tuple[list[Populated], list[Populated], dict[str, Field]]:
    """What the rows' own store puts in, what is fetched apart, and the fields that must be read for that.

    A local relation that would stand in the place of such a field is fetched apart too.
    """
    links = {field.name: field for field in needed}
    local, remote = list(populated), []
    while apart := [each for each in local if not each.relation.is_local or each.relation.name in links]:
        remote += apart
        local = [each for each in local if all(each is not other for other in apart)]
        links |= {here.name: here for each in apart for here, _ in each.relation.pairs}
    return local, remote, links


def _inner(rows: Iterable[Row], name: str) -> list[Row]:
    """The rows that a relation has put into rows."""
    inner: list[Row] = []
    for row in rows:
        value = row[name]
        if isinstance(value, list):
            inner += value
        elif value is not None:
            inner.append(value)
    return inner


def _fetched(populated: Populated, rows: Sequence[Row], stores: Stores) -> list[Json]:
    """What belongs to each of the rows: a row or None, or a list of rows."""
    relation = populated.relation
    here, there = [mine for mine, _ in relation.pairs], [theirs for _, theirs in relation.pairs]
    target = relation.target
    level = level_of(target.shown, populated.populated, needed=there)
    found: dict[Key, list[Row]] = {}
    if keys := keys_of(rows, here):
        limit = populated.limit if relation.many else None
        plan = LinkedPlan(target, target.shown, tuple(there), (), limit, level.local)
        others = linked_rows(stores.provider_of(target), plan, keys)
        for other in others:
            key = key_of(other, there)
            assert key is not None
            found.setdefault(key, []).append(other)
        fill(others, level, stores)
    if relation.many:
        return [found.get(key, []) if (key := key_of(row, here)) is not None else [] for row in rows]
    return [found[key][0] if (key := key_of(row, here)) is not None and key in found else None for row in rows]
