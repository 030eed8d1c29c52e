"""A table whose schema is changed by hand, under a RecordSet that still holds the older revision."""

from typing import Any

from records.recordset import RecordSet
from tests.records.engine import Engine, Rows
from tests.records.physical import perform, with_column, without

PAIR: dict[str, Any] = {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]}


class Stage:
    """A table whose description is changed by hand under a running RecordSet that still holds the first one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.old = engine.table("pair", {**PAIR, "fields": [*PAIR["fields"], {"name": "c", "type": "integer"}]})
        self.old.create([{"a": 1, "b": 2, "c": 3}, {"a": 4, "b": 5, "c": 6}])
        self.old.list()
        self.old.get(1)

    def change(self, *labels: str, catalog: bool = True) -> Rows:
        """Revision 2 has only these fields beside the key: other columns are gone. New rows speak to it."""
        old = self.old.table
        new, steps = without(old, frozenset(old.by_name) - {"id", *labels})
        perform(self.engine, new, steps)
        if catalog:
            self.engine.tables["crm", "pair"] = new
        return Rows(RecordSet(new, self.engine, self.engine.provider))

    def rename(self) -> Rows:
        """Revision 2 keeps ``a`` in another column, as a change of its type does."""
        new, steps = with_column(self.old.table, "a", "a_99")
        perform(self.engine, new, steps)
        self.engine.tables["crm", "pair"] = new
        return Rows(RecordSet(new, self.engine, self.engine.provider))
