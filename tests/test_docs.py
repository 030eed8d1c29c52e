"""The documentation is whole: every operator, error code, setting and limit stands in its reference."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from records import limits
from records.operators import OPERATORS
from records.params.flat import KNOWN_LATER, RESERVED
from tests.cluster import ROOT

pytestmark = pytest.mark.no_database

REFERENCE = ROOT / "docs" / "reference"
PACKAGES = ("datar", "tenants", "apps", "datasources", "datatables", "records")
_CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)*")
_SETTING = re.compile(r"DATAR_[A-Z_]+|DATABASE_URL|REDIS_URL")
# Where a code stands among the arguments of what refuses, when it is not called ``code``.
_PLACES = {"FieldError": 1, "one": 1, "RefusedError": 0, "add": 1, "split_list": 2, "refuse": 1}
_UNSEEN = {"invalid", "error", "conflict", "unavailable"}
"""Codes of kinds that are always raised with a code of their own."""


def rows(name: str) -> dict[str, str]:
    """The first cell of every table row of a reference, without its quotes, and the rest of the row."""
    found = {}
    for line in (REFERENCE / name).read_text("utf-8").splitlines():
        row = re.fullmatch(r"\| `([^`]+)` \| (.*) \|", line)
        if row:
            found[row[1]] = row[2]
    return found


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the service, parsed."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text("utf-8"))


def codes_in(tree: ast.Module) -> Iterator[str]:
    """The error codes a module names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            yield from _words(node.value)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id.endswith("code") for target in targets) and node.value:
                yield from _words(node.value)
        elif isinstance(node, ast.Call):
            place = _PLACES.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if place is not None and len(node.args) > place:
                yield from _words(node.args[place])
        elif isinstance(node, ast.Tuple):
            yield from _of_tuple(node)


def _of_tuple(node: ast.Tuple) -> Iterator[str]:
    """A code and its sentence, side by side, as the tables of codes have them."""
    for code, sentence in zip(node.elts, node.elts[1:], strict=False):
        text = sentence.value if isinstance(sentence, ast.Constant) else None
        if isinstance(text, str) and re.search(r"[a-z] .*[.{]", text):
            yield from (word for word in _words(code) if "_" in word)


def _words(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _CODE.fullmatch(part.value):
            yield part.value


def test_every_error_code_is_explained() -> None:
    documented = rows("errors.md")
    named = {code: path for path, tree in sources() for code in codes_in(tree)}
    missing = {code: str(path.relative_to(ROOT)) for code, path in named.items() if code not in documented}
    missing = {code: path for code, path in missing.items() if code not in _UNSEEN}
    assert missing == {}


def test_the_list_of_error_codes_is_in_order_and_has_their_status() -> None:
    documented = rows("errors.md")
    assert list(documented) == sorted(documented)
    assert all(re.match(r"\d{3}", meaning) for meaning in documented.values())


def test_every_documented_error_code_exists() -> None:
    texts = [path.read_text("utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    whole = "\n".join(texts)
    assert [code for code in rows("errors.md") if f'"{code}"' not in whole] == []


def test_every_setting_is_explained() -> None:
    documented = rows("settings.md")
    named = set()
    for path, tree in sources():
        if path.name == "crashpoints.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SETTING.fullmatch(node.value):
                named.add(node.value)
    assert sorted(named - documented.keys() - INTERNAL) == []


INTERNAL = {
    "DATAR_AUTHENTICATE",
    "DATAR_DEPENDENCIES",
    "DATAR_ELSEWHERE",
    "DATAR_EMBEDDED",
    "DATAR_EMBEDDED_MONGODB",
    "DATAR_RECORDS_CONNINFO",
    "DATAR_STATIC_ROOT",
}
"""What one of our processes tells another, or one of our files another; nobody sets it."""


def test_every_limit_is_explained() -> None:
    documented = rows("limits.md")
    named = {name for name in vars(limits) if name.isupper()}
    assert sorted(named - documented.keys()) == []
    assert sorted(documented.keys() - named) == []


def test_limits_are_documented_with_their_values() -> None:
    for name, meaning in rows("limits.md").items():
        value = getattr(limits, name)
        shown = [f"{value:,}", f"{value:g} s", f"2^{value.bit_length() - 1}" if isinstance(value, int) else ""]
        assert meaning.split(" | ")[0] in shown, name
    settings = rows("settings.md")
    source = (ROOT / "records" / "limits.py").read_text("utf-8")
    for name in re.findall(r'"(DATAR_\w+)"', source):
        assert name in settings
        assert f"`{name}`" in (REFERENCE / "limits.md").read_text("utf-8")


def test_every_operator_is_explained() -> None:
    assert sorted(rows("query.md").keys() & OPERATORS.keys()) == sorted(OPERATORS)


def test_every_reserved_word_is_named() -> None:
    text = (REFERENCE / "query.md").read_text("utf-8")
    assert [word for word in RESERVED if f"`{word}`" not in text] == []
    later = text.partition("Kept for later")[2]
    assert [word for word in KNOWN_LATER if f"`{word}`" not in later] == []


def test_references_point_at_what_is_there() -> None:
    for path in (ROOT / "docs").rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name} points at {target}"
