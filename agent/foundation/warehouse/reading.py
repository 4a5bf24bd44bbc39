"""An open warehouse, and the one door through which rows come out of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agent.foundation.memo import Memo
from agent.foundation.warehouse.scratch import engine_of

LOG = logging.getLogger(__name__)


class Warehouse:
    """An open fact store: `con` is the Ibis backend, `duck` the DuckDB connection beneath our own file."""

    def __init__(self, con: Any, memo: Memo | None = None, tables: Mapping[str, Any] | None = None) -> None:
        self.con = con
        self.memo = memo or Memo()
        self._tables = tables

    @property
    def duck(self) -> Any:
        """The DuckDB connection, for loading."""
        return self.con.con

    def table(self, name: str) -> Any:
        """The Ibis table of that canonical name."""
        return self.con.table(name) if self._tables is None else self._tables[name]

    def has(self, *names: str) -> bool:
        """Whether all these tables are there."""
        from ibis.common.exceptions import TableNotFound

        try:
            for name in names:
                self.table(name)
        except (KeyError, TableNotFound):
            return False
        return True


_NEWEST = re.compile(r'FIRST\(("\w+"\."\w+") ORDER BY ("\w+"\."\w+")( DESC)?\)')
"How Ibis writes argmin and argmax for DuckDB: as a sorted aggregate, at ten times the cost."


def compiled(con: Any, expr: Any) -> str:
    """An Ibis expression as the warehouse's SQL, in which text sorts by code point, as it does in Python."""
    sql = str(con.compile(engine_of(con).portable(expr)))
    return _NEWEST.sub(_quicker, sql) if con.name == "duckdb" else sql


def _quicker(found: re.Match[str]) -> str:
    """The value of the least (or greatest) place, as DuckDB finds it without sorting; neither may be null."""
    value, place, descending = found.groups()
    return f"{'ARG_MAX' if descending else 'ARG_MIN'}({value}, {place})"


def fetch(expr: Any) -> list[dict[str, Any]]:
    """The rows of an Ibis table expression as dictionaries, times in UTC without a zone mark."""
    con = expr.get_backend()
    return fetch_sql(con, compiled(con, expr))


def fetch_sql(con: Any, sql: str) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries: numbers as int and float, times in UTC without a zone mark."""
    # Ibis's own way to results loads pandas, which costs more than most of our queries.
    engine = engine_of(con)
    names, rows = engine.answer(con, sql)
    if not engine.gives_plain_values:
        rows = [tuple(_plain(value) for value in row) for row in rows]
    LOG.debug("read %d rows: %s", len(rows), sql)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    """A driver's value as DuckDB would give it."""
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def scalar(expr: Any) -> Any:
    """The one value of an Ibis scalar expression."""
    [row] = fetch(expr.name("value").as_table())
    return row["value"]


def named_table(con: Any, name: str, schema: Any) -> Any:
    """The table of that name and known schema, without asking the backend for it."""
    from ibis.expr.operations import DatabaseTable, Namespace

    return DatabaseTable(name=name, schema=schema, source=con, namespace=Namespace()).to_expr()
