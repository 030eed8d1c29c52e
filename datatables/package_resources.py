"""What a data package says of its resources, and what is wrong with how it says it. Schemas are not looked into."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from datar.errors import FieldError, InvalidFields
from datatables.naming import NAME_RULE, RESERVED_NAMES, is_table_name
from records.limits import DESCRIPTION_CHARACTERS, ERRORS_SHOWN, PACKAGE_RESOURCES
from records.table import Json

PACKAGE_WORDS = frozenset(
    {
        "name",
        "id",
        "title",
        "description",
        "homepage",
        "version",
        "licenses",
        "sources",
        "contributors",
        "keywords",
        "image",
        "created",
        "profile",
        "$schema",
        "resources",
    }
)
RESOURCE_WORDS = frozenset(
    {
        "name",
        "path",
        "data",
        "schema",
        "title",
        "description",
        "format",
        "mediatype",
        "encoding",
        "bytes",
        "hash",
        "sources",
        "licenses",
        "profile",
        "$schema",
        "type",
        "dialect",
        "homepage",
        "scheme",
        "compression",
        "innerpath",
        "extrapaths",
    }
)


@dataclass(frozen=True, slots=True)
class Resource:
    """What is used of a resource. ``path`` is where it stands in the package, for messages."""

    path: str
    name: str
    description: str
    schema: dict[str, Json]


def read_resources(package: Mapping[str, Json]) -> tuple[list[Resource], list[FieldError]]:
    """The resources that are well-formed, and every mistake under its path. Raises InvalidFields."""
    errors = list(_unknown(package, PACKAGE_WORDS, ""))
    sent = package.get("resources")
    if not isinstance(sent, list) or not sent:
        raise InvalidFields([FieldError("resources", "required", "This must be an array of resources."), *errors])
    if len(sent) > PACKAGE_RESOURCES:
        message = f"This has {len(sent)} resources; at most {PACKAGE_RESOURCES} are allowed."
        raise InvalidFields([FieldError("resources", "schema_too_large", message), *errors])
    seen: set[str] = set()
    sound = []
    for place, item in enumerate(sent):
        path = f"resources[{place}]"
        mistakes = list(_mistakes(item, path, seen))
        errors += mistakes
        if not mistakes:
            sound.append(Resource(path, item["name"], item.get("description", ""), item["schema"]))
    return sound, errors


def _mistakes(resource: Json, path: str, seen: set[str]) -> Iterator[FieldError]:
    if not isinstance(resource, dict):
        yield FieldError(path, "invalid_type", "This must be a JSON object.")
        return
    yield from _unknown(resource, RESOURCE_WORDS, f"{path}.")
    name = resource.get("name")
    if not isinstance(name, str) or not is_table_name(name):
        rule = f"{NAME_RULE} Not: {', '.join(sorted(RESERVED_NAMES))}."
        yield FieldError(f"{path}.name", "invalid_identifier", rule)
    elif name in seen:
        yield FieldError(f"{path}.name", "duplicate_name", f"Two resources are called '{name}'.")
    else:
        seen.add(name)
    description = resource.get("description", "")
    if not isinstance(description, str) or len(description) > DESCRIPTION_CHARACTERS:
        rule = f"This must be text of at most {DESCRIPTION_CHARACTERS} characters."
        yield FieldError(f"{path}.description", "invalid_type", rule)
    if not isinstance(resource.get("schema"), dict):
        rule = "This must be a Table Schema as a JSON object; paths and URLs are not opened."
        yield FieldError(f"{path}.schema", "schema_must_be_object", rule)


def _unknown(sent: Mapping[str, Json], words: frozenset[str], prefix: str) -> Iterator[FieldError]:
    unknown = (word for word in sent if word not in words and ":" not in word and not word.startswith("x-"))
    for word in islice(unknown, ERRORS_SHOWN):
        near = get_close_matches(word[:100], words, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else " Properties of your own begin with x-."
        yield FieldError(f"{prefix}{word[:100]}", "unknown_field", f"There is no property of this name.{hint}")
