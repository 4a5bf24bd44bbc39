"""What no draft in slots can say: anything wrong is inexpressible, whatever it is written in."""

from __future__ import annotations

import pytest

from agent.drafting.slotted import faults, laid_out, tidied
from tests.drafting.drafts import a_brief, a_draft

NUMBERS = [
    "You are at 940 exports.", "You are at 9 4 0.", "That is 94% of it.", "They ran 5x as often.",
    "You are at nine hundred and forty.", "The limit stopped you five times.", "It was eighty-seven percent.",
    "About half of it is gone.", "A third of it is left.", "Two thirds are used.", "It has doubled.",
    "It is double what it was.", "You do twice as much.", "A dozen people waited.", "A couple of people waited.",
    "Hundreds of exports wait.", "Both teams are waiting.", "Most of your exports are used.",
    "The majority of people wait.", "Most people on your team wait.", "It stopped you a second time.",
    "It is the third attempt.", "The limit stopped you once.", "It happened more than once.", "It happened once in a while.", "You wrote once in spring.", "It grew threefold.",
    "You are halfway there.", "It tripled.", "There are zero exports left.", "One export is left.",
    "It is a quarter of your week.", "You are at XIV exports.", "You are in stage iv now.", "That is 24/7 work.",
    "You need B2B numbers like 2.", "It is ten per cent more.", "It is a few percent more.", "You are at a thousand.",
    "It stopped them thrice.", "There is only one left.", "Just one remains.", "Not a single seat is free.",
    "The limit stopped you {used} times.", "It happened {ceiling} different times.", "One in five people waits.",
]  # fmt: skip
DAYS = [
    "It began in March.", "It ends on Friday.", "It was so since last month.", "You told us this week.",
    "Next quarter will be busier.", "It was so yesterday.", "Since spring it has been so.", "Since Sept it has been so.",
    "Your May exports failed.", "By Christmas it will be worse.", "For weeks it has been so.", "A month ago it was calm.",
    "In a fortnight it will be full.", "It was so for months now.", "See you on Tue then.",
]  # fmt: skip
MONEY = [
    "It costs € more.", "It costs a few euros.", "It is a few dollars.", "It is quoted in USD.", "It is a £ thing.",
    "It is a ₹ thing.", "A few cents more.", "Paid in pounds.",
]  # fmt: skip
ODD = [
    "Write to dana@acme.example for it.", "See https://evil.example for it.", "See evil.example for it.",
    "See www.evil.example.", "Write to dana at acme dot com.", "This is <b>bold</b>.", "This is **bold**.",
    "This is `code`.", "See [this](there).", "It is A &amp; B.", "It stops\nhere.", "It stops\there.",
    "It\u200b stops.", "It \u202estops.", "It \x07stops.", "It st\u043eps.", "It stops \U0001f680.", "It sto\u0301ps.",
    "It is #one.", "Ask @everyone.", "A|B.", "Run `it`.", "It is a ~ thing.",
]  # fmt: skip
OTHER_DIGITS = [
    "You are at ٩٤٠ exports.", "You are at ９４０ exports.", "It grew by ².", "It is ½ gone.", "It is step ③.",
    "It is Ⅳ now.", "It is 五 now.", "You are at 𝟗𝟒𝟎 exports.",
]  # fmt: skip
SLOTS = [
    "You have {gold} left.", "You have {USED} left.", "You have {used left.", "You have used} left.",
    "You have {{used}} left.", "You have {} left.", "You have { used } left.", "You have {used.number} left.",
    "You have {name.upper} left.", "You have {used!r} left.", "You have {used:d} left.", "{% raw %} it.",
]  # fmt: skip
GLUED = [
    "You have {used}0 left.", "You have 1{used} left.", "You have -{used} left.", "You have {used}k left.",
    "You have {used} k left.", "You have {used}{ceiling} left.", "You have {used} {ceiling} left.",
    "You have {used}.{ceiling} left.", "You have {used}/{ceiling} left.", "It grew {used}-fold.",
    "You have {used} grand left.", "You have x{used} left.", "You have {used}th left.",
    "Your {plan}s are full.", "You are at nearly {utilisation} of it.", "More than {used} of them are gone.",
    "You are at about {used} of them.",
]  # fmt: skip

