"""Which days a backtest looks at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agent.foundation.errors import OutgrownError, UsageError

EVERY = re.compile(r"([0-9]{1,4})([dw])")
LONGEST_STEP = 366
WEEK = 7


@dataclass(frozen=True)
class Span:
    """The as-of dates of a backtest, ascending and evenly spaced."""

    days: tuple[date, ...]
    every: int
    "Days from one as-of date to the next."
    notes: tuple[str, ...] = ()

    @property
    def weeks(self) -> float:
        """How many weeks the dates stand for."""
        return len(self.days) * self.every / WEEK


def step_of(text: str) -> int:
    """Days between as-of dates: '7d', '2w'.

    Raises UsageError for anything else.
    """
    found = EVERY.fullmatch(text.strip().lower())
    days = int(found.group(1)) * (WEEK if found.group(2) == "w" else 1) if found else 0
    if not 1 <= days <= LONGEST_STEP:
        raise UsageError(f"--every is {text!r}; write a number of days or weeks up to a year, like 7d or 2w.")
    return days


def span_of(
    first: date | None, last: date | None, every: int, known: tuple[date, date], newest: date
) -> Span:
    """The dates from `first` to `last` (either may be left out) within the days `known`.

    Dates outside the known days are left out, and a note says so; `newest` is the last day that is over.

    Raises UsageError for a range that is inverted or touches no known day.
    """
    begins, ends = known
    if first is not None and last is not None and first > last:
        raise UsageError(f"--from {first} lies after --to {last}; swap them.")
    if last is not None and last > newest:
        raise UsageError(f"--to is {last}, which is not over yet; the newest day that is over is {newest}.")
    if (first is not None and first > ends) or (last is not None and last < begins):
        asked = " ".join([*([f"from {first}"] if first else []), *([f"to {last}"] if last else [])])
        raise UsageError(
            f"There are no facts in the range {asked}: the subscription history is known from {begins} to {ends}; "
            "name days in there."
        )
    notes = []
    if first is not None and first < begins:
        notes.append(f"Dates before {begins}, when the subscription history begins, are left out.")
    if last is not None and last > ends:
        notes.append(f"Dates after {ends}, when the facts end, are left out.")
    start = first or begins
    if start < begins:
        # The grid stays where it was asked for.
        start += timedelta(days=-((start - begins).days // every) * every)
    days = grid(start, min(last or ends, ends), every)
    if not days:
        raise UsageError(
            f"No date of the grid from {first or begins}, every {every} days, falls into the known days "
            f"{begins} to {ends}; choose a smaller --every."
        )
    return Span(days, every, tuple(notes))


def grid(first: date, last: date, every: int) -> tuple[date, ...]:
    """Every so many days from `first`; `last` only where the grid meets it."""
    return tuple(first + timedelta(days=n) for n in range(0, (last - first).days + 1, every))


def recent(known: tuple[date, date], horizon: int, weeks: int = 26, every: int = WEEK) -> Span:
    """The newest so many weekly dates whose longest horizon is over, or whatever there is."""
    begins, ends = known
    if begins > ends:
        raise OutgrownError(
            "No day of the subscription history is over yet; there is nothing to look back on."
        )
    last = ends - timedelta(days=horizon)
    notes: tuple[str, ...] = ()
    if last < begins + timedelta(days=every):
        last = ends
        notes = (f"The history is too short for {horizon} days to have passed after its first weeks.",)
    first = max(begins, last - timedelta(days=every * (weeks - 1)))
    return Span(grid(first, last, every), every, notes)


def ordinals(days: Sequence[date]) -> list[int]:
    """Days as whole numbers."""
    return [day.toordinal() for day in days]
