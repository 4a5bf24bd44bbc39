"""The template writer."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting.brief import Brief
from agent.drafting.ledger import make_brief
from agent.drafting.templating import compiled, environment, phrasebook
from agent.drafting.writer import framings, write
from agent.foundation.errors import OutgrownError
from tests.drafting.assessments import CASES, NAMES, SETTINGS, SUPPORT, an_assessment, counted, upgrade

PLAYS = ("deadline", "scope", "service", "seats", "feature", "capacity", "cross_sell")


def a_brief(case: str = "capacity near", support: str = "seats_added", **more) -> Brief:
    """The brief of a case."""
    return make_brief(an_assessment(case, support, **more), SETTINGS, NAMES)


def every_text(accounts: int = 2):
    """Each case in each framing, with each support, over some accounts."""
    for case, support in itertools.product(CASES, SUPPORT):
        for number in range(accounts):
            made = a_brief(case, support, account_id=f"{case}-{support}-{number}")
            for framing in framings(made.play):
                yield made, write(made, framing)


@pytest.mark.parametrize("play", PLAYS)
def test_every_play_has_framings(play):
    """At least two ways to tell each play."""
    assert {"observation", "question"} <= set(framings(play))


def test_every_text_has_the_shape_of_the_rule_book():
    """Problem first, offer and price last, one question, not yet is fine, a signature; 60 to 110 words."""
    for made, message in every_text():
        greeting, problem, close, sign_off = message.body.split("\n\n")
        price = made.figure("offer_price").display
        assert greeting == "Hi Maya,"
        assert problem.startswith(made.problem)
        assert made.offer.name not in problem + message.subject
        assert price in close
        assert price not in problem + message.subject
        assert close.count("?") == 1
        assert "?" not in problem + message.subject
        assert close.endswith(f"{made.watch.sentence}.")
        assert "Not yet is fine" in close
        assert sign_off.endswith("\nDana")
        assert 0 < len(message.subject) <= 60
        assert 60 <= len(message.body.split()) <= 110, message.text


def test_every_text_is_clean():
    """No doubled blanks or stops, no small letter after a stop, no template left."""
    for _, message in every_text():
        assert not re.search(r"  |\.\.|\. [a-z]|[{}]|None\b(?! of)| ,| \.|\n\n\n|,,", message.text), (
            message.text
        )


def test_the_same_account_always_gets_the_same_text():
    """Wording is chosen by account and play alone."""
    assert write(a_brief()) == write(a_brief())


def test_twenty_accounts_do_not_get_one_text_with_the_names_changed():
    """With equal figures, hardly two of twenty accounts read the same sentences."""
    texts = [write(a_brief(account_id=f"acc-{number}")) for number in range(20)]
    assert len({message.body for message in texts}) >= 19
    assert len({message.subject for message in texts}) >= 3
    closings = {message.body.split("\n\n")[2] for message in texts}
    assert len(closings) >= 12


def test_every_wording_of_every_template_can_be_reached():
    """No branch is dead and no wording refers to a value that is not there."""
    reached: dict[str, set[int]] = {}
    sizes: dict[str, int] = {}

    def pick(place: str, number: int) -> int:
        sizes[place] = number
        count = reached.setdefault(place, set())
        choice = len(count) % number
        count.add(choice)
        return choice

    from agent.drafting import writer

    for case in CASES:
        made = a_brief(case)
        for framing, _ in itertools.product(framings(made.play), range(12)):
            template = environment().get_template(f"{made.play}/{framing}.txt.j2")
            assert template.render(writer._values(made, pick))
    assert {place: len(seen) for place, seen in reached.items()} == sizes


def test_the_phrase_book_holds_no_number():
    """Digits and number words come from figures alone, whatever wording is chosen."""
    words = re.compile(
        r"\d|\b(one|two|three|four|five|ten|dozen|once|twice|double|half|first|second|third)\b", re.IGNORECASE
    )
    for trigger, parts in phrasebook().items():
        for part, wordings in parts.items():
            if trigger in {"plays", "supports"}:
                continue
            for wording in wordings:
                assert not words.search(re.sub(r"{{.*?}}", "", wording)), f"{trigger}.{part}: {wording}"
                compiled(wording)


@pytest.mark.parametrize(
    ("contact", "greeting"),
    [
        ("Maya Chen", "Hi Maya,"),
        (None, "Hi there,"),
        ("{{7*7}}", "Hi there,"),
        ("{% for x in y %}", "Hi there,"),
        ("Maya\r\nBcc: all@evil.example", "Hi there,"),
        ("Maya 🚀", "Hi Maya,"),
        ("Siobhán O'Brien", "Hi Siobhán,"),
        ("x" * 80, "Hi there,"),
    ],
)
def test_greetings(contact, greeting):
    """A name that is none is greeted as 'there'; nothing a customer typed is ever run."""
    message = write(a_brief(contact_name=contact))
    assert message.body.startswith(greeting + "\n")
    assert "49" not in message.text.replace("149", "")


@pytest.mark.parametrize(
    "name", ["O'Brien & Söhne GmbH", "🚀 Rocket", "N" * 80, "{{7*7}}", "Two\nLines", "<b>Bold</b>"]
)
def test_awkward_account_names_do_no_harm(name):
    """The account's name decides nothing about the text."""
    assert write(a_brief(name=name)) == write(a_brief())


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        (
            upgrade(ceiling=5000, ceiling_metric="exports"),
            "5,000 exports, so exports keep running",
        ),
        (upgrade(benefit="Nobody waits."), "Nobody waits."),
        (upgrade(benefit=""), "Growth plan"),
        (upgrade(name="Growth plan"), "Growth plan"),
        (upgrade(price_minor=14950), "€149.50 a month"),
        (upgrade(price_minor=9800, currency="JPY"), "¥9,800 a month"),
        (upgrade(price_minor=45500, currency="KWD"), "KWD 45.500 a month"),
        (upgrade(per="once"), "€149 in total"),
        (upgrade(per="seat and month"), "€149 per seat and month"),
    ],
)
def test_offers_and_prices(offer, said):
    """Currency, period, benefit and name as the catalogue has them; without a benefit nothing is promised."""
    close = write(a_brief(offer=offer)).body.split("\n\n")[2]
    assert said in close
    assert "plan plan" not in close
    if not offer.benefit:
        assert not re.search(r"\bso\b|with it", close)


@pytest.mark.parametrize(("number", "said"), [(1, "1 time "), (2, "2 times "), (1200, "1,200 times ")])
def test_nouns_agree_with_their_number(number, said):
    """One hit is '1 time'."""
    finding = counted("limit_hits", number, "exports")
    assert said in write(a_brief("capacity hits", "none", findings=(finding,))).body


def test_an_unknown_framing_is_refused_by_name():
    """The error lists the framings there are."""
    with pytest.raises(OutgrownError, match="observation, question"):
        write(a_brief(), "haiku")


@settings(max_examples=30, deadline=None)
@given(
    contact=st.text(max_size=60), name=st.text(min_size=1, max_size=90), key=st.text(min_size=1, max_size=60)
)
def test_no_customer_text_changes_the_shape(contact, name, key):
    """Whatever the names are, the message has four paragraphs, one question, and no unseen character."""
    finding = counted("paywall_attempts", 4, key)
    message = write(a_brief("feature paywall", contact_name=contact, name=name, findings=(finding,)))
    assert len(message.body.split("\n\n")) == 4
    assert message.body.count("?") == 1
    assert not re.search(r"[{}<>\x00-\x09\x0b-\x1f\u200b-\u200f\u202a-\u202e]", message.text)
