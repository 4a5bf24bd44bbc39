"""What keeps an approved message back: hours, the ceiling, the stop, a channel that is down, a new look at everything."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlmodel import update

from agent.approval.states import DeliveryState, DraftState
from agent.approval.suppressions import suppress
from agent.approval.switches import resume_sending, sending_stopped, stop_sending
from agent.approval.tables import Delivery
from agent.approval.views import show_draft
from agent.delivery.ceiling import taken_on
from agent.delivery.channel import AnswerLost, ChannelDown, PermanentFailure, TemporaryFailure
from agent.delivery.foreseeing import Fate, foresee
from agent.delivery.leasing import ASKED_AGAIN, LOOKED_AT_FOR
from agent.delivery.outbox import call_back, list_deliveries, under_way
from agent.delivery.rules import SendingRules
from agent.delivery.sender import MOST_ATTEMPTS, Result, Sent, send
from agent.foundation.errors import MoveRefused, NotFound, StoreBusy
from agent.foundation.store import Store, open_store
from tests.approval.made import DAY, NOW, a_brief, queued
from tests.delivery.made import ScriptedChannel, approved, on_its_way, slot, states

MINUTE = timedelta(minutes=1)
EVENING = NOW.replace(hour=20)


def rules(**changes: Any) -> SendingRules:
    """From 8 to 18 o'clock on weekdays, in UTC; NOW is a Monday morning."""
    values: dict[str, Any] = {
        "quiet_from": time(18),
        "quiet_until": time(8),
        "weekends": False,
        "daily_ceiling": 0,
        "time_zone": "UTC",
    }
    return SendingRules(**{**values, **changes})


def run(store: Store, channel: ScriptedChannel, now: datetime = NOW, **more: Any) -> list[tuple[Result, str]]:
    """One run; what became of each, and why."""
    return [
        (one.result, one.says)
        for one in send(store, [channel], now=now, rules=more.pop("rules", rules()), **more)
    ]


def test_in_quiet_hours_a_message_waits_and_says_for_what(store: Store) -> None:
    """It leaves in the morning, with nothing lost meanwhile."""
    on_its_way(store, now=EVENING)
    channel = ScriptedChannel()
    assert run(store, channel, EVENING) == [(Result.WAITING, "quiet hours until Tue 08:00 in UTC")]
    [line] = list_deliveries(store)
    assert (line.state, line.attempts, line.waits) == ("queued", 0, "quiet hours until Tue 08:00 in UTC")
    assert channel.handed_over == []
    assert [one for one, _ in run(store, channel, EVENING + timedelta(hours=12))] == [Result.SENT]
    assert list_deliveries(store)[0].waits is None


def test_the_readers_zone_decides(store: Store) -> None:
    """Nine o'clock in London is four in New York."""
    brief = a_brief()
    there = brief.recipient.model_copy(update={"time_zone": "America/New_York"})
    approved(store, queued(store, recipient=there).draft_id)
    assert run(store, ScriptedChannel()) == [
        (Result.WAITING, "quiet hours until Mon 08:00 in America/New_York")
    ]
    assert [one for one, _ in run(store, ScriptedChannel(), NOW + timedelta(hours=5))] == [Result.SENT]


def test_a_file_for_the_founder_waits_for_no_hour(store: Store) -> None:
    """They read it when they like, and it is not counted."""
    on_its_way(store, now=EVENING)
    channel = ScriptedChannel(reaches_customers=False)
    assert [one for one, _ in run(store, channel, EVENING, rules=rules(daily_ceiling=1))] == [Result.SENT]
    with store.reading() as session:
        assert taken_on(session, EVENING.date()) == 0


def test_new_hours_hold_within_the_hour(store: Store) -> None:
    """What waits is asked again, in case the founder has changed the rules."""
    on_its_way(store, now=EVENING)
    run(store, ScriptedChannel(), EVENING)
    later = EVENING + ASKED_AGAIN + timedelta(minutes=5)  # The run's own clock goes on while it works.
    assert run(store, ScriptedChannel(), later) == []  # Nothing new to say.
    open_now = rules(quiet_from=time(8))
    assert [one for one, _ in run(store, ScriptedChannel(), later + 2 * ASKED_AGAIN, rules=open_now)] == [
        Result.SENT
    ]


def test_what_waits_takes_nobodys_turn(store: Store) -> None:
    """A limit counts what is handed over."""
    there = a_brief("far").recipient.model_copy(update={"time_zone": "America/New_York"})
    approved(store, queued(store, "far", recipient=there).draft_id)
    on_its_way(store, "near", now=NOW + MINUTE)
    channel = ScriptedChannel()
    run(store, channel, NOW + MINUTE, limit=1)
    assert [one.account_id for one in channel.handed_over] == ["near"]


