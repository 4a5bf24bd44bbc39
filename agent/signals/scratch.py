"""Temporary tables and views for the length of one evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from ibis.expr.operations import InMemoryTable

from agent.foundation.warehouse import named_table

_numbers = count()


class Scratch:
    """Makes temporary tables and views on a backend, and remembers them."""

    def __init__(self, con: Any) -> None:
        self._con = con
        self._made: list[tuple[str, str]] = []

    def table(self, expr: Any) -> Any:
        """`expr` computed once."""
        return self._make("TABLE", expr)

    def view(self, expr: Any) -> Any:
        """`expr` under a name."""
        return self._make("VIEW", expr)

    def _make(self, kind: str, expr: Any) -> Any:
        name = f"scratch_{next(_numbers)}"
        if expr.op().find(InMemoryTable):
            kind = "TABLE"
            self._con.create_table(name, expr, temp=True)
        else:
            # Written out because Ibis makes views in the default database, which may be open read-only.
            self._con.raw_sql(f"CREATE TEMPORARY {kind} {name} AS {self._con.compile(expr)}")
        self._made.append((kind, name))
        # The schema is known: asking the backend for it again costs more than making the table.
        return named_table(self._con, name, expr.schema())

    def drop(self) -> None:
        """Drop all of them, the newest first."""
        # Written out because Ibis 12's own drop produces SQL that DuckDB 2 refuses.
        while self._made:
            kind, name = self._made.pop()
            self._con.raw_sql(f"DROP {kind} {name}")


@contextmanager
def scratch(con: Any) -> Iterator[Scratch]:
    """A scratch space that is empty again when the block ends."""
    space = Scratch(con)
    try:
        yield space
    finally:
        space.drop()
