"""The four tables of ``worlds`` with rules: for the database in descriptors, for the model in words of its own."""

import copy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.records.model import Row, Value
from tests.records.model_writes import Key, Ledger, Link, Rules
from tests.records.operations import Seen, Step
from tests.records.questions import KEY_POOLS, NULLABLE, comparisons, plain_values, trees
from tests.records.worlds import DESCRIPTORS as PLAIN
from tests.records.worlds import SHAPES

RULES: dict[str, Rules] = {
    "regions": Rules(
        (("country", "code"), ("name",)),
        required=("name",),
        wrong=(("area", -1, "too_small"), ("area", "much", "invalid_type"), ("name", 5, "invalid_type")),
    ),
    "people": Rules(
        (("id",), ("name", "height")),
        (Link(("manager_id",), "people", "SET NULL"), Link(("country", "code"), "regions", "RESTRICT")),
        wrong=(
            ("height", True, "invalid_type"),
            ("born", "2024-02-30", "invalid_date"),
            ("manager_id", 2**63, "number_out_of_range"),
            ("meta", [], "invalid_type"),
        ),
        generated=True,
    ),
    "things": Rules(
        (("sku",), ("uid",), ("day", "flag")),
        (Link(("owner_id",), "people", "CASCADE"), Link(("maker_id",), "people")),
        wrong=(
            ("uid", "no", "invalid_uuid"),
            ("day", "2024-02-29T00:00:00Z", "invalid_date"),
            ("flag", "true", "invalid_type"),
            ("at", "today", "invalid_datetime"),
        ),
    ),
    "notes": Rules(
        (("id",), ("title", "body")),
        (Link(("thing_code",), "things", "CASCADE"), Link(("copy_of",), "things", "SET DEFAULT")),
        defaults={"year": 7, "copy_of": "a"},
        wrong=(("year", "7", "invalid_type"), ("title", {}, "invalid_type"), ("nope", 1, "unknown_field")),
        generated=True,
    ),
}
COLUMNS = {
    "regions": ("name", "area"),
    "people": ("name", "height", "born", "meta"),
    "things": ("num", "flag", "text", "uid", "day", "at", "obj"),
    "notes": ("title", "body", "year", "a"),
}
SET = {"regions": ("name",), "people": ("name", "height"), "things": ("uid",), "notes": ("title", "body")}
"""Of each table the unique labels beside its key."""


def _descriptors() -> dict[str, dict[str, Any]]:
    made = copy.deepcopy(PLAIN)
    for name, rules in RULES.items():
        described = made[name]
        fields = {field["name"]: field for field in described["fields"]}
        described["uniqueKeys"] = [list(unique) for unique in rules.uniques[1:] if len(unique) > 1]
        for unique in rules.uniques[1:]:
            if len(unique) == 1:
                fields[unique[0]].setdefault("constraints", {})["unique"] = True
        for label in rules.required:
            fields[label].setdefault("constraints", {})["required"] = True
        for label, value in rules.defaults.items():
            fields[label]["default"] = value
        actions = {link.labels: link.action for link in rules.links}
        for key in described.get("foreignKeys", ()):
            labels = (key["fields"],) if isinstance(key["fields"], str) else tuple(key["fields"])
            if actions.get(labels, "NO ACTION") != "NO ACTION":
                key["x-actions"] = {"onDelete": actions[labels]}
        if name == "regions":
            fields["area"]["constraints"] = {"minimum": 0}
    return made


DESCRIPTORS = _descriptors()
TABLES = tuple(DESCRIPTORS)


def keys_of(books: Ledger, table: str) -> SearchStrategy[Key]:
    """Keys of the table: mostly of rows that are there."""
    pool = [key if isinstance(key, tuple) else (key,) for key in KEY_POOLS[table]]
    there = [books.key_of(table, row) for row in books.world.rows[table]]
    return st.integers(0, 5).flatmap(lambda luck: st.sampled_from(there if luck and there else pool))


@st.composite
def rows_of(draw: st.DrawFn, books: Ledger, table: str, labels: tuple[str, ...] | None = None) -> Row:
    """Values for some labels of a row, all where None; a parent is mostly there; now and then something is wrong."""
    rules, kinds = RULES[table], SHAPES[table].kinds
    names = COLUMNS[table] if labels is None else labels
    row: Row = {}
    for name in names:
        value = draw(NULLABLE[kinds[name]])
        if name == "area" and value is not None:
            value = abs(value)
        row[name] = f"n{draw(st.integers(0, 9))}" if name in rules.required else value
    for link in rules.links:
        if labels is None or draw(st.booleans()):
            missing: list[Key] = [(None,) * len(link.labels)] * 2 + [(("XX", 9), (99,))[len(link.labels) == 1]]
            if link.target == "things":
                missing[-1] = ("gone",)
            there = [books.key_of(link.target, one) for one in books.world.rows[link.target]]
            row.update(zip(link.labels, draw(st.sampled_from([*there, *there, *there, *missing])), strict=True))
    if not draw(st.integers(0, 9)):
        label, value, _ = draw(st.sampled_from(rules.wrong))
        row[label] = value
    if not draw(st.integers(0, 7)) and row:
        row.pop(draw(st.sampled_from(sorted(row))))
    return row


