"""Foreign keys that lead to another store, at a write: whether the parents are there, one question for each key.

No database holds to these keys. What is looked at is the moment before the write: a parent that goes between the two is
not noticed.
"""

from collections.abc import Sequence

from datar.errors import Conflict, DatarError
from records.keys import key_row
from records.linking import Key, Row, key_of, keys_of, linked_rows
from records.orphans import lost_parent
from records.plan import LinkedPlan, WritePlan
from records.provider import Provider, Stores
from records.table import Field, ForeignKey, Table


def lost_parents(plans: Sequence[WritePlan], provider: Provider, stores: Stores) -> dict[int, DatarError]:
    """What is wrong with rows that lead to nothing in another store, by their places among the rows of all plans.

    Plans are of one table. ``provider`` keeps it.
    """
    found: dict[int, DatarError] = {}
    for key in plans[0].table.remote_keys:
        written = [link for plan in plans for link in _written(plan, key, provider)]
        missing = _missing({link for link in written if link is not None}, key, stores)
        for place, link in enumerate(written):
            if link in missing:
                found.setdefault(place, _lost(key))
    return found


def first_orphan(plans: Sequence[WritePlan], lost: dict[int, DatarError]) -> DatarError:
    """The refusal of a whole write: its first row, in the order of the body, whose parent is missing."""
    if plans[0].single:
        return lost[0]
    places = [place for plan in plans for place in plan.places] if len(plans) > 1 else range(len(plans[0].rows))
    index, refusal = min(((places[place], refusal) for place, refusal in lost.items()), key=lambda pair: pair[0])
    refusal.extra["index"] = index
    return refusal


def stored_rows(plan: WritePlan, by: Sequence[Field], fields: Sequence[Field], provider: Provider) -> dict[Key, Row]:
    """Rows that a write may find there, by the fields it finds them by; read with these fields."""
    keys = keys_of(_named(plan), by)
    read = tuple({field.name: field for field in (*by, *fields)}.values())
    rows = linked_rows(provider, LinkedPlan(plan.table, read, tuple(by), ()), keys)
    return {key: row for row in rows if (key := key_of(row, by)) is not None}


def found_by(plan: WritePlan) -> tuple[Field, ...]:
    """The fields by which a change or an upsert finds the rows that are there."""
    return tuple(plan.table.by_name[name] for name in plan.unique or plan.table.primary_key)


def _named(plan: WritePlan) -> list[Row]:
    """The rows of a plan with the fields that find them; a single change has them apart."""
    if not plan.key:
        return plan.rows
    return [{**row, **key_row(plan.table, plan.key)} for row in plan.rows]


def _written(plan: WritePlan, key: ForeignKey, provider: Provider) -> list[Key | None]:
    """What each row will lead to along the key, as far as the write changes it; None where it leads nowhere."""
    table = plan.table
    fields = [table.by_name[name] for name in key.fields]
    if not plan.changes and not plan.unique:
        return [key_of(row, fields) for row in plan.rows]
    sent = [_sent(plan, row) & set(key.fields) for row in plan.rows]
    if all(len(names) == len(fields) for names in sent):
        return [key_of(row, fields) for row in plan.rows]
    if plan.changes and not any(sent):
        return [None] * len(plan.rows)
    return _merged(plan, fields, sent, provider)


def _sent(plan: WritePlan, row: Row) -> set[str]:
    """The fields that a write changes in a row that is there."""
    if plan.changes:
        return set(row).difference(plan.table.primary_key)
    return {field.name for field in (plan.fields if plan.sent is None else plan.sent)}


def _merged(plan: WritePlan, fields: Sequence[Field], sent: Sequence[set[str]], provider: Provider) -> list[Key | None]:
    """The same where a row keeps a part of what it leads to by: that part is read."""
    by = found_by(plan)
    stored = stored_rows(plan, by, fields, provider)
    links: list[Key | None] = []
    for row, named, names in zip(plan.rows, _named(plan), sent, strict=True):
        own = key_of(named, by)
        there = stored.get(own) if own is not None else None
        if there is not None:
            kept = {name: value for name, value in there.items() if name not in names}
            links.append(key_of({**row, **kept}, fields) if names else None)
        else:
            links.append(None if plan.changes else key_of(row, fields))
    return links


def _missing(links: set[Key], key: ForeignKey, stores: Stores) -> set[Key]:
    """Those that no row of the target has."""
    target: Table | None = stores.parent(key.target_app, key.target_table)
    if target is None or not links:
        return links
    by = tuple(target.by_name[name] for name in key.target_fields)
    rows = linked_rows(stores.provider_of(target), LinkedPlan(target, by, by, ()), list(links))
    return links - set(keys_of(rows, by))


def _lost(key: ForeignKey) -> Conflict:
    error = lost_parent(key)
    error.extra["fields"] = list(key.fields)
    return error
