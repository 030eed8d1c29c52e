"""The engine's immutable description of a table. Made by ``descriptor.parse_table``; read by everything else.

A field's *name* is its label, any text; its *column* is the generated safe name of its place in the database.
Only columns, the physical name and the namespace ever become SQL; labels are always bound as values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

Json = Any
"""A JSON value as jiter makes it: dict, list, str, int, Decimal, bool, None."""

OnDelete = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]


ADDITIONAL_NAME: Final = ""
"""What stands for the additional fields where fields are named by label; no label is empty."""
ADDITIONAL_MEMBER: Final = "+"
"""The member of a document that holds them, by their labels; no generated name is like it."""


class _Absent:
    """The third state beside a value and null: not sent."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a field's value must satisfy, already checked against the field's type; None where nothing is said."""

    enum: tuple[Json, ...] | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: Json = None
    maximum: Json = None
    exclusive_minimum: Json = None
    exclusive_maximum: Json = None
    json_schema: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``type`` and ``format`` are Frictionless's words; ``column`` is safe SQL (``[a-z][a-z0-9_]*``).

    ``default`` is ABSENT or a canonical value. ``unique`` is the field's own constraint. A value ``inside`` a
    document has no column: it stands in the document's column of that name, under its own column's name.
    """

    name: str
    type: str
    column: str
    format: str = "default"
    required: bool = False
    unique: bool = False
    default: Json = ABSENT
    constraints: Constraints = Constraints()
    title: str = ""
    description: str = ""
    inside: str = ""

    @property
    def beside(self) -> str:
        """The second column of a type that needs two: a duration's comparable form, a geopoint's latitude."""
        return f"{self.column}_2"

    @property
    def is_additional(self) -> bool:
        """Whether it stands for all fields that the schema does not name; its values are objects of them by label."""
        return self.column == ADDITIONAL_MEMBER


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``fields`` of this table point at ``target_fields`` of ``target_app``/``target_table`` (same tenant).

    ``store`` keeps the target, as it was when the table was read from the catalogue.
    """

    fields: tuple[str, ...]
    target_app: str
    target_table: str
    target_fields: tuple[str, ...]
    on_delete: OnDelete = "NO ACTION"
    name: str | None = None
    reverse_name: str | None = None
    enforced: bool = True
    store: "Store" = "postgres"

    @property
    def relation(self) -> str:
        """What the relation is called: ``x-name``, else the field without ``_id``, else the referenced table."""
        if self.name is not None:
            return self.name
        if len(self.fields) > 1:
            return self.target_table
        return self.fields[0].removesuffix("_id") or self.fields[0]


@dataclass(frozen=True, slots=True)
class Index:
    """A declared index; ``where`` is a filter tree as JSON or None."""

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    method: Literal["btree", "hash", "gin", "brin"] = "btree"
    where: Json = None


@dataclass(frozen=True, slots=True)
class Document:
    """A table whose rows keep most fields in one JSON document. ``columns`` are the labels with columns of their own.

    ``place`` is the document's column. As every column it is never used again: a change of the schema that moves a
    label gives it another name, so that no statement made before can read the wrong member. ``indexed`` documents are
    found by what is in them. Without ``compression`` the server's own way is used. With ``additional`` rows may carry
    fields that the schema does not name.
    """

    columns: frozenset[str]
    indexed: bool = False
    compression: Literal["pglz", "lz4"] | None = None
    place: str = "data"
    additional: bool = False


Store = Literal["postgres", "mongodb"]
"""What keeps a table's rows: one server, whatever their layout."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Where and how a table lives and which of its versions this is; what the descriptor does not say.

    Without ``document`` every field has a column of its own. Tables of one ``store`` can be asked together.
    """

    id: int
    app: str
    name: str
    namespace: str
    physical_name: str
    revision: int
    columns: Mapping[str, str]
    document: Document | None = None
    store: Store = "postgres"


@dataclass(frozen=True)
class Table:
    """A table at one revision. Equal tables compile to equal statements.

    With ``requires_if_match`` rows are changed one by one only, each in a version that the client names.
    """

    identity: Identity
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    generated_key: Literal["integer", "uuid"] | None = None
    unique_keys: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    search_fields: tuple[tuple[str, str], ...] = ()
    requires_if_match: bool = False
    descriptor: Mapping[str, Json] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by label."""
        return {field.name: field for field in self.fields}

    @cached_property
    def additional(self) -> Field | None:
        """What stands for all fields that the schema does not name; None where rows may have none."""
        document = self.identity.document
        if document is None or not document.additional:
            return None
        return Field(ADDITIONAL_NAME, "object", ADDITIONAL_MEMBER, inside=document.place)

    @cached_property
    def shown(self) -> tuple[Field, ...]:
        """What a whole row shows: its fields, then all that the schema does not name."""
        return self.fields if self.additional is None else (*self.fields, self.additional)

    @cached_property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the primary key, in its order."""
        return tuple(self.by_name[name] for name in self.primary_key)

    @cached_property
    def remote_keys(self) -> tuple[ForeignKey, ...]:
        """The enforced foreign keys that lead to another store, which no database holds to."""
        return tuple(key for key in self.foreign_keys if key.enforced and key.store != self.identity.store)

    @cached_property
    def uniques(self) -> tuple[tuple[str, ...], ...]:
        """Every set of fields that identifies a row: the primary key first, then field by field, then uniqueKeys."""
        single = tuple((field.name,) for field in self.fields if field.unique)
        return tuple(dict.fromkeys((self.primary_key, *single, *self.unique_keys)))

    def __hash__(self) -> int:
        return hash((self.identity.namespace, self.identity.id, self.identity.revision))
