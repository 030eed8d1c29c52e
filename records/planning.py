"""Queries → plans: every name resolved against tables, or refused with the nearest that is right.

A plan of a short question is kept, with the answers of the catalog that it rests on: as long as these are the same,
the same question of the same table is understood once.
"""

from typing import Final

from datar.errors import Invalid
from records import limits
from records.catalog import Catalog
from records.conditions import EVERYTHING, AllOf, Condition, Expression, Found
from records.cursors import Place, read_cursor
from records.fieldtypes import field_type
from records.filters import condition_of, paths_of
from records.grouping import plan_groups
from records.kept import Kept
from records.names import resolve
from records.nearest import nearest
from records.params.body import parse_query_body
from records.params.flat import KNOWN_LATER, Pairs, parse_params, read_flag
from records.plan import GroupPlan, KeyedPlan, ListPlan, Rank, Sort
from records.populating import plan_populate
from records.query import CursorPage, Query, SortTerm
from records.relations import Lookups, refuse_remote
from records.searched import search_words, searchable
from records.table import Field, Table

_PLANS_KEPT: Final = 4_096
_KEPT_CHARACTERS: Final = 500
_ROW_WORDS: Final = frozenset({"fields", "populate", "populate_limit", "_meta"})

ReadPlan = ListPlan | GroupPlan
_kept: Kept[tuple[object, ...], tuple[ReadPlan, Lookups]] = Kept(_PLANS_KEPT)


def plan_list(pairs: tuple[tuple[str, str], ...], table: Table, catalog: Catalog, scope: Condition) -> ReadPlan:
    """The plan of a list from its URL parameters. Raises Invalid, NotSupportedYet."""
    if scope is not EVERYTHING or sum(len(name) + len(value) for name, value in pairs) > _KEPT_CHARACTERS:
        return plan_query(parse_params(pairs), table, catalog, Lookups(catalog), scope)
    key = (pairs, table)
    kept = _kept.get(key)
    if kept is not None and kept[1].hold(catalog):
        return kept[0]
    lookups = Lookups(catalog)
    plan = plan_query(parse_params(pairs), table, catalog, lookups, scope)
    _kept.put(key, (plan, lookups))
    return plan


def plan_body(body: bytes, table: Table, catalog: Catalog, scope: Condition) -> ReadPlan:
    """The plan of a list that was asked in a body. Raises Invalid."""
    return plan_query(parse_query_body(body), table, catalog, Lookups(catalog), scope)


def plan_query(query: Query, table: Table, catalog: Catalog, lookups: Lookups, scope: Condition) -> ReadPlan:
    """The plan of a question. Raises Invalid with the word that is wrong and the nearest that is right."""
    conditions = [condition_of(asked, table, lookups) for asked in query.where]
    if query.search is not None:
        conditions.append(Found(_searchable(query.search, table)))
    where = AllOf(tuple(conditions) if scope is EVERYTHING else (scope, *conditions))
    if query.aggregated:
        groups = plan_groups(query, table, lookups, where)
        expressions = [group.expression for group in groups.groups]
        expressions += [each.expression for each in groups.aggregates if each.expression is not None]
        check_paths(where, expressions)
        return groups
    order = _order(query, table, lookups)
    size = query.page.size
    check_paths(where, [sort.expression for sort in order if isinstance(sort.expression, Expression)])
    return ListPlan(
        table=table,
        fields=_selected(query.fields, table),
        where=where,
        order=order,
        page=query.page,
        meta=query.meta,
        count=query.count,
        populated=plan_populate(query.populate, query.populate_limit, table, lookups, rows=size),
        after=_after(query, table, order, catalog),
        mark=question_mark(query, table, order) if isinstance(query.page, CursorPage) else "",
    )


def plan_row(
    pairs: Pairs, table: Table, key: tuple[str, ...], catalog: Catalog, scope: Condition = EVERYTHING
) -> KeyedPlan:
    """The plan of one row. Raises Invalid for any parameter but fields, populate and ``_meta``."""
    if not pairs:
        return KeyedPlan(table, table.shown, key, scope)
    for name, _ in pairs:
        if name not in _ROW_WORDS and name not in KNOWN_LATER:
            raise Invalid(
                f"Unknown query parameter '{name}'; a single record takes: {', '.join(sorted(_ROW_WORDS))}.",
                code="unknown_parameter",
            )
    query = parse_params(tuple(pairs))
    populated = plan_populate(query.populate, query.populate_limit, table, Lookups(catalog))
    return KeyedPlan(table, _selected(query.fields, table), key, scope, query.meta, populated)


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
        elif name not in allowed:
            raise Invalid(
                f"Unknown query parameter '{name}'; allowed: {', '.join(sorted(known))}.{nearest(name, known)}",
                code="unknown_parameter",
            )
    return asked


