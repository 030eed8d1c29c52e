"""What tests of wrong questions share: typos, what may stand beside a mistake, the code that is answered."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from records.jsontext import dumps
from tests.records.building import refusal_code
from tests.records.spelling import TAKEN
from tests.records.worlds import SHAPES, Stand

_NAMES = {name for shape in SHAPES.values() for name in (*shape.kinds, *shape.ways)}
KNOWN = {*_NAMES, *TAKEN, "rank", "cursor", "populate", "filters", "filter", "include"}
Pair = tuple[str, str]
words = st.text("abcdefghijklmnop", min_size=2, max_size=8)
typos = words.filter(lambda word: word not in KNOWN)
innocent: SearchStrategy[list[Pair]] = st.lists(
    st.sampled_from([("whole__gt", "1"), ("text__icontains", "a"), ("flag", "true"), ("_count", "none")]),
    max_size=3,
    unique=True,
)


def refused(stand: Stand, pairs: list[Pair], *, table: str = "things") -> str:
    """The code of the refusal these parameters get."""
    return refusal_code(lambda: stand.rows(table).ask(*pairs))


def refused_tree(stand: Stand, tree: Any) -> str:
    """The code that a filter tree gets, the same in a URL and in a body."""
    in_url = refused(stand, [("filters", dumps(tree).decode())])
    assert refusal_code(lambda: stand.rows("things").query({"filters": tree})) == in_url
    return in_url