def test_the_ceiling_of_the_day(store: Store) -> None:
    """Two leave today, the third tomorrow."""
    for number in range(3):
        on_its_way(store, f"a{number}", now=NOW + number * MINUTE)
    channel = ScriptedChannel()
    given = rules(daily_ceiling=2)
    done = run(store, channel, NOW + DAY / 24, rules=given)
    assert [one for one, _ in done] == [Result.SENT, Result.SENT, Result.WAITING]
    assert done[-1][1] == "the day's ceiling of 2 until Tue 00:00 in UTC"
    assert [one for one, _ in run(store, channel, NOW + DAY, rules=given)] == [Result.SENT]


@pytest.mark.parametrize(
    ("happens", "taken"),
    [
        pytest.param(TemporaryFailure("busy"), 0, id="tried later"),
        pytest.param(PermanentFailure("no"), 0, id="failed"),
        pytest.param(ChannelDown("away"), 0, id="channel down"),
        pytest.param(AnswerLost("who knows"), 1, id="nobody knows"),
        pytest.param(None, 1, id="sent"),
    ],
)
def test_a_place_is_given_back_only_when_nothing_left(
    store: Store, happens: BaseException | None, taken: int
) -> None:
    """What may have left has used it."""
    on_its_way(store)
    run(store, ScriptedChannel(happens), rules=rules(daily_ceiling=9))
    with store.reading() as session:
        assert taken_on(session, NOW.date()) == taken


def test_workers_together_never_pass_the_ceiling(store: Store, state_url: str) -> None:
    """Six workers, twenty messages, a ceiling of seven."""
    for number in range(20):
        on_its_way(store, f"a{number}")
    channels = [ScriptedChannel() for _ in range(6)]

    def work(channel: ScriptedChannel) -> None:
        with open_store(state_url) as own:
            run(own, channel, rules=rules(daily_ceiling=7))

    threads = [threading.Thread(target=work, args=[channel]) for channel in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(channel.handed_over) for channel in channels) == 7
    with store.reading() as session:
        assert taken_on(session, NOW.date()) == 7


# The stop.


def test_after_the_stop_nothing_leaves(store: Store) -> None:
    """Whoever sends, and until it is resumed."""
    on_its_way(store)
    stop_sending(store, who="Dana", reason="a wrong price", now=NOW)
    channel = ScriptedChannel()
    assert run(store, channel) == []
    assert (
        list_deliveries(store)[0].waits == "sending is stopped since 2026-03-02 09:00 by Dana: a wrong price"
    )
    assert channel.handed_over == []
    assert resume_sending(store, who="Eli", now=NOW)
    assert not resume_sending(store, who="Eli", now=NOW)
    assert [one for one, _ in run(store, channel)] == [Result.SENT]


def test_a_stop_meets_a_run_that_is_under_way(store: Store) -> None:
    """The message being handed over is the last."""
    for number in range(3):
        on_its_way(store, f"a{number}")

    class Stopping(ScriptedChannel):
        def deliver(self, envelope: Any, announce: Any = None) -> None:
            super().deliver(envelope)
            stop_sending(store, who="Dana", reason="", now=NOW)
            assert under_way(store) == (envelope.delivery_id,)

    channel = Stopping()
    assert [one for one, _ in run(store, channel)] == [Result.SENT]
    assert len(channel.handed_over) == 1
    assert under_way(store) == ()


def test_a_stop_holds_up_to_the_last_moment(store: Store) -> None:
    """A slow server's message is kept back although its lease was taken before the stop."""
    on_its_way(store)

    class Slow(ScriptedChannel):
        announces = True

        def deliver(self, envelope: Any, announce: Any = None) -> None:
            stop_sending(store, who="Dana", reason="", now=NOW)
            super().deliver(envelope, announce)

    channel = Slow()
    assert run(store, channel) == [(Result.RETRIED, "sending was stopped before it left; tried again in 0 s")]
    assert channel.handed_over == []
    [line] = list_deliveries(store)
    assert (line.state, line.attempts) == (DeliveryState.QUEUED, 0)


def test_stopping_twice_keeps_who_was_first(store: Store) -> None:
    """And takes the newer reason."""
    stop_sending(store, who="Dana", reason="one", now=NOW)
    again = stop_sending(store, who="Eli", reason="two", now=NOW + DAY)
    assert (again.who, again.since, again.reason) == ("Dana", NOW, "two")
    assert stop_sending(store, who="Eli", reason="", now=NOW + DAY).reason == "two"
    with store.reading() as session:
        found = sending_stopped(session)
    assert found is not None
    assert found.who == "Dana"


