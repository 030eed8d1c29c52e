"""The words of a row, stored beside it, so that a search is served by an index."""

from collections.abc import Mapping

from records.table import Json, Table


def words_of(table: Table, row: Mapping[str, Json]) -> list[str]:
    """What ``search`` finds the row by."""
    return []
