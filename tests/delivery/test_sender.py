"""The outbox worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import update

from agent.approval.states import DeliveryState, DraftState
from agent.approval.suppressions import suppress
from agent.approval.tables import Delivery
from agent.approval.views import show_draft
from agent.delivery.channel import PermanentFailure, TemporaryFailure
from agent.delivery.outbox import list_deliveries, settle_unknown
from agent.delivery.sender import GOOD_FOR, MOST_ATTEMPTS, Result, send
from agent.foundation.errors import MoveRefused, NotFound, Stale
from agent.foundation.store import Store
from agent.learning.replies import ReplyKind, record_reply
from tests.approval.made import AS_OF, DAY, NOW, queued
from tests.delivery.made import ScriptedChannel, approved, on_its_way, slot, states

MINUTE = timedelta(minutes=1)


def test_what_is_approved_is_sent_once(store: Store) -> None:
    """Two runs, one message."""
    done = on_its_way(store)
    channel = ScriptedChannel()
    assert [one.result for one in send(store, [channel], now=NOW)] == [Result.SENT]
    assert send(store, [channel], now=NOW + DAY) == ()
    assert [one.delivery_id for one in channel.handed_over] == [done.delivery_id]
    assert show_draft(store, done.draft_id).line.state is DraftState.SENT
    assert slot(store).reserved_delivery is None


def test_the_envelope_carries_the_approved_version(store: Store) -> None:
    """Everything a channel needs, and the text a person read."""
    done = on_its_way(store)
    channel = ScriptedChannel()
    send(store, [channel], now=NOW)
    envelope = channel.handed_over[0]
    assert (envelope.to_address, envelope.from_address) == ("ann@acme.example", "dana@docs.example")
    assert envelope.body == show_draft(store, done.draft_id).message.body


def test_the_trail_tells_every_step(store: Store) -> None:
    """From the draft to the sending."""
    done = on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW)
    lines = [(line.subject.partition(":")[0], line.what) for line in show_draft(store, done.draft_id).audit]
    assert lines == [
        ("draft", "drafted"),
        ("draft", "pending"),
        ("draft", "approved"),
        ("delivery", "queued"),
        ("draft", "sending"),
        ("delivery", "sending"),
        ("draft", "sent"),
        ("delivery", "sent"),
    ]


def test_the_thirty_days_begin_with_the_sending(store: Store) -> None:
    """Not with the approval."""
    on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW + 3 * DAY)
    assert slot(store).prompted_at >= NOW + 3 * DAY


def test_a_passing_failure_is_tried_again_after_a_growing_pause(store: Store) -> None:
    """One minute, then two, and the slot stays taken."""
    on_its_way(store)
    channel = ScriptedChannel(TemporaryFailure("busy"), TemporaryFailure("busy"))
    assert [one.result for one in send(store, [channel], now=NOW)] == [Result.RETRIED]
    assert states(store) == {"acme": DeliveryState.QUEUED}
    assert slot(store).reserved_delivery is not None
    assert send(store, [channel], now=NOW + 0.7 * MINUTE) == ()
    assert [one.result for one in send(store, [channel], now=NOW + 1.3 * MINUTE)] == [Result.RETRIED]
    assert send(store, [channel], now=NOW + 2.7 * MINUTE) == ()
    assert [one.result for one in send(store, [channel], now=NOW + 4 * MINUTE)] == [Result.SENT]
    assert list_deliveries(store)[0].attempts == 3


def test_it_is_given_up_in_the_end(store: Store) -> None:
    """After the last attempt the draft has failed, and the slot is free."""
    on_its_way(store)
    channel = ScriptedChannel(*[TemporaryFailure("busy")] * MOST_ATTEMPTS)
    results = [one.result for n in range(MOST_ATTEMPTS) for one in send(store, [channel], now=NOW + n * DAY)]
    assert results == [Result.RETRIED] * (MOST_ATTEMPTS - 1) + [Result.FAILED]
    assert slot(store).prompted_at is None


def test_a_lasting_failure_gives_the_slot_back_as_it_was(store: Store) -> None:
    """The prompt before it counts again, and no other."""
    on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW)
    before = slot(store)
    later = NOW + 31 * DAY
    second = queued(store, now=later, as_of=AS_OF + 31 * DAY)
    approved(store, second.draft_id, now=later)
    gone = ScriptedChannel(PermanentFailure("no such user", is_address_bad=True))
    assert [one.result for one in send(store, [gone], now=later)] == [Result.FAILED]
    after = slot(store)
    assert (after.prompted_at, after.prompted_groups, after.prompted_offer) == (
        before.prompted_at,
        before.prompted_groups,
        before.prompted_offer,
    )
    assert after.reserved_delivery is None
    assert show_draft(store, second.draft_id).line.state is DraftState.FAILED


@pytest.mark.parametrize(("is_address_bad", "suppressed"), [(True, True), (False, False)])
def test_a_bad_address_is_not_tried_for_another_account(
    store: Store, is_address_bad: bool, suppressed: bool
) -> None:
    """A bounce is a suppression; another lasting failure is not."""
    on_its_way(store)
    send(store, [ScriptedChannel(PermanentFailure("no", is_address_bad=is_address_bad))], now=NOW)
    again = queued(store, now=NOW + DAY, as_of=AS_OF + DAY).draft_id
    if suppressed:
        with pytest.raises(Stale, match="bounced"):
            approved(store, again, now=NOW + DAY)
    else:
        assert approved(store, again, now=NOW + DAY).delivery_id


@pytest.mark.parametrize("silenced_by", ["suppression", "stop reply", "open conversation", "old approval"])
def test_what_happened_since_the_approval_still_stops_it(store: Store, silenced_by: str) -> None:
    """The last look is right before the handing over; the slot is given back."""
    done = on_its_way(store)
    now = NOW + DAY
    if silenced_by == "suppression":
        with store.writing() as session:
            suppress(session, account_id=None, address="ann@acme.example", reason="x", who="Dana", now=now)
    elif silenced_by == "stop reply":
        record_reply(store, "acme", ReplyKind.STOP, "stop", who="Dana", now=now)
    elif silenced_by == "open conversation":
        record_reply(store, "acme", ReplyKind.QUESTION, "how much?", who="Dana", now=now)
    else:
        now = NOW + GOOD_FOR + MINUTE
    channel = ScriptedChannel()
    assert [one.result for one in send(store, [channel], now=now)] == [Result.CANCELLED]
    assert channel.handed_over == []
    assert show_draft(store, done.draft_id).line.state is DraftState.STALE
    assert slot(store).prompted_at is None


def interrupt(store: Store, *, lease_until=NOW - MINUTE, holder: str = "elsewhere/1/x") -> str:
    """A delivery whose worker vanished between leasing and recording."""
    done = on_its_way(store)
    with pytest.raises(KeyboardInterrupt):
        send(store, [ScriptedChannel(KeyboardInterrupt())], now=NOW)
    with store.writing() as session:
        session.execute(update(Delivery).values(lease_until=lease_until, leased_by=holder))
    assert states(store) == {"acme": DeliveryState.SENDING}
    return done.delivery_id


@pytest.mark.parametrize(
    ("verdict", "result", "draft"),
    [
        (True, Result.SENT, DraftState.SENT),
        (False, Result.RETRIED, DraftState.APPROVED),
        (None, Result.UNKNOWN, DraftState.UNKNOWN),
    ],
)
def test_an_interrupted_delivery_is_settled_by_what_the_channel_knows(
    store: Store, verdict: bool | None, result: Result, draft: DraftState
) -> None:
    """And never handed over again on a guess."""
    delivery_id = interrupt(store)
    channel = ScriptedChannel(verdict=verdict)
    assert [one.result for one in send(store, [channel], now=NOW)] == [result]
    assert channel.handed_over == []
    assert show_draft(store, delivery_id[:16]).line.state is draft
    assert slot(store).prompted_at is not None


def test_a_worker_that_is_still_at_work_is_left_alone(store: Store) -> None:
    """Its lease has not run out, and its process cannot be seen from here."""
    interrupt(store, lease_until=NOW + MINUTE)
    assert send(store, [ScriptedChannel(verdict=True)], now=NOW) == ()
    assert states(store) == {"acme": DeliveryState.SENDING}


def test_a_lease_is_not_waited_for_when_its_process_has_ended(store: Store) -> None:
    """On the same machine an ended process is seen at once."""
    from agent.foundation.holder import this_holder

    place = this_holder().partition("/")[0]
    interrupt(store, lease_until=NOW + DAY, holder=f"{place}/4194999/x")
    assert [one.result for one in send(store, [ScriptedChannel(verdict=True)], now=NOW)] == [Result.SENT]


@pytest.mark.parametrize(("verdict", "result"), [(True, Result.SENT), (None, Result.UNKNOWN)])
def test_an_error_no_channel_foresaw_is_not_taken_for_a_failure(
    store: Store, verdict: bool | None, result: Result
) -> None:
    """The message may have gone out; the channel is asked, and else a person."""
    on_its_way(store)
    channel = ScriptedChannel(RuntimeError("connection lost"), verdict=verdict)
    assert [one.result for one in send(store, [channel], now=NOW)] == [result]


def test_an_unknown_delivery_is_never_sent_on_its_own(store: Store) -> None:
    """It waits for a person, and holds the slot."""
    interrupt(store)
    send(store, [ScriptedChannel(verdict=None)], now=NOW)
    channel = ScriptedChannel(verdict=False)
    assert send(store, [channel], now=NOW + 400 * DAY) == ()
    assert states(store) == {"acme": DeliveryState.UNKNOWN}


@pytest.mark.parametrize(
    ("arrived", "again", "delivery", "draft", "is_free"),
    [
        (True, True, DeliveryState.SENT, DraftState.SENT, False),
        (False, True, DeliveryState.FAILED, DraftState.PENDING, True),
        (False, False, DeliveryState.FAILED, DraftState.FAILED, True),
    ],
)
def test_a_persons_word_settles_it(
    store: Store, arrived: bool, again: bool, delivery: DeliveryState, draft: DraftState, is_free: bool
) -> None:
    """Arrived keeps the thirty days, not arrived gives them back."""
    delivery_id = interrupt(store)
    send(store, [ScriptedChannel(verdict=None)], now=NOW)
    settle_unknown(store, delivery_id, arrived=arrived, who="Dana", now=NOW + DAY, again=again)
    assert states(store) == {"acme": delivery}
    assert show_draft(store, delivery_id[:16]).line.state is draft
    assert (slot(store).prompted_at is None) is is_free
    assert slot(store).reserved_delivery is None
    with pytest.raises(MoveRefused, match="nothing to settle"):
        settle_unknown(store, delivery_id, arrived=not arrived, who="Eli", now=NOW + DAY)


def test_what_did_not_arrive_may_be_approved_again_as_another_delivery(store: Store) -> None:
    """With an id and a Message-ID of its own."""
    delivery_id = interrupt(store)
    send(store, [ScriptedChannel(verdict=None)], now=NOW)
    settle_unknown(store, delivery_id, arrived=False, who="Dana", now=NOW)
    again = approved(store, delivery_id[:16])
    assert again.delivery_id != delivery_id
    assert [one.result for one in send(store, [ScriptedChannel()], now=NOW)] == [Result.SENT]


def test_an_unknown_id_is_said_to_be_unknown(store: Store) -> None:
    """Settling nothing is an error."""
    with pytest.raises(NotFound, match="There is no delivery"):
        settle_unknown(store, "nope", arrived=True, who="Dana", now=NOW)


def test_the_limit_bounds_how_many_are_handed_over(store: Store) -> None:
    """Oldest first."""
    for number, account in enumerate(["c", "a", "b"]):
        on_its_way(store, account, now=NOW + number * MINUTE)
    channel = ScriptedChannel()
    send(store, [channel], now=NOW + DAY, limit=2)
    assert [one.account_id for one in channel.handed_over] == ["c", "a"]


def test_a_delivery_of_another_channel_waits(store: Store) -> None:
    """A worker sends what its channels can send."""
    on_its_way(store, channel="pigeon")
    assert send(store, [ScriptedChannel()], now=NOW) == ()
    assert states(store) == {"acme": DeliveryState.QUEUED}
