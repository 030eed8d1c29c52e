"""What was understood: every name resolved, every value coerced. Only this reaches a provider.

``planning`` and ``grouping`` make plans of Queries; ``writes`` makes those of bodies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datar.errors import DatarError
from records.conditions import EVERYTHING, Condition, Expression, Output
from records.query import Count, CursorPage, Page
from records.relations import Relation
from records.table import Field, Json, Table


@dataclass(frozen=True, slots=True)
class Rank:
    """How well a row is found by these search words; a greater number is better."""

    words: str


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of the order; nulls come last, descending first."""

    expression: Expression | Output | Rank
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Populated:
    """Rows of a relation put into each row: an object or null, or an array of at most ``limit``, by primary key."""

    relation: Relation
    limit: int
    populated: "tuple[Populated, ...]" = ()


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A page of a table, in a total order: the last terms are the primary key.

    ``page`` None: every row (an export). With a CursorPage, ``after`` holds the values of ``order`` of the row that
    the page begins after, None at the start, and ``mark`` what the next cursor is bound to.
    """

    table: Table
    fields: tuple[Field, ...]
    where: Condition
    order: tuple[Sort, ...]
    page: Page | CursorPage | None
    meta: bool = False
    count: Count = "exact"
    populated: tuple[Populated, ...] = ()
    after: tuple[str | None, ...] | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A key that rows are grouped by, and what it is called in the answer."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``function`` of the expression's values in a group; of the rows, where there is no expression.

    ``result`` is a field of the type it gives; its type ``array`` is a JSON array of the expression's values.
    """

    name: str
    function: str
    expression: Expression | None
    result: Field
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """Groups of a table's rows, in a total order: the last terms are the group's keys.

    Without ``groups`` the whole table is one group, and ``page`` is None (it is too where every group is exported).
    Outputs in ``having`` and ``order`` count groups first, then aggregates.
    """

    table: Table
    groups: tuple[Group, ...]
    aggregates: tuple[Aggregate, ...]
    where: Condition
    having: Condition
    order: tuple[Sort, ...]
    page: Page | None
    count: Count = "exact"


@dataclass(frozen=True, slots=True)
class KeyedPlan:
    """One row by its key; ``key`` holds canonical texts in the key's order."""

    table: Table
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    scope: Condition = EVERYTHING
    meta: bool = False
    populated: tuple[Populated, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkedPlan:
    """Rows whose fields ``by`` have one of these values: of each value the first ``limit`` by primary key.

    ``by`` are fields of a key or a foreign key. ``keys`` are distinct canonical texts in their order, never null.
    ``limit`` None: all of them, for fields that are unique.
    """

    table: Table
    fields: tuple[Field, ...]
    by: tuple[Field, ...]
    keys: tuple[tuple[str, ...], ...]
    limit: int | None = None
    populated: tuple[Populated, ...] = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows after a cursor's place as JSON texts joined by commas; ``last`` holds the last row's sort values, None at
    the end of the list."""

    rows: bytes
    last: tuple[str | None, ...] | None


@dataclass(frozen=True, slots=True)
class WritePlan:
    """Checked rows on their way in.

    ``rows`` are canonical (``payload.check_rows``). ``fields`` are those a statement writes, ``unique`` the fields an
    upsert looks a row up by, ``sent`` those an upsert changes in a row that is there. ``key`` is a single update's.
    ``minimal`` asks for a count instead of rows, ``each`` for rows one by one. ``places`` are the rows' places in the
    body, where others stand between them. ``changes`` says that the rows are there already. ``versions`` are those in
    which a single row may be changed or removed (None: any); ``where`` is what a removal without keys removes. A change
    that ``replaces`` keeps no additional field that was not sent.
    """

    table: Table
    rows: list[dict[str, Json]]
    fields: tuple[Field, ...] = ()
    unique: tuple[str, ...] = ()
    sent: tuple[Field, ...] | None = None
    key: tuple[str, ...] = ()
    meta: bool = False
    minimal: bool = False
    single: bool = False
    places: tuple[int, ...] = ()
    changes: bool = False
    each: bool = False
    versions: tuple[str, ...] | None = None
    where: Condition | None = None
    replaces: bool = False

    @property
    def pins_key(self) -> bool:
        """Whether an upsert by other fields also says the primary key: then the row found must have that very key."""
        if not self.unique or self.unique == self.table.primary_key or self.sent is None:
            return False
        return any(field.name in self.table.primary_key for field in self.sent)


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: rows touched, of them created, their JSON text joined by commas, a single row's key.

    An upsert's rows come one by one, in ``each``. ``missing`` holds the places in the batch whose row was not there
    (then nothing was written). ``version`` is a single row's new one. ``held`` says that the guard is known to have
    held, so that touching nothing is a result; ``found`` that a single row is there, though in another version.
    """

    count: int
    created: int = 0
    rows: bytes = b""
    each: tuple[bytes, ...] = ()
    key: tuple[Any, ...] = ()
    missing: tuple[int, ...] = ()
    version: int = 0
    held: bool = False
    found: bool = False


@dataclass(frozen=True, slots=True)
class Sifted:
    """What became of rows of which refused ones are left out, by their places in the plan.

    ``stored`` holds JSON text (empty where none was asked for), ``refused`` what stored rows, or rows of the same
    batch, have against the others.
    """

    stored: dict[int, bytes]
    refused: dict[int, DatarError]


@dataclass(frozen=True, slots=True)
class Row:
    """One row that was read: ``{"data":{…}}`` as JSON text, and its version."""

    body: bytes
    version: int


def rows_of(plans: Sequence[WritePlan]) -> list[dict[str, Json]]:
    """The batch's rows in the order they were sent; none for a single row, whose refusal needs no index."""
    if plans[0].single:
        return []
    if len(plans) == 1:
        return plans[0].rows
    placed = [pair for plan in plans for pair in zip(plan.places, plan.rows, strict=True)]
    return [row for _, row in sorted(placed, key=lambda pair: pair[0])]
