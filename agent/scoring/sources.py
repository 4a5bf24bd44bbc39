"""When the facts were last read, for the sources that have a limit."""

from __future__ import annotations

from typing import Any

from agent.foundation.settings import Settings
from agent.foundation.warehouse import fetch
from agent.scoring.holds import SourceAge


def sources_of(reads: Any, settings: Settings) -> tuple[SourceAge, ...]:
    """By source and table when it was last read, from the Ibis table `source_reads`."""
    newest = (
        reads.group_by("source", "table_name")
        .aggregate(read_at=reads.read_at.max())
        .order_by("source", "table_name")
    )
    limits = settings.connectors.limits
    if settings.warehouse.fresh_within_hours:
        limits["warehouse"] = settings.warehouse.fresh_within_hours
    return tuple(
        SourceAge(row["source"], row["table_name"], row["read_at"], limits[row["source"]])
        for row in fetch(newest)
        if row["source"] in limits
    )
