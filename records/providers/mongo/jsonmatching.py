"""To be written."""

from records.conditions import Match
from records.providers.mongo.aggregation import Aggregation


def json_holds(match: Match, value: Aggregation) -> Aggregation:
    """Whether the comparison with a JSON value holds."""
    raise NotImplementedError
