"""Questions without a model: the phrasings that are understood, and the days they name."""

from __future__ import annotations

from datetime import date

import pytest

from agent.faces.slack.asking.commands import Asks, asks_to_act, command_of
from agent.faces.slack.asking.until import day_meant

SUNDAY = date(2026, 11, 22)

PHRASINGS = [
    ("why ACME", Asks.WHY, "ACME"),
    ("<@U0BOT> why Acme?", Asks.WHY, "Acme"),
    ("Why is Acme not ready?", Asks.WHY, "Acme"),
    ("why isn't Acme ready", Asks.WHY, "Acme"),
    ("why isn’t Acme ready yet?", Asks.WHY, "Acme"),
    ("why is Harbor &amp; Pine not ready", Asks.WHY, "Harbor & Pine"),
    ("why is Fit for Life still not ready", Asks.WHY, "Fit for Life"),
    ("Why are Smith & Sons held back?", Asks.WHY, "Smith & Sons"),
    ("why is O'Brien on hold", Asks.WHY, "O'Brien"),
    ("explain acme-1", Asks.WHY, "acme-1"),
    ("status Acme", Asks.WHY, "Acme"),
    ("what is missing for Acme?", Asks.WHY, "Acme"),
    ("what's holding Acme back", Asks.WHY, "Acme"),
    ("what does Acme need to be ready?", Asks.WHY, "Acme"),
    ("how close is Acme", Asks.WHY, "Acme"),
    ("is Acme ready?", Asks.WHY, "Acme"),
    ("tell me about Acme Holdings", Asks.WHY, "Acme Holdings"),
    ("why can't we write to Acme?", Asks.WHY, "Acme"),
    ("who is near their limit?", Asks.NEAR, ""),
    ("Who's near the limit", Asks.NEAR, ""),
    ("who is close to their ceiling?", Asks.NEAR, ""),
    ("which accounts are near their limits", Asks.NEAR, ""),
    ("which customers are about to hit their limit?", Asks.NEAR, ""),
    ("near", Asks.NEAR, ""),
    ("near 3", Asks.NEAR, ""),
    ("top", Asks.TOP, ""),
    ("TOP 10", Asks.TOP, ""),
    ("who is ready?", Asks.TOP, ""),
    ("Which accounts are ready now?", Asks.TOP, ""),
    ("who should I write to next?", Asks.TOP, ""),
    ("show me the top five", Asks.TOP, ""),
    ("waiting", Asks.WAITING, ""),
    ("what is waiting for me?", Asks.WAITING, ""),
    ("what do I have to approve?", Asks.WAITING, ""),
    ("show the pending drafts", Asks.WAITING, ""),
    ("sent Initech", Asks.SENT, "Initech"),
    ("show what we sent Initech", Asks.SENT, "Initech"),
    ("Show me what we sent to Initech.", Asks.SENT, "Initech"),
    ("what have we sent to Initech?", Asks.SENT, "Initech"),
    ("what did we write to Initech", Asks.SENT, "Initech"),
    ("what was sent to Initech?", Asks.SENT, "Initech"),
    ("when did we last write to Initech?", Asks.SENT, "Initech"),
    ("budget", Asks.BUDGET, ""),
    ("how much did the model cost this month?", Asks.BUDGET, ""),
    ("stop", Asks.STOP, ""),
    ("Stop sending!", Asks.STOP, ""),
    ("please stop all messages now", Asks.STOP, ""),
    ("resume", Asks.RESUME, ""),
    ("start sending again", Asks.RESUME, ""),
    ("help", Asks.HELP, ""),
    ("?", Asks.HELP, ""),
    ("what can you do?", Asks.HELP, ""),
]
SNOOZES = [
    ("snooze Globex until March", "Globex", "until March"),
    ("snooze Globex until 1 March", "Globex", "until 1 March"),
    ("Snooze Globex for 2 weeks", "Globex", "for 2 weeks"),
    ("snooze Fit for Life for 2 weeks", "Fit for Life", "for 2 weeks"),
    ("snooze Globex", "Globex", ""),
    ("please snooze the draft for Globex until Monday", "Globex", "until Monday"),
    ("put Globex off until the end of March", "Globex", "until the end of March"),
    ("remind me about Globex in 3 weeks", "Globex", "in 3 weeks"),
    ("don't write to Globex before 1 March", "Globex", "before 1 March"),
]


@pytest.mark.parametrize(("question", "asks", "account"), PHRASINGS)
def test_a_known_phrasing_is_understood(question, asks, account):
    """In a person's own capitals, with Slack's mentions and curly quotes."""
    found = command_of(question)
    assert found is not None
    assert (found.asks, found.account) == (asks, account)


