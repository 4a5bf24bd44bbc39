"""The card: everything an approver needs while it waits, who, when and what afterwards."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from agent.approval.states import DeliveryState, DraftState
from agent.drafting.message import Message
from agent.drafting.violation import Level
from agent.faces.slack.card import CardView, card, result, shows_card
from agent.faces.slack.naming import Action, DeliveryRef, DraftRef
from tests.builders import BODY, NOW, a_brief, a_message
from tests.faces.slack.cards import (
    DANA,
    DRAFT,
    a_delivery,
    a_version,
    a_view,
    a_violation,
    breaches,
    buttons,
    every_state,
    leaves,
    measured,
    on_its_way,
    said,
)

STATES = every_state()
CHOICES = [Action.APPROVE, Action.EDIT, Action.SKIP, Action.SNOOZE, Action.WHY]


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_a_message_slack_takes(name):
    """Within all limits, whatever has happened to the draft, with sending stopped and without."""
    for stopped in (None, "by dana on 2 March"):
        assert breaches(card(CardView(view=STATES[name], chart_file="F1", stopped=stopped))) == []


@pytest.mark.parametrize(
    "words",
    [
        "Fernleaf Studio",
        "Starter plan",
        "acc_0042",
        "facts as of 1 March 2026",
        "3 hours old",
        "You ran into a limit 5 times in the last 14 days.",
        "times the export limit was hit:  5 times  (5 rows of events, 16 Feb to 1 Mar 2026)",
        "28 rows of events",
        "Maya Chen, maya@fernleaf.example",
        "Your exports keep hitting the limit",
        BODY,
        "Growth, €99 a month",
        "11 points, composite 82",
        "none",
        "version 1; worded by the template",
    ],
)
def test_a_waiting_card_tells(words):
    """Account, findings with figure and source, the message as it is, offer, standing, holds, age, writer."""
    assert words in said(card(CardView(view=STATES["pending"], age="3 hours old")))


def test_many_findings_are_told_in_short():
    """Two figures a finding, five findings, and how many more there are."""
    found = measured()[0]
    many = a_view(brief=a_brief(findings=(found.model_copy(update={"figures": found.figures * 4}),) * 8))
    told = said(card(CardView(view=many)))
    assert told.count("You ran into a limit 5 times") == 5
    assert told.count("(5 rows of events") == 10
    assert "And 3 more findings" in told


def test_the_message_is_one_quote_with_its_line_breaks():
    """The draft stands off from our own words, in elements that Slack reads no markup in."""
    (quote,) = [
        one for one in leaves(card(CardView(view=a_view())).blocks) if one["type"] == "rich_text_quote"
    ]
    assert [one["type"] for one in quote["elements"]] == ["text", "text"]
    assert "".join(one["text"] for one in quote["elements"]) == a_message().text


def test_the_buttons_carry_the_draft_and_its_version():
    """What comes back with a click says which text was read."""
    shown = card(CardView(view=STATES["edited"]))
    values = {one["value"] for one in leaves(shown.blocks) if one["type"] == "button"}
    assert buttons(shown) == [*CHOICES, Action.HISTORY]
    assert [DraftRef.model_validate_json(one) for one in values] == [DraftRef(draft_id=DRAFT, version=2)]


def test_an_edited_card_says_who_edited_it():
    """With the version that is read."""
    assert "Version 2 , edited by  U0DANA ,  2026-03-02 09:02 UTC" in said(
        card(CardView(view=STATES["edited"]))
    )


def test_one_version_has_no_history():
    """There is nothing to compare yet."""
    assert buttons(card(CardView(view=STATES["pending"]))) == CHOICES


@pytest.mark.parametrize("name", sorted(set(STATES) - {"pending", "edited"}))
def test_a_decided_card_has_no_buttons_but_the_way_back(name):
    """Only what has been approved and has not left can be called back, and only after a question."""
    shown = card(CardView(view=STATES[name], chart_file="F1"))
    expected = [Action.CALL_BACK] if name.startswith("approved") else []
    assert buttons(shown) == expected
    for one in leaves(shown.blocks):
        if one["type"] == "button":
            assert DeliveryRef.model_validate_json(one["value"]).delivery_id == f"{DRAFT}-1"
            assert one["confirm"]["deny"]["text"] == "Let it go"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "approved",
            ["Approved", "(version 1)", "U0DANA", "2026-03-02 09:05 UTC", "Waits to leave to maya@"],
        ),
        ("approved, tried", ["Not before", "2026-03-02 10:00 UTC", "Tried 1 time: the server is busy (421)"]),
        ("sending", ["On its way to maya@fernleaf.example by mail"]),
        ("sent", ["Sent", "2026-03-02 09:06 UTC", "Approved", "U0DANA"]),
        ("sent, settled", ["it arrived, says", "U0DANA"]),
        ("failed", ["Failed: not sent", "550 5.1.1 no such user", "U0DANA"]),
        ("unknown", ["Unknown whether it arrived", "nothing is sent again by itself"]),
        ("skipped", ["Skipped", "U0DANA", "Not the right time: they merge in May"]),
        ("snoozed", ["Snoozed until 9 March 2026", "U0DANA"]),
        ("stale", ["Stale: not sent", "the plan has changed from Starter to Growth", "Outgrown"]),
        ("called back", ["Stale: not sent", "called back", "U0DANA"]),
        ("expired", ["Expired", "nobody answered in time"]),
    ],
)
def test_a_decided_card_says_who_when_and_what(name, words):
    """A person in Slack by mention, anybody else by name."""
    told = said(card(CardView(view=STATES[name])))
    assert [one for one in words if one not in told] == []


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (DANA, {"type": "user", "user_id": "U0DANA"}),
        ("slack:T0/not a user", {"type": "text", "text": "slack:T0/not a user"}),
        ("dana <@U0EVIL>", {"type": "text", "text": "dana <@U0EVIL>"}),
        ("outgrown", {"type": "text", "text": "Outgrown"}),
    ],
)
def test_only_our_own_name_for_a_person_is_a_mention(who, expected):
    """A name that looks like a mention stays a name."""
    shown = card(CardView(view=a_view(DraftState.SKIPPED, line={"moved_by": who})))
    assert expected in list(leaves(shown.blocks))


def test_stopped_sending_stands_on_what_has_not_left():
    """Whoever approves, or has approved, reads why nothing leaves."""
    for name in ("pending", "approved"):
        told = said(card(CardView(view=STATES[name], stopped="by dana: a price was wrong")))
        assert "Sending is stopped" in told
        assert "a price was wrong" in told
    assert "stopped" not in said(card(CardView(view=STATES["sent"], stopped="by dana")))


def test_a_chart_is_an_image_or_a_line():
    """Without a file at Slack's the letters tell it."""
    shown = card(CardView(view=a_view(), chart_file="F1", chart_says="Exports by week", chart_line="▂▅▇"))
    (image,) = [one for one in leaves(shown.blocks) if one["type"] == "image"]
    assert image["slack_file"] == {"id": "F1"}
    assert image["alt_text"] == "Exports by week"
    assert "▂▅▇" in said(card(CardView(view=a_view(), chart_line="▂▅▇")))


