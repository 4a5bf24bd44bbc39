"""Which days a backtest looks at, and what it says to a range it cannot look at."""

from __future__ import annotations

from datetime import date

import pytest

from agent.foundation.errors import UsageError
from agent.learning.backtest.dates import recent, span_of, step_of

KNOWN = (date(2024, 1, 1), date(2024, 12, 31))
NEWEST = date(2026, 1, 31)


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("7d", 7), ("2w", 14), (" 30D ", 30), ("52w", 364)])
def test_steps_are_days_or_weeks(text, days):
    """What --every accepts."""
    assert step_of(text) == days


@pytest.mark.parametrize(
    "text", ["", "7", "d", "0d", "0w", "-7d", "1.5d", "7x", "1m", "7 d", "53w", "٧d", "99999d"]
)
def test_any_other_step_is_refused(text):
    """One sentence with an example of how to write it."""
    with pytest.raises(UsageError, match="like 7d or 2w"):
        step_of(text)


def test_the_last_date_is_included_only_where_the_steps_meet_it():
    """From the first of June by weeks: the 29th is on the grid, the 30th is not."""
    june = date(2024, 6, 1)
    assert span_of(june, date(2024, 6, 29), 7, KNOWN, NEWEST).days[-1] == date(2024, 6, 29)
    assert span_of(june, date(2024, 6, 30), 7, KNOWN, NEWEST).days[-1] == date(2024, 6, 29)
    assert span_of(june, june, 7, KNOWN, NEWEST).days == (june,)


def test_without_a_range_all_known_history_is_looked_at():
    """Nothing before it and nothing after it."""
    span = span_of(None, None, 7, KNOWN, NEWEST)
    assert (span.days[0], span.days[-1], span.notes) == (KNOWN[0], date(2024, 12, 30), ())


def test_dates_outside_the_facts_are_left_out_with_a_word():
    """The grid stays where it was asked for: weeks from the 28th of December reach the 4th of January."""
    span = span_of(date(2023, 12, 28), date(2025, 3, 1), 7, KNOWN, NEWEST)
    assert span.days[0] == date(2024, 1, 4)
    assert span.days[-1] <= KNOWN[1]
    assert len(span.notes) == 2


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        pytest.param(date(2024, 6, 2), date(2024, 6, 1), "swap them", id="inverted"),
        pytest.param(date(2025, 6, 1), None, "no facts in the range", id="after the facts"),
        pytest.param(None, date(2023, 6, 1), "no facts in the range", id="before the facts"),
        pytest.param(None, date(2026, 2, 1), "not over yet", id="to the future"),
        pytest.param(date(2023, 12, 31), date(2024, 2, 1), "smaller --every", id="steps over all of it"),
    ],
)
def test_a_range_that_cannot_be_looked_at_is_refused(first, last, says):
    """One sentence that names the days that are known."""
    with pytest.raises(UsageError, match=says):
        span_of(first, last, 60 if "every" in says else 7, KNOWN, NEWEST)


def test_the_newest_weeks_leave_room_for_the_longest_horizon():
    """26 weeks, the last of them 90 days before the end; what there is, where history is short."""
    span = recent(KNOWN, 90)
    assert (len(span.days), span.days[-1], span.notes) == (26, date(2024, 10, 2), ())
    short = recent((date(2024, 11, 1), date(2024, 12, 31)), 90)
    assert short.days[0] == date(2024, 11, 1)
    assert short.notes
