"""Intervals as strips: where a share, or a difference, lies on its axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals.quality.comparison import Outcome, Row
from evals.quality.differences import wilson
from evals.quality.measures import Unit, percent, signed, written
from evals.quality.result import Rate

WIDTH, HEIGHT, EDGE = 240, 24, 8
MIDDLE = HEIGHT / 2
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"Lengths an axis of shares may have."


@dataclass(frozen=True)
class Mark:
    """A tick of an axis."""

    x: float
    text: str
    anchor: str


@dataclass(frozen=True)
class Axis:
    """From one value to another, over the width of a strip."""

    low: float
    high: float

    def on(self, value: float) -> float:
        """Where a value lies; what is beyond the axis lies on its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(EDGE + share * (WIDTH - 2 * EDGE), 1)

    def marks(self) -> list[Mark]:
        """Its ends and its middle."""
        values = (self.low, (self.low + self.high) / 2, self.high)
        return [
            Mark(self.on(value), percent(round(value, 6)), anchor)
            for value, anchor in zip(values, ("start", "middle", "end"), strict=True)
        ]


@dataclass(frozen=True)
class Strip:
    """One interval, and the same in words."""

    at: float
    low: float
    high: float
    kind: str
    says: str
    zero: float | None = None


def axis_near_one(rates: Iterable[Rate]) -> Axis:
    """An axis that ends at 100% and begins below the lowest interval."""
    lowest = min((one.interval[0] for one in rates if one.of), default=0.0)
    return Axis(1 - _step(1 - lowest), 1.0)


def axis_near_none(rates: Iterable[Rate]) -> Axis:
    """An axis that begins at 0% and ends beyond the highest interval."""
    return Axis(0.0, _step(max((one.interval[1] for one in rates if one.of), default=1.0)))


def of_rate(rate: Rate, axis: Axis, what: str) -> Strip:
    """A share and its interval."""
    low, high = rate.interval
    share = rate.share or 0.0
    says = (
        f"{what}: {rate.good} of {rate.of}, {percent(share)}, 95% interval {percent(low)} to {percent(high)}"
    )
    return Strip(axis.on(share), axis.on(low), axis.on(high), "", says)


def of_pairs(good: float, pairs: int, what: str) -> Strip:
    """How often one writer is preferred, from never to always; a tie is half a win."""
    axis, share, (low, high) = Axis(0.0, 1.0), good / pairs, wilson(good, pairs)
    says = f"{what}: preferred in {percent(share)} of {pairs} pairs, 95% interval {percent(low)} to {percent(high)}"
    return Strip(axis.on(share), axis.on(low), axis.on(high), "", says, axis.on(0.5))


def of_difference(row: Row, reach: float) -> Strip:
    """A difference and its interval, `reach` to either side of nought."""
    low, high = row.interval or (row.difference, row.difference)
    axis = Axis(-reach, reach)
    kind = {Outcome.WORSE: "worse", Outcome.BETTER: "better"}.get(row.outcome, "")
    around = f", 95% interval {signed(low, row.unit)} to {signed(high, row.unit)}" if row.interval else ""
    says = (
        f"{row.title}: {written(row.old, row.unit)} before, {written(row.new, row.unit)} now, "
        f"{signed(row.difference, row.unit)}{around}; {row.outcome.value}"
    )
    return Strip(axis.on(row.difference), axis.on(low), axis.on(high), kind, says, axis.on(0))


def reaches(rows: Sequence[Row]) -> list[float]:
    """How far each row's axis reaches: the same for all shares, its own for any other unit."""
    ends = [max(map(abs, (*(row.interval or ()), row.difference))) for row in rows]
    shares = max((end for row, end in zip(rows, ends, strict=True) if row.unit is Unit.SHARE), default=0.0)
    return [(shares if row.unit is Unit.SHARE else end) or 1.0 for row, end in zip(rows, ends, strict=True)]


def _step(length: float) -> float:
    return next((step for step in STEPS if length <= step + 1e-9), 1.0) if math.isfinite(length) else 1.0
