"""What an ask says beside its class: feature, product, day and quote."""

from datetime import date

import pytest

from agent.signals.tickets.dates import named_days
from tests.signals.tickets.catalogue import WRITTEN_ON, classes, classify


@pytest.mark.parametrize(
    ("written", "feature"),
    [
        ("SSO", "sso"),
        ("single sign-on", "sso"),
        ("Single_Sign_On", "sso"),
        ("audit logs", "audit_log"),
        ("Audit-Log", "audit_log"),
        ("an audit trail", "audit_log"),
        ("scheduled reports", "scheduledReports"),
        ("white labelling", "White-Label"),
        ("whitelabel", "White-Label"),
        ("custom role", "custom_roles"),
        ("API access", "api_access"),
        ("APIs", "api"),
        ("a webhook", "webhooks"),
    ],
)
def test_a_feature_is_found_however_it_is_written(written, feature):
    """The answer is always in the catalogue's spelling."""
    assert [ask.feature for ask in classify(f"Do you support {written}?")] == [feature]


@pytest.mark.parametrize("word", ["ssource", "lasso", "rapid", "capital"])
def test_a_feature_is_a_whole_word(word):
    """Letters inside another word name nothing."""
    assert classes(f"Do you support {word}?") == {"other"}


def test_two_features_are_two_asks():
    """Each can be met by another plan."""
    assert {ask.feature for ask in classify("Do you support SSO and webhooks?")} == {"sso", "webhooks"}


def test_the_feature_column_names_the_feature():
    """The help desk's own field wins over the words, in the catalogue's spelling where there is one."""
    assert [ask.feature for ask in classify("Do you support it?", feature="Audit Logs")] == ["audit_log"]
    assert [ask.feature for ask in classify("We manually merge lists.", feature="list merge")] == [
        "list merge"
    ]


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("capability_request", "capability_request"),
        ("Feature Request", "capability_request"),
        ("OUT-OF-SCOPE", "out_of_scope"),
        ("Cancellation", "leaving"),
        ("bug", "bug"),
    ],
)
def test_a_topic_that_names_a_class_counts_as_it(topic, name):
    """Whatever the case, spaces or hyphens; the quote is the topic."""
    (ask,) = classify("See above.", topic=topic, feature="sso")
    assert (ask.ticket_class, ask.quote) == (name, topic)


def test_a_topic_adds_to_the_words():
    """Both count, each with its own quote."""
    assert classes("SSO is broken.", topic="leaving") == {"bug", "leaving"}
    assert classes(None, topic="billing") == {"other"}


def test_a_deadline_by_topic_takes_the_day_from_the_text():
    """The topic stands in for the word that the text lacks."""
    (ask,) = classify("12 March, please.", topic="deadline")
    assert ask.deadline_on == date(2026, 3, 12)


def test_a_use_case_names_its_product():
    """The catalogue's phrase, with a small word in between."""
    assert [ask.product for ask in classify("We want to collect our signatures.")] == ["sign"]


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("2026-04-30", date(2026, 4, 30)),
        ("12 March", date(2026, 3, 12)),
        ("March 12th", date(2026, 3, 12)),
        ("12th of March 2027", date(2027, 3, 12)),
        ("Mar. 12, 2026", date(2026, 3, 12)),
        ("2 March", date(2026, 3, 2)),
        ("15 January", date(2027, 1, 15)),
        ("25/03/2026", date(2026, 3, 25)),
        ("03/25/2026", date(2026, 3, 25)),
        ("25.03.2026", date(2026, 3, 25)),
        ("04/04/2026", date(2026, 4, 4)),
        ("25/03", date(2026, 3, 25)),
        ("on friday", date(2026, 3, 6)),
        ("this monday", date(2026, 3, 9)),
        ("next friday", date(2026, 3, 13)),
        ("the end of the week", date(2026, 3, 6)),
        ("end of the month", date(2026, 3, 31)),
        ("end of next month", date(2026, 4, 30)),
        ("eom", date(2026, 3, 31)),
        ("end of q2", date(2026, 6, 30)),
        ("end of the quarter", date(2026, 3, 31)),
        ("end of the year", date(2026, 12, 31)),
        ("in two weeks", date(2026, 3, 16)),
        ("in 10 days", date(2026, 3, 12)),
        ("within a month", date(2026, 4, 2)),
        ("tomorrow", date(2026, 3, 3)),
    ],
)
def test_a_day_is_read_as_the_writer_meant_it(words, day):
    """Relative to the day the ticket was opened."""
    assert [found for _, _, found in named_days(words.lower(), WRITTEN_ON)] == [day]


@pytest.mark.parametrize(
    "words",
    [
        "12/03", "12/03/2026", "3.4.2026", "24/7", "31 february", "29 february", "2026-13-01", "by q2",
        "in march", "early march 12", "last friday", "since 3 march", "1 march", "version 2.12", "99 march",
        "in 0.5 days", "50/50", "12:30", "march 12%",
    ],
)  # fmt: skip
def test_a_day_that_could_be_two_is_refused(words):
    """A wrong date in a customer's message is worse than none; '1 March' on the 2nd has gone by."""
    assert list(named_days(words, WRITTEN_ON)) == []


def test_a_deadline_carries_its_day():
    """What the engine compares with the as-of date."""
    (ask,) = classify("Our launch is on 12 March.")
    assert (ask.deadline_on, ask.quote) == (date(2026, 3, 12), "launch is on 12 March")
