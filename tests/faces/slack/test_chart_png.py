"""The chart of a card: the digest's drawing as an image, and in words."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.faces.slack.chart_png import chart_line, chart_png, chart_words
from tests.faces.digests import HOSTILE, a_chart

GROWING = (410, 430, 455, 520, 560, 540, 610, 700, 760, 850, 900, 940)
CHARTS = {
    "near its limit": a_chart(*GROWING),
    "over its limit": a_chart(2.1, None, 10.2, 10.4, ceiling=10, label="Storage", unit="GB"),
    "without a limit": a_chart(*GROWING, ceiling=None),
    "nothing measured": a_chart(None, None),
    "no weeks": a_chart(),
    "a name from outside": a_chart(
        *GROWING, label=f"{HOSTILE} 容量 💥 $x^2$ {'long ' * 200}", unit="$\\frac"
    ),
}


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, out of the header."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_the_same_image_each_time(name):
    """About two to one, small, without a warning about letters the font lacks."""
    image = chart_png(CHARTS[name])
    width, height = size_of(image)
    assert image == chart_png(CHARTS[name])
    assert width >= 720
    assert 1.6 < width / height < 2.2
    assert len(image) < 60_000


def test_charts_differ():
    """Another value is another image."""
    assert len({chart_png(chart) for chart in CHARTS.values()}) == len(CHARTS)


def test_charts_are_drawn_side_by_side():
    """Threads do not get into each other's images."""
    alone = {name: chart_png(chart) for name, chart in CHARTS.items()}
    names = [name for name in CHARTS for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: chart_png(CHARTS[name]), names))
    assert together == [alone[name] for name in names]


def test_the_words_tell_every_week():
    """For those who cannot see the image."""
    words = chart_words(CHARTS["near its limit"])
    assert words.startswith("Exports by week from 15 December 2025 to 2 March 2026: 410, 430")
    assert words.endswith("900, 940; the limit is 1,000 exports.")


def test_the_line_tells_the_newest_against_its_limit():
    """For a card without an image."""
    assert chart_line(CHARTS["near its limit"]) == "▄▄▄▅▅▅▆▆▇▇██ Exports, 12 weeks: 940 of 1,000 exports, 94%"
    assert chart_line(CHARTS["nothing measured"]) == "·· Exports, 2 weeks: unknown of 1,000 exports"
