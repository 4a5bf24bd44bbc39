"""Temporary tables and views for the length of one evaluation: written down once, run as often as needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agent.foundation.warehouse import (
    compiled,
    create_temporary,
    drop_temporary,
    has_temporary_views,
    memory_table,
    named_table,
)


@dataclass(frozen=True)
class Step:
    """One temporary table or view."""

    kind: str
    name: str
    sql: str


class Script:
    """The steps of an evaluation, written down as SQL while its expressions are built; nothing runs yet."""

    def __init__(self, con: Any) -> None:
        self.con = con
        self.steps: list[Step] = []

    def table(self, expr: Any) -> Any:
        """`expr`, to be computed once."""
        return self._write("TABLE", expr)

    def view(self, expr: Any) -> Any:
        """`expr`, to be seen under a name, or itself where a reader cannot make views."""
        return self._write("VIEW", expr) if has_temporary_views(self.con) else expr

    def given(self, name: str, schema: Mapping[str, str]) -> Any:
        """A table of rows that whoever runs the script brings along."""
        import ibis

        return named_table(self.con, name, ibis.schema(schema))

    def _write(self, kind: str, expr: Any) -> Any:
        name = f"scratch_{len(self.steps)}"
        self.steps.append(Step(kind, name, compiled(self.con, expr)))
        # The schema is known: asking the backend for it again costs more than making the table.
        return named_table(self.con, name, expr.schema())


@contextmanager
def staged(
    con: Any, given: Mapping[str, tuple[list[dict[str, Any]], Mapping[str, str]]], steps: list[Step]
) -> Iterator[None]:
    """The given rows and the steps' tables and views, there for as long as the block lasts."""
    # Written out because Ibis makes views in the default database, which may be open read-only, and because its
    # own drop produces SQL that DuckDB 2 refuses.
    made: list[tuple[str, str]] = []
    try:
        for name, (rows, schema) in given.items():
            memory_table(con, name, rows, schema)
            made.append(("TABLE", name))
        for step in steps:
            create_temporary(con, step.kind, step.name, step.sql)
            made.append((step.kind, step.name))
        yield
    finally:
        for kind, name in reversed(made):
            drop_temporary(con, kind, name)
