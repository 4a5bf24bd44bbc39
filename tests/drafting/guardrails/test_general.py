"""General ways of catching a fault, each with what breaks it and what nearly does."""

from __future__ import annotations

import pytest

from agent.drafting.guardrails.phrasing import Phrases, beginnings
from tests.builders import a_brief, a_message
from tests.drafting.guardrails.held import closing, said, words

CLOSE = "Growth is €99 a month for 5,000 exports. Shall I? {} Not yet is fine: watch the 1,000 exports."


@pytest.mark.parametrize(
    ("sentence", "ok"),
    [
        ("The limit stopped you 5 times in 14 days.", True),
        ("In the last two weeks, the limit stopped you five times.", True),
        ("The limit stopped you 5 times this quarter.", False),
        ("The limit stopped you 5 times today.", False),
        ("The limit stopped you 5 times since January.", False),
        ("The limit stopped you 5 times in the past few days.", False),
        ("Your exports are up sharply.", False),
        ("Your team exports more than 5 times the usual.", False),
        ("That is the most you have ever exported.", False),
        ("Nearly nine in ten of your exports are used.", True),
        ("Six in ten of your exports are used.", False),
        ("The limit stopped you XIV times.", False),
        ("Only a quarter is left.", False),
    ],
)
def test_a_figure_is_told_as_it_was_measured(sentence: str, ok: bool):
    """With its own stretch of time, and compared with nothing that nobody measured."""
    assert (words("ungrounded_figure", said(sentence)) == []) is ok


@pytest.mark.parametrize(
    ("price", "ok"),
    [
        ("€99 a month", True),
        ("a monthly fee of €99", True),
        ("a one-off €99", False),
        ("a yearly €99", False),
    ],
)
def test_what_stands_before_a_price_says_how_it_is_paid(price: str, ok: bool):
    """As well as what stands after it."""
    assert (words("ungrounded_figure", closing(f"Growth is {price}. Shall I?")) == []) is ok


@pytest.mark.parametrize(
    ("sentence", "pointed"),
    [
        ("You can tell your team that Growth is there.", []),
        ("No hurry at all.", []),
        ("Every day counts.", []),
        ("It would take a chore off your list.", []),
        ("Each day without it wears your people down.", ["Each day without it wears your people down."]),
        ("Our staff would sit with yours.", ["Our staff would sit with yours."]),
    ],
)
def test_the_last_paragraph_has_no_room_for_more(sentence: str, pointed: list[str]):
    """Offer, question and not yet; what is none of them is held back, whatever its words."""
    assert words("no_pressure", closing(CLOSE.format(sentence))) == pointed


@pytest.mark.parametrize(
    ("sentence", "ok"),
    [
        ("Bitte entscheiden Sie sich noch heute.", False),
        ("Ne tardez pas trop.", False),
        ("Viele Exporte sind weg.", False),
        ("Your team in Den Haag and Las Vegas waits for exports.", True),
    ],
)
def test_another_language_is_not_read_and_so_not_passed(sentence: str, ok: bool):
    """What it presses or promises cannot be checked."""
    assert (words("no_pressure", said(sentence)) == []) is ok


@pytest.mark.parametrize(
    "close",
    [
        "Happy to leave it for now: watch the 1,000 exports.",
        "If you'd rather wait, by all means. The 1,000 exports are the thing to watch.",
        "It needn't be now. Look again at 1,000 exports.",
        "Yes, no, not yet, all three are fine; 1,000 exports would be the time.",
        "A later date is no problem: keep the 1,000 exports in mind.",
    ],
)
def test_leave_to_wait_is_known_by_its_meaning(close: str):
    """Waiting, and a word of welcome beside it."""
    assert words("not_yet_close", closing(f"Growth is €99 a month. Shall I? {close}")) == []


@pytest.mark.parametrize(
    "close",
    [
        "You cannot wait: watch the 1,000 exports.",
        "Later is not fine: watch the 1,000 exports.",
        "Waiting is no option at 1,000 exports.",
        "I look forward to 1,000 exports.",
    ],
)
def test_leave_that_is_taken_back_is_none(close: str):
    """The words alone do not do."""
    assert len(words("not_yet_close", closing(f"Growth is €99 a month. Shall I? {close}"))) == 1


@pytest.mark.parametrize(
    "closing_line", ["With best regards,", "Viele Grüße", "Bien à vous,", "Until soon then,"]
)
def test_any_closing_line_above_the_name_is_the_sign_off(closing_line: str):
    """In whatever words; the last paragraph is the one before it."""
    body = (
        f"Hi Maya,\n\nThe limit stopped you 5 times in 14 days.\n\n{CLOSE.format('')}\n\n{closing_line}\nDana"
    )
    assert words("price_last", a_message(body=body)) == []


@pytest.mark.parametrize(
    ("sentence", "ok"),
    [
        ("The onboarding package may help.", False),
        ("The Onboarding Package may help.", False),
        ("Onboarding new people takes time.", True),
    ],
)
def test_what_else_is_sold_is_not_named(sentence: str, ok: bool):
    """Neither in passing nor in small letters."""
    assert (words("wrong_name", said(sentence), other_offers=("Onboarding package",)) == []) is ok


@pytest.mark.parametrize(
    "sentence", ["I hope you are well.", "My name is Dana.", "Thanks for being with us."]
)
def test_a_greeting_after_the_greeting_names_no_problem(sentence: str):
    """The first sentence is the problem."""
    assert len(words("problem_first", said(f"{sentence} The limit stopped you 5 times in 14 days."))) == 1


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("upgrad\\w+", {"up"}),
        ("(?:we|i) know", {"we", "i "}),
        ("(?:very )?good", {"ve", "go"}),
        ("(?<!no\\s)hurry", {"hu"}),
        ("\\w+-free", {""}),
        ("as?k", {"as", "ak"}),
        ("n/a", {"n/"}),
        ("o+ps", {"o"}),
    ],
)
def test_a_phrase_is_filed_under_what_it_may_begin_with(pattern: str, found: set[str]):
    """A shorter beginning says that anything may follow."""
    assert beginnings(pattern, 2) == found


def test_phrases_find_what_one_alternation_would():
    """The longest first, none over another, at word ends alone, and over a line's end."""
    phrases = Phrases(["act now", "act", "(?:not )?free", "% off"])
    text = "act\nnow or react; acts, act. Not free, 20% off"
    assert [match.group() for match in phrases.finditer(text.lower())] == [
        "act\nnow",
        "act",
        "not free",
        "% off",
    ]


def test_the_offers_seats_are_the_only_more_seats():
    """Another figure of the same kind is no number of them."""
    brief = a_brief()
    assert (
        words("ungrounded_figure", closing("Growth is €99 a month with 870 more seats. Shall I?"), brief)
        != []
    )
