"""Drafts in slots: which slots a brief has, and how a draft is filled."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting.guardrails import check
from agent.drafting.guardrails.figures import days_of, quantities_of
from agent.drafting.guardrails.text import Text
from agent.drafting.message import Message
from agent.drafting.slots import slots_of
from agent.drafting.slotted import Slotted, faults, rendered
from agent.drafting.writer import sign_off, write
from agent.foundation.errors import Blocked
from tests.drafting.assessments import CASES, SUPPORT, counted, upgrade, usage
from tests.drafting.drafts import Worded, a_brief, a_draft, worded
from tests.drafting.test_writer_guardrails import AROUND

PLAYS = {play for play, _, _ in CASES.values()}
NUMBER = re.compile(r"\d[\d.,]*\d|\d")


def by_name(brief):
    """The brief's slots by name."""
    return {slot.name: slot for slot in slots_of(brief)}


def test_every_play_has_drafts():
    """At least two of each in the file that other tests use, too."""
    plays = [one.play for one in worded()]
    assert {play: plays.count(play) >= 2 for play in PLAYS} == dict.fromkeys(PLAYS, True)


@pytest.mark.parametrize("one", worded(), ids=lambda one: one.name)
def test_sensible_drafts_pass_every_guardrail(one: Worded):
    """Filled, they are messages without a warning."""
    assert faults(one.slotted, one.brief) == []
    message = rendered(one.slotted, one.brief)
    assert check(message, one.brief, AROUND) == []
    assert not re.search(r"[{}]|  |\.\.|\s[.,]", message.text)


def test_a_draft_is_filled_into_four_paragraphs():
    """Greeting, problem with observation, the last paragraph, and the sign-off that the template would give."""
    brief = a_brief()
    message = rendered(a_draft(), brief)
    greeting, first, last, end = message.body.split("\n\n")
    assert message.subject == "Your exports keep getting stopped"
    assert greeting == "Hi Maya,"
    assert first.startswith(
        "The limit on exports has stopped your team 4 times in the last 14 days. You are at 940"
    )
    assert "€149 a month. Would that help? Not yet is fine" in last
    assert end == write(brief).body.split("\n\n")[-1] == sign_off(brief)


@pytest.mark.parametrize(
    ("case", "name", "reads"),
    [
        ("capacity both", "limit_hits", "4 times"),
        ("capacity both", "limit_hits.number", "4"),
        ("capacity both", "used", "940"),
        ("capacity both", "plan", "your Starter plan"),
        ("capacity both", "offer", "Growth plan"),
        ("capacity both", "price", "€149 a month"),
        ("capacity both", "things", "exports"),
        ("seats", "seats.number", "20"),
        ("seats", "offer", "5 more seats"),
        ("deadline", "offer", "launch sprint"),
        ("deadline", "deadline", "20 March 2026"),
        ("feature paywall", "feature", "Bulk export"),
        ("cross-sell ask", "product", "Acme Docs"),
    ],
)
def test_how_slots_read(case, name, reads):
    """As the templates would write them."""
    assert by_name(a_brief(case))[name].reads == reads


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("support", ["new_team", "hostile team"])
def test_words_of_the_customer_are_not_to_be_read(case, support):
    """Name, company and team have a value and no reading."""
    for slot in slots_of(a_brief(case, support)):
        assert (slot.reads is None) == (slot.name in {"name", "account", "team"})
        assert slot.value


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({"name": "{{7*7}}"}, "account"),
        ({"name": "<b>Bold</b>"}, "account"),
        ({"offer": upgrade(benefit="")}, "benefit"),
        ({"offer": upgrade(ceiling=None)}, "offer_ceiling"),
        ({"support": "hostile team"}, "team"),
    ],
)
def test_a_slot_without_a_value_is_none(more, missing):
    """What is unfit for a message, or unknown, cannot be referred to."""
    assert missing not in by_name(a_brief(**({"case": "capacity near"} | more)))


def test_a_figure_has_a_number_alone_only_where_it_counts_something():
    """Days, shares, ratios, money and dates keep their unit."""
    for case in CASES:
        for slot in slots_of(a_brief(case)):
            if slot.name.endswith(".number"):
                assert slot.name.split(".")[0] not in {"window", "offer_price", "deadline", "utilisation"}


