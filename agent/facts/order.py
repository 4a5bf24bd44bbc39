"""The large tables in the order in which they are looked at: by month, then account, then day."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.facts.door import transaction
from agent.facts.schema import create_tables

if TYPE_CHECKING:
    from agent.foundation.warehouse import Warehouse

LARGE = 2_000_000
"Rows below which order does not matter."
UNORDERED = 0.25
"Share of rows added since a table was put in order, above which that is done again."
DAYS = {"measures": "day", "events": '"at"'}


def put_in_order(warehouse: Warehouse, progress: Callable[[str], None] = lambda _: None) -> list[str]:
    """Rewrite each large table of which too much was added since it was last put in order; answers which.

    For a file that is open for writing. A table's rewriting is one transaction; no row changes.
    """
    duck = warehouse.duck
    create_tables(duck)
    ordered = dict(duck.execute("FROM table_order").fetchall())
    done = []
    for table, day in DAYS.items():
        [[rows]] = duck.execute(f"SELECT count(*) FROM {table}").fetchall()
        if rows <= LARGE or rows - ordered.get(table, 0) <= UNORDERED * rows:
            continue
        progress(f"putting {rows:,} {table} in order")
        _rewrite(duck, table, day, rows)
        done.append(table)
    if done:
        # What the rows left behind is used again by whatever is written next.
        duck.execute("CHECKPOINT")
    return done


def _rewrite(duck: Any, table: str, day: str, rows: int) -> None:
    # The rows wait in the same file, not in memory, and the table itself stays, with all it was declared with.
    with transaction(duck):
        duck.execute(
            f"CREATE OR REPLACE TABLE in_order AS SELECT * FROM {table} "
            f"ORDER BY date_trunc('month', {day}), account_id, {day}"
        )
        duck.execute(f"TRUNCATE {table}")
        duck.execute(f"INSERT INTO {table} FROM in_order")
        duck.execute("DROP TABLE in_order")
        duck.execute("DELETE FROM table_order WHERE table_name = ?", [table])
        duck.execute("INSERT INTO table_order VALUES (?, ?)", [table, rows])
