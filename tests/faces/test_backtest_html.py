"""The backtest's report as a page: self-contained, escaped, accessible, its charts legible."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from itertools import combinations

import pytest

from agent.faces.backtest_charts import histogram, lead_of, on_strip, scatter, strips
from agent.faces.backtest_html import html
from agent.learning.backtest.result import Bin, Lead
from agent.learning.backtest.run import backtest
from tests.learning.planted import planted
from tests.pages import fetches_and_runs_nothing, fits_the_width

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def found():
    """A backtest with something to show."""
    world = planted(3, 150)
    return backtest(world.replay, world.history, world.span, world.bar, {}, permutations=99)


@pytest.fixture(scope="module")
def nothing():
    """A backtest in which nothing fired and nothing happened."""
    world = planted(3, 20, strong=0, weak=0, anyway=0)
    replay = replace(
        world.replay,
        **{
            name: getattr(world.replay, name)[:0]
            for name in (
                "day", "account", "fired", "points", "group_count", "composite", "matched", "play", "offer", "adds",
                "held",
            )
        },
    )  # fmt: skip
    return backtest(replay, world.history, world.span, world.bar, {}, permutations=9)


def test_the_page_fetches_and_runs_nothing(found):
    """No script, no link, no image, no inline style; the policy lets in the one style sheet alone."""
    fetches_and_runs_nothing(html(found, "Acme"))


def test_names_are_escaped(found):
    """A company's, a trigger's and a group's name are text, whatever they look like."""
    bad = found.triggers[0].model_copy(update={"name": HOSTILE, "group": HOSTILE})
    text = html(
        found.model_copy(update={"triggers": (bad, *found.triggers[1:]), "notes": (HOSTILE,)}), HOSTILE
    )
    assert "<script" not in text
    assert text.count(escape(HOSTILE)) >= 4


def test_the_verdict_comes_first(found):
    """Above every chart and table."""
    text = html(found)
    assert text.index(escape(found.verdict)[:60]) < text.index("<svg") < text.index("All figures")


def test_every_picture_has_words(found):
    """An image has a title or a label; ids are not given twice."""
    text = html(found)
    pictures = re.findall(r"<svg[^>]*>.*?</svg>", text, re.DOTALL)
    assert len(pictures) >= 3 + len(found.triggers)
    for picture in pictures:
        assert 'aria-hidden="true"' in picture or ("<title" in picture and 'role="img"' in picture)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for known in re.findall(r'aria-labelledby="([^"]+)"', text):
        assert set(known.split()) <= set(ids)


def test_a_page_without_anything_to_show_is_a_page(nothing):
    """Sentences stand where charts would."""
    text = html(nothing)
    assert "No bar spoke on a day that can be judged." in text
    assert "No trigger fired on a day that can be judged." in text
    assert "No expansion followed an alert" in text
    assert "None" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


def test_all_figures_of_the_bar_are_on_the_page(found):
    """What the charts show stands in the tables too."""
    text = html(found)
    for one in found.bar.horizons:
        assert f"{one.hits} of {one.judged}" in text


@pytest.mark.parametrize("days", [30, 60, 90])
def test_the_dots_lie_within_their_chart_and_their_names_apart(found, days):
    """Every bar that can be judged has a dot; no two names lie on one another; the bar in use is marked."""
    chart = scatter(found, days)
    assert len(chart.dots) == sum(p.signal.at(days).judged > 0 for p in found.curve)
    assert sum(dot.is_current for dot in chart.dots) == 1
    for dot in chart.dots:
        assert 40 <= dot.x <= 326
        assert 16 <= dot.high <= dot.y <= dot.low <= 196
    names = [dot.label for dot in chart.dots if dot.label.text]
    for one, other in combinations(names, 2):
        assert abs(one.x - other.x) > 7 or abs(one.y - other.y) > 8


def test_bars_at_one_place_share_a_name(found):
    """From 5 to 7 points the same prompts: one name for three dots."""
    first = next(p for p in found.curve if p.signal.alerts)
    same = tuple(first.model_copy(update={"points": points}) for points in (5, 6, 7))
    chart = scatter(found.model_copy(update={"curve": same}), 60)
    assert [dot.label.text for dot in chart.dots if dot.label.text] == ["5–7"]


def test_lifts_lie_on_a_log_axis_that_ends():
    """A half and a double are as far from one; what lies beyond the axis stays on it."""
    assert on_strip(1) - on_strip(0.5) == pytest.approx(on_strip(2) - on_strip(1), abs=0.11)
    assert on_strip(0) == on_strip(0.01) < on_strip(0.2)
    assert on_strip(1_000) == on_strip(7)


def test_strips_say_where_the_interval_goes_on(found):
    """An interval from 0 leaves the axis to the left."""
    first = found.triggers[0]
    horizons = tuple(
        one.model_copy(update={"lift_range": one.lift_range.model_copy(update={"low": 0.0})})
        for one in first.horizons
    )
    [strip] = strips([first.model_copy(update={"horizons": horizons})], 60)
    assert (strip.cut_low, strip.cut_high) == (True, False)


def test_the_histogram_holds_every_case():
    """Forty weeks become twenty columns of two weeks, and nothing is lost."""
    bins = tuple(Bin(first=7 * n + 1, last=7 * n + 7, count=n % 3 + 1) for n in range(40))
    lead = Lead(episodes=79, median=140, lower_quartile=70, upper_quartile=210, bins=bins)
    chart = histogram(lead, "the bar")
    assert len(chart.columns) == 20
    assert sum(int(column.says.rsplit(" ", 1)[1]) for column in chart.columns) == sum(b.count for b in bins)
    assert all(column.height > 0 and column.x + column.width <= 720 for column in chart.columns)


def test_lead_times_are_the_bars_where_it_has_any(found, nothing):
    """Else those of a trigger; else there is no chart."""
    assert lead_of(found)[0] == "the bar"
    assert histogram(lead_of(nothing)[1], "the bar") is None
    without = found.model_copy(update={"bar": nothing.bar})
    assert lead_of(without)[0] == "strong, as the bar has none"


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out(found, tmp_path, width):
    """At a phone's and at a desktop's width the page does not scroll sideways."""
    fits_the_width(html(found, "Acme"), width, tmp_path)