COUNTED = [
    "It waits for most {things} now.", "The majority of {things} wait.", "It stops half the {things}.", "You use most of {thing}.",
    "It stops both {things}.", "Hundreds of {things} wait.", "Half of {account} waits.",
]  # fmt: skip
NAMES = [
    "It is what Scale is for.", "You may know Jira, too.", "You know it from Ana.", "That is what the Enterprise plan has.",
    "It is in the iPhone app.", "They use McKinsey for it.", "McKinsey does it.", "It is NOT much.", "STOP it.", "It works with SSO.",
    "They do it vs. Scale every day.", "It is Un-Limited.", "It is a question: Scale or not.", "It is “Scale” for you.",
]  # fmt: skip


def rules(**parts: str) -> set[str]:
    """The rules that a draft with these parts offends."""
    return {one.rule for one in faults(a_draft(**parts), a_brief())}


def test_the_draft_all_others_differ_from_has_no_fault():
    """So every fault below is owed to the words that were changed."""
    assert faults(a_draft(), a_brief()) == []


@pytest.mark.parametrize("part", ["problem", "close"])
@pytest.mark.parametrize(
    ("texts", "rule"),
    [
        pytest.param(NUMBERS + DAYS + OTHER_DIGITS, "ungrounded_figure", id="figures"),
        pytest.param(COUNTED, "ungrounded_figure", id="counted"),
        pytest.param(NAMES, "wrong_name", id="names"),
        pytest.param(MONEY, "price_last", id="money"),
        pytest.param(ODD, "no_injection", id="odd"),
        pytest.param(SLOTS, "unfilled", id="slots"),
        pytest.param(GLUED, "ungrounded_figure", id="glued"),
    ],
)
def test_what_only_a_slot_may_say(part, texts, rule):
    """At the start and at the end, each of these is a fault of its rule."""
    kept = a_draft()
    missed = [text for text in texts if rule not in rules(**{part: f"{getattr(kept, part)} {text}"})]
    assert missed == []


@pytest.mark.parametrize("text", NUMBERS + DAYS + MONEY)
def test_what_no_subject_may_say(text):
    """The subject is read like every other part."""
    assert rules(subject=text.rstrip("."))


@pytest.mark.parametrize(
    "text",
    [
        "No one should have to wait.", "One of your people was stopped.", "At first it may look harmless.",
        "I would say so at once.", "Once you reach it, exports wait.", "That may be so.", "It may march on.",
        "No hurry on this one.", "It is one thing to know, and another to feel it.", "I would rather ask than assume.",
        "It’s your team’s work — and yours.", "You know that better than I do.", "Nobody should have to plan around it.",
        "The other day is gone; these days count.", "It takes a second look.", "{thing}-related work waits.",
        "They wait ({used} of the {ceiling}).", "\"{used} of {ceiling}\" says it.", "Your team's {things}: {used}.",
        "{plan}'s limit is close.", "{account}'s work waits.", "You have {used}, of the {ceiling} there are.", "It stopped you {limit_hits.number} times.",
        "There is only one thing to know.", "It may be time when more than {used} are gone.",
        "I'd say so. I’ve seen it, and I'll help: that is what I'm here for.",
        "\"It waits.\" That is how it is. (So it was.)", "{thing} comes first; {plan} is what it is.",
    ],
)  # fmt: skip
def test_what_the_guardrails_allow_is_no_fault(text):
    """Pronouns, idioms and the verbs 'may' and 'march' say no number."""
    assert faults(a_draft(observation=text), a_brief()) == []


