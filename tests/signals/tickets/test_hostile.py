"""Texts that were written to hurt, and the laws that hold for any text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signals.tickets.phrases import PhraseClassifier, read_library
from agent.signals.tickets.port import TicketClass, TicketText
from tests.signals.tickets.catalogue import CATALOGUE, WRITTEN_ON, classes, classify

WORDS = sorted(
    {
        word
        for name in TicketClass
        for key in ("examples", "counter_examples")
        for text in read_library().get(name.value, {}).get(key, ())
        for word in text.split()
    }
)
DISGUISES = st.sampled_from(
    ["\u200b", "\u202e", "\u00ad", "\x00", "\n", "\n\n", "  ", "\u2019", "é", "ß", "ﬁ", "> "]
)
TEXTS = st.lists(st.sampled_from(WORDS) | DISGUISES | st.text(max_size=8), max_size=40).map(" ".join)


@given(TEXTS, st.none() | st.text(max_size=20))
def test_a_quote_stands_in_its_text(text, topic):
    """Word for word, disguises included, or it is the topic."""
    for ask in classify(text, topic=topic):
        assert ask.quote in text or ask.quote == topic


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["", "bug", "leaving"])), max_size=4))
def test_a_ticket_is_judged_alone(tickets):
    """What stands in one ticket changes nothing in the next."""
    rows = [
        TicketText(ticket_id=str(n), account_id="a", opened_on=WRITTEN_ON, topic=topic, text=text)
        for n, (text, topic) in enumerate(tickets)
    ]
    engine = PhraseClassifier()
    assert engine.classify(rows, CATALOGUE) == [
        ask for row in rows for ask in engine.classify([row], CATALOGUE)
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("We n\u200beed S\u200bS\u200dO", id="zero-width"),
        pytest.param("\u202eWe need SSO\u202c", id="bidirectional"),
        pytest.param("We need \u0405\u0405\u041e", id="cyrillic"),
        pytest.param("ＷＥ ＮＥＥＤ ＳＳＯ", id="full width"),
        pytest.param("𝗪𝗲 𝗻𝗲𝗲𝗱 𝗦𝗦𝗢", id="mathematical"),
        pytest.param("We\x00 need\x07 SSO", id="control"),
        pytest.param("We\r\nneed\tSSO", id="line ends"),
        pytest.param("Wé nèed SSÖ", id="accents"),
    ],
)
def test_a_disguise_does_not_hide_the_words(text):
    """Matching sees through it, the quote keeps it."""
    (ask,) = classify(text)
    assert (ask.ticket_class, ask.feature) == ("capability_request", "sso")
    assert ask.quote in text


def test_quoted_mail_is_not_the_customers_word():
    """Lines that begin with '>' were written by somebody else."""
    assert classes("Thanks!\n> Do you support SSO?\n> We want to cancel our account.") == {"other"}
    assert classes("Do you support SSO?\n> Thanks!") == {"capability_request"}


def test_only_the_first_pages_are_read():
    """What stands after 5,000 characters does not count."""
    assert classes("x " * 2_400 + "Do you support SSO?") == {"capability_request"}
    assert classes("x " * 2_600 + "Do you support SSO?") == {"other"}


BOMBS = [
    "a", " ", "\n", "!", "'", "\u200b", "we need ", "do you support sso ", "could you please ",
    "12 march launch ", "1/2/", "have have have ", "we have the a an some our ", "export a b c d e f g ",
    "cancel the my our all ",
    "can we have really ", "price for a b c ",
]  # fmt: skip


@pytest.mark.parametrize("part", BOMBS)
def test_no_text_is_slow(part):
    """A megabyte made to make matching explode takes well under a second; measured at most 50 ms."""
    text = part * (1_000_000 // len(part))
    start = time.process_time()
    classify(text)
    assert time.process_time() - start < 0.5


def test_short_tickets_go_fast():
    """Thousands a second on one core; the bound leaves room for a busy machine."""
    texts = [text for name in TicketClass for text in read_library().get(name.value, {}).get("examples", ())]
    rows = [
        TicketText(ticket_id=str(n), account_id="a", opened_on=WRITTEN_ON, text=texts[n % len(texts)])
        for n in range(2_000)
    ]
    start = time.process_time()
    PhraseClassifier().classify(rows, CATALOGUE)
    assert time.process_time() - start < 2.0
