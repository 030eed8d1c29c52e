"""The order in which rows of a batch are tried, of which refused ones are left out: by halves until each is told.

Rows that repeat an earlier one wait until it is known whether that one was stored. Rows that refer to rows of their own
table are tried again as long as others get in, so that their order does not matter. It knows no database.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from datar.errors import Conflict, DatarError
from records.orphans import points_home
from records.payload import repeated, unique_groups
from records.plan import WritePlan

_ORPHAN = "conflict_foreign_key"


@dataclass
class Sieve:
    """One try at a plan's rows. ``attempt`` stores the rows at these places, all or none, and notes them in
    ``stored``; or says why not. What a row has against it stands in ``refused``."""

    plan: WritePlan
    attempt: Callable[[list[int]], DatarError | None]
    stored: dict[int, bytes] = field(default_factory=dict)
    refused: dict[int, DatarError] = field(default_factory=dict)

    def run(self, places: list[int]) -> None:
        """Store what can be stored of these."""
        tried: set[int] = set()
        while places:
            repeats = repeats_of(self.plan, places)
            now = [place for place in places if place not in repeats]
            before = len(self.stored)
            self._halve(now)
            tried.update(now)
            for place, (names, earlier) in repeats.items():
                if earlier in self.stored:
                    self.refused[place] = self._repeat(names, earlier)
            waiting = [place for place, (_, earlier) in repeats.items() if earlier not in self.stored]
            again = [place for place in tried if self._may_get_in(place)] if len(self.stored) > before else []
            places = sorted({*again, *waiting})

    def _halve(self, places: list[int]) -> None:
        parts = [places]
        while parts:
            part = parts.pop()
            refusal = self.attempt(part) if part else None
            if refusal is None:
                for place in part:
                    self.refused.pop(place, None)
            elif len(part) == 1:
                self.refused[part[0]] = refusal
            else:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]

    def _may_get_in(self, place: int) -> bool:
        """Whether a refused row may refer to one of the batch that was stored after it."""
        refusal = self.refused.get(place)
        if refusal is None or refusal.code != _ORPHAN:
            return False
        return any(points_home(self.plan.table, key) for key in self.plan.table.foreign_keys if key.enforced)

    def _repeat(self, names: tuple[str, ...], earlier: int) -> Conflict:
        what = " and ".join(f"'{name}'" for name in names)
        return Conflict(
            f"Has the same {what} as row {self.plan.places[earlier]}; send each once.",
            code="conflict_unique",
            extra={"fields": list(names)},
        )


def repeats_of(plan: WritePlan, places: list[int]) -> dict[int, tuple[tuple[str, ...], int]]:
    """Rows that repeat an earlier one of these: in which fields, and which one."""
    rows = [plan.rows[place] for place in places]
    found: dict[int, tuple[tuple[str, ...], int]] = {}
    for names in unique_groups(plan.table):
        for first, later in repeated(plan.table, names, rows):
            found.setdefault(places[later], (names, places[first]))
    return found
