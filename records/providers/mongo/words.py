"""The words of a row, stored beside it, so that a search is served by an index."""

from collections.abc import Mapping

from records.providers.mongo.aggregation import Aggregation
from records.providers.mongo.source import Source
from records.table import Json, Table


def words_of(table: Table, row: Mapping[str, Json]) -> list[str]:
    """What ``search`` finds the row by."""
    return []


def rank_of(words: str, source: Source) -> Aggregation:
    """How well the row is found."""
    raise NotImplementedError
