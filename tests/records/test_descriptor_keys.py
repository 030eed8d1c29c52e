"""Keys, relations and indexes of a descriptor, in the spellings of Table Schema v1 and v2."""

from typing import Any

import pytest

from records.table import ForeignKey, Index
from tests.records.building import described, mistakes, table_of

AUTHORS = described(
    {
        "fields": [
            {"name": "id", "type": "integer"},
            {"name": "email", "format": "email", "constraints": {"unique": True}},
            {"name": "city"},
            {"name": "zip"},
        ],
        "uniqueKeys": [["city", "zip"]],
    },
    name="authors",
)


def posts(*foreign_keys: dict[str, Any], **more: Any) -> dict[str, Any]:
    fields = [
        {"name": "author_id", "type": "integer"},
        {"name": "mail"},
        {"name": "city"},
        {"name": "zip"},
        {"name": "needed_id", "type": "integer", "constraints": {"required": True}},
        {"name": "parent", "type": "integer"},
    ]
    return {"fields": fields, "foreignKeys": list(foreign_keys), **more}


def to_authors(fields: Any = "author_id", target: Any = "id", **more: Any) -> dict[str, Any]:
    return {"fields": fields, "reference": {"resource": "authors", "fields": target}, **more}


def on_delete(action: str) -> dict[str, Any]:
    return {"x-actions": {"onDelete": action}}


ACTION = "foreignKeys[0].x-actions.onDelete"
ELSEWHERE = {"fields": "author_id", "reference": {"resource": "other:authors", "fields": "id"}}


def test_a_table_without_a_key_gets_an_integer_id() -> None:
    table = table_of({"name": "a"})
    assert [field.name for field in table.fields] == ["id", "a"]
    assert (table.primary_key, table.generated_key) == (("id",), "integer")
    assert "id" not in [field["name"] for field in table.descriptor["fields"]]


@pytest.mark.parametrize(
    ("field", "generated"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "string", "format": "uuid"}, "uuid"),
        ({"type": "string"}, None),
        ({"type": "date"}, None),
        ({"type": "datetime"}, None),
        ({"type": "year"}, None),
        ({"type": "yearmonth"}, None),
    ],
)
@pytest.mark.parametrize("spelling", ["k", ["k"]])
def test_keys_that_are_generated(field: dict[str, Any], generated: str | None, spelling: Any) -> None:
    table = table_of({"name": "k", **field}, primaryKey=spelling)
    assert (table.primary_key, table.generated_key) == (("k",), generated)