def question_mark(query: Query, table: Table, order: tuple[Sort, ...]) -> str:
    """What a cursor is bound to: tenant, table, the columns of the order, and what is asked but for size and shape."""
    identity = table.identity
    terms = [(_sorted_by(sort), sort.descending) for sort in order]
    return repr((identity.namespace, identity.id, terms, query.where, query.search))


def _sorted_by(sort: Sort) -> object:
    if isinstance(sort.expression, Expression):
        return [hop.name for hop in sort.expression.hops], sort.expression.field.column
    return "rank"


def _after(query: Query, table: Table, order: tuple[Sort, ...], catalog: Catalog) -> Place | None:
    if not isinstance(query.page, CursorPage) or not query.page.cursor:
        return None
    return read_cursor(catalog.secret, question_mark(query, table, order), query.page.cursor)


def _searchable(words: str, table: Table) -> str:
    if not searchable(table):
        raise Invalid("'search' looks at text fields, and this table has none.", code="invalid_parameter")
    return search_words(words)


def check_paths(where: Condition, expressions: list[Expression]) -> None:
    """Raise Invalid when a condition and expressions go through more than ``RELATION_PATHS`` different relations."""
    paths = paths_of(where) | {tuple(hop.name for hop in each.hops) for each in expressions if each.hops}
    if len(paths) > limits.RELATION_PATHS:
        raise Invalid(f"More than {limits.RELATION_PATHS} different relation paths.", code="query_too_complex")


def _selected(names: tuple[str, ...] | None, table: Table) -> tuple[Field, ...]:
    if names is None:
        return table.shown
    for name in names:
        if name not in table.by_name:
            relation = name.partition(".")[0]
            hint = nearest(name, table.by_name)
            if relation in {key.relation for key in table.foreign_keys}:
                hint = f" Rows of a relation come whole: populate={relation}"
            raise Invalid(f"'fields' names '{name}', which is no field of this table.{hint}", code="unknown_field")
    return tuple(table.by_name[name] for name in names)


def _order(query: Query, table: Table, lookups: Lookups) -> tuple[Sort, ...]:
    """The client's terms, then the primary key: an order that has no ties."""
    sorts = [_sort(term, query, table, lookups) for term in query.ordering]
    named = [_sorted_by(sort) for sort in sorts]
    if any(each in named[:place] for place, each in enumerate(named)):
        raise Invalid("'ordering' names a field twice.", code="invalid_ordering")
    keys = (Sort(Expression(field)) for field in table.key_fields)
    return (*sorts, *(sort for sort in keys if _sorted_by(sort) not in named))


def _sort(term: SortTerm, query: Query, table: Table, lookups: Lookups) -> Sort:
    if term.name == "rank" and "rank" not in table.by_name:
        if query.search is None:
            raise Invalid("'ordering=rank' needs 'search'.", code="invalid_ordering")
        return Sort(Rank(search_words(query.search)), term.descending)
    try:
        found = resolve(term.name, table, lookups)
    except Invalid as refused:
        if refused.code == "query_too_complex":
            raise
        raise Invalid(f"'ordering': {refused.detail}", code="invalid_ordering") from None
    if found.field.is_additional:
        raise Invalid(
            f"'ordering' takes fields of the schema; '{found.field.name}' is none of them.", code="invalid_ordering"
        )
    if found.words:
        raise Invalid(f"'ordering' takes fields; '{term.name}' says more.", code="invalid_ordering")
    if any(hop.many for hop in found.hops):
        raise Invalid(
            f"'ordering' goes through to-one relations; '{term.name}' leads to many rows.", code="invalid_ordering"
        )
    refuse_remote(found.hops, "ordering", term.name)
    if not field_type(found.field).order:
        raise Invalid(f"Field '{found.field.name}' of type {found.field.type} has no order.", code="invalid_ordering")
    return Sort(Expression(found.field, found.hops), term.descending)
