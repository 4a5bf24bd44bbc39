"""The outbox worker: one delivery at a time, leased, handed over, recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlmodel import col, select

from agent.approval.states import DeliveryState
from agent.approval.tables import Delivery, Draft
from agent.delivery import records
from agent.delivery.channel import Channel
from agent.delivery.handing import MOST_ATTEMPTS, Hands, Result, RunClock, Sent, done
from agent.delivery.leasing import (
    GOOD_FOR,
    LOOKED_AT_FOR,
    Cancelled,
    Leased,
    Stopped,
    Waiting,
    lease,
    why_not_yet,
    why_silent,
)
from agent.delivery.rules import SendingRules
from agent.foundation.errors import OutgrownError
from agent.foundation.store import Store

__all__ = ["GOOD_FOR", "LEASE", "MOST_ATTEMPTS", "LookAgain", "Result", "Sent", "send"]

LEASE = timedelta(minutes=5)
NOT_SEEN = timedelta(minutes=5)
"The pause when the facts could not be looked at."

LookAgain = Callable[[str], Sequence[str]]
"What no longer holds of a delivery, a clause each; empty when it may leave."


def send(
    store: Store,
    channels: Sequence[Channel],
    *,
    now: datetime,
    limit: int | None = None,
    lease: timedelta = LEASE,
    rules: SendingRules | None = None,
    look_again: LookAgain | None = None,
) -> tuple[Sent, ...]:
    """Deliver what is approved, each once; deliveries that were interrupted are settled first.

    `limit` bounds how many are handed over. What cannot be known becomes `unknown` and waits for a person.
    `rules` keep messages back for their hours and their number; `look_again` is asked about what was approved
    a while ago, right before it would leave.
    """
    return _Worker(store, channels, RunClock(now), lease, rules, look_again).run(limit)


class _Worker(Hands):
    """One run through the outbox."""

    def __init__(
        self,
        store: Store,
        channels: Sequence[Channel],
        clock: RunClock,
        longest: timedelta,
        rules: SendingRules | None,
        look_again: LookAgain | None,
    ) -> None:
        super().__init__(store, channels, clock, longest)
        self.rules, self.look_again = rules, look_again

    def run(self, limit: int | None) -> tuple[Sent, ...]:
        made = [one for one in map(self.settle, self.interrupted()) if one is not None]
        tried: set[str] = set()
        handed = 0
        while not self.is_stopped and (limit is None or handed < limit):
            delivery_id = self._next(tried)
            if delivery_id is None:
                break
            tried.add(delivery_id)
            found = self._lease(delivery_id)
            if isinstance(found, Leased):
                handed += 1
                found = self.hand_over(found)
            if found is not None:
                made.append(found)
        return tuple(made)

    def _next(self, tried: set[str]) -> str | None:
        """The oldest delivery that may be tried now."""
        with self.store.reading() as session:
            return session.exec(
                select(Delivery.delivery_id)
                .where(
                    col(Delivery.state) == str(DeliveryState.QUEUED),
                    col(Delivery.channel).in_(set(self.by_name) - self.down),
                    col(Delivery.delivery_id).not_in(tried),
                    or_(col(Delivery.not_before).is_(None), col(Delivery.not_before) <= self.clock()),
                )
                .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
                .limit(1)
            ).first()

    def _lease(self, delivery_id: str) -> Leased | Sent | None:
        """Take it, or say why it stays or goes."""
        stale: Sequence[str] = ()
        if self.look_again is not None and self._is_to_be_looked_at(delivery_id):
            try:
                stale = self.look_again(delivery_id)
            except OutgrownError as why:
                return self._not_seen(delivery_id, str(why))
        with self.store.writing() as session:
            channel = self.by_name[session.get_one(Delivery, delivery_id).channel]
            longest = max(self.longest, channel.patience)
            found = lease(session, delivery_id, channel, self.rules, stale, self.clock(), longest)
        if isinstance(found, Stopped):
            self.is_stopped = True
            return None
        if isinstance(found, Waiting):
            return done(found.is_new, found.delivery, Result.WAITING, found.why)
        if isinstance(found, Cancelled):
            return done(True, found.delivery, Result.CANCELLED, found.why)
        return found

    def _is_to_be_looked_at(self, delivery_id: str) -> bool:
        """Whether its approval is a while ago, and nothing cheaper to see keeps it."""
        moment = self.clock()
        with self.store.reading() as session:
            delivery = session.get_one(Delivery, delivery_id)
            if delivery.created_at > moment - LOOKED_AT_FOR or delivery.state != DeliveryState.QUEUED:
                return False
            draft = session.get_one(Draft, delivery.draft_id)
            channel = self.by_name[delivery.channel]
            if why_silent(session, delivery, moment):
                return False
            return why_not_yet(session, draft, channel, self.rules, moment) is None

    def _not_seen(self, delivery_id: str, why: str) -> Sent:
        """What cannot be looked at does not leave."""
        says = f"it cannot be looked at again yet: {why.rstrip('.')}"
        with self.store.writing() as session:
            delivery = session.get_one(Delivery, delivery_id)
            records.postponed(session, delivery, says, self.clock() + NOT_SEEN)
        return Sent(delivery_id=delivery_id, account_id=delivery.account_id, result=Result.WAITING, says=says)
