"""A profile row as scoring reads it, for tests of the pure functions."""

from __future__ import annotations

from typing import Any

from agent.scoring import columns

EMPTY: dict[str, Any] = {
    "core_utilisation": None,
    "any_utilisation": None,
    "teams": 0,
    "plan_id": "starter",
    "days_to_renewal": None,
    "term": "month",
    "discount_pct": None,
    "any_past_due": False,
}


def row(**values: Any) -> dict[str, Any]:
    """A row of an account without a fact but its plan; names in capitals are columns of `scoring.columns`."""
    made = dict(EMPTY) | {leaf.column: None if leaf.how in ("newest", "mean") else 0 for leaf in columns.ALL}
    return made | {getattr(columns, k).column if k.isupper() else k: v for k, v in values.items()}
