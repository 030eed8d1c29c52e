"""What was understood: every name resolved to a field, every value coerced. Only this reaches a provider.

``plan_list`` and its siblings resolve a Query against a Table or refuse, naming the word and the nearest one.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from datar.errors import Invalid, NotSupportedYet
from records.conditions import EVERYTHING, AllOf, Condition, condition_of, refuse_relation
from records.fieldtypes import field_type
from records.nearest import nearest
from records.params.flat import KNOWN_LATER, Pairs, parse_params, read_flag
from records.query import Page, Query, SortTerm
from records.table import Field, Json, Table

_PLANS_KEPT: Final = 4_096
_KEPT_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of the order."""

    field: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A page of a table, in a total order."""

    table: Table
    fields: tuple[Field, ...]
    where: Condition
    order: tuple[Sort, ...]
    page: Page
    meta: bool = False


@dataclass(frozen=True, slots=True)
class KeyedPlan:
    """One row by its key; ``key`` holds canonical texts in the key's order."""

    table: Table
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    scope: Condition = EVERYTHING
    meta: bool = False


@dataclass(frozen=True, slots=True)
class WritePlan:
    """Checked rows on their way in.

    ``rows`` are canonical (``payload.check_rows``). ``fields`` are those a statement writes, ``unique`` the fields an
    upsert looks a row up by, ``sent`` those an upsert changes in a row that is there. ``key`` is a single update's.
    ``minimal`` asks for a count instead of rows. ``places`` are the rows' places in the body, where others stand
    between them. ``changes`` says that the rows are there already.
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
    (then nothing was written).
    """

    count: int
    created: int = 0
    rows: bytes = b""
    each: tuple[bytes, ...] = ()
    key: tuple[Any, ...] = ()
    missing: tuple[int, ...] = ()


def plan_list(pairs: tuple[tuple[str, str], ...], table: Table, scope: Condition = EVERYTHING) -> ListPlan:
    """The plan of a list from its URL parameters; the same short question of the same table is understood once."""
    if sum(len(name) + len(value) for name, value in pairs) > _KEPT_CHARACTERS:
        return _plan_list(pairs, table, scope)
    return _short_plan(pairs, table, scope)


def _plan_list(pairs: tuple[tuple[str, str], ...], table: Table, scope: Condition) -> ListPlan:
    return plan_query(parse_params(pairs), table, scope)


_short_plan = lru_cache(maxsize=_PLANS_KEPT)(_plan_list)


def plan_query(query: Query, table: Table, scope: Condition = EVERYTHING) -> ListPlan:
    """The plan of a list from its Query. Raises Invalid with the word that is wrong and the nearest that is right."""
    matches = tuple(condition_of(comparison, table) for comparison in query.comparisons)
    return ListPlan(
        table=table,
        fields=_selected(query.fields, table),
        where=AllOf((scope, *matches)) if scope is not EVERYTHING else AllOf(matches),
        order=_order(query.ordering, table),
        page=query.page,
        meta=query.meta,
    )


def plan_row(pairs: Pairs, table: Table, key: tuple[str, ...], scope: Condition = EVERYTHING) -> KeyedPlan:
    """The plan of one row: ``fields`` and ``_meta`` are its only parameters."""
    if not pairs:
        return KeyedPlan(table, table.fields, key, scope)
    words = dict(pairs)
    if len(words) < len(pairs):
        raise Invalid("A query parameter is given twice.", code="invalid_parameter")
    for name in words:
        if name in KNOWN_LATER:
            raise NotSupportedYet(f"'{name}' is not supported yet.")
        if name not in ("fields", "_meta"):
            raise Invalid(
                f"Unknown query parameter '{name}'; a single record takes: fields, _meta.", code="unknown_parameter"
            )
    query = parse_params(list(words.items()))
    return KeyedPlan(table, _selected(query.fields, table), key, scope, query.meta)


def read_meta(pairs: Pairs, allowed: frozenset[str] = frozenset(), *, meta: bool = True) -> bool:
    """The ``_meta`` of a write; any parameter but it and the allowed is refused. Without ``meta``, so is it."""
    seen: set[str] = set()
    known = {"_meta", *allowed} if meta else allowed
    asked = False
    for name, value in pairs:
        if name in seen:
            raise Invalid(f"Query parameter '{name}' is given twice.", code="invalid_parameter")
        seen.add(name)
        if name == "_meta" and meta:
            asked = read_flag(name, value)
        elif name in KNOWN_LATER - allowed:
            raise NotSupportedYet(f"'{name}' is not supported yet.")
        elif name not in allowed:
            raise Invalid(
                f"Unknown query parameter '{name}'; allowed: {', '.join(sorted(known))}.", code="unknown_parameter"
            )
    return asked


def _selected(names: tuple[str, ...] | None, table: Table) -> tuple[Field, ...]:
    if names is None:
        return table.fields
    for name in names:
        if name not in table.by_name:
            refuse_relation(name, table)
            raise Invalid(
                f"'fields' names '{name}', which is no field of this table.{nearest(name, table.by_name)}",
                code="unknown_field",
            )
    return tuple(table.by_name[name] for name in names)


def _order(terms: tuple[SortTerm, ...], table: Table) -> tuple[Sort, ...]:
    """The client's terms, then the primary key: an order that has no ties."""
    sorts = [_sort(term, table) for term in terms]
    named = {sort.field.name for sort in sorts}
    if len(named) < len(sorts):
        raise Invalid("'ordering' names a field twice.", code="invalid_ordering")
    return (*sorts, *(Sort(field) for field in table.key_fields if field.name not in named))


def _sort(term: SortTerm, table: Table) -> Sort:
    field = table.by_name.get(term.name)
    if field is None:
        if term.name == "rank":
            raise NotSupportedYet("'ordering=rank' is not supported yet.")
        refuse_relation(term.name, table)
        raise Invalid(
            f"'ordering' names '{term.name}', which is no field of this table.{nearest(term.name, table.by_name)}",
            code="invalid_ordering",
        )
    if not field_type(field).order:
        raise Invalid(f"Field '{field.name}' of type {field.type} has no order.", code="invalid_ordering")
    return Sort(field, term.descending)
