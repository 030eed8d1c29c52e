"""A model field that keeps JSON as the text it is: key order, every digit, 1 and 1.0 apart. jsonb would keep none."""

from typing import TYPE_CHECKING, Any

import jiter
from django.db import models

from records.jsontext import dumps

if TYPE_CHECKING:

    class TextField(models.TextField[Any, Any]):
        """What the type checker is told: any JSON value goes in and comes out."""

        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

else:
    TextField = models.TextField


class JsonText(TextField):
    """A JSON value stored as text; numbers with a fraction or an exponent are Decimals."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Text from the database as a JSON value."""
        return None if value is None else jiter.from_json(value.encode(), float_mode="decimal")

    def get_prep_value(self, value: Any) -> Any:
        """A JSON value as text for the database."""
        return None if value is None else dumps(value).decode()
