"""What a click does: one decision, one delivery, a clear word to the loser, and a line in the trail."""

from __future__ import annotations

import time

import pytest

from agent.faces.slack.naming import Action
from agent.foundation.errors import ConfigError
from tests.faces.slack.desks import DANA, EVE, RAVI, Office, a_process, buttons, who
from tests.slackserver import Message, Sent
from tests.stores import BOTH

# The SDK leaves its socket open where a busy machine makes it give up on a handshake.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]


def settled(office: Office, *sent: Sent) -> None:
    """Everything that was clicked is acknowledged in time, and done."""
    for one in sent:
        assert one.wait().acked_after is not None
        assert one.acked_after < 3
    office.slack.wait_for(office.all_done, 90)


def test_approving_sends_one_message_and_closes_the_card(office):
    """Who, when and what stand on the card; the buttons are gone; the result follows in the thread."""
    office.open()
    card = office.card()
    settled(office, office.slack.click(card, Action.APPROVE))
    delivery = office.sent(card)
    assert office.decisions(card) == [("approved", who())]
    assert office.files() == [f"{delivery.delivery_id}.eml"]
    office.slack.wait_for(lambda: [one for one in office.slack.messages if one.thread_ts == card.ts])
    office.slack.wait_for(lambda: not buttons(card))
    assert f"<@{DANA}>" in card.words or DANA in str(card.blocks)
    thread = [one for one in office.slack.messages if one.thread_ts == card.ts]
    assert len(thread) == 1


def test_a_double_click_is_one_decision(office):
    """The second says who was first."""
    office.open()
    card = office.card()
    with office.slack.at_once():
        sent = [office.slack.click(card, Action.APPROVE) for _ in range(2)]
    settled(office, *sent)
    office.sent(card)
    assert office.decisions(card) == [("approved", who())]
    assert len(office.deliveries()) == len(office.files()) == 1
    assert "approved" in office.word_to(DANA)


def test_of_two_founders_at_once_one_wins_and_the_other_is_told(office):
    """By name."""
    office.open()
    card = office.card()
    with office.slack.at_once():
        sent = [office.slack.click(card, Action.APPROVE, user=user) for user in (DANA, RAVI)]
    settled(office, *sent)
    office.sent(card)
    [(kind, winner)] = office.decisions(card)
    loser = RAVI if winner == who(DANA) else DANA
    assert kind == "approved"
    assert len(office.deliveries()) == len(office.files()) == 1
    word = office.word_to(loser)
    assert "approved" in word
    assert winner.rsplit("/", 1)[1] in word
    assert len(office.slack.ephemerals) == 1


@pytest.mark.slow
@pytest.mark.parametrize("office", BOTH, indirect=True)
def test_at_two_desks_as_at_one(office):
    """Two processes share the state; each click reaches one of them."""
    office.open()
    office.open()
    card = office.card()
    with office.slack.at_once():
        sent = [office.slack.click(card, Action.APPROVE, user=user) for user in (DANA, RAVI) * 3]
    settled(office, *sent)
    office.sent(card)
    assert [kind for kind, _ in office.decisions(card)] == ["approved"]
    assert len(office.deliveries()) == len(office.files()) == 1
    assert len(office.cards()) == sum(office.states().values())


@pytest.mark.slow
def test_approve_against_skip_at_once_is_one_decision(office):
    """Whichever comes first."""
    office.open()
    card = office.card()
    office.slack.click(card, Action.SKIP, user=RAVI)
    view = office.slack.wait_for(lambda: office.slack.modal(RAVI))
    with office.slack.at_once():
        first = office.slack.click(card, Action.APPROVE)
        second = office.slack.submit(view, {"reason": {"reason": "other"}}, user=RAVI, wait=0)
    settled(office, first, second)
    assert len(office.decisions(card)) == 1
    loser = RAVI if office.decisions(card)[0][0] == "approved" else DANA
    assert office.word_to(loser)


def test_an_envelope_delivered_twice_is_one_click(office):
    """And nobody is told that somebody else was first."""
    office.open()
    card = office.card()
    office.slack.deliver_twice()
    sent = office.slack.click(card, Action.APPROVE)
    office.slack.wait_for(lambda: sent.acks == 2)
    settled(office, sent)
    office.sent(card)
    assert office.decisions(card) == [("approved", who())]
    assert len(office.clicks()) == len(office.files()) == 1
    assert office.slack.ephemerals == []


@pytest.mark.slow
def test_slacks_retry_of_an_unacknowledged_click_is_one_click(office):
    """It comes under another envelope's name."""
    office.slack.retry_after = 0.5
    office.open()
    card = office.card()
    office.slack.drop_acks(1)
    sent = office.slack.click(card, Action.APPROVE).wait()
    assert len(sent.envelope_ids) == 2
    settled(office, sent)
    office.sent(card)
    assert len(office.clicks()) == len(office.files()) == 1
    assert office.slack.ephemerals == []


def test_a_click_on_a_card_from_last_month_says_where_the_draft_stands(office, monkeypatch):
    """The draft has expired by then; nothing is sent."""
    desk = office.open()
    card = office.card().snapshot()
    monkeypatch.setenv("OUTGROWN_NOW", "2026-03-05T10:00:00")
    office.house.tidy()
    desk.wake()
    office.slack.wait_for(lambda: not buttons(office.card()))
    settled(office, office.slack.click(card, Action.APPROVE))
    assert "expired" in office.word_to(DANA)
    assert office.decisions(card) == []
    assert office.deliveries() == ()