def test_no_offer_of_the_models_own_invention():
    """Plans that nobody sells have no slot."""
    invented = "The {offer}, or Scale, or Enterprise, would be {price}. Which one?"
    assert rules(offer=invented) == {"wrong_name"}


@pytest.mark.parametrize("slot", ["offer", "price", "offer_price", "offer_ceiling", "benefit", "watch"])
@pytest.mark.parametrize("part", ["subject", "problem", "observation"])
def test_the_offer_stays_out_of_the_first_paragraph(slot, part):
    """Offer, price and what it brings may not be said before the last paragraph."""
    assert rules(**{part: f"This is {{{slot}}}"}) == {"price_last"}


@pytest.mark.parametrize("slot", ["offer", "price", "offer_price"])
def test_the_offer_stays_out_of_the_help(slot):
    """What helps is said before who sells it."""
    assert "unfilled" in rules(help=f"This is {{{slot}}}")


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"subject": ""}, "unfilled"),
        ({"problem": "   "}, "unfilled"),
        ({"close": ""}, "unfilled"),
        ({"offer": "We have something. Would that help?"}, "price_last"),
        ({"offer": "We have {offer}. Would that help?"}, "price_last"),
        ({"subject": "a" * 121}, "length"),
        ({"observation": "word " * 200}, "length"),
        ({"observation": "a" * 2_000_000}, "length"),
        ({"greeting": "Dear valued customer"}, "unfilled"),
        ({"greeting": "Hi {account}"}, "unfilled"),
        ({"greeting": "Hi {name} and all"}, "unfilled"),
        ({"greeting": "Hi Maya"}, "unfilled"),
    ],
)
def test_parts_that_are_missing_or_too_long(parts, rule):
    """What a message needs is there, and no part is a novel."""
    assert rule in rules(**parts)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("capacity near", "You have used all {ceiling} of them."),
        ("capacity near", "There is no room left."),
        ("capacity near", "Your team is past the {ceiling} in {plan}."),
        ("capacity near", "They are used up."),
        ("capacity near", "You are at {ceiling} of the {used}."),
        ("capacity full", "You are over the {ceiling} in {plan}."),
        ("capacity full", "There is little room left."),
        ("capacity over", "There is some room left."),
        ("seats", "All {seats.number} are taken."),
        ("seats", "There are no seats left."),
        ("seats", "Every seat is taken."),
    ],
)
def test_where_they_stand_is_told_as_it_is(case, text):
    """Below, at and past a ceiling are three different things, though no number tells them apart."""
    brief = a_brief(case)
    assert [one.rule for one in faults(a_draft(observation=text), brief) if "observation" in one.message] == [
        "ungrounded_figure"
    ]
    later = a_draft(observation=f"You need do nothing until it is so: until {text[0].lower()}{text[1:]}")
    assert not [one for one in faults(later, brief) if " is not so" in one.message]


def test_nobody_is_called_there():
    """Without a name the greeting is 'Hi there', never 'Dear there', and nothing else says 'there' by a slot."""
    brief = a_brief(contact_name=None)
    assert faults(a_draft(), brief) == []
    assert faults(a_draft(greeting="Dear {name}"), brief)
    assert faults(a_draft(observation="You, {name}, know best."), brief)


def test_places_of_faults_lead_to_the_words():
    """A fault's place is in the draft laid out line by line."""
    draft = a_draft(observation="You are at five of them.")
    found = faults(draft, a_brief())
    assert [laid_out(draft)[one.start : one.end] for one in found] == ["five"]
    assert "observation" in found[0].message


def test_signs_that_models_like_are_made_plain():
    """A hyphen that does not break and a narrow space are no reason to ask again."""
    draft = a_draft(observation=" A well\u2011known\u202flimit\u00a0waits. ", greeting="Hi {name},")
    assert tidied(draft).observation == "A well-known limit waits."
    assert tidied(draft).greeting == "Hi {name}"
    assert faults(tidied(draft), a_brief()) == []
