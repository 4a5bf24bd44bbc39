"""Handing one leased delivery over, and finding out what became of one whose worker or whose answer was lost."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from agent.approval.states import DeliveryState
from agent.approval.switches import hold_open
from agent.approval.tables import Delivery, Draft
from agent.delivery import records
from agent.delivery.channel import AnswerLost, Channel, ChannelDown, PermanentFailure, TemporaryFailure
from agent.delivery.leasing import Leased, envelope_of, why_silent
from agent.foundation.holder import is_gone, this_holder
from agent.foundation.store import Store
from agent.signals.finding import Frozen

MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MARGIN = timedelta(hours=1)
"So long before a channel forgets what it was handed, it is not handed over again: clocks and waits differ."
ASK_EVERY = timedelta(minutes=1)


class Result(StrEnum):
    """What became of a delivery in this run."""

    SENT = "sent"
    RETRIED = "retried"
    WAITING = "waiting"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Sent(Frozen):
    """One delivery this run had to do with."""

    delivery_id: str
    account_id: str
    result: Result
    says: str = ""


class RunClock:
    """The run's own time: it begins at the given moment and goes on, so that a lease is never born old."""

    def __init__(self, start: datetime) -> None:
        self._start, self._begun = start, _seconds()

    def __call__(self) -> datetime:
        """What time it is in this run."""
        return self._start + timedelta(seconds=_seconds() - self._begun)