@pytest.mark.slow
def test_a_click_on_a_card_from_last_month_that_nobody_tidied(office, monkeypatch):
    """Everything is looked at again at the click, also the calendar."""
    office.open()
    card = office.card().snapshot()
    monkeypatch.setenv("OUTGROWN_NOW", "2026-03-05T10:00:00")
    settled(office, office.slack.click(card, Action.APPROVE))
    assert office.word_to(DANA)
    assert "approved" not in {kind for kind, _ in office.decisions(card)}
    assert office.deliveries() == ()
    office.slack.wait_for(lambda: not buttons(office.card()))


def test_a_click_after_a_decision_in_the_terminal_is_told_so(office):
    """And the card has followed the terminal by itself."""
    office.open()
    card = office.card()
    before = card.snapshot()
    office.house.skip(office.draft_of(card), "not now")
    office.slack.wait_for(lambda: not buttons(card))
    settled(office, office.slack.click(before, Action.APPROVE))
    word = office.word_to(DANA)
    assert "skipped" in word
    assert "terminal" in word
    assert office.decisions(card) == [("skipped", "terminal")]


@pytest.mark.slow
def test_the_text_that_was_seen_is_the_text_that_is_sent(office):
    """A click on a card that shows an older version than there is by now decides nothing."""
    office.open()
    card = office.card()
    before = card.snapshot()
    view = office.seen(card)
    message = view.versions[-1].message
    newer = message.model_copy(update={"body": message.body.replace("Hi ", "Hello ", 1)})
    office.house.edit(view.line.draft_id, newer)
    settled(office, office.slack.click(before, Action.APPROVE))
    assert office.word_to(DANA)
    assert office.decisions(card) == [("edited", "terminal")]
    office.slack.wait_for(lambda: "Hello " in str(card.blocks))
    settled(office, office.slack.click(card, Action.APPROVE))
    office.sent(card)


# Who may.


def refused(office: Office, card: Message, **changes: str) -> None:
    """The click is acknowledged, decides nothing and is audited; so is the opening of a dialogue."""
    actions = (Action.APPROVE, Action.SKIP)
    settled(office, *[office.slack.click(card, action, **changes) for action in actions])
    office.slack.wait_for(lambda: len(office.audited("refused")) == len(actions))
    assert office.decisions(card) == []
    assert office.slack.views == {}
    assert office.states() == {"pending": 5}
    team, user = changes.get("team"), changes.get("user", DANA)
    lines = office.audited("refused")
    assert {one.who for one in lines} == {who(user, team) if team else who(user)}
    assert all(office.draft_of(card) in one.subject for one in lines)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"user": EVE}, id="not an approver"),
        pytest.param({"channel": "C0GENERAL"}, id="another channel"),
        pytest.param({"team": "T9ELSEWHERE"}, id="another workspace"),
        pytest.param({"team": "T9ELSEWHERE", "user": "U9MALLORY"}, id="a stranger of another workspace"),
    ],
)
def test_who_may_not_decides_nothing(office, changes):
    """Whatever the reason, it is written down."""
    office.open()
    refused(office, office.card(), **changes)


def test_the_one_who_may_not_is_told_why(office):
    """In a word that nobody else sees."""
    office.open()
    settled(office, office.slack.click(office.card(), Action.APPROVE, user=EVE))
    assert "approver" in office.word_to(EVE)


def test_a_deactivated_approver_decides_nothing(office):
    """Although the settings still name them."""
    office.slack.deactivate(RAVI)
    office.open()
    refused(office, office.card(), user=RAVI)


def test_a_dialogue_submitted_by_another_person_decides_nothing(office):
    """What counts is who submits, not who opened."""
    office.open()
    card = office.card()
    office.slack.click(card, Action.SKIP)
    view = office.slack.wait_for(office.slack.modal)
    settled(office, office.slack.submit(view, {"reason": {"reason": "other"}}, user=EVE))
    office.slack.wait_for(lambda: office.audited("refused"))
    assert office.decisions(card) == []


def test_with_an_empty_list_nobody_may(office):
    """Not even those who were founders yesterday: it fails closed, and says how to mend it."""
    settings = office.folder / "outgrown.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(f'approvers = ["{DANA}", "{RAVI}"]', "approvers = []"), encoding="utf-8")
    with pytest.raises(ConfigError, match="approvers"):
        office.open()


# Ends and beginnings.


@pytest.mark.slow
def test_a_stop_ends_what_is_under_way_and_loses_nothing(office):
    """What was acknowledged is done before or after, once."""
    desk = office.open()
    card = office.card()
    sent = office.slack.click(card, Action.APPROVE).wait()
    assert sent.acked_after is not None
    office.close(desk)
    office.open()
    settled(office, sent)
    # What was approved and had not left when everything stopped is the outbox worker's, as in `serve`.
    office.house.send()
    office.sent(card)
    assert office.decisions(card) == [("approved", who())]
    assert len(office.files()) == len(office.deliveries()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("office", BOTH, indirect=True)
@pytest.mark.parametrize("after", [0.0, 0.15, 0.4, 1.0])
def test_killed_between_acknowledgement_and_work(office, after):
    """The click was kept before it was acknowledged, so the next process does it, once."""
    office.house.store  # noqa: B018 - opened, and so brought up to date, before there are two
    with a_process(office) as process:
        card = office.card()
        office.slack.wait_for(lambda: len(office.cards()) == 5)
        sent = office.slack.click(card, Action.APPROVE).wait()
        assert sent.acked_after is not None
        time.sleep(after)
        process.kill()
        process.wait()
    with a_process(office):
        office.sent(card)
        office.slack.wait_for(lambda: not buttons(card))
        settled(office, sent)
    assert office.decisions(card) == [("approved", who())]
    assert len(office.files()) == len(office.deliveries()) == 1
    assert len(office.cards()) == 5
    assert office.slack.ephemerals == []
    thread = [one for one in office.slack.messages if one.thread_ts == card.ts]
    assert len(thread) <= 1
