"""Questions to the app: answered once, in the place they were asked, for those who may ask."""

from __future__ import annotations

import pytest

from tests.faces.slack.desks import DANA, EVE, Office


def answers(office: Office) -> list:
    """What was posted that is no card and no result."""
    return [one for one in office.slack.messages if not one.metadata]


def test_a_mention_is_answered_in_its_thread(office):
    """With what the state knows."""
    office.open()
    said = office.slack.mention("top")
    [answer] = office.slack.wait_for(lambda: answers(office), 30)
    assert answer.thread_ts == said.ts
    assert "acme" in answer.words.lower()


def test_a_direct_message_is_answered_there(office):
    """And an envelope that comes twice, once."""
    office.open()
    office.slack.deliver_twice()
    said = office.slack.message_im("help")
    office.slack.wait_for(lambda: said.acks == 2)
    [answer] = office.slack.wait_for(lambda: answers(office), 30)
    office.slack.wait_for(office.all_done, 20)
    assert answer.channel == said.channel
    assert len(answers(office)) == 1


def test_the_pane_suggests_questions(office):
    """As soon as it is opened."""
    office.open()
    office.slack.open_assistant()
    office.slack.wait_for(lambda: [one for one in office.slack.assistant if one["what"] == "prompts"])


def test_a_question_in_the_pane_shows_that_it_is_looked_into(office):
    """And is answered in its thread."""
    office.open()
    pane = office.slack.open_assistant()
    office.slack.message_im("top", thread_ts=pane.ts)
    [answer] = office.slack.wait_for(lambda: answers(office), 30)
    assert answer.thread_ts == pane.ts
    assert [one for one in office.slack.assistant if one["what"] == "status"]


@pytest.mark.parametrize("where", ["channel", "direct"])
def test_who_may_not_decide_may_not_ask(office, where):
    """The answers are about customers; the refusal is in the trail."""
    office.open()
    said = (
        office.slack.mention("top", user=EVE)
        if where == "channel"
        else office.slack.message_im("top", user=EVE)
    )
    assert said.wait().acked_after < 3
    office.slack.wait_for(lambda: office.audited("refused"), 20)
    office.slack.wait_for(office.all_done, 20)
    assert not any("acme" in one.words.lower() for one in answers(office))
    [line] = office.audited("refused")
    assert line.who == f"slack:T0OUTGROWN/{EVE}"
    assert line.after["reason"] == "not an approver"


def test_what_we_write_ourselves_is_no_question(office):
    """Nor is an edit, or somebody joining."""
    office.open()
    office.slack.wait_for(lambda: len(office.cards()) == 5, 30)
    assert office.clicks() == []
    said = office.slack.mention("help", user=DANA)
    assert said.wait().acked_after < 3
    office.slack.wait_for(lambda: len(answers(office)) == 1, 30)
    assert len(office.clicks()) == 1
