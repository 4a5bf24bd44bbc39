"""Our own engine, as the benchmark calls it: the one file that knows how."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from evals.speed.catalogue import MOMENT, settings


def one_date(path: Path, as_of: date) -> int:
    """All triggers to ranked accounts as of a day: points, composite, holds, plays; answers how many are ready."""
    from agent.foundation.warehouse import open_warehouse
    from agent.scoring.scan import scan

    with open_warehouse(path) as warehouse:
        result = scan(warehouse, settings(), as_of, MOMENT, {})
    return sum(account.status == "ready" for account in result.accounts)


def many_dates(path: Path, days: Sequence[date]) -> int:
    """The same for many days; answers how many account-days are ready."""
    return sum(one_date(path, day) for day in days)


def rules_alone(path: Path) -> float | None:  # noqa: ARG001
    """Seconds from profile, already computed, to ranked accounts; None until the engine offers it."""
    return None


def again(path: Path, as_of: date) -> int:
    """A day that was scanned before, nothing new since; answers how many are ready."""
    return one_date(path, as_of)