def test_warnings_and_what_was_kept_on_purpose_are_told():
    """A block that somebody confirmed past is not hidden from the approver."""
    violations = (a_violation("length", level=Level.WARN, message="It is long."), a_violation("no_pressure"))
    version = a_version(1, a_message(), violations=violations, confirmed=("no_pressure",))
    told = said(card(CardView(view=a_view(versions=(version,)))))
    assert "It is long. (length)" in told
    assert "(no pressure, kept on purpose)" in told


def test_holds_are_told():
    """What speaks against it stands on the card."""
    told = said(card(CardView(view=a_view(), holds=("an urgent ticket has been open for 4 days",))))
    assert "an urgent ticket has been open for 4 days" in told


def test_a_long_message_is_parted_but_whole():
    """Every word is there; no block is longer than Slack takes."""
    body = "\n\n".join(f"Paragraph {number}: " + "all the words of it, " * 12 for number in range(15))
    shown = card(CardView(view=a_view(versions=(a_version(1, Message(subject="Hi", body=body.strip())),))))
    quotes = [one for one in leaves(shown.blocks) if one["type"] == "rich_text_quote"]
    told = " ".join(part["text"] for one in quotes for part in one["elements"])
    assert len(quotes) > 1
    assert told.split() == ["Hi", *body.split()]
    assert breaches(shown) == []


def test_what_cannot_be_shown_whole_cannot_be_approved():
    """Nobody says yes to a text they could not read."""
    view = a_view(versions=(a_version(1, Message(subject="Hi", body="word " * 20_000)),))
    shown = card(CardView(view=view))
    assert breaches(shown) == []
    assert Action.APPROVE not in buttons(shown)
    assert "too long to be shown" in said(shown)


def test_unseen_characters_in_the_message_are_counted():
    """What an approver cannot see is at least announced."""
    view = a_view(versions=(a_version(1, Message(subject="Hi", body="a\u202eb\u200b c")),))
    assert "2 characters that nobody can see" in said(card(CardView(view=view)))


@pytest.mark.parametrize(
    ("changes", "is_other"),
    [
        ({}, False),
        ({"age": "5 hours old"}, False),
        ({"stopped": "by dana"}, True),
        ({"chart_file": "F1"}, True),
        ({"view": STATES["edited"]}, True),
        ({"view": STATES["approved"]}, True),
        ({"view": a_view(line={"moved_at": NOW + timedelta(minutes=6)})}, True),
    ],
)
def test_a_card_is_rewritten_when_something_to_see_has_changed(changes, is_other):
    """The short key of what a card shows."""
    assert (
        shows_card(CardView(**{"view": a_view(), **changes})) != shows_card(CardView(view=a_view()))
    ) is is_other


def test_a_delivery_that_moves_changes_its_card():
    """Each attempt is told; a stop is of no matter once the message has left."""
    keys = {
        shows_card(
            CardView(view=on_its_way(DraftState.APPROVED, DeliveryState.QUEUED, delivery={"attempts": n}))
        )
        for n in range(3)
    }
    sent = STATES["sent"]
    assert len(keys) == 3
    assert shows_card(CardView(view=sent, stopped="by dana")) == shows_card(CardView(view=sent))


@pytest.mark.parametrize("state", DeliveryState)
def test_only_an_unknown_fate_asks_for_a_word(state):
    """It arrived, or send again after a question; every other result only tells."""
    view = on_its_way(DraftState.UNKNOWN, state)
    shown = result(a_delivery(state, last_error="the connection ended"), view)
    expected = [Action.ARRIVED, Action.SEND_AGAIN] if state is DeliveryState.UNKNOWN else []
    assert breaches(shown) == []
    assert buttons(shown) == expected
    assert "maya@fernleaf.example" in said(shown)


def test_a_card_is_plain_json():
    """It can be sent as it is."""
    shown = card(CardView(view=a_view(), chart_file="F1"))
    assert json.loads(json.dumps(shown.blocks)) == shown.blocks
