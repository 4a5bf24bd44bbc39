"""Merging checked rows into a canonical table: insert what is new, update what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from agent.facts.incoming import Incoming


class Merged(NamedTuple):
    """How many rows of one part were new and how many changed."""

    new: int
    changed: int


def merge(duck: Any, incoming: Incoming) -> dict[int, Merged]:
    """Merge the good rows on their key, an empty key column counting as a value; what happened, by part.

    A column that no file brought keeps what the facts already hold.
    """
    table, name = incoming.table, incoming.name
    every = ", ".join(f'"{column}"' for column in incoming.columns)
    if duck.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:
        duck.execute(f"INSERT INTO {table} ({every}) SELECT {every} FROM {name} WHERE _why IS NULL")
        return {part: Merged(good, 0) for part, good in incoming.good_by_part().items()}
    brought = [column for column in incoming.brought if column not in incoming.key]
    same_key = " AND ".join(
        f'old."{column}" IS NOT DISTINCT FROM new."{column}"'
        if column in incoming.optional
        else f'old."{column}" = new."{column}"'
        for column in incoming.key
    )
    differs = " OR ".join(f'old."{column}" IS DISTINCT FROM new."{column}"' for column in brought) or "false"
    counted = duck.execute(
        f"SELECT _part, count(*) FILTER (old.rowid IS NULL), "
        f"count(*) FILTER (old.rowid IS NOT NULL AND ({differs})) "
        f"FROM {name} AS new LEFT JOIN {table} AS old ON {same_key} WHERE _why IS NULL GROUP BY _part"
    ).fetchall()
    merged = {part: Merged(new, changed) for part, new, changed in counted}
    if any(part.changed for part in merged.values()):
        assignments = ", ".join(f'"{column}" = new."{column}"' for column in brought)
        duck.execute(
            f"UPDATE {table} AS old SET {assignments} FROM {name} AS new "
            f"WHERE {same_key} AND new._why IS NULL AND ({differs})"
        )
    if any(part.new for part in merged.values()):
        duck.execute(
            f"INSERT INTO {table} ({every}) SELECT {every} FROM {name} AS new WHERE _why IS NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {table} AS old WHERE {same_key})"
        )
    return merged
