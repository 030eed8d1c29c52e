"""What the tests of records over HTTP stand on: acme's owner and a new table of orders.

Django is not set up yet when this file is read, so what needs it is imported where it is used.
"""

import itertools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cast import Api

ORDERS: dict[str, Any] = {
    "fields": [
        {"name": "code", "type": "string", "constraints": {"unique": True, "maxLength": 20}},
        {"name": "total", "type": "number", "constraints": {"minimum": 0}},
        {"name": "año", "type": "integer"},
        {"name": "note", "type": "string", "default": "none"},
        {"name": "updated_at", "type": "datetime"},
    ]
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def orders_app(django_db_setup: None) -> str:
    """An app of acme."""
    from tests.api.descriptors import new_app
    from tests.cast import acme

    return new_app(acme().api)


@pytest.fixture
def api() -> "Api":
    """Acme's owner."""
    from tests.cast import acme

    return acme().api


@pytest.fixture
def data(api: "Api", orders_app: str) -> str:
    """The rows of a new table of orders; its URL."""
    from tests.api.descriptors import new_table

    return new_table(api, orders_app, f"orders{next(_numbers)}", ORDERS, materialize=True) + "data/"
