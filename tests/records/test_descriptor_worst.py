"""Schemas made to keep a worker busy are refused in time."""

import time
from typing import Any

import pytest

from tests.records.building import mistakes

WORST: dict[str, Any] = {
    "patterns": {"fields": [{"name": f"f{n}", "constraints": {"pattern": f"[^,{n}]{{1,999}}"}} for n in range(1_000)]},
    "labels to compare with": {
        "fields": [{"name": f"{n:04}" + "ab" * 120} for n in range(1_000)],
        "uniqueKeys": [[f"{place}{n}" + "ab" * 25 for n in range(30)] for place in range(100)],
    },
    "values in common": {
        "fields": [
            {
                "name": f"f{n}",
                "type": "integer",
                "categories": [*range(500)],
                "constraints": {"enum": [*range(500, 1_000)]},
            }
            for n in range(200)
        ]
    },
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_schemas_are_refused_in_time(name: str) -> None:
    begun = time.perf_counter()
    assert mistakes(WORST[name])
    assert time.perf_counter() - begun < 4
