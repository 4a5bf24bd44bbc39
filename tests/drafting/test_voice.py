"""The founder's voice: texts back in slots, and the nearest of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from agent.drafting.message import Message
from agent.drafting.slotted import faults, rendered
from agent.drafting.unslotting import as_slotted
from agent.drafting.voice import Candidate, example_of, nearest, of_templates
from agent.drafting.writer import framings, write
from tests.drafting.assessments import CASES, SUPPORT, usage
from tests.drafting.drafts import a_brief, a_draft, worded

NOW = datetime(2026, 3, 2, 9)
VAGUE = "as a few weeks ago"
"The one wording of the templates that says a time without a figure."


@pytest.mark.parametrize("case", CASES)
def test_what_the_templates_say_can_be_said_in_slots(case):
    """Every framing with every support, taken apart into slots and filled again, is the same message."""
    for number, support in enumerate(SUPPORT):
        brief = a_brief(case, support, account_id=f"acc-{number}")
        for framing in framings(brief.play):
            message = write(brief, framing)
            made = as_slotted(message, brief)
            if made is None:
                assert VAGUE in message.text, message.text
                continue
            assert rendered(made, brief) == message
            assert faults(made, brief) == []


def test_an_example_has_no_figure_and_no_name():
    """Figures, names, plan, offer, price and watch are slots; the sign-off is left out."""
    brief = a_brief()
    assert example_of(rendered(a_draft(), brief), brief) == "\n\n".join(
        [
            a_draft().subject.replace("exports", "{thing}"),
            "Hi {name},",
            "The limit on {thing} has stopped your team {limit_hits} in the last {limit_hits_window}. "
            + a_draft().observation,
            f"{a_draft().help} The {{offer}} comes with {{offer_ceiling}} {{thing}}, so {{benefit}}, and it costs {{price}}. "
            f"Would that help? {a_draft().close}",
        ]
    )


def edited(old: str, new: str) -> Message:
    """A finished message in which the founder changed a few words."""
    message = rendered(a_draft(), a_brief())
    assert old in message.text
    return Message.parse(message.text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        ("that was a busy stretch", "that was a calm stretch", True),
        ("Hi Maya,", "Hello Maya,", True),
        ("Hi Maya,", "Dear Maya Chen,", True),
        ("in your Starter plan", "in Starter", True),
        ("You are at", "This is Dana of Acme Docs. You are at", True),
        ("You are at", "Maya, at Halden Labs you are at", True),
        ("The Growth plan comes", "Growth comes", True),
        ("4 times", "four times", True),
        ("14 days", "two weeks", True),
        ("€149 a month", "149 euros a month", True),
        ("4 times", "nearly five times", False),
        ("4 times", "five times", False),
        ("14 days", "three weeks", False),
        ("940", "941", False),
        ("busy stretch", "busy March", False),
        ("busy stretch", "stretch that Tom told me of", False),
        ("You are at", "Tom told me so. You are at", False),
        ("You are at", "Chen, you are at", False),
        ("You are at", "At Halden you are at", False),
        ("€149 a month", "€149 a month (US$160)", False),
        ("Would that help?", "Would that help? See https://acme.example/plans", False),
        ("Would that help?", "Would that help? Mail maya@halden.example", False),
        ("busy stretch", "busy stretch \u200b", False),
        ("Your exports", "Your 4 exports", True),
        ("Your exports", "Your 6 exports", False),
    ],
)
def test_a_text_with_anything_left_over_is_no_example(old, new, left):
    """Words of the founder's are welcome; a figure, a day, a link or a name of anybody is not."""
    assert (example_of(edited(old, new), a_brief()) is not None) is left


def test_a_name_inside_an_example_becomes_its_slot():
    """Nothing of the account is left in the founder's words."""
    text = example_of(edited("You are at", "Maya, at Halden Labs you are at"), a_brief())
    assert text is not None
    assert "{name}, at {account} you are at {used}" in text


@pytest.mark.parametrize(
    ("old", "new", "slotted"),
    [
        ("4 times", "four times", "stopped your team {limit_hits} in the last"),
        ("14 days", "two weeks", "in the last {limit_hits_window}."),
        ("The Growth plan comes", "Growth comes", "{offer} comes with {offer_ceiling}"),
        ("€149 a month", "€149 per month", "it costs {offer_price} per month"),
    ],
)
def test_a_figure_in_other_words_is_its_slot(old, new, slotted):
    """What the guardrails read as a figure of the brief becomes that figure."""
    assert slotted in (example_of(edited(old, new), a_brief()) or "")


def candidate(case: str, days_ago: int, number: int = 0, support: str = "none", **more) -> Candidate:
    """An approved edit of a template's text."""
    brief = a_brief(case, support, account_id=f"acc-{number}", **more)
    message = write(brief)
    words = " ".join(["Truly."] * (days_ago + 1))
    edit = Message(subject=message.subject, body=message.body.replace("\n\n", f"\n\n{words} ", 1))
    return Candidate(f"{case}-{days_ago}", edit, brief, NOW - timedelta(days=days_ago))


def test_the_nearest_examples_come_first():
    """Same play before others, same kind of offer before others, most groups in common, then the newest."""
    brief = a_brief("capacity near", "seats_added")
    found = nearest(
        [
            candidate("scope", 1),
            candidate("feature paywall", 2),
            candidate("capacity near", 9, support="none"),
            candidate("capacity near", 8, support="seats_added"),
            candidate("capacity near", 7, support="seats_added"),
        ],
        brief,
    )
    assert [one.draft_id for one in found] == [
        "capacity near-7", "capacity near-8", "capacity near-9", "feature paywall-2", "scope-1",
    ]  # fmt: skip


def test_no_more_than_five_and_no_text_twice():
    """Seven approved edits give five examples; one that cannot be put in slots is passed over."""
    many = [candidate("capacity near", days) for days in range(7)]
    odd = many[0]._replace(draft_id="odd", message=edited("940", "941"))
    found = nearest([odd, many[0], *many], a_brief("capacity near"))
    assert [one.draft_id for one in found] == [f"capacity near-{days}" for days in range(5)]
    assert len({one.text for one in found}) == 5


@pytest.mark.parametrize("one", worded(), ids=lambda one: one.name)
def test_templates_stand_in_for_the_founder(one):
    """Without edits there is one example a framing, in slots, the same for every account."""
    examples = of_templates(one.brief)
    other = one.brief.recipient.model_copy(update={"account_id": "acc-2", "contact_name": "Bo Li"})
    assert of_templates(one.brief.model_copy(update={"recipient": other})) == examples
    assert len(examples) == len(framings(one.play))
    assert "Maya" not in json.dumps([example.text for example in examples])


def test_a_plan_and_an_account_of_the_same_name_do_no_harm():
    """An account called like the plan is the plan where the plan is meant."""
    brief = a_brief("capacity near", name="Starter")
    text = example_of(write(brief), brief)
    assert text is None or "Starter" not in text


def test_a_customer_named_like_an_everyday_word_has_examples_still():
    """A company called Best does not forbid the word."""
    brief = a_brief("capacity near", name="Better Room", findings=(usage(),))
    assert example_of(write(brief), brief)
