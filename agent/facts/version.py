"""The version of the facts: what tells whether anything changed since somebody last looked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.foundation.warehouse import Warehouse

TABLE = "facts_version"


def raise_version(duck: Any) -> None:
    """Count one up, inside the transaction that changes the rows."""
    # The mark is new every time: a file put back from a copy counts up from there, with other rows.
    mark = secrets.token_hex(16)
    [[known]] = duck.execute(f"SELECT count(*) FROM {TABLE}").fetchall()
    if known:
        duck.execute(f"UPDATE {TABLE} SET version = version + 1, mark = ?", [mark])
    else:
        duck.execute(f"INSERT INTO {TABLE} VALUES (1, ?)", [mark])


def version_of(warehouse: Warehouse) -> tuple[int, str] | None:
    """The number and the mark of the facts as they stand; None where nothing counts, as in a warehouse in place."""
    from agent.foundation.warehouse import fetch

    rows = fetch(warehouse.table(TABLE)) if warehouse.has(TABLE) else []
    return next(((row["version"], row["mark"]) for row in rows), None)