def _seconds() -> float:
    """Seconds that go on while the machine sleeps, where the system counts those."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Hands:
    """The hands of one run: what it takes, it settles."""

    def __init__(
        self, store: Store, channels: Sequence[Channel], clock: RunClock, longest: timedelta
    ) -> None:
        self.store, self.clock, self.longest = store, clock, longest
        self.by_name = {channel.name: channel for channel in channels}
        self.down = {channel.name for channel in channels if channel.lacks}
        "Channels that nothing more is handed to in this run."
        self.is_stopped = False

    def hand_over(self, leased: Leased) -> Sent | None:
        """Hand over and record; of a repetition only success is certain news."""
        delivery, channel = leased.delivery, self.by_name[leased.delivery.channel]
        assert leased.envelope is not None  # noqa: S101 - what is handed over has one
        try:
            if delivery.lease_until is None or self.clock() >= delivery.lease_until:
                # The machine slept in between: somebody else may have the delivery by now.
                raise TemporaryFailure("the lease ran out before anything was handed over")
            if channel.announces:
                channel.deliver(leased.envelope, lambda: self._announce(delivery))
            else:
                channel.deliver(leased.envelope)
        except TemporaryFailure as why:
            return self._not_now(leased, why)
        except PermanentFailure as why:
            return self._never(leased, why)
        except AnswerLost as why:
            return self._examine(channel, leased, str(why), is_repeatable=why.is_repeatable)
        except Exception as why:
            # Whatever a channel did not foresee leaves open whether the message went out.
            return self._examine(channel, leased, f"{type(why).__name__}: {why}")
        with self.store.writing() as session:
            mine = records.sent(session, delivery, self.clock())
        return done(mine, delivery, Result.SENT)

    def _announce(self, delivery: Delivery) -> None:
        """From here on it may have gone out: the last moment at which anything can keep it."""
        with self.store.writing() as session:
            if hold_open(session) is not None:
                self.is_stopped = True
                raise ChannelDown("sending was stopped before it left", pause=timedelta())
            if not records.announced(session, delivery, self.clock()):
                raise TemporaryFailure("another worker has it")

    def _not_now(self, leased: Leased, why: TemporaryFailure) -> Sent | None:
        delivery = leased.delivery
        is_down = isinstance(why, ChannelDown)
        if leased.is_repeat:
            if is_down:
                self.down.add(delivery.channel)
            return self._left_open(delivery, str(why), max(why.pause, pause_after(delivery)))
        if not is_down:
            return self._try_later(delivery, str(why), leased=leased, pause=why.pause)
        until = self.clock() + why.pause
        self.down.add(delivery.channel)
        with self.store.writing() as session:
            mine = records.requeued(
                session, delivery, str(why), self.clock(), until, place=leased.place, is_counted=False
            )
            if why.pause:
                records.all_postponed(session, delivery.channel, str(why), until)
        return done(mine, delivery, Result.RETRIED, f"{str(why).rstrip('.')}; {_again_in(why.pause)}")

    def _never(self, leased: Leased, why: PermanentFailure) -> Sent | None:
        delivery = leased.delivery
        if leased.is_repeat:
            return self._unknown(delivery, f"an earlier attempt may have arrived, and now: {why}")
        with self.store.writing() as session:
            mine = records.failed(
                session,
                delivery,
                str(why),
                self.clock(),
                is_address_bad=why.is_address_bad,
                place=leased.place,
            )
        return done(mine, delivery, Result.FAILED, str(why))

    # What was interrupted, or had no answer.

    def interrupted(self) -> list[tuple[Delivery, datetime]]:
        """Deliveries whose worker has ended between handing over and recording, and when they were first handed over."""
        with self.store.reading() as session:
            under_way = session.exec(
                select(Delivery, Draft.moved_at)
                .where(
                    col(Delivery.state) == str(DeliveryState.SENDING),
                    col(Delivery.channel).in_(self.by_name),
                    col(Draft.draft_id) == col(Delivery.draft_id),
                )
                .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
            ).all()
        moment = self.clock()
        return [
            (one, since)
            for one, since in under_way
            if one.lease_until is None or one.lease_until <= moment or is_gone(one.leased_by)
        ]

    def settle(self, interrupted: tuple[Delivery, datetime]) -> Sent | None:
        """Find out what became of it, or hand it over again where that is safe."""
        delivery, since = interrupted
        channel = self.by_name[delivery.channel]
        why = delivery.last_error if delivery.leased_by is None and delivery.last_error else None
        can_repeat = _is_within(since, channel.repeats_within, self.clock(), MARGIN)
        if not can_repeat or delivery.channel in self.down or self._certainly_not(channel, delivery):
            return self._examine(channel, Leased(delivery, since), why or "the sender was interrupted")
        with self.store.writing() as session:
            repeat = self._take_over(session, delivery, channel, since)
        return self.hand_over(repeat) if isinstance(repeat, Leased) else repeat

    def _take_over(
        self, session: Session, delivery: Delivery, channel: Channel, since: datetime
    ) -> Leased | Sent | None:
        """Take a delivery whose fate is open in order to hand it over again, which the channel tells apart."""
        moment = self.clock()
        delivery = session.get_one(Delivery, delivery.delivery_id, populate_existing=True)
        until = moment + max(self.longest, channel.patience)
        if hold_open(session) is not None:
            return None
        if not records.taken_over(session, delivery, this_holder(), until, is_attempt=True):
            return None
        silence = why_silent(session, delivery, moment)
        if silence:
            says = f"an earlier attempt may have arrived, and it may not be made again: {silence}"
            return done(records.unknown(session, delivery, says, moment), delivery, Result.UNKNOWN, says)
        draft = session.get_one(Draft, delivery.draft_id)
        return Leased(delivery, since, envelope_of(session, delivery, draft, moment), is_repeat=True)

    def _examine(
        self, channel: Channel, leased: Leased, why: str, *, is_repeatable: bool = True
    ) -> Sent | None:
        """Ask the channel whether the message went out, and believe it only if it knows."""
        delivery, since = leased.delivery, leased.since
        if self._certainly_not(channel, delivery):
            return self._try_later(delivery, f"{why}, before anything was handed over", leased=leased)
        verdict = channel.was_delivered(delivery.delivery_id)
        if verdict is False:
            return self._try_later(delivery, why, leased=leased)
        moment = self.clock()
        if verdict:
            with self.store.writing() as session:
                mine = records.sent(session, delivery, moment)
            return done(mine, delivery, Result.SENT, f"{why}, but the message had gone out")
        pause = pause_after(delivery)
        can_repeat = is_repeatable and delivery.attempts < MOST_ATTEMPTS
        if can_repeat and _is_within(since, channel.repeats_within, moment + pause, MARGIN):
            return self._left_open(delivery, why, pause)
        if _is_within(since, channel.asks_within, moment):
            return self._left_open(delivery, why, ASK_EVERY)
        return self._unknown(delivery, why)

    def _certainly_not(self, channel: Channel, delivery: Delivery) -> bool:
        """Whether the worker never came as far as handing it over, and would not be let to any more."""
        if not channel.announces:
            return False
        with self.store.reading() as session:
            return not records.is_announced(session, delivery)

    def _left_open(self, delivery: Delivery, why: str, pause: timedelta) -> Sent | None:
        with self.store.writing() as session:
            mine = records.left_open(session, delivery, why, self.clock() + pause)
        return done(mine, delivery, Result.RETRIED, f"{why.rstrip('.')}; {_again_in(pause)}")

    def _unknown(self, delivery: Delivery, why: str) -> Sent | None:
        with self.store.writing() as session:
            mine = records.unknown(session, delivery, why, self.clock())
        says = f"{why.rstrip('.')}; nobody knows whether the message went out"
        return done(mine, delivery, Result.UNKNOWN, says)

    def _try_later(
        self, delivery: Delivery, why: str, *, leased: Leased | None = None, pause: timedelta = timedelta()
    ) -> Sent | None:
        """Back into the queue with a growing pause, or failed after the last attempt."""
        place, moment = leased.place if leased else None, self.clock()
        with self.store.writing() as session:
            if delivery.attempts >= MOST_ATTEMPTS:
                says = f"given up after {delivery.attempts} attempts: {why}"
                mine = records.failed(session, delivery, says, moment, is_address_bad=False, place=place)
                return done(mine, delivery, Result.FAILED, says)
            pause = max(pause, pause_after(delivery))
            mine = records.requeued(session, delivery, why, moment, moment + pause, place=place)
        return done(mine, delivery, Result.RETRIED, f"{why.rstrip('.')}; {_again_in(pause)}")


def pause_after(delivery: Delivery) -> timedelta:
    """The pause after the delivery's last attempt: twice the one before, a quarter more or less.

    The quarter is the delivery's own, so that what failed together is not tried again together.
    """
    seed = hashlib.sha256(f"{delivery.delivery_id}/{delivery.attempts}".encode()).digest()
    spread = 0.75 + int.from_bytes(seed[:4], "big") / 2**33
    doubled: int = 2 ** max(0, delivery.attempts - 1)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE) * spread


def _is_within(
    since: datetime, span: timedelta | None, moment: datetime, margin: timedelta = timedelta()
) -> bool:
    return span is not None and moment < since + span - margin


def _again_in(pause: timedelta) -> str:
    minutes = pause.total_seconds() / 60
    return f"tried again in {minutes:.0f} min" if minutes >= 1 else f"tried again in {minutes * 60:.0f} s"


def done(mine: bool, delivery: Delivery, result: Result, says: str = "") -> Sent | None:
    """What to report; nothing when another worker has settled the delivery meanwhile, or it has been said before."""
    if not mine:
        return None
    return Sent(delivery_id=delivery.delivery_id, account_id=delivery.account_id, result=result, says=says)