def test_once_the_stop_has_answered_no_lease_is_taken(store: Store, state_url: str) -> None:
    """Workers race with the stop; what they handed over, they had leased before it."""
    for number in range(30):
        on_its_way(store, f"a{number}")
    stopped = threading.Event()
    late: list[str] = []

    class Watching(ScriptedChannel):
        announces = True

        def deliver(self, envelope: Any, announce: Any = None) -> None:
            assert announce is not None
            was_stopped = stopped.is_set()
            announce()
            if was_stopped:
                late.append(envelope.delivery_id)

    def work() -> None:
        with open_store(state_url) as own:
            run(own, Watching())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    stop_sending(store, who="Dana", reason="", now=NOW)
    stopped.set()
    for thread in threads:
        thread.join()
    assert late == []


# A channel that is down, or not set up.


def test_a_channel_that_is_down_costs_no_attempt(store: Store) -> None:
    """One is tried, all wait, and none is ever given up for it."""
    for number in range(3):
        on_its_way(store, f"a{number}")
    channel = ScriptedChannel(*[ChannelDown("the password is wrong")] * 20)
    for number in range(MOST_ATTEMPTS + 2):
        done = run(store, channel, NOW + number * timedelta(minutes=6))
        assert [one for one, _ in done] == [Result.RETRIED]
    lines = list_deliveries(store)
    assert {(one.state, one.attempts) for one in lines} == {(DeliveryState.QUEUED, 0)}
    assert {one.waits for one in lines} == {"the password is wrong"}
    channel.script.clear()
    assert [one for one, _ in run(store, channel, NOW + 2 * timedelta(hours=1))] == [Result.SENT] * 3


def test_a_channel_that_is_not_set_up_is_not_tried(store: Store) -> None:
    """Its messages wait."""
    on_its_way(store)
    assert run(store, ScriptedChannel(lacks="a key")) == []
    assert states(store) == {"acme": DeliveryState.QUEUED}


def test_the_pause_another_asks_for_is_kept(store: Store) -> None:
    """Where it is longer than ours."""
    on_its_way(store)
    channel = ScriptedChannel(TemporaryFailure("later", pause=timedelta(minutes=30)))
    run(store, channel)
    assert run(store, channel, NOW + 29 * MINUTE) == []
    assert [one for one, _ in run(store, channel, NOW + 31 * MINUTE)] == [Result.SENT]


def test_what_failed_together_is_not_tried_again_together(store: Store) -> None:
    """The pauses differ, by no more than a quarter each way."""
    for number in range(12):
        on_its_way(store, f"a{number}")
    run(store, ScriptedChannel(*[TemporaryFailure("busy")] * 12))
    pauses = [(one.not_before - NOW).total_seconds() for one in list_deliveries(store) if one.not_before]
    assert len(pauses) == 12
    assert all(44 <= pause <= 80 for pause in pauses)
    assert max(pauses) - min(pauses) > 5


# Everything is looked at again.


def looks(*reasons: str) -> tuple[list[str], Any]:
    """A look that finds these reasons, and what it was asked about."""
    asked: list[str] = []

    def look(delivery_id: str) -> Sequence[str]:
        asked.append(delivery_id)
        return reasons

    return asked, look


@pytest.mark.parametrize(
    ("age", "is_looked_at"), [(LOOKED_AT_FOR - MINUTE, False), (LOOKED_AT_FOR + MINUTE, True)]
)
def test_an_approval_of_a_while_ago_is_looked_at_again(
    store: Store, age: timedelta, is_looked_at: bool
) -> None:
    """A fresh one has just been."""
    done = on_its_way(store)
    asked, look = looks()
    assert [one for one, _ in run(store, ScriptedChannel(), NOW + age, look_again=look)] == [Result.SENT]
    assert asked == [done.delivery_id] * is_looked_at


def test_what_no_longer_holds_does_not_leave(store: Store) -> None:
    """Cancelled with the reason, its draft stale, its slot free."""
    done = on_its_way(store)
    _, look = looks("the plan has changed", "a ticket is open")
    channel = ScriptedChannel()
    says = "the plan has changed; a ticket is open"
    assert run(store, channel, NOW + DAY, look_again=look) == [(Result.CANCELLED, says)]
    seen = show_draft(store, done.draft_id)
    assert (seen.line.state, seen.line.reason) == (DraftState.STALE, says)
    assert channel.handed_over == []
    assert slot(store).prompted_at is None