def test_an_integer_id_is_the_key_and_a_composite_key_is_not_generated() -> None:
    assert table_of({"name": "a"}, {"name": "id", "type": "integer"}).generated_key == "integer"
    both = table_of({"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}, primaryKey=["b", "a"])
    assert (both.primary_key, both.generated_key) == (("b", "a"), None)


@pytest.mark.parametrize(
    "kind", ["number", "boolean", "time", "duration", "object", "list", "any", "geopoint", "geojson"]
)
def test_other_types_are_no_keys(kind: str) -> None:
    descriptor = {"fields": [{"name": "k", "type": kind}], "primaryKey": "k"}
    assert mistakes(descriptor) == [("constraint_not_for_type", "primaryKey[0]")]


@pytest.mark.parametrize(
    "key",
    [
        to_authors(),
        to_authors(["author_id"], ["id"]),
        to_authors("mail", "email"),
        to_authors(["zip", "city"], ["zip", "city"]),
        to_authors(**{"x-enforced": False}),
        to_authors(**{"x-actions": {"onDelete": "CASCADE"}}),
        {"fields": "parent", "reference": {"resource": "", "fields": "id"}},
        {"fields": "parent", "reference": {"fields": "id"}},
        {"fields": "parent", "reference": {"resource": "orders", "fields": "id"}},
        {"fields": "author_id", "reference": {"resource": "crm:authors", "fields": "id"}},
    ],
    ids=str,
)
def test_foreign_keys_in_every_spelling(key: dict[str, Any]) -> None:
    (found,) = described(posts(key), tables=(AUTHORS,)).foreign_keys
    assert found.target_app == "crm"
    assert found.target_table == ("authors" if key["fields"] != "parent" else "orders")


def test_a_foreign_key_is_read_whole() -> None:
    words = {"x-name": "writer", "x-reverse-name": "works", "x-actions": {"onDelete": "SET NULL"}}
    assert described(posts(to_authors(**words)), tables=(AUTHORS,)).foreign_keys == (
        ForeignKey(("author_id",), "crm", "authors", ("id",), "SET NULL", "writer", "works", enforced=True),
    )


@pytest.mark.parametrize(
    ("key", "code", "path"),
    [
        (to_authors("mail", "id"), "fk_mismatch", "foreignKeys[0].reference.fields"),
        (to_authors("mail", "city"), "fk_mismatch", "foreignKeys[0].reference.fields"),
        (to_authors(["city", "zip"], "email"), "fk_mismatch", "foreignKeys[0].reference.fields"),
        (to_authors("author_id", "no"), "unknown_field", "foreignKeys[0].reference.fields[0]"),
        (to_authors("no"), "unknown_field", "foreignKeys[0].fields[0]"),
        (to_authors(**{"x-action": {}, "onDelete": "CASCADE"}), "unknown_property", "foreignKeys[0]"),
        (to_authors(**on_delete("cascade")), "invalid_foreign_key", ACTION),
        (to_authors(**on_delete("SET DEFAULT")), "invalid_foreign_key", ACTION),
        (to_authors("needed_id", **on_delete("SET NULL")), "invalid_foreign_key", ACTION),
        (to_authors(**{"x-enforced": False, **on_delete("CASCADE")}), "invalid_foreign_key", ACTION),
        (to_authors(**{"x-enforced": "no"}), "invalid_schema", "foreignKeys[0].x-enforced"),
        (to_authors(**{"x-name": ""}), "invalid_label", "foreignKeys[0].x-name"),
        (ELSEWHERE, "fk_target_unknown", "foreignKeys[0].reference.resource"),
    ],
)
def test_foreign_keys_that_cannot_be(key: dict[str, Any], code: str, path: str) -> None:
    assert mistakes(posts(key), tables=(AUTHORS,)) == [(code, path)]


def test_set_default_with_a_default_is_fine() -> None:
    field = {"name": "author_id", "type": "integer", "default": 1}
    key = to_authors(**{"x-actions": {"onDelete": "SET DEFAULT"}})
    assert described({"fields": [field], "foreignKeys": [key]}, tables=(AUTHORS,)).foreign_keys


def test_names_of_relations() -> None:
    table = described(posts(to_authors(), to_authors(["city", "zip"], ["city", "zip"])), tables=(AUTHORS,))
    assert [key.relation for key in table.foreign_keys] == ["author", "authors"]
    assert ForeignKey(("_id",), "crm", "authors", ("id",)).relation == "_id"


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ([to_authors(), to_authors("needed_id", **{"x-name": "author"})], "foreignKeys[1]"),
        ([to_authors(**{"x-name": "mail"})], "foreignKeys[0]"),
        ([to_authors("mail", "email", **{"x-name": "author_id"})], "foreignKeys[0]"),
        (
            [to_authors(**{"x-reverse-name": "works"}), to_authors("needed_id", **{"x-reverse-name": "works"})],
            "foreignKeys[1].x-reverse-name",
        ),
        (
            [{"fields": "parent", "reference": {"fields": "id"}, "x-reverse-name": "mail"}],
            "foreignKeys[0].x-reverse-name",
        ),
    ],
)
def test_names_of_relations_that_meet_another_are_refused(keys: list[dict[str, Any]], path: str) -> None:
    assert mistakes(posts(*keys), tables=(AUTHORS,)) == [("relation_name_taken", path)]


def test_indexes_and_search_fields() -> None:
    table = table_of(
        {"name": "a"},
        {"name": "o", "type": "object"},
        indexes=[
            {"name": "by_a", "fields": "a", "unique": True, "where": {"a__ne": ""}},
            {"name": "in_o", "fields": ["o"], "method": "gin"},
        ],
        search_fields=[{"field": "a", "weight": "B"}],
    )
    assert table.indexes == (
        Index("by_a", ("a",), unique=True, where={"a__ne": ""}),
        Index("in_o", ("o",), method="gin"),
    )
    assert table.search_fields == (("a", "B"),)


@pytest.mark.parametrize(
    "property_of_field",
    [
        {"rdfType": "http://schema.org/Thing"},
        {"example": 5},
        {"missingValues": ["NA"]},
        {"x-anything": {"a": [1]}},
        {"dc:creator": "me"},
        {"type": "number", "groupChar": ",", "decimalChar": ".", "bareNumber": False},
        {"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]},
        {"type": "date", "format": "%d/%m/%Y"},
        {"type": "list", "delimiter": ";", "itemType": "integer"},
        {"categories": [{"value": "a", "label": "A"}, "b"], "categoriesOrdered": True},
    ],
    ids=str,
)
def test_standard_properties_and_extensions_are_kept(property_of_field: dict[str, Any]) -> None:
    descriptor = {
        "fields": [{"name": "a", **property_of_field}],
        "title": "T",
        "fieldsMatch": ["exact"],
        "missingValues": [""],
    }
    assert described(descriptor).descriptor == descriptor


def test_the_type_may_be_absent() -> None:
    version_2 = "https://datapackage.org/profiles/2.0/tableschema.json"
    assert described({"fields": [{"name": "a"}]}).by_name["a"].type == "string"
    assert described({"$schema": version_2, "fields": [{"name": "a"}]}).by_name["a"].type == "any"


def test_categories_restrict_like_an_enum() -> None:
    field = {"name": "a", "categories": ["x", "y"], "constraints": {"enum": ["y", "z"]}}
    assert table_of(field).by_name["a"].constraints.enum == ("y",)
    assert mistakes({"fields": [{**field, "categories": ["q"]}]}) == [("invalid_constraint", "fields[0].categories")]
