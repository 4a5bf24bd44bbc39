"""Where the lines of a backtest's charts go; lengths are in the charts' own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

from agent.learning.backtest.result import Backtest, BarPoint, Lead, Signal
from agent.learning.backtest.verdict import factor, interval, percent

WIDTH, HEIGHT = 340, 236
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 16, 40
BARS_MOST = 20
MOST_TICKS = 7
STRIP_WIDTH, STRIP_HEIGHT = 320, 26
LIFTS = (0.25, 0.5, 1.0, 2.0, 4.0)
LEAST_LIFT, MOST_LIFT = 0.16, 6.25
HISTOGRAM_WIDTH = 720


@dataclass(frozen=True)
class Mark:
    """A text at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Dot:
    """One bar of the curve: its place, its interval and its name."""

    x: float
    y: float
    low: float
    high: float
    label: Mark
    is_current: bool
    is_few: bool
    says: str


@dataclass(frozen=True)
class Scatter:
    """Precision within so many days against prompts a week, one dot for each bar."""

    days: int
    dots: tuple[Dot, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    base: float | None
    base_text: str
    title: str
    description: str


@dataclass(frozen=True)
class Column:
    """One bar of a histogram."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True)
class Histogram:
    """Lead times in days."""

    columns: tuple[Column, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    median: float
    median_label: Mark
    anchor: str
    title: str
    description: str


@dataclass(frozen=True)
class Strip:
    """One trigger's lift and its interval on a log axis."""

    signal: Signal
    at: float
    low: float
    high: float
    cut_low: bool
    "The interval goes on to the left of the axis."
    cut_high: bool
    says: str
    text: str


def scatter(found: Backtest, days: int) -> Scatter:
    """The curve at one horizon; bars that never spoke, or cannot be judged, are not drawn."""
    points = [one for one in found.curve if one.signal.at(days).judged and one.signal.per_week > 0]
    rates = [one.signal.per_week for one in points]
    low, high = (min(rates) / 1.6, max(rates) * 1.6) if rates else (0.1, 10)
    tops = [_high(one, days) for one in points]
    base = found.bar.at(days).base_rate
    top = min(1.0, max([*tops, (base or 0) * 1.6, 0.05]) * 1.08)

    def x(rate: float) -> float:
        share = (log10(rate) - log10(low)) / (log10(high) - log10(low))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(share: float) -> float:
        return round(HEIGHT - BOTTOM - min(share, top) / top * (HEIGHT - BOTTOM - TOP), 1)

    dots = [_dot(one, days, x(one.signal.per_week), y) for one in points]
    return Scatter(
        days=days,
        dots=tuple(_apart(dots)),
        across=tuple(Mark(x(rate), HEIGHT - BOTTOM + 15, f"{rate:g}") for rate in _decades(low, high)),
        up=tuple(Mark(LEFT - 6, y(share), percent_axis(share)) for share in steps(top)),
        base=None if base is None else y(base),
        base_text="" if base is None else f"anyway {percent(base)}",
        title=f"Share of prompts followed by an expansion within {days} days, by bar",
        description=_in_words(points, days) or "No bar spoke on a day that can be judged.",
    )


def _high(one: BarPoint, days: int) -> float:
    horizon = one.signal.at(days)
    ends = horizon.precision_range
    return max(horizon.precision or 0, (ends.high if ends else None) or 0)


def _dot(one: BarPoint, days: int, x: float, y: object) -> Dot:
    assert callable(y)  # noqa: S101 - the scale of the same chart
    horizon = one.signal.at(days)
    share, ends = horizon.precision or 0.0, horizon.precision_range
    low, high = (ends.low, ends.high) if ends else (share, share)
    says = (
        f"{one.points} points: {percent(share)} ({interval(ends, percent)}) of {horizon.judged} prompts, "
        f"{one.signal.per_week:.2g} a week"
    )
    low, high = share if low is None else low, share if high is None else high
    label = Mark(x + 7, y(share) + 4, str(one.points))
    return Dot(x, y(share), y(low), y(high), label, one.is_current, horizon.is_few, says)


def _apart(dots: list[Dot]) -> list[Dot]:
    """Dots with labels that do not lie on one another: those at one place share a label, others move."""
    placed: list[Dot] = []
    taken = [(dot.x, dot.y + 4) for dot in dots]
    for dot in dots:
        same = next(
            (n for n, old in enumerate(placed) if abs(old.x - dot.x) < 3 and abs(old.y - dot.y) < 3), None
        )
        if same is not None and placed[same].label.text:
            old = placed[same]
            text = f"{old.label.text.split('–')[0]}–{dot.label.text}"
            kept = Mark(old.label.x, old.label.y, text)
            placed[same] = _with(old, kept, is_current=old.is_current or dot.is_current)
            placed.append(_with(dot, Mark(dot.x, dot.y, ""), is_current=dot.is_current))
            continue
        label = dot.label
        for dx, dy in ((7, 4), (7, -6), (7, 14), (-7, 4), (-7, -6), (-7, 14), (7, 24), (7, -16)):
            x = dot.x + dx if dx > 0 else dot.x + dx - 7 * len(label.text)
            others = [place for place in taken if place != (dot.x, dot.y + 4)]
            middle = x + 3.5 * len(label.text)
            if all(abs(middle - a) > 12 or abs(dot.y + dy - b) > 9 for a, b in others):
                label = Mark(round(x, 1), round(dot.y + dy, 1), label.text)
                break
        taken.append((label.x + 3.5 * len(label.text), label.y))
        placed.append(_with(dot, label, is_current=dot.is_current))
    return placed


def _with(dot: Dot, label: Mark, *, is_current: bool) -> Dot:
    return Dot(dot.x, dot.y, dot.low, dot.high, label, is_current, dot.is_few, dot.says)


def _in_words(points: Sequence[BarPoint], days: int) -> str:
    return "; ".join(
        f"{one.points} points {percent(one.signal.at(days).precision)} at {one.signal.per_week:.2g} a week"
        for one in points
    )


def _decades(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: 1, 2 and 5 times powers of ten, or fewer where they would be many."""
    powers = range(int(log10(low)) - 2, int(log10(high)) + 3)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        inside = [
            value
            for power in powers
            for step in steps
            if low <= (value := round(step * 10.0**power, 8)) <= high
        ]
        if len(inside) <= MOST_TICKS:
            break
    return inside


def steps(top: float) -> list[float]:
    """Zero and a few round shares below `top`."""
    size = next((one for one in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if top / one <= 5.5), 0.25)
    return [round(size * place, 4) for place in range(int(top / size + 1e-9) + 1)]


def percent_axis(share: float) -> str:
    """0.05 as '5%'."""
    return f"{share * 100:.0f}%"


def histogram(lead: Lead, of: str) -> Histogram | None:
    """Lead times; None without any."""
    if lead.median is None or not lead.bins:
        return None
    merge = ceil(len(lead.bins) / BARS_MOST)
    groups = [lead.bins[start : start + merge] for start in range(0, len(lead.bins), merge)]
    counts = [sum(one.count for one in group) for group in groups]
    span = merge * 7
    top = max(counts) * 1.12
    width = (HISTOGRAM_WIDTH - LEFT - RIGHT) / len(groups)

    def y(count: float) -> float:
        return round(HEIGHT - BOTTOM - count / top * (HEIGHT - BOTTOM - TOP), 1)

    def x(day: float) -> float:
        return round(LEFT + (day - 1) / span * width, 1)

    columns = tuple(
        Column(
            round(LEFT + width * place + 1, 1), y(count), round(width - 2, 1), round(HEIGHT - BOTTOM - y(count), 1),
            f"{group[0].first} to {group[0].first + span - 1} days: {count}",
        )
        for place, (group, count) in enumerate(zip(groups, counts, strict=True))
    )  # fmt: skip
    every = max(1, ceil(len(groups) / 10))
    size = next(
        (one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if top / one <= 5.5), ceil(top / 5)
    )
    median = x(lead.median)
    is_late = median > HISTOGRAM_WIDTH * 0.7
    return Histogram(
        columns=columns,
        across=tuple(
            Mark(round(LEFT + width * place, 1), HEIGHT - BOTTOM + 15, str(group[0].first - 1))
            for place, group in enumerate(groups)
            if place % every == 0
        ),
        up=tuple(Mark(LEFT - 6, y(n * size), f"{n * size:,}") for n in range(int(top / size) + 1)),
        median=median,
        median_label=Mark(median + (-6 if is_late else 6), TOP - 4, f"median {lead.median:.0f} days"),
        anchor="end" if is_late else "start",
        title=f"Days from the first alert to the expansion: {of}",
        description=f"{lead.episodes} cases, median {lead.median:.0f} days, half of them between "
        f"{lead.lower_quartile:.0f} and {lead.upper_quartile:.0f}. " + "; ".join(one.says for one in columns),
    )


def strips(signals: Sequence[Signal], days: int) -> tuple[Strip, ...]:
    """One strip for each signal with a lift, best first."""
    return tuple(_strip(one, days) for one in signals if one.at(days).lift is not None)


def _strip(signal: Signal, days: int) -> Strip:
    one = signal.at(days)
    lift, ends = one.lift or 0.0, one.lift_range
    low, high = (ends.low, ends.high) if ends else (None, None)
    low, high = lift if low is None else low, lift if high is None else high
    says = (
        f"{signal.name}: lift {factor(lift)} ({interval(ends)}) within {days} days, "
        f"{one.hits} of {one.judged} alerts followed"
    )
    return Strip(
        signal, on_strip(lift), on_strip(low), on_strip(high), low < LEAST_LIFT, high > MOST_LIFT, says,
        f"{factor(lift)} ({interval(ends)})",
    )  # fmt: skip


def on_strip(lift: float) -> float:
    """The place of a lift on a strip, kept within it."""
    kept = min(max(lift, LEAST_LIFT), MOST_LIFT)
    share = (log10(kept) - log10(LEAST_LIFT)) / (log10(MOST_LIFT) - log10(LEAST_LIFT))
    return round(8 + share * (STRIP_WIDTH - 16), 1)


def lead_of(found: Backtest) -> tuple[str, Lead]:
    """Whose lead times are drawn: the bar's, else those of the trigger beyond chance with the most, else of any."""
    if found.bar.lead.episodes:
        return "the bar", found.bar.lead
    beyond = [one for one in found.triggers if one.is_beyond_chance]
    best = max(beyond or found.triggers, key=lambda one: one.lead.episodes, default=None)
    if best is None:
        return "the bar", found.bar.lead
    return f"{best.name}, as the bar has none{'' if beyond else '; no more than chance'}", best.lead
