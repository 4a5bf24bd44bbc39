"""The dialogues behind a card: edit with its guardrails and versions, skip, snooze, and those that only show."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent.faces.slack import listeners
from agent.faces.slack.naming import Action, Dialogue
from tests.faces.slack.desks import DANA, RAVI, Office, buttons, who
from tests.slackserver import Message

pytestmark = pytest.mark.slow

FIGURE = "You are at 99% of everything.\n\n"
"A sentence that no brief has."


@pytest.fixture(autouse=True)
def unhurried(slack, monkeypatch):
    """What is said counts here, not how soon: the machine that runs this may be busy."""
    slack.retry_after = 60
    monkeypatch.setattr(listeners, "EDIT_PATIENCE", 20.0)


def opened(office: Office, card: Message, action: Action, user: str = DANA) -> dict:
    """The dialogue that a button opens, and that the click was acknowledged."""
    before = (office.slack.modal(user) or {}).get("id")
    office.slack.click(card, action, user=user)

    def there() -> dict | None:
        view = office.slack.modal(user)
        return view if view and view["id"] != before else None

    return office.slack.wait_for(there)


def with_figure(office: Office, card: Message) -> str:
    """The text with a sentence that a guardrail blocks and a person may confirm past."""
    head, _, rest = office.seen(card).message.body.partition("\n\n")
    return f"{head}\n\n{FIGURE}{rest}"


def answer(office: Office, view: dict, user: str = DANA, **values) -> dict:
    """What the submitted dialogue shows next: nothing when it closes."""
    filled = {name: {name: value} for name, value in values.items()}
    return office.slack.submit(view, filled, user=user, wait=20).response or {}


def ticked(view: dict) -> dict:
    """Every box that a dialogue offers to confirm past a guardrail."""
    found = {}
    for block in view["blocks"]:
        if str(block.get("block_id", "")).startswith("confirm"):
            found[block["block_id"]] = [option["value"] for option in block["element"]["options"]]
    return found


def test_an_edit_is_kept_as_the_next_version(office):
    """The dialogue closes, the card shows the new text, the person is its author."""
    office.open()
    card = office.card()
    view = opened(office, card, Action.EDIT)
    assert answer(office, view, subject="A better subject") == {}
    office.slack.wait_for(lambda: "A better subject" in card.words)
    newest = office.seen(card).versions[-1]
    assert (newest.number, newest.author) == (2, who())
    assert Action.HISTORY in card.action_ids


def test_what_a_guardrail_blocks_can_be_confirmed_past_by_a_second_choice_only(office):
    """First the dialogue says what is wrong and where; keeping the text needs a box to be ticked."""
    office.open()
    card = office.card()
    body = with_figure(office, card)
    first = answer(office, opened(office, card, Action.EDIT), body=body)
    assert first["response_action"] == "update"
    shown = office.slack.modal(DANA)
    assert ticked(shown)
    assert "99" in str(shown["blocks"])
    assert len(office.seen(card).versions) == 1
    again = answer(office, shown, body=body)
    assert again["response_action"] == "errors"
    assert "body" in again["errors"]
    assert len(office.seen(card).versions) == 1
    assert answer(office, shown, body=body, **ticked(shown)) == {}
    newest = office.seen(card).versions[-1]
    assert newest.confirmed
    assert "99%" in newest.message.body


def test_what_nobody_may_confirm_past_is_an_error_at_its_field(office):
    """Every box ticked does not help an account that may not be written to."""
    office.open()
    card = office.card()
    view = opened(office, card, Action.EDIT)
    office.house.opt_out(office.seen(card).line.account_id, "asked us")
    said = answer(office, view, subject="A better subject")
    assert said["response_action"] == "errors"
    assert len(office.seen(card).versions) == 1


def test_guardrails_that_take_too_long_answer_in_the_dialogue_later(office, monkeypatch):
    """Slack waits three seconds; the dialogue says that they are at it, then what they found."""
    monkeypatch.setattr(listeners, "EDIT_PATIENCE", 0.0)
    office.open()
    card = office.card()
    view = opened(office, card, Action.EDIT)
    body = with_figure(office, card)
    assert "still reading" in str(answer(office, view, body=body))
    shown = office.slack.wait_for(lambda: v if ticked(v := office.slack.modal(DANA)) else None, 20)
    assert "still reading" in str(answer(office, shown, body=body, **ticked(shown)))
    office.slack.wait_for(lambda: "Saved" in str(office.slack.modal(DANA)), 20)
    assert len(office.seen(card).versions) == 2


def test_an_edit_of_an_older_version_is_refused_with_the_newer_one_shown(office):
    """Two people had the dialogue open; the second sees what the first wrote, and loses nothing."""
    office.open()
    card = office.card()
    mine, theirs = opened(office, card, Action.EDIT), opened(office, card, Action.EDIT, user=RAVI)
    assert answer(office, theirs, user=RAVI, subject="Ravi's subject") == {}
    said = answer(office, mine, subject="Dana's subject")
    assert said["response_action"] == "update"
    shown = office.slack.modal(DANA)
    assert "Ravi's subject" in str(shown["blocks"])
    assert "Dana's subject" in str(shown["blocks"])
    assert [one.author for one in office.seen(card).versions[1:]] == [who(RAVI)]
    assert answer(office, shown, subject="Dana's subject") == {}
    assert office.seen(card).message.subject == "Dana's subject"


def test_an_edit_of_a_decided_draft_is_refused_with_who_decided(office):
    """The dialogue was opened before."""
    office.open()
    card = office.card()
    view = opened(office, card, Action.EDIT)
    office.house.skip(office.draft_of(card), "no")
    answer(office, view, subject="A better subject")
    assert "skipped" in office.word_to(DANA)
    assert len(office.seen(card).versions) == 1


def test_a_dialogue_of_a_decided_draft_is_not_opened(office):
    """The word says where it stands."""
    office.open()
    card = office.card()
    before = card.snapshot()
    office.house.skip(office.draft_of(card), "no")
    office.slack.click(before, Action.EDIT)
    assert "skipped" in office.word_to(DANA)
    assert office.slack.modal(DANA) is None


def test_skipping_keeps_the_reason(office):
    """In the words of the person."""
    office.open()
    card = office.card()
    view = opened(office, card, Action.SKIP)
    assert view["callback_id"] == Dialogue.SKIP
    assert answer(office, view, reason="other", more="They are about to leave") == {}
    office.slack.wait_for(lambda: not buttons(card))
    [decision] = office.seen(card).decisions
    assert (decision.kind, decision.who, decision.reason) == ("skipped", who(), "They are about to leave")


def test_snoozing_says_until_when_and_wakes_by_itself(office, monkeypatch):
    """The card has no buttons meanwhile, and has them again afterwards."""
    desk = office.open()
    card = office.card()
    assert answer(office, opened(office, card, Action.SNOOZE), days="7") == {}
    office.slack.wait_for(lambda: "Snoozed until 9 February 2026" in card.words)
    assert not buttons(card)
    monkeypatch.setenv("OUTGROWN_NOW", "2026-02-09T10:00:00")
    office.house.tidy()
    desk.wake()
    office.slack.wait_for(lambda: buttons(card))


def test_a_day_in_the_past_is_an_error_at_its_field(office):
    """Nothing is snoozed until yesterday."""
    office.open()
    view = opened(office, office.card(), Action.SNOOZE)
    said = answer(office, view, until="2026-02-01")
    assert list(said["errors"]) == ["until"]


@pytest.mark.parametrize("action", [Action.WHY, Action.HISTORY])
def test_what_only_shows_decides_nothing(office, action):
    """No click is kept, nothing is decided."""
    office.open()
    card = office.card()
    office.house.edit(
        office.draft_of(card), office.seen(card).message.model_copy(update={"subject": "Another"})
    )
    office.slack.wait_for(lambda: Action.HISTORY in card.action_ids)
    view = opened(office, card, action)
    assert "submit" not in view
    assert office.clicks() == []


def test_a_button_nobody_knows_any_more_is_acknowledged_and_told(office):
    """An old card, a newer Outgrown."""
    office.open()
    card = office.card()
    old = card.snapshot()
    element = next(b for b in old.blocks if b["type"] == "actions")["elements"][0]
    element["action_id"] = "draft_send_to_the_moon"
    sent = office.slack.click(old, "draft_send_to_the_moon").wait()
    assert sent.acked_after < 3
    assert "not known here any more" in office.word_to(DANA)


def test_a_click_while_the_facts_are_in_use_is_done_afterwards(office):
    """Another process writes them: the click waits, it does not fail."""
    office.open()
    card = office.card()
    office.house.assess(office.seen(card).line.account_id)
    hold = """
import duckdb, sys, time
while True:
    try:
        con = duckdb.connect(sys.argv[1])
        break
    except duckdb.IOException:
        time.sleep(0.1)
print("held", flush=True)
sys.stdin.read()
con.close()
"""
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(office.house.workspace.facts_file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout.readline() == "held\n"
        office.slack.click(card, Action.APPROVE).wait()
        office.slack.wait_for(lambda: any(one.not_before for one in office.clicks()), 40)
        assert office.decisions(card) == []
        other.stdin.close()
        other.wait(10)
        other.stdout.close()
    assert office.sent(card)
    assert office.slack.ephemerals == []
