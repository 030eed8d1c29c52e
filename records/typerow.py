"""The shape of a row of the type table, and the two families of rows that come in several copies: text and JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from records import canonical as forms
from records.table import Json

ANY_TYPE: Final = frozenset({"required", "enum"})
LENGTHS: Final = frozenset({"minLength", "maxLength"})
BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
ONE_VALUE: Final = ANY_TYPE | {"unique"}
ORDERED_INDEX: Final = frozenset({"btree", "hash", "brin"})


@dataclass(frozen=True, slots=True)
class FieldType:
    """One row of the type table.

    ``postgres`` names the type of the column and, where two are needed, of the column beside it; ``width`` is what the
    row always takes in bytes. ``schema`` is the JSON Schema of a value that is not null; ``code`` is the error code
    when its pattern is not met and ``rule`` the sentence. ``as_sent`` says that the JSON form is the canonical form, so
    that JSON Schema itself can compare values; otherwise ``comparable`` of the canonical form does.
    """

    name: str
    postgres: tuple[str, ...]
    width: int
    json: str
    schema: Mapping[str, Json]
    canonical: Callable[[Json], Json]
    rule: str
    code: str = "invalid_type"
    canonical_column: Callable[[list[Json]], list[Json]] | None = None
    comparable: Callable[[Json], Json] = forms.as_sent
    as_sent: bool = True
    constraints: frozenset[str] = ONE_VALUE
    filter: bool = True
    order: bool = True
    group: bool = True
    unique: bool = True
    key: bool = False
    index: frozenset[str] = ORDERED_INDEX

    @property
    def is_text(self) -> bool:
        """Whether the column holds text of any length, which can be searched."""
        return self.name.startswith("string") and self.postgres == (TEXT,)

    @property
    def is_json(self) -> bool:
        """Whether values are JSON of any shape, which keys lead into."""
        return self.postgres == ("jsonb",)


TEXT: Final = 'text COLLATE "C"'


def text_type(name: str, json: str, rule: str, *, code: str = "invalid_type", pattern: str | None = None) -> FieldType:
    """A row for text of any length."""
    schema: dict[str, Json] = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return FieldType(
        name,
        (TEXT,),
        1,
        json,
        schema,
        forms.text,
        rule,
        code=code,
        constraints=ONE_VALUE | LENGTHS | {"pattern"},
        key=True,
    )


def json_type(
    name: str,
    json: str,
    schema: Mapping[str, Json],
    rule: str,
    constraints: frozenset[str] = frozenset(),
    check: Callable[[Json], Json] = forms.json_value,
    *,
    filter: bool = False,
) -> FieldType:
    """A row for a JSON value: what is in it can be compared; the whole only where it may be a scalar (``filter``)."""
    return FieldType(
        name,
        ("jsonb",),
        1,
        json,
        schema,
        check,
        rule,
        constraints=ANY_TYPE | constraints,
        filter=filter,
        order=False,
        group=False,
        unique=False,
        index=frozenset({"gin"}),
    )