def test_a_draft_with_a_fault_is_not_filled():
    """Rendering is for drafts that were looked at."""
    with pytest.raises(Blocked, match="five"):
        rendered(a_draft(problem="It stopped you five times."), a_brief())


@pytest.mark.parametrize("contact", ["{price}", "{{7*7}}", "Maya {offer}", "{", "{% x %}", "Maya\n\nBcc: x"])
def test_what_fills_a_slot_is_never_read_again(contact):
    """A name that looks like a slot, or like a template, is a name or nobody."""
    message = rendered(a_draft(), a_brief(contact_name=contact))
    assert "€" not in message.body.split("\n\n")[0]
    assert message.body.count("\n\n") == 3
    assert "{" not in message.text


def test_a_slot_that_begins_a_sentence_begins_large():
    """'Your Starter plan' at the start, 'your Starter plan' within."""
    message = rendered(a_draft(observation="{plan} is tight. That is what {plan} is."), a_brief())
    assert "Your Starter plan is tight. That is what your Starter plan is." in message.body


FINE = [
    "the",
    "limit",
    "of",
    "in",
    "stopped",
    "you",
    "over",
    "and",
    "times",
    "more",
    "than",
    "is",
    "at",
    "a",
    "no one",
    "may",
]
HARMFUL = [
    "half",
    "two",
    "twice",
    "March",
    "5",
    "dozen",
    "most",
    "€",
    "%",
    "hundred",
    "k",
    "-",
    ".",
    ",",
    "point",
    "x",
    "II",
]
SLOTS = [
    "{used}", "{ceiling}", "{limit_hits}", "{limit_hits.number}", "{plan}", "{things}", "{utilisation}", "{name}", "{account}",
]  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(FINE), st.sampled_from(FINE), st.sampled_from(SLOTS), st.sampled_from(FINE + HARMFUL)
)


@settings(max_examples=200, deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=8), glue=st.sampled_from([" ", " ", " ", "", "-"]))
def test_every_number_of_a_filled_draft_is_a_figure_of_the_brief(words, glue):
    """Whatever is written, what can be filled holds no number, day or amount but the brief's own displays."""
    brief = a_brief()
    draft = a_draft(observation=glue.join(words))
    if faults(draft, brief):
        assert any(word in HARMFUL or word in SLOTS for word in words)
        return
    displays = " ".join([*(figure.display for figure in brief.figures), brief.watch.sentence])
    text = rendered(draft, brief).text
    assert set(NUMBER.findall(text)) <= set(NUMBER.findall(displays))
    for value in sorted((slot.value for slot in slots_of(brief) if slot.is_figure), key=len, reverse=True):
        text = text.replace(value, "#").replace(value.capitalize(), "#")
    bare = Text(Message.parse(text))
    assert not [
        said for said, _ in quantities_of(bare, brief) if bare.lower[said.start : said.end].strip("# ")
    ]
    assert not days_of(bare, brief)


SIGNS = st.lists(st.characters(), min_size=1, max_size=30).map("".join)


@settings(max_examples=40, deadline=None)
@given(words=SIGNS, contact=SIGNS, name=SIGNS, key=SIGNS)
def test_no_text_breaks_the_reading_of_a_draft(words, contact, name, key):
    """Any letters at all give faults or a message of four paragraphs, never an error."""
    brief = a_brief(
        "capacity both", contact_name=contact, name=name, findings=(usage(), counted("new_team", 3, key))
    )
    draft = a_draft(problem=f"You are at {{used}} of the {{ceiling}} {{things}}. {words}")
    if not faults(draft, brief):
        assert len(rendered(draft, brief).body.split("\n\n")) == 4


def test_supports_do_not_share_a_slot_with_the_leading_finding():
    """Two windows of different lengths are two slots."""
    slots = by_name(a_brief("capacity both", "seats_added"))
    assert slots["window"].reads == "30 days"
    assert slots["limit_hits_window"].reads == "14 days"
    assert set(SUPPORT) >= {"seats_added"}


def test_the_answer_asked_for_is_strict():
    """Plain strings, every one required, nothing else: what a provider's strict schema allows."""
    schema = Slotted.model_json_schema()
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False
    assert all(
        set(field) == {"title", "type"} and field["type"] == "string"
        for field in schema["properties"].values()
    )
