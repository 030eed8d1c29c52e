"""What the client asked, before anybody looked at a table: names are text, values are text.

``plan`` turns it into what is understood, or refuses. Frozen, so equal questions are equal.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """``name`` as written left of ``=`` (label, perhaps with ``__operator``), the value as text."""

    name: str
    value: str


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
