"""Which messages should stand in Slack, and whose turn it is to see to them."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from agent.approval import posts
from agent.approval.decisions import skip, snooze
from agent.approval.tables import Delivery
from agent.approval.tables_running import Post
from agent.delivery.approve import approve
from agent.delivery.channel import Channel, PermanentFailure, unannounced
from agent.delivery.outbox import settle_unknown
from agent.delivery.sender import send
from agent.learning.forget import forget
from tests.approval.made import NOW, an_assessment, finds_nothing, nothing_around, queued

LEASE = timedelta(minutes=2)
CHANNEL = "C1"


class Scripted(Channel):
    """A channel that does what it is told to, and cannot say afterwards whether it took the message."""

    name = "eml"
    reaches_customers = False

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def deliver(self, envelope, announce=unannounced) -> None:
        if self.error:
            raise self.error

    def was_delivered(self, delivery_id):
        return None

    def erase(self, delivery_id) -> None:
        pass


def posted(store, post_id, ts="1.1", shows="x") -> None:
    """The message is in Slack."""
    posts.claim(store, post_id, now=NOW, holder="me", lease=LEASE)
    posts.arrived(store, post_id, holder="me", ts=ts, shows=shows)


def approved(store, account="acme") -> str:
    """A draft with its card, approved; answers its id."""
    draft = queued(store, account).draft_id
    posts.want_cards(store, CHANNEL, NOW)
    posted(store, posts.card_id(draft))
    approve(
        store, draft, who="slack:T1/U1", now=NOW, look_again=lambda _: an_assessment(account),
        check=finds_nothing, surroundings=nothing_around,
    )  # fmt: skip
    return draft


def noted(store) -> list[str]:
    """Every message that is noted, by name."""
    with store.reading() as session:
        return sorted(session.exec(select(Post.post_id)))


def test_each_waiting_draft_wants_one_card(store):
    """However often that is asked; a decided one wants none."""
    one, other = queued(store, "acme").draft_id, queued(store, "globex").draft_id
    skip(store, other, who="dana", reason="no", now=NOW)
    assert posts.want_cards(store, CHANNEL, NOW) == 1
    assert posts.want_cards(store, CHANNEL, NOW) == 0
    assert noted(store) == [posts.card_id(one)]
    assert posts.missing(store) == 1


def test_a_message_is_one_processes_at_a_time(store):
    """Until it arrived, was left, or the time is over."""
    card = posts.card_id(queued(store).draft_id)
    posts.want_cards(store, CHANNEL, NOW)
    assert posts.unposted(store, NOW) == card
    assert posts.claim(store, card, now=NOW, holder="me", lease=LEASE) is not None
    assert posts.claim(store, card, now=NOW, holder="you", lease=LEASE) is None
    assert posts.unposted(store, NOW) is None
    assert posts.unposted(store, NOW + LEASE) == card
    assert posts.claim(store, card, now=NOW + LEASE, holder="you", lease=LEASE) is not None
    assert not posts.arrived(store, card, holder="me", ts="1.1", shows="x")
    assert posts.arrived(store, card, holder="you", ts="1.1", shows="x")
    assert posts.unposted(store, NOW + LEASE) is None
    assert posts.missing(store) == 0


def test_what_was_tried_is_known_to_have_been_tried(store):
    """Unless Slack itself said that it did not take it."""
    card = posts.card_id(queued(store).draft_id)
    posts.want_cards(store, CHANNEL, NOW)
    posts.claim(store, card, now=NOW, holder="me", lease=LEASE)
    posts.handing_over(store, card, now=NOW, holder="me")
    later = NOW + timedelta(seconds=3)
    posts.release(store, card, holder="me", not_before=later, error="no answer")
    assert posts.placed(store, card).tried_at == NOW
    assert posts.unposted(store, NOW) is None
    assert posts.unposted(store, later) == card
    posts.claim(store, card, now=later, holder="me", lease=LEASE)
    posts.release(store, card, holder="me", is_surely_not_there=True)
    assert posts.placed(store, card).tried_at is None


def test_a_card_is_looked_at_until_nothing_moves_its_draft(store):
    """With what its draft and its newest delivery have come to."""
    draft = approved(store)
    [card] = posts.cards_to_look_at(store)
    assert (card.state, card.delivery, card.delivery_state) == ("approved", f"{draft}-1", "queued")
    posted(store, card.post_id, shows=f"{posts.SETTLED}sent")
    assert posts.cards_to_look_at(store) == ()


def test_a_result_is_told_once_and_an_answered_question_is_rewritten(store):
    """Unknown asks; what a person says about it is no second message."""
    draft = approved(store)
    assert posts.want_results(store, NOW) == 0
    send(store, [Scripted(OSError("gone"))], now=NOW)
    assert posts.want_results(store, NOW) == 1
    assert posts.want_results(store, NOW) == 0
    told = posts.result_id(f"{draft}-1", "unknown")
    assert posts.unposted(store, NOW) == told
    posted(store, told, shows="unknown")
    assert posts.settled_results(store) == ()
    settle_unknown(store, f"{draft}-1", arrived=True, who="dana", now=NOW)
    assert posts.settled_results(store) == (told,)
    assert posts.want_results(store, NOW) == 0


def test_a_result_without_a_card_is_told_nowhere(store):
    """Slack was switched on later."""
    draft = queued(store).draft_id
    approve(
        store, draft, who="dana", now=NOW, look_again=lambda _: an_assessment(),
        check=finds_nothing, surroundings=nothing_around,
    )  # fmt: skip
    send(store, [Scripted(PermanentFailure("no such box", is_address_bad=True))], now=NOW)
    assert posts.want_results(store, NOW) == 0


def test_results_go_before_cards(store):
    """A founder who decided waits for what became of it."""
    approved(store)
    queued(store, "globex")
    posts.want_cards(store, CHANNEL, NOW)
    send(store, [Scripted()], now=NOW)
    posts.want_results(store, NOW)
    assert posts.unposted(store, NOW).startswith("result:")


def test_every_move_is_seen_by_the_cheap_question(store):
    """Whether anything has changed."""
    seen = [posts.newest_change(store)]
    draft = queued(store).draft_id
    seen.append(posts.newest_change(store))
    snooze(store, draft, days=3, who="dana", now=NOW)
    seen.append(posts.newest_change(store))
    assert seen == sorted(set(seen))


def test_forgetting_leaves_only_the_names_of_what_is_to_be_taken_out_of_slack(store):
    """What never went there is gone at once."""
    draft = approved(store)
    other = queued(store, "globex").draft_id
    posts.want_cards(store, CHANNEL, NOW)
    forget(store, "acme", who="dana", now=NOW)
    forget(store, "globex", who="dana", now=NOW)
    assert posts.orphans(store) == (posts.card_id(draft),)
    assert noted(store) == [posts.card_id(draft)]
    left = posts.placed(store, posts.card_id(draft))
    assert (left.draft_id, left.shows, left.ts) == (None, "", "1.1")
    assert posts.placed(store, posts.card_id(other)) is None
    with store.reading() as session:
        assert session.exec(select(Delivery)).all() == []
