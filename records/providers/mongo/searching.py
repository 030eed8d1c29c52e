"""To be written."""

from records.providers.mongo.server import Document
from records.providers.mongo.source import Source


def found_query(words: str, source: Source) -> Document:
    """What finds the rows."""
    raise NotImplementedError
