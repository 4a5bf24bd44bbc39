"""Customers' words in a card: they mention nobody, link nowhere, format nothing and break no block."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.approval.audit import Trace
from agent.approval.states import DeliveryState, DraftState
from agent.approval.views import DraftView
from agent.drafting.message import Message
from agent.drafting.violation import Level
from agent.faces.slack.card import CardView, card, result
from agent.faces.slack.modals import (
    edit_errors,
    edit_modal,
    history_modal,
    skip_modal,
    snooze_modal,
    why_modal,
)
from agent.scoring.assessment import Hold, Part, Term
from tests.approval.made import an_assessment
from tests.builders import NOW, a_brief, a_figure, a_finding
from tests.faces.slack.cards import (
    DANA,
    REF,
    a_decision,
    a_delivery,
    a_row,
    a_version,
    a_view,
    a_violation,
    breaches,
    leaves,
)

PIECES = [
    "<!channel>", "<!here|all>", "<@U0DANA>", "<#C0GENERAL>", "<https://evil.example|click>", "@channel", "@here",
    "https://evil.example", "mailto:a@b.example", "*bold*", "_it_", "~gone~", "`code`", "```pre```", ":warning:",
    "&lt;!channel&gt;", "> quoted", "\n", "\r\n", "\t", "\u202e", "\u2066", "\u200b", "\ufeff", "\0", "\x1b[31m", "\x9b",
    "💥", "👨‍👩‍👧", "Söhne & Töchter", "<", ">", "&", "x" * 3_500, "word " * 900, "", " ", "\ud800", "容量", "{{ 7*7 }}",
]  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join), st.text(max_size=400)
)
OURS = {"U0DANA"}
LIVELY = {"link", "channel", "usergroup", "broadcast", "emoji", "color", "mrkdwn", "markdown"}


def hostile(text: str, state: DraftState = DraftState.PENDING, findings: int = 40, **line: Any) -> DraftView:
    """A draft in which every word from outside is `text`."""
    figure = a_figure(
        "x", 1, text or "t", text, text, rows=(a_row(1, kind=text), a_row(2)), rows_total=9, formula=text
    )
    found = a_finding(says=text, key=text, figures=(figure,) * 9)
    brief = a_brief(
        findings=(found,) * findings,
        recipient={"account_name": text, "contact_name": text, "contact_email": text},
        offer={"name": text},
        plan_name=text,
        problem=text,
    )
    message = Message(subject=text.replace("\n", " "), body=text)
    violations = tuple(a_violation(f"rule_{n}", message=text, level=Level.WARN) for n in range(30))
    return a_view(
        state,
        brief=brief,
        versions=(
            a_version(1, Message(subject="Before", body="Quite another text."), text),
            a_version(2, message, DANA, violations=violations, confirmed=(text[:40],)),
        ),
        decisions=(a_decision(who=text, reason=text),),
        deliveries=(
            a_delivery(DeliveryState.QUEUED, address=text, last_error=text, attempts=2, channel=text),
        ),
        audit=(Trace(at=NOW, who=text, what=text, subject="draft:1"),) * 50,
        line={"reason": text, "moved_by": text} | line,
    )


def is_harmless(shown: Any) -> None:
    """Assert that Slack takes it, and reads nothing in it but text and our own mentions."""
    assert breaches(shown) == []
    for one in leaves(shown if isinstance(shown, dict) else shown.blocks):
        assert one["type"] not in LIVELY
        if one["type"] == "user":
            assert one["user_id"] in OURS
        if one["type"] == "plain_text":
            assert one["emoji"] is False
        text = one.get("text")
        if isinstance(text, str):
            assert not {unicodedata.category(c) for c in text if c != "\n"} & {"Cc", "Cf", "Cs"}
            text.encode()


def mentions_nothing(text: str) -> None:
    """Assert that a notification's text, which Slack reads as markup, holds none."""
    assert "<" not in text
    assert ">" not in text
    assert not set(text) & set("*_~`\n")
    assert "://" not in text


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from(list(DraftState)))
def test_any_text_anywhere_leaves_the_card_a_card(text, state):
    """All states, all fields at once."""
    shown = card(CardView(view=hostile(text, state), chart_file="F1", chart_says=text, age=text, holds=(text,) * 9,
                          stopped=text))  # fmt: skip
    is_harmless(shown)
    mentions_nothing(shown.text)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.sampled_from(list(DeliveryState)))
def test_any_text_anywhere_leaves_the_result_a_result(text, state):
    """The word in the thread."""
    shown = result(
        a_delivery(state, address=text, last_error=text, message_id=text), hostile(text, findings=1)
    )
    is_harmless(shown)
    mentions_nothing(shown.text)


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS)
def test_any_text_anywhere_leaves_the_dialogues_dialogues(text, typed):
    """Edit in all its forms, skip, snooze, why, history."""
    view = hostile(text, findings=12)
    message = Message(subject=typed, body=typed)
    violations = (
        *(a_violation(f"rule_{n}", message=text, start=0, end=n) for n in range(25)),
        a_violation("length", message=text, level=Level.WARN, end=10**6),
    )
    hold, part = (
        Hold(hold=text, says=text),
        Part(score=3, weight=0.2, terms=(Term(name="t", amount=1, says=text),) * 20),
    )
    assessment = an_assessment(
        holds=(hold,) * 9, parts={"usage": part, text: Part(score=None, weight=0)}, groups={text: 4}
    )
    for shown in (
        edit_modal(view, REF),
        edit_modal(view, REF, message=message, violations=violations),
        edit_modal(view, REF, message=message, newer=view.versions[-1]),
        skip_modal(view, REF),
        snooze_modal(view, REF),
        why_modal(view, assessment),
        history_modal(view),
    ):
        is_harmless(shown)
    for error in edit_errors(violations, message).values():
        assert 0 < len(error) <= 600


@pytest.mark.parametrize(
    "name", ["Nordlicht Söhne & Töchter GmbH", "O'Brien <Partners>", "容量 Ltd", "a_b*c"]
)
def test_a_name_is_shown_as_it_is_written(name):
    """Harmless is not the same as mangled: the card shows the name itself."""
    view = a_view(brief=a_brief(recipient={"account_name": name}))
    (header,) = [one for one in card(CardView(view=view)).blocks if one["type"] == "header"]
    assert header["text"]["text"] == name
