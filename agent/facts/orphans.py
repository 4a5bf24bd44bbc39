"""Rows whose account, plan or metric is not in its own table: kept, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.facts.incoming import Incoming

PARENTS = {"account_id": "accounts", "plan_id": "plans", "metric": "metrics"}


def orphan_notes(duck: Any, incoming: Incoming) -> dict[int, tuple[str, ...]]:
    """One sentence per part and parent table for rows that name a parent nobody gave."""
    notes: dict[int, tuple[str, ...]] = {}
    for column, parent in PARENTS.items():
        if column not in incoming.columns or parent == incoming.table:
            continue
        counted = duck.execute(
            f"SELECT _part, sum(n), min({column}) FROM (SELECT _part, {column}, count(*) AS n "
            f"FROM {incoming.name} WHERE _why IS NULL AND {column} IS NOT NULL GROUP BY ALL) "
            f"WHERE {column} NOT IN (SELECT {column} FROM {parent}) GROUP BY _part"
        ).fetchall()
        for part, count, example in counted:
            rows = "row names" if count == 1 else "rows name"
            like = f"(such as {str(example)[:40]!r})"
            said = f"{int(count):,} {rows} a {column} that is not in {parent} {like}; kept"
            notes[part] = (*notes.get(part, ()), said)
    return notes
