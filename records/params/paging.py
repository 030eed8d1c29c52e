"""The words of paging → a page by number, by offset or by cursor."""

from collections.abc import Mapping
from typing import Final

from datar.errors import Invalid
from records import limits
from records.query import CursorPage, Page

PAGING: Final = ("page", "page_size", "limit", "offset", "cursor")


def parse_page(words: Mapping[str, str]) -> Page | CursorPage:
    """The page these words ask for. Raises Invalid (``invalid_pagination``)."""
    given = [name for name in PAGING if name in words]
    if "cursor" in given:
        return _cursor_page(words, given)
    if not given or ("limit" not in given and "offset" not in given):
        size = read_number("page_size", words, limits.PAGE_SIZE, least=1, most=limits.PAGE_SIZE_MOST)
        number = read_number("page", words, 1, least=1, most=limits.OFFSET_MOST // limits.PAGE_SIZE_MOST)
        return Page(size, (number - 1) * size, number, explicit=bool(given))
    if "page" in given or "page_size" in given:
        raise Invalid("Use page and page_size, or limit and offset, not both.", code="invalid_pagination")
    size = read_number("limit", words, limits.PAGE_SIZE, least=1, most=limits.PAGE_SIZE_MOST)
    offset = read_number("offset", words, 0, least=0, most=limits.OFFSET_MOST)
    return Page(size, offset, None, explicit=True)


def read_number(name: str, words: Mapping[str, str], default: int, *, least: int, most: int) -> int:
    """The whole number that this word gives. Raises Invalid (``invalid_pagination``) where it is out of range."""
    raw = words.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 20 and least <= int(raw) <= most):
        raise Invalid(f"'{name}' is a whole number from {least} to {most}.", code="invalid_pagination")
    return int(raw)


def _cursor_page(words: Mapping[str, str], given: list[str]) -> CursorPage:
    for name in given:
        if name not in ("cursor", "page_size"):
            raise Invalid(f"'{name}' does not go with 'cursor'; use page_size.", code="invalid_pagination")
    size = read_number("page_size", words, limits.PAGE_SIZE, least=1, most=limits.PAGE_SIZE_MOST)
    return CursorPage(size, words["cursor"])
