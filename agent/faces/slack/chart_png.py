"""The chart of a card as a PNG: the digest's own drawing, weekly bars against the ceiling, as pixels."""

from __future__ import annotations

import io
import re
from functools import cache
from typing import TYPE_CHECKING

from agent.faces.digest_chart import Bar, Drawing, Label, draw
from agent.faces.digest_words import SPARKS
from agent.faces.slack.escaping import cut, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontProperties

    from agent.faces.digest import Chart

HEAD = 26
"Room above the digest's drawing for what its page writes beside it."
MARGIN = 6
SCALE = 2.4
"Pixels for each of the drawing's units: sharp on a dense screen, readable when shown 360 pixels wide."
DPI = 100
INK, SOFT, LINE, BAR, NEWEST, LIMIT, CARD = (
    "#1c2226", "#58626b", "#e2ded6", "#a9c9c1", "#0d6b5d", "#a33b1f", "#ffffff",
)  # fmt: skip
"The light colours of the digest's style sheet."
TITLE = 46
STEP = re.compile(r"([ML])([-\d.]+) ([-\d.]+)")


def chart_png(chart: Chart) -> bytes:
    """The chart as a PNG of about two to one; the same chart gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = draw(chart)
    width, height = drawing.width + 2 * MARGIN, drawing.height + HEAD + MARGIN
    # No pyplot: it keeps figures in one list for the whole process, and threads would meet there.
    figure = Figure(figsize=(width * SCALE / DPI, height * SCALE / DPI), dpi=DPI, facecolor=CARD)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, drawing.width + MARGIN)
    axes.set_ylim(drawing.height, -HEAD - MARGIN)
    _frame(axes, drawing)
    for place, bar in enumerate(drawing.bars):
        _bar(axes, bar, is_newest=place == len(drawing.bars) - 1)
    _ceiling(axes, drawing)
    _head(axes, drawing, chart.label)
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def chart_words(chart: Chart) -> str:
    """The chart in words, week by week: for those who cannot see it."""
    return plain(draw(chart).description, 1_900)


def chart_line(chart: Chart) -> str:
    """The chart as a line of letters: '▂▃▅▇ Exports, 12 weeks: 940 of 1,000 exports, 94%'."""
    drawing = draw(chart)
    values = [point.value for point in chart.points]
    top = max([value for value in values if value is not None], default=0.0)
    last = len(SPARKS) - 1
    spark = "".join(
        "·" if value is None else SPARKS[round(max(value, 0) / top * last) if top > 0 else 0]
        for value in values
    )
    now = " ".join(part for part in (drawing.newest, drawing.of) if part)
    share = f", {drawing.share}" if drawing.share else ""
    return plain(f"{spark} {drawing.title}: {now}{share}", 400)


def _frame(axes: Axes, drawing: Drawing) -> None:
    for tick in drawing.grid:
        across = [drawing.plot_left, drawing.plot_right]
        axes.plot(across, [tick.y, tick.y], color=LINE, linewidth=_points(1), zorder=0)
        _write(axes, Label(tick.x, tick.y, tick.text), ha="right", va="center_baseline")
    for week in drawing.weeks:
        _write(axes, week, ha="center", va="baseline")


def _bar(axes: Axes, bar: Bar, *, is_newest: bool) -> None:
    from matplotlib.patches import Rectangle

    if not bar.is_known:
        middle = bar.x + bar.width / 2
        axes.plot([middle - 3, middle + 3], [bar.y - 3, bar.y - 3], color=SOFT, linewidth=_points(1.5))
        return
    fill = NEWEST if is_newest and not bar.is_over else BAR
    edge = LIMIT if bar.is_over else fill
    axes.add_patch(
        Rectangle(
            (bar.x, bar.y),
            bar.width,
            bar.height,
            facecolor=fill,
            edgecolor=edge,
            hatch="////" if bar.is_over else None,
            linewidth=0,
        )
    )
    if bar.is_over and is_newest:
        axes.add_patch(
            Rectangle(
                (bar.x, bar.y), bar.width, bar.height, fill=False, edgecolor=NEWEST, linewidth=_points(2)
            )
        )


def _ceiling(axes: Axes, drawing: Drawing) -> None:
    stretch: tuple[list[float], list[float]] = ([], [])
    stretches = []
    for kind, x, y in STEP.findall(drawing.ceiling_path):
        if kind == "M":
            stretch = ([], [])
            stretches.append(stretch)
        stretch[0].append(float(x))
        stretch[1].append(float(y))
    for xs, ys in stretches:
        axes.plot(xs, ys, color=LIMIT, linewidth=_points(1.5), linestyle=(0, (4, 2)))
    if drawing.ceiling_label is not None:
        _write(axes, drawing.ceiling_label, colour=LIMIT, is_bold=True, has_halo=True)


def _head(axes: Axes, drawing: Drawing, label: str) -> None:
    now = " ".join(part for part in (drawing.newest, drawing.of) if part)
    now = f"{now} ({drawing.share})" if drawing.share else now
    now = cut(_drawable(plain(now, 60)), 36)
    title = cut(_drawable(plain(label, 200)), TITLE - len(now)) or "Usage"
    _write(axes, Label(0, -HEAD + 13, title), colour=INK, is_bold=True, size=12.5)
    _write(axes, Label(drawing.plot_right, -HEAD + 13, now), ha="right", size=12.5)


def _write(
    axes: Axes,
    label: Label,
    *,
    ha: str = "left",
    va: str = "baseline",
    colour: str = SOFT,
    size: float = 10.5,
    is_bold: bool = False,
    has_halo: bool = False,
) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=_points(4), foreground=CARD)] if has_halo else None
    axes.text(
        label.x,
        label.y,
        label.text,
        ha=ha,
        va=va,
        color=colour,
        fontproperties=_font(size, is_bold=is_bold),
        # A dollar sign in a name would else begin a formula.
        parse_math=False,
        path_effects=halo,
    )


def _points(units: float) -> float:
    """Lengths of the drawing as matplotlib's points."""
    return units * SCALE * 72 / DPI


def _font(size: float, *, is_bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=_font_file(is_bold=is_bold), size=_points(size))


@cache
def _font_file(*, is_bold: bool) -> str:
    """The font that matplotlib brings: the same on every machine."""
    from matplotlib import get_data_path

    return f"{get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if is_bold else ''}.ttf"


@cache
def _letters() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(
        set(FT2Font(_font_file(is_bold=False)).get_charmap())
        & set(FT2Font(_font_file(is_bold=True)).get_charmap())
    )


def _drawable(text: str) -> str:
    """What of a text the font has: the rest would be drawn as boxes, with a warning."""
    known = _letters()
    return " ".join("".join(letter for letter in text if ord(letter) in known).split())