def test_what_cannot_be_looked_at_waits(store: Store) -> None:
    """The facts are busy; nothing leaves on old knowledge."""
    on_its_way(store)

    def busy(_delivery_id: str) -> Sequence[str]:
        raise StoreBusy("The facts are in use.")

    channel = ScriptedChannel()
    says = "it cannot be looked at again yet: The facts are in use"
    assert run(store, channel, NOW + timedelta(hours=1), look_again=busy) == [(Result.WAITING, says)]
    assert channel.handed_over == []
    _, look = looks()
    assert [one for one, _ in run(store, channel, NOW + timedelta(hours=2), look_again=look)] == [Result.SENT]


def test_what_waits_for_its_hour_is_not_looked_at_yet(store: Store) -> None:
    """Looking costs a moment each, and would have to be done again."""
    on_its_way(store)
    asked, look = looks()
    assert [one for one, _ in run(store, ScriptedChannel(), EVENING, look_again=look)] == [Result.WAITING]
    assert asked == []


# Answers that were lost.


def test_what_may_be_repeated_is_repeated_until_it_is_known(store: Store) -> None:
    """A channel that tells repetitions apart is handed the same delivery again; nobody else has it meanwhile."""
    done = on_its_way(store)
    channel = ScriptedChannel(AnswerLost("cut off"), TemporaryFailure("busy"), repeats_within=DAY)
    assert [one for one, _ in run(store, channel)] == [Result.RETRIED]
    [line] = list_deliveries(store)
    assert (line.state, line.waits) == (DeliveryState.SENDING, "cut off")
    with pytest.raises(MoveRefused, match="cannot be called back"):
        call_back(store, done.delivery_id, who="Dana", now=NOW)
    assert run(store, channel, NOW + MINUTE / 2) == []
    assert [one for one, _ in run(store, channel, NOW + 2 * MINUTE)] == [Result.RETRIED]
    assert [one for one, _ in run(store, channel, NOW + 10 * MINUTE)] == [Result.SENT]
    assert [one.delivery_id for one in channel.handed_over] == [done.delivery_id]
    assert slot(store).reserved_delivery is None


@pytest.mark.parametrize(
    ("second", "now"),
    [
        pytest.param(PermanentFailure("no"), NOW + 5 * MINUTE, id="refused afterwards"),
        pytest.param(None, NOW + DAY, id="after its day"),
        pytest.param(
            AnswerLost("in other words", is_repeatable=False), NOW + 5 * MINUTE, id="not repeatable"
        ),
    ],
)
def test_what_cannot_be_repeated_is_unknown(
    store: Store, second: BaseException | None, now: datetime
) -> None:
    """The first attempt may have arrived, whatever became of the second."""
    on_its_way(store)
    channel = ScriptedChannel(AnswerLost("cut off"), second, repeats_within=DAY)
    run(store, channel)
    assert [one for one, _ in run(store, channel, now)] == [Result.UNKNOWN]
    assert channel.handed_over == []
    assert slot(store).reserved_delivery is not None


def test_a_silence_in_between_ends_the_repeating(store: Store) -> None:
    """Nobody knows about the first, and there is no second."""
    on_its_way(store)
    channel = ScriptedChannel(AnswerLost("cut off"), repeats_within=DAY)
    run(store, channel)
    with store.writing() as session:
        suppress(session, account_id="acme", address=None, reason="stop", who="Dana", now=NOW)
    assert [one for one, _ in run(store, channel, NOW + 5 * MINUTE)] == [Result.UNKNOWN]
    assert channel.handed_over == []


def test_a_stop_holds_repetitions_too(store: Store) -> None:
    """They wait as they are."""
    on_its_way(store)
    channel = ScriptedChannel(AnswerLost("cut off"), repeats_within=DAY)
    run(store, channel)
    stop_sending(store, who="Dana", reason="", now=NOW)
    assert run(store, channel, NOW + 5 * MINUTE) == []
    resume_sending(store, who="Dana", now=NOW)
    assert [one for one, _ in run(store, channel, NOW + 5 * MINUTE)] == [Result.SENT]


