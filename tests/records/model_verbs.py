"""The reference model's verbs: each takes a ``Ledger``, changes it or raises ``Refused``, and gives the answer."""

from collections.abc import Sequence
from typing import Any

from tests.records.model import Condition, Row, truth
from tests.records.model_writes import Key, Ledger, Refused, Unsure


def create(books: Ledger, table: str, rows: list[Row], *, single: bool) -> Any:
    """POST: all rows or none."""
    books.check(table, rows, single=single, whole=True)
    made = [books.stored(table, row) for row in rows]
    books.world.rows[table] += made
    refuse_clashes(books, table, made, single=single)
    for row in made:
        books.touch(table, row)
    books.refuse_orphans(table, made, single=single)
    return {"data": made[0] if single else made}


def refuse_clashes(books: Ledger, table: str, rows: Sequence[Row], *, single: bool) -> None:
    """Raise where a row stands against another; it is told which one only where no other could be meant."""
    found = [(place, names) for place, row in enumerate(rows) for names in books.clashes(table, row)]
    if found:
        (place, names), alone = found[0], len(found) == 1
        raise Refused("conflict_unique", fields=names if alone else (), index=place if alone and not single else None)


def skip(books: Ledger, table: str, rows: list[Row]) -> Any:
    """POST with ``on_error=skip``: each row that nothing stands against, as long as its parents stay."""
    faulty = {index for index, row in enumerate(rows) if books.faults(table, row, whole=True)}
    out = set(faulty)
    while True:
        tried = books.tried()
        made: dict[int, Row] = {}
        for index, row in enumerate(rows):
            if index in out:
                continue
            copy = tried.tried()
            try:
                copy.add(table, row, index)
            except Refused:
                continue
            tried.take(copy)
            made[index] = tried.world.rows[table][-1]
        lost = {list(made)[place] for place, _ in tried.orphans(table, list(made.values()))}
        if not lost:
            break
        if lost and len(made) < len(rows) - len(out):
            raise Unsure  # a row may have been left out for one that is left out itself
        out |= lost
    books.take(tried)
    return {"data": list(made.values()), "created": len(made), "skipped": len(rows) - len(made)}


def upsert(books: Ledger, table: str, rows: list[Row], unique: tuple[str, ...], *, single: bool) -> Any:
    """POST upsert: a row that the unique labels find is changed in what was sent, another is added."""
    books.check(table, rows, single=single, whole=True)
    if any(row.get(name) is None for row in rows for name in unique):
        raise Refused("invalid_unique_fields")
    keys = [tuple(books.stored(table, row)[name] for name in unique) for row in rows]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise Refused("conflict_unique", fields=unique, index=index)
    created, touched = 0, []
    for row, key in zip(rows, keys, strict=True):
        found = next((one for one in books.world.rows[table] if tuple(one[name] for name in unique) == key), None)
        if found is None:
            created += 1
            touched.append(_added(books, table, row, single=single))
            continue
        if books.key_of(table, books.stored(table, row)) != books.key_of(table, found):
            if not single:
                raise Unsure
            raise Refused("validation_error", errors=frozenset({(None, books.world.shapes[table].key[0], READ_ONLY)}))
        _set(books, table, found, row, index=None, sure=single)
        touched.append(found)
    books.refuse_orphans(table, touched, single=True)
    if single:
        return {"data": touched[0], "created": bool(created)}
    return {"data": touched, "created": created, "updated": len(rows) - created}


READ_ONLY = "read_only_field"


def _added(books: Ledger, table: str, row: Row, *, single: bool) -> Row:
    try:
        return books.add(table, row, None)
    except Refused:
        if single:
            raise
        raise Unsure from None


def _set(books: Ledger, table: str, found: Row, sent: Row, *, index: int | None, sure: bool) -> None:
    values = books.stored(table, {**found, **sent})
    found.update(values)
    try:
        books.refuse_clash(table, found, index)
    except Refused:
        if not sure:
            raise Unsure from None
        raise
    books.touch(table, found)


def update(books: Ledger, table: str, key: Key, row: Row, version: int | None, *, replace: bool) -> Any:
    """PATCH and PUT of one row, in one version or any."""
    names = books.world.shapes[table].key
    defaults = books.rules[table].defaults
    if replace:
        absent = {name: defaults.get(name) for name in books.world.shapes[table].kinds if name not in (*row, *names)}
        row = {**absent, **row}
    books.check(table, [row], single=True, whole=False)
    other = [name for name, part in zip(names, key, strict=True) if name in row and row[name] != part]
    if other:
        raise Refused("validation_error", errors=frozenset({(None, other[0], READ_ONLY)}))
    found = _wanted(books, table, key, version)
    _set(books, table, found, row, index=None, sure=True)
    books.refuse_orphans(table, [found], single=True)
    return {"data": found}


def _wanted(books: Ledger, table: str, key: Key, version: int | None) -> Row:
    found = books.find(table, key)
    if found is None:
        raise Refused("not_found")
    if version is not None and books.versions[table, key] != version:
        raise Refused("precondition_failed")
    return found


def update_many(books: Ledger, table: str, rows: list[Row]) -> Any:
    """PATCH of an array: every row is there, or none changes."""
    names = books.world.shapes[table].key
    books.check(table, rows, single=False, whole=False)
    lacking = {(at, name, "required") for at, row in enumerate(rows) for name in names if row.get(name) is None}
    if lacking:
        raise Refused("validation_error", errors=frozenset(lacking))
    keys = [tuple(row[name] for name in names) for row in rows]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise Refused("conflict_unique", fields=names, index=index)
    found = [books.find(table, key) for key in keys]
    if None in found:
        raise Refused("not_found")
    before = [dict(row) for row in books.world.rows[table]]
    for one, row in zip(found, rows, strict=True):
        assert one is not None
        one.update(books.stored(table, {**one, **row}))
        books.touch(table, one)
    there = [one for one in found if one is not None]
    _refuse_many(books, table, there, before)
    books.refuse_orphans(table, there, single=False)
    return {"data": there}


def _refuse_many(books: Ledger, table: str, rows: Sequence[Row], before: Sequence[Row]) -> None:
    """A clash at the end is one; one on the way there may be, for the order of the changes is not promised."""
    refuse_clashes(books, table, rows, single=False)
    for names in books.rules[table].uniques[1:]:
        for row in rows:
            values = [row[name] for name in names]
            own = books.key_of(table, row)
            taken = [one for one in before if [one[n] for n in names] == values and books.key_of(table, one) != own]
            if None not in values and taken:
                raise Unsure


def delete(books: Ledger, table: str, key: Key, version: int | None) -> Any:
    """DELETE of one row."""
    books.remove(table, [_wanted(books, table, key, version)])
    return None


def delete_ids(books: Ledger, table: str, keys: Sequence[Key]) -> Any:
    """DELETE by ``ids``: every row is there, or none goes."""
    keys = list(dict.fromkeys(keys))
    found = [books.find(table, key) for key in keys]
    if None in found:
        raise Refused("not_found")
    books.remove(table, [row for row in found if row is not None])
    return {"deleted": len(keys)}


def delete_where(books: Ledger, table: str, condition: Condition) -> Any:
    """DELETE by ``filter``."""
    found = [row for row in books.world.rows[table] if truth(books.world, table, row, condition) is True]
    books.remove(table, found)
    return {"deleted": len(found)}
