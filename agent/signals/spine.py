"""The as-of dates of an evaluation: one, written into the SQL as a literal, or many, as a table it brings along."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import ibis

from agent.signals.scratch import Script

DAYS, CALENDAR, CELLS, SPREAD = "given_days", "given_calendar", "given_cells", "given_spread"
SCHEMAS: dict[str, dict[str, str]] = {
    DAYS: {"as_of": "date"},
    CALENDAR: {"known_on": "date", "as_of": "date", "age": "int64"},
    CELLS: {"cell_day": "date", "cell": "int64"},
    SPREAD: {"spread_cell": "int64", "as_of": "date", "age": "int64"},
}
BEFORE = -1
"The cell of every day before the first window."
YEARS_BACK = 40
"How far back rows are known of at all."
Rows = list[dict[str, Any]]


class Spine:
    """What "known at the end of D" means for a row, for one D or for many.

    For many days every relation carries `as_of` beside `account_id`, and each row stands once for every day on
    which it is known and looked at.
    """

    def __init__(self, scratch: Script, day: date | None) -> None:
        self._scratch = scratch
        self._today = None if day is None else ibis.literal(day, type="date")
        self.horizon = 1
        "Days of the longest window that rows are spread over."
        self.cuts = {0}
        "Days before D at which a window of cells begins or ends."

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name an account on a day."""
        return ("account_id",) if self._today is not None else ("as_of", "account_id")

    def _given(self, name: str) -> Any:
        return self._scratch.given(name, SCHEMAS[name])

    def on(self, t: Any) -> Any:
        """The as-of date of each row of `t`."""
        return t.as_of if self._today is None else self._today

    def age(self, t: Any, column: str) -> Any:
        """Whole days from a column's day to D; negative when it lies after D."""
        return self.on(t).delta(t[column], unit="day").cast("int64")

    def known(self, t: Any, column: str, within: int | None = None) -> Any:
        """The rows of `t` whose day is not after D, and at most `within` days back; with `as_of`."""
        if self._today is not None:
            t = t.filter(t[column] <= self._today)
            return t if within is None else t.filter(t[column] > self._before(within))
        if within is None:
            # Few rows reach back without bound; that they are known once a day is what is asked for.
            joined = t.cross_join(self._given(DAYS))
            return joined.filter(joined[column] <= joined.as_of)
        self.horizon = max(self.horizon, within)
        c = self._given(CALENDAR)
        c = c.filter(c.age < within).select("known_on", "as_of")
        return t.inner_join(c, t[column] == c.known_on).select(*t.columns, "as_of")

    def moment_floor(self, t: Any, column: str, within: int | None) -> Any:
        """`t` without rows whose time lies outside a window: a plain bound that storage can skip rows by."""
        if self._today is None:
            return t
        t = t.filter(t[column] < (self._today + ibis.interval(days=1)).cast("timestamp"))
        if within is None:
            return t
        return t.filter(t[column] >= (self._before(within) + ibis.interval(days=1)).cast("timestamp"))

    def _before(self, days: int) -> Any:
        return (self._today - ibis.interval(days=days)).cast("date")

    def celled(self, t: Any, column: str) -> Any:
        """`t` with `cell`: days that no window tells apart are in one cell."""
        cells = self._given(CELLS)
        return t.inner_join(cells, t[column] == cells.cell_day).select(*t.columns, "cell")

    def spread(self, t: Any, within: int) -> Any:
        """Rows by cell, once for every D that looks at the cell within so many days, with their `age` in days."""
        s = self._given(SPREAD)
        s = s.filter(s.age < within)
        more = ["as_of", "age"] if self._today is None else ["age"]
        return t.inner_join(s, t.cell == s.spread_cell).select(*t.columns, *more)

    def every(self, t: Any) -> Any:
        """`t` once for every D."""
        return t if self._today is not None else t.cross_join(self._given(DAYS))


def given_rows(days: Sequence[date], horizon: int, cuts: Sequence[int]) -> Mapping[str, Rows]:
    """The tables that an evaluation of `days` brings along."""
    calendar = [
        {"known_on": day - timedelta(days=age), "as_of": day, "age": age}
        for day in days
        for age in range(horizon)
    ]
    ends = sorted({day - timedelta(days=cut) for day in days for cut in cuts})
    first = ends[0] - timedelta(days=365 * YEARS_BACK)
    cells = []
    for number in range((max(days) - first).days + 1):
        day = first + timedelta(days=number)
        cells.append({"cell_day": day, "cell": bisect_left(ends, day) or BEFORE})
    deepest = max(cuts)
    spread = [
        {"spread_cell": number, "as_of": as_of, "age": (as_of - end).days}
        for number, end in enumerate(ends)
        for as_of in days
        if number > 0 and 0 <= (as_of - end).days < deepest
    ]
    return {DAYS: [{"as_of": day} for day in days], CALENDAR: calendar, CELLS: cells, SPREAD: spread}