def test_a_search_that_lags_is_asked_again_for_a_while(store: Store) -> None:
    """Found later: sent. Never found: unknown."""
    on_its_way(store)
    channel = ScriptedChannel(AnswerLost("cut off"), asks_within=timedelta(minutes=10))
    assert [one for one, _ in run(store, channel)] == [Result.RETRIED]
    assert [one for one, _ in run(store, channel, NOW + 2 * MINUTE)] == [Result.RETRIED]
    channel.verdict = True
    assert [one for one, _ in run(store, channel, NOW + 4 * MINUTE)] == [Result.SENT]
    on_its_way(store, "other")
    channel = ScriptedChannel(AnswerLost("cut off"), asks_within=timedelta(minutes=10))
    run(store, channel)
    assert [one for one, _ in run(store, channel, NOW + 11 * MINUTE)] == [Result.UNKNOWN]
    assert channel.handed_over == []


@pytest.mark.parametrize(("announced", "result"), [(False, Result.RETRIED), (True, Result.UNKNOWN)])
def test_only_what_was_announced_is_in_doubt(store: Store, announced: bool, result: Result) -> None:
    """A worker that ended before it came to hand over has certainly not."""
    on_its_way(store)

    class Dying(ScriptedChannel):
        announces = True

        def deliver(self, envelope: Any, announce: Any = None) -> None:
            if announced:
                announce()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(store, Dying())
    with store.writing() as session:
        session.execute(update(Delivery).values(leased_by="elsewhere/1/x", lease_until=NOW))
    assert [one for one, _ in run(store, ScriptedChannel(announces=True))] == [result]


def test_a_worker_that_slept_through_its_lease_is_not_let_to_hand_over(store: Store) -> None:
    """Another has settled the delivery meanwhile."""
    on_its_way(store)

    class Sleeping(ScriptedChannel):
        announces = True

        def deliver(self, envelope: Any, announce: Any = None) -> None:
            with store.writing() as session:
                session.execute(update(Delivery).values(leased_by="elsewhere/1/x"))
            super().deliver(envelope, announce)

    channel = Sleeping()
    assert run(store, channel) == []
    assert channel.handed_over == []


# A person's hand.


def test_an_approved_message_can_be_called_back_until_it_leaves(store: Store) -> None:
    """Its draft is stale, its slot free, and the trail says who did it."""
    done = on_its_way(store)
    call_back(store, done.delivery_id, who="Dana", now=NOW, reason="wrong person")
    seen = show_draft(store, done.draft_id)
    assert seen.line.state is DraftState.STALE
    assert [one.kind for one in seen.decisions] == ["approved", "called_back"]
    assert seen.deliveries[0].last_error == "called back: wrong person"
    assert ("Dana", "cancelled") in [(line.who, line.what) for line in seen.audit]
    assert slot(store).prompted_at is None
    assert run(store, ScriptedChannel()) == []
    with pytest.raises(MoveRefused, match="is cancelled"):
        call_back(store, done.delivery_id, who="Eli", now=NOW)
    with pytest.raises(NotFound):
        call_back(store, "nope", who="Eli", now=NOW)


def test_a_run_is_foreseen_without_happening(store: Store) -> None:
    """What would leave, what would wait for what, what would not leave at all."""
    for number, name in enumerate(["first", "second", "third", "gone"]):
        on_its_way(store, name, now=NOW + number * MINUTE)
    with store.writing() as session:
        suppress(session, account_id="gone", address=None, reason="stop", who="Dana", now=NOW)
    channel = ScriptedChannel()
    seen = foresee(store, [channel], rules(daily_ceiling=1), NOW + DAY / 24)
    assert [(one.line.account_id, one.fate) for one in seen] == [
        ("first", Fate.SEND),
        ("second", Fate.WAIT),
        ("third", Fate.WAIT),
        ("gone", Fate.CANCEL),
    ]
    assert "ceiling of 1" in seen[1].why
    night = foresee(store, [channel], rules(), EVENING)
    assert night[0].why == "quiet hours until Tue 08:00 in UTC"
    assert [one.fate for one in foresee(store, [channel], rules(), NOW + DAY / 24, limit=1)][:2] == [
        "send",
        "wait",
    ]
    stop_sending(store, who="Dana", reason="", now=NOW)
    assert {one.fate for one in foresee(store, [channel], rules(), NOW + DAY / 24)} == {Fate.WAIT}
    assert states(store) == dict.fromkeys(["first", "second", "third", "gone"], DeliveryState.QUEUED)


def test_what_was_said_once_is_not_said_again(store: Store) -> None:
    """A run every second would say it every second."""
    on_its_way(store, now=EVENING)
    assert len(run(store, ScriptedChannel(), EVENING)) == 1
    found: list[Sent] = list(send(store, [ScriptedChannel()], now=EVENING + ASKED_AGAIN, rules=rules()))
    assert found == []
