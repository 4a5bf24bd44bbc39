"""Where the lines of a digest chart go: weekly bars of a metric against its ceiling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, log10

from babel.numbers import format_compact_decimal

from agent.faces.digest import Chart, ChartPoint
from agent.signals import display

WIDTH, HEIGHT = 340, 168
LEFT, RIGHT, TOP, BOTTOM = 36, 4, 14, 24
Level = Callable[[float], float]
"From a value to its height on the page."
NOTHING = 1e-9
"A chart whose highest value is below this is drawn as empty."
GAP = 0.28
"Share of a week's width that stays empty between bars."
HEADROOM = 1.08


@dataclass(frozen=True)
class Bar:
    """One week: a bar, or a dash where nothing was measured."""

    x: float
    y: float
    width: float
    height: float
    is_known: bool
    is_over: bool
    "At or above its ceiling."
    says: str


@dataclass(frozen=True)
class Label:
    """A text at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Drawing:
    """A chart ready to be written as SVG; lengths are in its own units."""

    width: int
    height: int
    plot_left: float
    plot_right: float
    base: float
    bars: tuple[Bar, ...]
    ceiling_path: str
    ceiling_label: Label | None
    grid: tuple[Label, ...]
    weeks: tuple[Label, ...]
    title: str
    description: str
    newest: str
    of: str
    share: str


def draw(chart: Chart) -> Drawing:
    """The geometry and the words of a chart."""
    points = chart.points
    known = [point.value for point in points if point.value is not None]
    ceilings = [point.ceiling for point in points if point.ceiling is not None]
    highest = max([*known, *ceilings, 0.0])
    top = highest * HEADROOM if highest > NOTHING else 1.0
    base = HEIGHT - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / max(len(points), 1)

    def level(value: float) -> float:
        return round(base - value / top * (base - TOP), 1)

    bars = tuple(_bar(point, LEFT + step * place, step, level, base) for place, point in enumerate(points))
    newest = points[-1] if points else None
    last = newest.value if newest else None
    limit = newest.ceiling if newest else None
    return Drawing(
        width=WIDTH,
        height=HEIGHT,
        plot_left=LEFT,
        plot_right=WIDTH - RIGHT,
        base=base,
        bars=bars,
        ceiling_path=_steps(points, step, level),
        ceiling_label=_ceiling_label(points, step, level),
        grid=tuple(Label(LEFT - 6, level(value), compact(value)) for value in ticks(top)),
        weeks=_weeks(points, step),
        title=f"{chart.label}, {len(points)} weeks",
        description=_description(chart),
        newest="unknown" if last is None else display.count(last).display,
        of="" if limit is None else f"of {display.count(limit).display} {chart.unit}".rstrip(),
        share="" if last is None or not limit else display.share(last / limit).display,
    )


def ticks(top: float) -> list[float]:
    """Zero and a few round numbers below `top`."""
    rough = top / 4
    power = 10 ** floor(log10(rough))
    size = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)
    return [size * place for place in range(ceil(top / size)) if size * place < top * 0.99]


def compact(value: float) -> str:
    """12400 as '12.4K', for the axis."""
    return str(format_compact_decimal(value, locale=display.LOCALE, fraction_digits=1))


def _bar(point: ChartPoint, left: float, step: float, level: Level, base: float) -> Bar:
    value, day = point.value, display.day(point.week_ending).display
    x, width = round(left + step * GAP / 2, 1), round(step * (1 - GAP), 1)
    if value is None:
        return Bar(x, base, width, 0, is_known=False, is_over=False, says=f"week to {day}: not measured")
    over = point.ceiling is not None and value >= point.ceiling
    y = level(value)
    says = f"week to {day}: {display.count(value).display}"
    return Bar(x, y, width, round(base - y, 1), is_known=True, is_over=over, says=says)


def _steps(points: tuple[ChartPoint, ...], step: float, level: Level) -> str:
    """The ceiling as an SVG path: a step where it changed, a gap where there was none."""
    path, before = [], None
    for place, point in enumerate(points):
        if point.ceiling is not None:
            left, right, y = (
                round(LEFT + step * place, 1),
                round(LEFT + step * (place + 1), 1),
                level(point.ceiling),
            )
            path.append(f"M{left} {y}" if before is None else f"L{left} {y}")
            path.append(f"L{right} {y}")
        before = point.ceiling
    return " ".join(path)


def _ceiling_label(points: tuple[ChartPoint, ...], step: float, level: Level) -> Label | None:
    """The newest ceiling's figure, above the start of the line that shows it."""
    limit = points[-1].ceiling if points else None
    if limit is None:
        return None
    first = len(points) - 1
    while first > 0 and points[first - 1].ceiling == limit:
        first -= 1
    x = min(LEFT + step * first + 2, WIDTH - 90)
    return Label(round(x, 1), level(limit) - 5, f"limit {display.count(limit).display}")


def _weeks(points: tuple[ChartPoint, ...], step: float) -> tuple[Label, ...]:
    """The first, a middle and the last week's date."""
    places = sorted({0, len(points) // 2, len(points) - 1} & set(range(len(points))))
    short = [display.day(points[place].week_ending).display.rsplit(" ", 1)[0] for place in places]
    months = [" ".join([text.split(" ")[0], text.split(" ")[1][:3]]) for text in short]
    return tuple(
        Label(round(LEFT + step * (place + 0.5), 1), HEIGHT - 7, text)
        for place, text in zip(places, months, strict=True)
    )


def _description(chart: Chart) -> str:
    """The chart in words, week by week."""
    values = [
        "not measured" if point.value is None else display.count(point.value).display
        for point in chart.points
    ]
    if not chart.points:
        return f"No weeks of {chart.label}."
    first, last = (display.day(chart.points[place].week_ending).display for place in (0, -1))
    limit = chart.points[-1].ceiling
    tail = (
        "there is no limit"
        if limit is None
        else f"the limit is {display.count(limit).display} {chart.unit}".rstrip()
    )
    return f"{chart.label} by week from {first} to {last}: {', '.join(values)}; {tail}."
