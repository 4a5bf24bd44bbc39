"""The one place that knows what time it is."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta

from agent.foundation.errors import ConfigError

SETTING = "OUTGROWN_NOW"
EARLIEST, LATEST = 1970, 9000
"Years far enough from the ends of the calendar for every window to fit."


def now() -> datetime:
    """The current time, UTC and without a zone mark; `OUTGROWN_NOW` replaces the machine's clock.

    Raises ConfigError when `OUTGROWN_NOW` is not an ISO time of the years we reckon with.
    """
    given = os.environ.get(SETTING, "").strip()
    if not given:
        return datetime.now(UTC).replace(tzinfo=None)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as bad:
        message = f"{SETTING} is {given!r}, which is not an ISO time; write it like 2026-03-02T09:00:00."
        raise ConfigError(message) from bad
    if not EARLIEST <= moment.year <= LATEST:
        raise ConfigError(f"{SETTING} is {given!r}; give a year from {EARLIEST} to {LATEST}.")
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment


def last_complete_day(moment: datetime) -> date:
    """The newest day that is wholly over at `moment` (rule book §1)."""
    return moment.date() - timedelta(days=1)


def end_of(day: date) -> datetime:
    """The first moment after `day`."""
    return datetime.combine(day + timedelta(days=1), time.min)
