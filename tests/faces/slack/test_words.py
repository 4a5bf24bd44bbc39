"""Words to one person: people by name, hours in the reader's zone, and nothing a customer wrote does anything."""

from __future__ import annotations

import pytest

from agent.faces.slack.words import told


@pytest.mark.parametrize(
    ("sentence", "reader", "shown"),
    [
        ("approved by slack:T1/U0RAVI.", "U0DANA", "approved by <@U0RAVI>."),
        ("approved by slack:T1/U0DANA.", "U0DANA", "approved by you."),
        (
            "since 2026-02-02 10:00, by outgrown",
            "",
            "since <!date^1770026400^{date_short_pretty} {time}|2026-02-02 10:00 UTC>, by outgrown",
        ),
    ],
)
def test_people_and_moments_are_written_for_the_reader(sentence, reader, shown):
    """Slack fills in names and time zones."""
    assert told(sentence, reader) == shown


@pytest.mark.parametrize(
    "hostile", ["<!channel>", "<@U0EVE>", "<https://evil.example|click>", "slack:t1/<@U0EVE>"]
)
def test_what_a_customer_wrote_does_nothing(hostile):
    """It is shown as it is."""
    assert "<" not in told(f"it says {hostile} here")
