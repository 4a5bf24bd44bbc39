"""The one place that knows what time it is."""

from __future__ import annotations

import os
import time as machine
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite

from agent.foundation.errors import ConfigError

SETTING = "OUTGROWN_NOW"
SPEED = "OUTGROWN_NOW_SPEED"
"For rehearsals: how many seconds pass on our clock in one of the machine's; without it a given time stands still."
SINCE = "OUTGROWN_NOW_SINCE"
"The machine's time (seconds since 1970) at which our clock showed OUTGROWN_NOW, so that several processes agree."
EARLIEST, LATEST = 1970, 9000
"Years far enough from the ends of the calendar for every window to fit."
FASTEST = 1_000_000

_BEGUN = machine.time()


def now() -> datetime:
    """The current time, UTC and without a zone mark; `OUTGROWN_NOW` replaces the machine's clock.

    It stands still, unless `OUTGROWN_NOW_SPEED` lets it run.

    Raises ConfigError when `OUTGROWN_NOW` is not an ISO time of the years we reckon with, or its speed none.
    """
    given = os.environ.get(SETTING, "").strip()
    speed = _number(SPEED, 0.0, 0.0, FASTEST)
    if not given:
        if speed:
            raise ConfigError(f"{SPEED} is set without {SETTING}; set both, or neither.")
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
    if not speed:
        return moment
    current = machine.time()
    return moment + timedelta(seconds=speed * (current - _number(SINCE, _BEGUN, 0.0, current)))


def _number(name: str, default: float, least: float, most: float) -> float:
    given = os.environ.get(name, "").strip()
    if not given:
        return default
    try:
        number = float(given)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or not least <= number <= most:
        raise ConfigError(f"{name} is {given!r}; give a number from {least:.0f} to {most:.0f}.")
    return number


def last_complete_day(moment: datetime) -> date:
    """The newest day that is wholly over at `moment` (rule book §1)."""
    return moment.date() - timedelta(days=1)


def end_of(day: date) -> datetime:
    """The first moment after `day`."""
    return datetime.combine(day + timedelta(days=1), time.min)
