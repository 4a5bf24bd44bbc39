"""The connection to the facts: a DuckDB file through Ibis, held briefly."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.foundation.errors import StoreBusy, StoreError

WAIT_SECONDS = 10.0


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