def keyed(table: str, key: Key, row: Row) -> Row:
    """A row with its key."""
    return {**dict(zip(SHAPES[table].key, key, strict=True)), **row}


@st.composite
def new_rows(draw: st.DrawFn, books: Ledger, table: str, count: int, *, generated: bool = True) -> tuple[Row, ...]:
    """Rows to add, most under keys that are free."""
    pool = [key if isinstance(key, tuple) else (key,) for key in KEY_POOLS[table]]
    free = [key for key in pool if books.find(table, key) is None]
    rows = []
    for _ in range(count):
        row = draw(rows_of(books, table))
        if not (generated and RULES[table].generated and draw(st.booleans())):
            row = keyed(table, draw(st.sampled_from([*free, *free, *free, *free, *pool])), row)
        rows.append(row)
    return tuple(rows)


@st.composite
def changes(draw: st.DrawFn, books: Ledger, table: str) -> Row:
    """A few values to change."""
    labels = draw(st.lists(st.sampled_from(COLUMNS[table]), max_size=3, unique=True))
    return draw(rows_of(books, table, tuple(labels)))


CONDITIONS = {
    "regions": comparisons("regions", plain_values("name", "area", "code")),
    "people": comparisons(
        "people",
        st.one_of(
            plain_values("name", "height", "born", "id"),
            st.just(Value("meta", keys=("color",))),
            plain_values("name", ways=("manager",)),
            plain_values("num", ways=("things",)),
        ),
    ),
    "things": comparisons(
        "things",
        st.one_of(
            plain_values("num", "flag", "text", "day", "at", "sku", "uid"),
            plain_values("name", "height", ways=("owner",)),
            st.just(Value("obj", keys=("size",))),
            st.just(Value("at", part="year")),
        ),
    ),
    "notes": comparisons(
        "notes", st.one_of(plain_values("title", "year", "id"), plain_values("num", "text", ways=("thing_code",)))
    ),
}


@st.composite
def writes(draw: st.DrawFn, books: Ledger, seen: Seen) -> Step:
    """A request that changes rows, or means to, or reads one row."""
    table = draw(st.sampled_from(TABLES))
    there = sum(map(len, books.world.rows.values()))
    verbs = ["create", "create", "skip", "upsert", "upsert"]
    if books.world.rows[table] and there > 4:
        verbs += ["patch", "patch", "put", "patch_many", "patch_many", "delete", "delete_ids", "delete_where"]
        verbs += ["get", "get"]
    verb: Any = draw(st.sampled_from(verbs))
    count = draw(st.integers(1, 4))
    if verb in ("create", "skip", "upsert"):
        return draw(_added(books, table, verb, count))
    if verb == "patch_many":
        keys = draw(st.lists(keys_of(books, table), min_size=1, max_size=count, unique=bool(count % 2)))
        labels = tuple(draw(st.lists(st.sampled_from(COLUMNS[table]), max_size=2, unique=True)))
        return Step(verb, table, tuple(keyed(table, key, draw(rows_of(books, table, labels))) for key in keys))
    if verb == "delete_where":
        return Step(verb, table, where=draw(trees(CONDITIONS[table])))
    if verb == "delete_ids":
        return Step(verb, table, keys=tuple(draw(st.lists(keys_of(books, table), min_size=1, max_size=2))))
    known = [key for name, key in seen if name == table]
    tagged = bool(known) and verb != "get" and bool(draw(st.integers(0, 2)))
    key = draw(st.sampled_from(known)) if tagged else draw(keys_of(books, table))
    if verb in ("get", "delete"):
        return Step(verb, table, keys=(key,), tagged=tagged)
    row = draw(rows_of(books, table)) if verb == "put" else draw(changes(books, table))
    if draw(st.booleans()):
        row = keyed(table, draw(st.sampled_from([key, key, key, draw(keys_of(books, table))])), row)
    return Step(verb, table, (row,), single=True, keys=(key,), tagged=tagged)


@st.composite
def _added(draw: st.DrawFn, books: Ledger, table: str, verb: Any, count: int) -> Step:
    single = count == 1 and verb != "skip"
    if verb != "upsert":
        return Step(verb, table, draw(new_rows(books, table, count, generated=verb == "create")), single=single)
    unique = draw(st.sampled_from([(), (), SET[table]]))
    rows = draw(new_rows(books, table, count, generated=bool(unique)))
    there = books.world.rows[table]
    if unique and there:
        rows = tuple(_as(table, row, draw(st.sampled_from([*there, None])), unique) for row in rows)
    return Step(verb, table, rows, single=single, unique=unique)


def _as(table: str, row: Row, other: Row | None, unique: tuple[str, ...]) -> Row:
    """A row with the unique values of one that is there, and its key where one must be sent."""
    if other is None:
        return row
    names = (
        unique if RULES[table].generated and not set(row) & set(SHAPES[table].key) else (*SHAPES[table].key, *unique)
    )
    return {**row, **{name: other[name] for name in names}}
