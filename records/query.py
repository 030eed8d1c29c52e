"""What the client asked, before anybody looked at a table: names are text, values are text.

``plan`` turns it into what is understood, or refuses. Frozen, so equal questions are equal.
"""

from dataclasses import dataclass

from records.table import Json


@dataclass(frozen=True, slots=True)
class Comparison:
    """``name`` as written left of ``=``: a label, perhaps with ``__operator``. ``value`` is text, ``typed`` JSON."""

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
    """One term of ``ordering``: a label, descending or not."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows ``offset .. offset + size``; ``number`` is None when the client spoke of limit and offset."""

    size: int
    offset: int
    number: int | None


@dataclass(frozen=True, slots=True)
class Query:
    """A whole question. ``fields`` None: all of them."""

    comparisons: tuple[Comparison, ...] = ()
    ordering: tuple[SortTerm, ...] = ()
    page: Page = Page(20, 0, 1)
    fields: tuple[str, ...] | None = None
    meta: bool = False
