"""The connection to the facts: a DuckDB file through Ibis, held briefly."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from agent.foundation.errors import StoreBusy, StoreError

WAIT_SECONDS = 10.0
DUCK_TYPES = {"string": "VARCHAR", "date": "DATE", "boolean": "BOOLEAN"}
_numbers = count()


class Warehouse:
    """An open fact store: `con` is the Ibis backend, `duck` the DuckDB connection beneath it."""

    def __init__(self, con: Any) -> None:
        self.con = con

    @property
    def duck(self) -> Any:
        """The DuckDB connection, for loading."""
        return self.con.con

    def table(self, name: str) -> Any:
        """The Ibis table of that name."""
        return self.con.table(name)


@contextmanager
def open_warehouse(
    path: Path | None, *, write: bool = False, wait: float = WAIT_SECONDS
) -> Iterator[Warehouse]:
    """The facts at `path` (None: in memory), for as long as the block lasts.

    A file another process is writing is waited for up to `wait` seconds.

    Raises StoreBusy when it stays taken and StoreError when it cannot be opened.
    """
    if path is not None and not write and not path.is_file():
        raise StoreError(f"There are no facts yet at {path}; run `outgrown sync` first.")
    con = _connect(path, write=write, wait=wait)
    try:
        yield Warehouse(con)
    finally:
        con.disconnect()


def _connect(path: Path | None, *, write: bool, wait: float) -> Any:
    import duckdb
    import ibis

    # Fusing projections is the engine's job and costs Ibis a fifth of its time.
    ibis.options.sql.fuse_selects = False
    settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    deadline = time.monotonic() + wait
    while True:
        try:
            con = ibis.duckdb.connect(
                path or ":memory:", read_only=path is not None and not write, **settings
            )
        except duckdb.IOException as busy:
            text = str(busy)
            if "lock" not in text.lower():
                raise StoreError(f"The facts at {path} cannot be opened: {_first_line(text)}.") from busy
            if time.monotonic() >= deadline:
                holder = re.search(r"PID (\d+)", text)
                who = f"process {holder.group(1)}" if holder else "another process"
                raise StoreBusy(
                    f"The facts at {path} are in use by {who}; wait for it or stop it, then try again."
                ) from busy
            time.sleep(0.1)
        except duckdb.Error as bad:
            raise StoreError(f"The facts at {path} cannot be opened: {_first_line(str(bad))}.") from bad
        else:
            con.raw_sql("SET TimeZone = 'UTC'")
            return con


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "unknown reason"


def fetch(expr: Any) -> list[dict[str, Any]]:
    """The rows of an Ibis table expression as dictionaries, times without a zone mark."""
    con = expr.get_backend()
    if con.name != "duckdb":
        found: list[dict[str, Any]] = expr.to_pyarrow().to_pylist()
        return found
    # Ibis's own way to results loads pandas, which costs more than most of our queries.
    con._run_pre_execute_hooks(expr)
    answer = con.raw_sql(con.compile(expr))
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def scalar(expr: Any) -> Any:
    """The one value of an Ibis scalar expression."""
    [row] = fetch(expr.name("value").as_table())
    return row["value"]


def memory_table(con: Any, records: list[dict[str, Any]], schema: dict[str, str]) -> Any:
    """An Ibis table, on the backend `con`, of rows in memory."""
    import ibis

    if con.name != "duckdb":
        return ibis.memtable(records, schema=schema)
    # As above: a memtable, and Arrow from Python rows, would load pandas.
    name = f"memory_{next(_numbers)}"
    columns = ", ".join(f"{column} {DUCK_TYPES[kind]}" for column, kind in schema.items())
    con.raw_sql(f"CREATE TEMPORARY TABLE {name} ({columns})")
    if records:
        lists = ", ".join(f"unnest(?::{DUCK_TYPES[kind]}[])" for kind in schema.values())
        con.con.execute(
            f"INSERT INTO {name} SELECT {lists}", [[r[column] for r in records] for column in schema]
        )
    return named_table(con, name, ibis.schema(schema))


def named_table(con: Any, name: str, schema: Any) -> Any:
    """The table of that name and known schema, without asking the backend for it."""
    from ibis.expr.operations import DatabaseTable, Namespace

    return DatabaseTable(name=name, schema=schema, source=con, namespace=Namespace()).to_expr()
