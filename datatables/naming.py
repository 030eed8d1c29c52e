"""Names of tables: the one in URLs, and the physical one, which is nobody else's and never was."""

import re
from collections.abc import Collection

from django.db.models import Q

from datatables.models import DataTable, KeptTable

TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
NAME_RULE = "A table's name is a letter, then letters, digits, _ and -, at most 63 characters."
RESERVED_NAMES = frozenset({"stats", "create_schema"})
"""Words that stand where a table's name stands in a URL."""
PHYSICAL_BYTES = 57
"""Leaves room for what is put beside a physical name within PostgreSQL's 63 bytes."""
# The service's own tables, its names for a table's constraints and indexes, and what no plain name begins with.
_SERVICE_LIKE = re.compile(r"(datar_|auth_|django_|token_blacklist_|pg_|dt[0-9]+_|[0-9])")
_APP_BYTES = 40


def is_table_name(text: str) -> bool:
    """Whether a table of this name can exist."""
    return TABLE_NAME.fullmatch(text) is not None and text not in RESERVED_NAMES


def physical_names(app_slug: str, names: Collection[str]) -> dict[str, str]:
    """A free physical name for each new table of the app. The caller holds ``apps.naming.lock_names``.

    Rows of deleted tables count, and of what moves left behind, so a name is never given twice.
    """
    start = _safe(app_slug)[:_APP_BYTES]
    near = Q(physical_table_name__startswith=start) | Q(physical_table_name__startswith=f"t_{start}")
    taken = {
        name
        for model in (DataTable, KeptTable)
        for name in model.objects.filter(near).values_list("physical_table_name", flat=True)
    }
    chosen: dict[str, str] = {}
    for name in names:
        chosen[name] = _free(physical_base(app_slug, name), taken)
        taken.add(chosen[name])
    return chosen


def physical_base(app_slug: str, name: str) -> str:
    """``<app>_<table>`` in safe characters, before it is made unique."""
    base = f"{_safe(app_slug)}_{_safe(name)}"
    if _SERVICE_LIKE.match(base):
        base = f"t_{base}"
    base = base[:PHYSICAL_BYTES].rstrip("_")
    # PostgreSQL names the sequence of a generated key <table>_<column>_seq.
    return f"{base[: PHYSICAL_BYTES - 2]}_t" if base.endswith("_seq") else base


def _safe(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _free(base: str, taken: Collection[str]) -> str:
    name, number = base, 1
    while name in taken:
        number += 1
        suffix = f"_{number}"
        name = base[: PHYSICAL_BYTES - len(suffix)].rstrip("_") + suffix
    return name
