"""What stands in Slack is what the state says: each card once, whatever goes wrong on the way."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from agent.approval import posts
from agent.approval.decisions import storable
from agent.faces.slack import posting
from agent.faces.slack.naming import Action
from tests.faces.slack.desks import DANA, Office, buttons, has_card


def names(office: Office) -> Counter[str]:
    """Our messages that carry a name, by it."""
    found = [(one.metadata or {}).get("event_payload", {}).get("post_id") for one in office.slack.messages]
    return Counter(one for one in found if one)


def all_there(office: Office, cards: int = 5) -> bool:
    """Every card is known to be in Slack."""
    return len([one for one in office.posts() if one.kind == "card" and one.ts]) == cards


def with_charts(office: Office) -> None:
    """Charts are switched on."""
    path = office.folder / "outgrown.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("charts = false", "charts = true"), encoding="utf-8"
    )


def test_a_message_whose_answer_was_lost_is_found_and_not_posted_again(office, monkeypatch):
    """It carries its name; that is looked for before anything is said twice."""
    monkeypatch.setattr(posting, "UNSURE_PAUSE", 0.1)
    office.slack.lose_answer("chat.postMessage", 3)
    office.open()
    office.slack.wait_for(lambda: all_there(office), 30)
    assert set(names(office).values()) == {1}
    assert len(office.cards()) == 5


def test_what_a_process_posted_before_it_ended_is_found_by_the_next(office, monkeypatch):
    """It was tried, nobody was told, and the process is gone."""
    monkeypatch.setattr(posting, "UNSURE_PAUSE", 0.5)
    office.slack.lose_answer("chat.postMessage", 5)
    first = office.open()
    office.slack.wait_for(lambda: len(office.cards()) == 5, 30)
    office.close(first)
    office.open()
    office.slack.wait_for(lambda: all_there(office), 30)
    assert set(names(office).values()) == {1}


def test_two_desks_post_each_card_once(office):
    """The card is one process's to post at a time."""
    office.open()
    office.open()
    office.slack.wait_for(lambda: all_there(office), 30)
    assert len(office.cards()) == 5


@pytest.mark.parametrize("error", ["http_503", "internal_error", "channel_not_found"])
def test_what_slack_does_not_take_is_tried_again(office, monkeypatch, error):
    """Whether it says so, or does not know itself."""
    monkeypatch.setattr(posting, "UNSURE_PAUSE", 0.1)
    office.slack.fail("chat.postMessage", error, 2)
    office.open()
    office.slack.wait_for(lambda: all_there(office), 30)
    assert set(names(office).values()) == {1}


def test_slacks_pace_is_kept(office):
    """One message a second and channel: nothing is refused for being too fast, and a pause is waited for."""
    office.slack.message_gap = 1.0
    office.slack.rate_limit(1, 2, "chat.postMessage")
    office.open(pace_seconds=1.0)
    office.slack.wait_for(lambda: all_there(office), 30)
    tried = office.slack.calls_of("chat.postMessage")
    assert len(tried) == 6
    assert all(later.at - earlier.at > 0.99 for earlier, later in pairwise(tried))


def test_a_decision_in_the_terminal_reaches_the_card(office):
    """Nobody tells Slack; the card is looked at."""
    office.open()
    card = office.card()
    assert buttons(card)
    office.house.skip(office.draft_of(card), "not this month")
    office.slack.wait_for(lambda: not buttons(card))
    assert "not this month" in card.words


def test_a_decided_draft_gets_no_card(office):
    """It was decided before anybody could see it in Slack."""
    draft = office.house.draft()[0][0].queued.draft_id
    office.house.skip(draft, "no")
    desk = office.open()
    assert desk.settle(30)
    assert len(office.cards()) == 4


