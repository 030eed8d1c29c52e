"""A JSON body against the fields a resource has: strict types, nothing unknown, nothing that is the service's to say.

DRF's own fields turn 5 into "5" and "yes" into true and pass over unknown names; these do neither. The shapes they
make up are also what OpenAPI shows.
"""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from django.http import HttpRequest
from rest_framework import serializers

from datar.api.body import read_body as read_bytes
from datar.errors import FieldError, Invalid, InvalidFields
from records.limits import ERRORS_SHOWN, LABEL_CHARACTERS
from records.table import Json

SERVICE_OWNED = frozenset(
    [
        "id",
        "tenant",
        "schema_name",
        "created_by",
        "created_at",
        "modified_by",
        "updated_at",
        "is_active",
        "is_materialized",
        "physical_table_name",
        "schema_hash",
        "is_staff",
        "is_superuser",
        "role",
    ]
)
"""Words no body may set here, whatever the resource: they are refused as read-only, not as unknown."""
_HINTS = 10
"""Unknown names of one body that are compared with the known ones, which takes time."""
_HINTED_CHARACTERS = 64
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
CONTROL_BUT_LAYOUT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Text(serializers.CharField):
    """A JSON string, kept as sent. ``lines`` lets line breaks and tabs in."""

    def __init__(self, *, max_length: int, lines: bool = False, **options: Any) -> None:
        super().__init__(max_length=max_length, trim_whitespace=False, allow_blank=lines, **options)
        self.forbidden = CONTROL_BUT_LAYOUT if lines else CONTROL

    def run_validation(self, data: Any = serializers.empty) -> str:
        """The text itself. Raises InvalidFields (its field name is put in by the caller)."""
        if not isinstance(data, str):
            raise _wrong("invalid_type", "This must be a string.")
        if self.forbidden.search(data):
            raise _wrong("invalid_text", "This holds a control character or half of a surrogate pair; remove it.")
        if self.max_length is not None and len(data) > self.max_length:
            raise _wrong("too_long", f"This has {len(data)} characters; at most {self.max_length} are allowed.")
        if not self.allow_blank and not data.strip():
            raise _wrong("required", "This must not be empty.")
        return data


class Word(Text):
    """Text that must match a pattern; ``code`` and ``rule`` say so when it does not."""

    def __init__(self, *, pattern: str, code: str, rule: str, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)
        self.pattern, self.code, self.rule = re.compile(pattern), code, rule

    def run_validation(self, data: Any = serializers.empty) -> str:
        """The word itself, whole."""
        if not isinstance(data, str):
            raise _wrong("invalid_type", "This must be a string.")
        if not self.pattern.fullmatch(data) or len(data) > (self.max_length or len(data)):
            raise _wrong(self.code, self.rule)
        return data


class OneOf(serializers.ChoiceField):
    """One of a few words."""

    def run_validation(self, data: Any = serializers.empty) -> str:
        """The word itself."""
        if not isinstance(data, str):
            raise _wrong("invalid_type", "This must be a string.")
        if data not in self.choices:
            raise _wrong("invalid_choice", f"'{data[:100]}' is not one of: {', '.join(map(str, self.choices))}.")
        return data


class Flag(serializers.BooleanField):
    """true or false, nothing that resembles them."""

    def run_validation(self, data: Any = serializers.empty) -> bool:
        """The flag itself."""
        if not isinstance(data, bool):
            raise _wrong("invalid_type", "This must be true or false.")
        return data


class JsonObject(serializers.DictField):
    """A JSON object; what is in it is somebody else's to judge. ``code`` and ``rule`` refuse anything else."""

    child = serializers.JSONField()

    def __init__(
        self, *, code: str = "invalid_type", rule: str = "This must be a JSON object.", **options: Any
    ) -> None:
        super().__init__(**options)
        self.code, self.rule = code, rule

    def run_validation(self, data: Any = serializers.empty) -> dict[str, Json]:
        """The object itself, untouched."""
        if not isinstance(data, dict):
            raise _wrong(self.code, self.rule)
        return data


class Anything(serializers.JSONField):
    """Any JSON value."""

    def run_validation(self, data: Any = serializers.empty) -> Json:
        """The value itself."""
        return data


def _wrong(code: str, message: str) -> InvalidFields:
    return InvalidFields.one("", code, message)


def read_body(
    shape: type[serializers.Serializer[Any]],
    body: Mapping[str, Json],
    *,
    shown: Collection[str] = (),
    current: Mapping[str, Json] | None = None,
    partial: bool = False,
) -> dict[str, Any]:
    """The body's values by field of ``shape``; absent optional fields stay absent.

    ``shown`` are the fields of the resource's answers: those that ``shape`` has not are read-only. With ``current``
    (the resource as it is shown now) a read-only field is accepted when it is sent unchanged. ``partial``: nothing is
    required. Raises InvalidFields with every mistake, up to ERRORS_SHOWN of them.
    """
    fields = shape().fields
    errors = [] if partial else _missing(fields, body)
    values: dict[str, Any] = {}
    for name, value in body.items():
        if len(errors) >= ERRORS_SHOWN:
            break
        if name not in fields:
            errors += _not_writable(name, value, fields, shown, current, hint=len(errors) < _HINTS)
            continue
        try:
            values[name] = fields[name].run_validation(value)
        except InvalidFields as error:
            errors += [FieldError(name, item.code, item.message) for item in error.errors]
    if errors:
        raise InvalidFields(errors)
    return values


def _missing(fields: Mapping[str, Any], body: Mapping[str, Json]) -> list[FieldError]:
    return [
        FieldError(name, "required", "This field is required.")
        for name, field in fields.items()
        if field.required and name not in body
    ]


def _not_writable(
    name: str,
    value: Json,
    fields: Collection[str],
    shown: Collection[str],
    current: Mapping[str, Json] | None,
    *,
    hint: bool,
) -> list[FieldError]:
    if current is not None and name in current and _same(value, current[name]):
        return []
    if name in shown or name in SERVICE_OWNED:
        return [FieldError(name, "read_only_field", "This field is read-only; leave it out or send it unchanged.")]
    text = "There is no field of this name." + (_nearest(name, fields) if hint else "")
    return [FieldError(name[:LABEL_CHARACTERS], "unknown_field", text)]


def _nearest(name: str, fields: Collection[str]) -> str:
    near = get_close_matches(name, fields, n=1) if len(name) <= _HINTED_CHARACTERS else []
    return f" Did you mean '{near[0]}'?" if near else f" Known: {', '.join(fields)}."


def _same(sent: Json, present: Json) -> bool:
    """Equal as JSON values: 1 is not true."""
    return type(sent) is type(present) and bool(sent == present)


def read_nothing(request: HttpRequest) -> None:
    """Refuse a body where none is read; ``{}`` is nothing."""
    if read_bytes(request).strip() not in (b"", b"{}"):
        raise Invalid("This request takes no body.", code="unexpected_body")


def text_parameter(value: str, name: str) -> str:
    """A query parameter's text, or the 400 for what no stored text can hold."""
    if CONTROL.search(value):
        raise Invalid(f"Query parameter '{name}' holds a control character.", code="invalid_parameter")
    return value
