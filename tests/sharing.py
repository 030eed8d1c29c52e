"""Which tests one worker runs, as they stand on what takes long to make; any other goes to whoever is free.

pytest-xdist has marks for this, which pytest 9.2 does not let it read.
"""

import re
from typing import Final

from xdist.scheduler import LoadScopeScheduling

_YEAR: Final = re.compile(r"tests/test_query_examples\.py::.*\[(flat_table|jsonb|mongodb)\b")
"""The demo's year, loaded into a provider."""
_SERVED: Final = re.compile(r"tests/house/test_(frozen|mongo_away)\.py::")
"""A whole service with databases of its own."""


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist is untyped
    """Tests of one group in one worker."""

    def _split_scope(self, nodeid: str) -> str:
        for shared in (_YEAR, _SERVED):
            if found := shared.match(nodeid):
                return found[0] if shared is _SERVED else f"year on {found[1]}"
        return nodeid
