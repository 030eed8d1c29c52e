"""What a row's tag says, and which versions of a row a condition names. Knows tags, no header's syntax and no SQL.

A tag is ``"<version>-<revision>"``: versions never repeat in a tenant, and a new revision of the table changes what a
row looks like.
"""

import re
from dataclasses import dataclass
from typing import Final

from datar.errors import PreconditionFailed, PreconditionRequired
from records.table import Table

_OURS: Final = re.compile(r"([1-9][0-9]{0,18})-([1-9][0-9]{0,18})")
_VERSION_MOST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of one condition, without their quotes; ``every`` is ``*``. A weak tag was written ``W/"…"``."""

    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
    every: bool = False

    def same(self, version: int, revision: int) -> bool:
        """Whether the tags name this state of a row; weak ones count (RFC 9110, 8.8.3.2: weak comparison)."""
        own = f"{version}-{revision}"
        return self.every or own in self.strong or own in self.weak

    def surely(self, version: int, revision: int) -> bool:
        """The same by strong comparison: a weak tag never matches."""
        return self.every or f"{version}-{revision}" in self.strong

    def versions(self, revision: int) -> tuple[str, ...] | None:
        """The versions that the strong tags name at this revision of the table; None for any."""
        if self.every:
            return None
        read = (_OURS.fullmatch(tag) for tag in self.strong)
        return tuple(
            sorted(each[1] for each in read if each and int(each[2]) == revision and int(each[1]) <= _VERSION_MOST)
        )


def tag_of(version: int, table: Table) -> str:
    """The tag of a row's state, in its quotes."""
    return f'"{version}-{table.identity.revision}"'


def wanted_versions(table: Table, if_match: Tags | None) -> tuple[str, ...] | None:
    """The versions in which a row may be changed; None for any. Raises PreconditionRequired."""
    if if_match is None:
        if table.requires_if_match:
            raise PreconditionRequired(
                "Say which version of the record you mean: read it, and send its ETag as If-Match."
            )
        return None
    return if_match.versions(table.identity.revision)


def refuse_unversioned(table: Table) -> None:
    """Raise PreconditionRequired where rows of this table are changed one by one only."""
    if table.requires_if_match:
        raise PreconditionRequired(
            "Records of this table are changed one by one, each with If-Match; there is no If-Match for many."
        )


def changed_meanwhile() -> PreconditionFailed:
    """The 412 of a write or a read whose ``If-Match`` names another state."""
    return PreconditionFailed("The record is not, or no longer, the version that If-Match names; read it again.")
