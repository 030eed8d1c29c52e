"""Reverse names that a description declares, against the names that the tables it points at have already.

Within one descriptor the engine checks names by itself; here the tenant's other tables are asked.
"""

from collections.abc import Iterable

from datar.errors import FieldError
from datatables.models import DataTable
from records.mistakes import FIELD, InvalidDescriptor
from records.table import Json, Table

Names = dict[tuple[str, str, str], str]
"""By app, table and relation's name: who has it."""


def check_reverse_names(table: Table, batch: Iterable[Table] = ()) -> None:
    """Raise InvalidDescriptor where an ``x-reverse-name`` meets a relation of the table it points at.

    ``batch`` are tables that are defined together with this one and not stored yet.
    """
    declared = {key.reverse_name: key for key in table.foreign_keys if key.reverse_name is not None}
    if not declared:
        return
    taken = {**_stored_names(table), **_batch_names(table, batch)}
    errors = [
        FieldError(
            FIELD,
            "relation_name_taken",
            f'foreignKeys: the x-reverse-name "{name}" is taken in {key.target_table} by'
            f" {taken[key.target_app, key.target_table, name]}; choose another.",
        )
        for name, key in declared.items()
        if (key.target_app, key.target_table, name) in taken
    ]
    if errors:
        raise InvalidDescriptor(errors)


def _batch_names(table: Table, batch: Iterable[Table]) -> Names:
    found: Names = {}
    for other in batch:
        for key in other.foreign_keys:
            found[other.identity.app, other.identity.name, key.relation] = f"its own {', '.join(key.fields)}"
            if key.reverse_name is not None and other.identity.name != table.identity.name:
                found[key.target_app, key.target_table, key.reverse_name] = other.identity.name
    return found


def _stored_names(table: Table) -> Names:
    """The names of the tenant's active tables but this one, from their descriptors, which were checked once."""
    found: Names = {}
    rows = DataTable.objects.filter(is_active=True).values_list("app__slug", "name", "json_schema")
    for app, name, descriptor in rows:
        if (app, name) == (table.identity.app, table.identity.name):
            continue
        for key in descriptor.get("foreignKeys", []):
            target_app, target_table = _target(key, app, name)
            own = _fields(key)
            found[app, name, key.get("x-name") or _forward(own, target_table)] = f"its own {', '.join(own)}"
            if "x-reverse-name" in key:
                found[target_app, target_table, key["x-reverse-name"]] = name
    return found


def _forward(fields: list[str], target: str) -> str:
    return target if len(fields) > 1 else fields[0].removesuffix("_id") or fields[0]


def _fields(key: dict[str, Json]) -> list[str]:
    return [key["fields"]] if isinstance(key["fields"], str) else list(key["fields"])


def _target(key: dict[str, Json], app: str, name: str) -> tuple[str, str]:
    other, _, resource = key["reference"].get("resource", "").rpartition(":")
    return other or app, resource or name
