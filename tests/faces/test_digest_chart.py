"""The geometry of a digest chart."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.faces.digest import Chart
from agent.faces.digest_chart import HEIGHT, LEFT, WIDTH, draw, ticks
from tests.faces.digests import a_chart


def test_the_ceiling_is_where_its_bar_would_end():
    """A bar as high as the ceiling touches its line and is marked by more than colour."""
    drawing = draw(a_chart(500, 1000))
    low, high = drawing.bars
    assert (low.is_over, high.is_over) == (False, True)
    assert f" {high.y}" in drawing.ceiling_path
    assert high.height == pytest.approx(2 * low.height, abs=0.2)


def test_an_unknown_week_has_no_bar():
    """Not measured is not zero."""
    unknown, zero = draw(a_chart(None, 0)).bars
    assert (unknown.is_known, zero.is_known) == (False, True)
    assert unknown.says.endswith("not measured")


def test_a_changed_ceiling_is_a_step_and_an_absent_one_a_gap():
    """The line follows what was in force each week."""
    low, high = a_chart(1, 2, ceiling=10), a_chart(3, 4, ceiling=20)
    none = a_chart(5, ceiling=None)
    stepped = draw(Chart(label="Exports", points=(*low.points, *high.points))).ceiling_path
    gapped = draw(Chart(label="Exports", points=(*low.points, *none.points, *low.points))).ceiling_path
    assert (stepped.count("M"), gapped.count("M")) == (1, 2)


@pytest.mark.parametrize(
    ("chart", "newest", "of", "share"),
    [
        (a_chart(940), "940", "of 1,000 exports", "94%"),
        (a_chart(940, ceiling=None), "940", "", ""),
        (a_chart(None), "unknown", "of 1,000 exports", ""),
        (a_chart(999.9), "999.9", "of 1,000 exports", "99%"),
    ],
)
def test_the_caption_tells_the_newest_week(chart, newest, of, share):
    """The number, the limit and the share, as far as they are known."""
    drawing = draw(chart)
    assert (drawing.newest, drawing.of, drawing.share) == (newest, of, share)


def test_the_description_tells_every_week():
    """Who cannot see the bars can read them."""
    assert draw(a_chart(1, None, 3, ceiling=5)).description == (
        "Exports by week from 16 February 2026 to 2 March 2026: 1, not measured, 3; the limit is 5 exports."
    )


@example(values=[5e-324], ceiling=None)
@example(values=[0.0], ceiling=None)
@given(
    values=st.lists(st.none() | st.floats(0, 1e12), min_size=1, max_size=12),
    ceiling=st.none() | st.floats(1e-6, 1e12),
)
def test_everything_stays_on_the_page(values, ceiling):
    """Whatever the figures are, no bar leaves the plot."""
    drawing = draw(a_chart(*values, ceiling=ceiling))
    for bar in drawing.bars:
        assert bar.x >= LEFT
        assert bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= HEIGHT
        assert bar.height >= 0


@given(st.floats(1e-3, 1e12))
def test_the_axis_has_a_few_round_numbers(top):
    """Zero first, and never a crowd."""
    found = ticks(top)
    assert found[0] == 0
    assert 2 <= len(found) <= 5
    assert max(found) < top
