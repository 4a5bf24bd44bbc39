"""Which as-of dates a trigger could look at in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from agent.learning.backtest.known import History
from agent.learning.backtest.result import Windows
from agent.signals.rule import Rule


def windows_of(rule: Rule, days: Sequence[date], history: History) -> Windows:
    """How far the trigger looks back, and on which dates that reaches before the facts it needs begin."""
    begins = [history.first_days[table] for table in rule.needs if history.first_days.get(table)]
    missing = tuple(table for table in rule.needs if table in history.empty)
    whole = max((day for day in begins if day), default=history.first) + timedelta(days=rule.oldest)
    return Windows(
        days=rule.oldest + 1,
        whole_from=None if missing else whole,
        partial_dates=len(days) if missing else sum(day < whole for day in days),
        missing=missing,
    )
