"""Query results as columns, for what looks at millions of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.foundation.warehouse import fetch_sql

Column = NDArray[Any]


def fetch_columns(con: Any, sql: str, kinds: dict[str, tuple[str, Any]]) -> dict[str, Column]:
    """The columns of a query by name, each of the NumPy type and with the value for null that `kinds` gives."""
    if con.name == "duckdb":
        found = con.con.execute(sql).fetchnumpy()
    else:
        rows = fetch_sql(con, sql)
        found = {
            name: np.array([empty if row[name] is None else row[name] for row in rows], dtype=object)
            for name, (_, empty) in kinds.items()
        }
    return {name: _filled(found[name], kind, empty) for name, (kind, empty) in kinds.items()}


def _filled(column: Column, kind: str, empty: Any) -> Column:
    if isinstance(column, np.ma.MaskedArray):
        masked: Any = column.astype(object) if kind == "object" else column
        return np.asarray(masked.filled(empty), dtype=kind)
    return np.asarray(column, dtype=kind)
