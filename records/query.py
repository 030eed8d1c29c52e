"""What the client asked, before anybody looked at a table: names are text as written, quotes included; values too.

``plan`` turns it into what is understood, or refuses. Frozen, so equal questions are equal.
"""

from dataclasses import dataclass
from typing import Literal

from records.table import Json

Count = Literal["exact", "estimated", "none"]
"""How the total of a list is found; ``none``: it is not, and the answer says null."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``name`` as written left of ``=``: a path, perhaps with ``__operator``. ``value`` is text, ``typed`` JSON."""

    name: str
    value: Json
    typed: bool = False


@dataclass(frozen=True, slots=True)
class AllAsked:
    """Every part holds."""

    parts: "tuple[Asked, ...]"


@dataclass(frozen=True, slots=True)
class AnyAsked:
    """At least one part holds."""

    parts: "tuple[Asked, ...]"


@dataclass(frozen=True, slots=True)
class NotAsked:
    """The part does not hold; what is unknown stays unknown."""

    part: "Asked"


Asked = Comparison | AllAsked | AnyAsked | NotAsked
"""A filter tree as it was asked."""


@dataclass(frozen=True, slots=True)
class SortTerm:
    """One term of ``ordering``: a path, an aggregate's name or ``rank``, as written; descending or not."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows ``offset .. offset + size``; ``number`` is None when the client spoke of limit and offset.

    ``explicit`` says that the client spoke of paging at all: without it an export is the whole result.
    """

    size: int
    offset: int
    number: int | None
    explicit: bool = False

    @property
    def place(self) -> dict[str, int]:
        """Which page it is, in the words it was asked in: the end of its answer."""
        if self.number is None:
            return {"limit": self.size, "offset": self.offset}
        return {"page": self.number, "page_size": self.size}


@dataclass(frozen=True, slots=True)
class CursorPage:
    """``size`` rows after the place that ``cursor`` names; from the start where it is empty."""

    size: int
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class AskedExpression:
    """``path``, ``part(path)`` or ``date_trunc('unit',path[,zone])``; ``path`` as written, quotes included."""

    path: str
    part: str = ""
    unit: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class AskedAggregate:
    """``function(expression) as alias``; without an expression it is ``function(*)``."""

    function: str
    expression: AskedExpression | None = None
    distinct: bool = False
    alias: str = ""


@dataclass(frozen=True, slots=True)
class AskedGroup:
    """One key of ``_group_by``."""

    expression: AskedExpression
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A whole question. ``fields`` None: all of them; ``populate_limit`` None: the most there may be."""

    where: tuple[Asked, ...] = ()
    ordering: tuple[SortTerm, ...] = ()
    page: Page | CursorPage = Page(20, 0, 1)
    fields: tuple[str, ...] | None = None
    meta: bool = False
    count: Count = "exact"
    search: str | None = None
    populate: tuple[str, ...] = ()
    populate_limit: int | None = None
    aggregates: tuple[AskedAggregate, ...] = ()
    group_by: tuple[AskedGroup, ...] = ()
    having: tuple[Comparison, ...] = ()

    @property
    def aggregated(self) -> bool:
        """Whether groups are asked for instead of rows."""
        return bool(self.aggregates or self.group_by)