def test_an_edit_in_the_terminal_reaches_the_card(office):
    """The newer text stands there, and the button means it."""
    office.open()
    card = office.card()
    view = office.seen(card)
    message = view.message.model_copy(update={"subject": storable("A better subject")})
    office.house.edit(view.line.draft_id, message)
    office.slack.wait_for(lambda: "A better subject" in card.words)
    assert '"version":2' in str(card.blocks)


def test_stopping_is_shown_on_every_waiting_card(office):
    """And resuming takes it away again."""
    desk = office.open()
    office.slack.wait_for(lambda: all_there(office), 30)
    office.house.stop("a mistake in the price")
    assert desk.settle(30)
    assert all(
        "Sending is stopped" in card.words and "a mistake in the price" in card.words
        for card in office.cards()
    )
    office.house.resume()
    assert desk.settle(30)
    assert not any("Sending is stopped" in card.words for card in office.cards())


def test_a_forgotten_customers_card_is_taken_out_of_slack(office):
    """Whatever is left of it is a name that says nothing."""
    desk = office.open()
    office.slack.wait_for(lambda: all_there(office), 30)
    card = office.card()
    office.house.forget(office.seen(card).line.account_id)
    office.slack.wait_for(lambda: card not in office.slack.messages)
    assert desk.settle(30)
    assert posts.orphans(office.house.store) == ()
    assert len(office.cards()) == 4


def test_a_card_that_somebody_deleted_is_left_alone(office):
    """It holds up no other."""
    desk = office.open()
    office.slack.wait_for(lambda: all_there(office), 30)
    card, other = office.card(), office.card(1)
    draft = office.draft_of(card)
    office.slack.said.remove(card)
    office.house.skip(draft, "no")
    office.house.skip(office.draft_of(other), "no")
    office.slack.wait_for(lambda: not buttons(other))
    assert desk.settle(30)


def test_a_card_shows_a_chart_that_slack_has(office):
    """The image needs a moment with Slack; the card waits for it a little."""
    with_charts(office)
    office.slack.file_delay = 1.5
    office.open()
    card = office.card()
    assert [block["type"] for block in card.blocks].count("image") == 1
    [upload] = [one for one in office.slack.files.values() if one.file_id in str(card.blocks)]
    assert upload.content.startswith(b"\x89PNG")
    assert upload.alt_text


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            lambda slack: slack.fail("files.getUploadURLExternal", "internal_error", 99), id="refused"
        ),
        pytest.param(lambda slack: setattr(slack, "file_delay", 600.0), id="never ready"),
    ],
)
def test_a_chart_never_keeps_a_card_back(office, fault):
    """Without one the card is posted all the same."""
    with_charts(office)
    fault(office.slack)
    office.open()
    card = office.slack.wait_for(lambda: office.cards()[:1], 40)[0]
    assert "image" not in [block["type"] for block in card.blocks]
    assert Action.APPROVE in card.action_ids


def test_settling_waits_for_every_card(office):
    """For those who start a desk, let it put things right, and end it."""
    assert not office.open().settle(0.0)
    desk = office.open()
    assert desk.settle(30)
    assert has_card(office)


def test_slack_may_be_unreachable_at_the_start(office):
    """The desk comes up, and goes on when Slack does."""
    office.slack.fail("auth.test", "http_503", 6)
    desk = office.open()
    office.slack.wait_for(lambda: desk.is_connected, 30)
    office.slack.wait_for(lambda: all_there(office), 30)


@pytest.mark.parametrize("how", ["drop_connections", "disconnect"])
def test_a_lost_connection_is_opened_again(office, how):
    """Cut without a word, or by Slack's own request: clicks arrive again within seconds."""
    desk = office.open()
    card = office.card()
    before = office.slack.connected
    getattr(office.slack, how)()
    office.slack.wait_for(lambda: office.slack.connected > before, 8)
    office.slack.wait_for(lambda: desk.is_connected, 8)
    assert office.slack.click(card, Action.WHY, user=DANA).wait(8).acked_after < 3
