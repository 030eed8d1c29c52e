"""Whether the tests that need a real ``mongod`` can run here, and if not, why."""

import tempfile
from functools import cache
from pathlib import Path

from datar.binaries import find_mongod
from datar.state import CannotStart


@cache
def why_not_mongodb() -> str | None:
    """The reason that no embedded MongoDB runs on this machine; None when it does."""
    with tempfile.TemporaryDirectory(prefix="datar-test-") as place:
        try:
            find_mongod(Path(place), None)
        except CannotStart as error:
            return str(error)
    return None
