"""How figures read to a customer."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signals import display


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.87, "87%"),
        (0.825, "83%"),
        (0.8249, "82%"),
        (0.9999, "99%"),
        (0.995, "99%"),
        (1.0, "100%"),
        (1.004, "100%"),
        (1.02, "102%"),
        (12.3, "1,230%"),
        (0.0, "0%"),
        (0.0004, "under 1%"),
    ],
)
def test_a_share_is_a_whole_percent_that_never_claims_the_whole(value, shown):
    """Half up, but 100% only when the whole is reached and 0% only for nothing."""
    assert display.share(value).display == shown


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (4900, "EUR", "€49"),
        (4950, "EUR", "€49.50"),
        (1, "USD", "$0.01"),
        (0, "EUR", "€0"),
        (1234567, "GBP", "£12,345.67"),
        (4900, "JPY", "¥4,900"),
        (12500, "KWD", "KWD 12.500"),
        (12000, "KWD", "KWD 12"),
        (990000, "IQD", "IQD 990"),
        (4900, "CHF", "CHF 49"),
        (4950, "RSD", "RSD 49.50"),
    ],
)
def test_money_follows_the_minor_unit_of_its_currency(minor, currency, shown):
    """Whole amounts have no decimals; yen have no minor unit, dinars have thousandths."""
    assert display.money(minor, currency).display == shown


@pytest.mark.parametrize(
    ("shown", "text", "rounding"),
    [
        (display.count(1000), "1,000", "exact"),
        (display.count(9.44), "9.4", "one decimal, half up"),
        (display.count(1, "export"), "1 export", "exact"),
        (display.count(2, "export"), "2 exports", "exact"),
        (display.count(0, "person", "people"), "0 people", "exact"),
        (display.times(2.0), "2 times", "exact"),
        (display.times(2.15), "2.2 times", "one decimal, half up"),
        (display.day(date(2026, 3, 2)), "2 March 2026", "exact"),
        (display.days(1), "1 day", "exact"),
        (display.days(14), "14 days", "exact"),
    ],
)
def test_counts_ratios_dates_and_durations_read_as_a_person_writes_them(shown, text, rounding):
    """Each display comes with the rounding that led to it."""
    assert shown == (text, rounding)


@given(st.floats(min_value=0, max_value=1e6, allow_nan=False))
def test_a_share_below_the_whole_never_reads_100(value):
    """A law, not only for the table above."""
    shown = display.share(value).display
    assert (shown.replace(",", "") != "100%") or value >= 1
    assert shown != "0%" or value == 0


def test_no_share_is_too_large_to_show():
    """A ceiling of next to nothing makes an absurd share, not an error."""
    assert display.share(1e250).display.endswith(",000%")


@given(st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_money_can_be_read_back(minor, currency):
    """No amount loses a unit on the way to its display."""
    shown = display.money(minor, currency).display
    digits = "".join(c for c in shown if c.isdigit() or c == ".")
    exponent = display.EXPONENTS.get(currency, 2)
    assert round(float(digits) * 10**exponent) == minor
