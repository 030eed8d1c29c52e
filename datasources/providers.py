"""What each provider can be told in ``provider_config``, and which store keeps its rows."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import connection

from datar.errors import FieldError, InvalidFields
from datasources.models import ProviderType
from records.table import Json, Store

OPTIONS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    ProviderType.FLAT_TABLE: {},
    ProviderType.JSONB: {
        "compression": ("pglz", "lz4"),
        "indexing": ("gin", "none"),
        "additional_fields": (True, False),
    },
    ProviderType.MONGODB: {},
}
_STORES: Mapping[str, Store] = {ProviderType.MONGODB: "mongodb"}
"""Of the others PostgreSQL keeps the rows."""


def store_of(provider_type: str) -> Store:
    """What keeps the rows of such a datasource's tables."""
    return _STORES.get(provider_type, "postgres")


def check_config(provider_type: str, config: Mapping[str, Json]) -> None:
    """Raise InvalidFields on ``provider_config`` for each unknown key, and each value that cannot be had."""
    options = OPTIONS[provider_type]
    errors: list[FieldError] = []
    for name, value in config.items():
        if name not in options:
            known = ", ".join(options) or "none"
            message = f"The provider {provider_type} has no option '{name[:100]}'; it has: {known}."
            errors.append(FieldError("provider_config", "unknown_field", message))
        elif not any(type(value) is type(allowed) and value == allowed for allowed in options[name]):
            allowed = " or ".join(str(item).lower() for item in options[name])
            errors.append(FieldError("provider_config", "invalid_config", f"'{name}' is {allowed}."))
        elif name == "compression" and value not in compressions():
            able = ", ".join(sorted(compressions()))
            message = f"This PostgreSQL server was built without {value}; it can: {able}."
            errors.append(FieldError("provider_config", "not_available", message))
    if errors:
        raise InvalidFields(errors)


@cache
def compressions() -> frozenset[str]:
    """The methods this server compresses values with; asked once per process, for it is decided when it is built."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
        return frozenset(name for (name,) in cursor.fetchall())