@pytest.mark.parametrize(("question", "account", "until"), SNOOZES)
def test_a_snooze_names_an_account_and_a_day(question, account, until):
    """Whatever small words the account's own name holds."""
    found = command_of(question)
    assert found is not None
    assert (found.asks, found.account, found.until) == (Asks.SNOOZE, account, until)


@pytest.mark.parametrize(
    "question",
    [
        "what is the weather like?",
        "how many customers do we have in Berlin and are they happy with us",
        "delete Acme",
        "approve Globex",
        "",
    ],
)
def test_anything_else_is_not_guessed_at(question):
    """A question that is no known phrasing is none."""
    assert command_of(question) is None


def test_a_number_comes_with_its_command():
    """'near 3' lists three."""
    assert command_of("near 3").number == 3
    assert command_of("top").number is None


def test_short_commands_are_told_from_sentences():
    """Only what the help shows is kept from a model."""
    assert command_of("why Acme").is_short
    assert not command_of("why is Acme not ready?").is_short


@pytest.mark.parametrize(
    ("question", "acts"),
    [("why is Acme held?", False), ("snooze Acme", True), ("put it off until May", True)],
)
def test_only_a_question_that_speaks_of_it_offers_to_do_it(question, acts):
    """What a name or a sentence says cannot make a button."""
    assert asks_to_act(question, "snooze") is acts


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("until March", date(2027, 3, 1)),
        ("until 1 March", date(2027, 3, 1)),
        ("until the 1st of March", date(2027, 3, 1)),
        ("till March 1st, 2027", date(2027, 3, 1)),
        ("until 2027-03-01", date(2027, 3, 1)),
        ("until 1.3.2027", date(2027, 3, 1)),
        ("until Mar", date(2027, 3, 1)),
        ("until the end of March", date(2027, 3, 31)),
        ("until mid-January", date(2027, 1, 15)),
        ("until early December", date(2026, 12, 1)),
        ("until November", date(2027, 11, 1)),
        ("until the end of November", date(2026, 11, 30)),
        ("until 23 November", date(2026, 11, 23)),
        ("until 22 November", date(2027, 11, 22)),
        ("until 29 February", date(2028, 2, 29)),
        ("until December 5", date(2026, 12, 5)),
        ("until Tuesday, 1 December", date(2026, 12, 1)),
        ("for 2 weeks", date(2026, 12, 6)),
        ("for two weeks", date(2026, 12, 6)),
        ("for a week", date(2026, 11, 29)),
        ("10 days", date(2026, 12, 2)),
        ("in a month", date(2026, 12, 22)),
        ("for three months", date(2027, 2, 22)),
        ("until Monday", date(2026, 11, 23)),
        ("until Sunday", date(2026, 11, 29)),
        ("until next Friday", date(2026, 11, 27)),
        ("until tomorrow", date(2026, 11, 23)),
        ("until next week", date(2026, 11, 23)),
        ("until next month", date(2026, 12, 1)),
        ("until next year", date(2027, 1, 1)),
        ("until next quarter", date(2027, 1, 1)),
        ("until the end of the month", date(2026, 11, 30)),
        ("until the end of the year", date(2026, 12, 31)),
        ("until Q1", date(2027, 1, 1)),
        ("until Q2 2027", date(2027, 4, 1)),
        ("until spring", date(2027, 3, 1)),
        ("until the new year", date(2027, 1, 1)),
    ],
)
def test_a_day_is_read_against_today(words, day):
    """A month means its first day, and what has passed this year means next year."""
    assert day_meant(words, SUNDAY) == day


@pytest.mark.parametrize(
    "words",
    [
        "until the cows come home", "until 31 February", "until 32 March", "until 2026-11-22", "until 1 March 2026",
        "until Monday, 1 December", "for 0 days", "for 999999 days", "until 13/14/2027", "until", "for Life", "until 2",
        "until March 2026", "yesterday",
    ],
)  # fmt: skip
def test_what_names_no_day_to_come_names_none(words):
    """A day that is over, that there is not, or that is not that weekday, is nobody's wish."""
    assert day_meant(words, SUNDAY) is None


def test_a_month_later_is_a_day_that_there_is():
    """A month from 31 January is the last of February."""
    assert day_meant("for a month", date(2027, 1, 31)) == date(2027, 2, 28)
    assert day_meant("for 1 year", date(2028, 2, 29)) == date(2029, 2, 28)
