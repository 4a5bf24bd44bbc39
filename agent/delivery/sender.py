"""The outbox worker: one delivery at a time, leased, handed over, recorded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from agent.approval.life import brief_of, message_of, version_of
from agent.approval.slots import lock_account
from agent.approval.states import DeliveryState
from agent.approval.suppressions import suppression_of
from agent.approval.tables import Delivery, Draft
from agent.delivery import records
from agent.delivery.channel import Channel, Envelope, PermanentFailure, TemporaryFailure
from agent.delivery.contacts import conversation_of
from agent.foundation.holder import is_gone, this_holder
from agent.foundation.store import Store, changed
from agent.signals.finding import Frozen

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
GOOD_FOR = timedelta(days=14)
"How long after the approval a message may still be sent."


class Result(StrEnum):
    """What became of a delivery in this run."""

    SENT = "sent"
    RETRIED = "retried"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Sent(Frozen):
    """One delivery this run had to do with."""

    delivery_id: str
    account_id: str
    result: Result
    says: str = ""


class _Clock:
    """The run's own time: it begins at the given moment and goes on, so that a lease is never born old."""

    def __init__(self, start: datetime) -> None:
        self._start, self._begun = start, time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._begun)


def send(
    store: Store,
    channels: Sequence[Channel],
    *,
    now: datetime,
    limit: int | None = None,
    lease: timedelta = LEASE,
) -> tuple[Sent, ...]:
    """Deliver what is approved, each once; deliveries that were interrupted are settled first.

    `limit` bounds how many are handed over. What cannot be known becomes `unknown` and waits for a person.
    """
    clock = _Clock(now)
    by_name = {channel.name: channel for channel in channels}
    done = list(_settle_interrupted(store, by_name, clock))
    tried: set[str] = set()
    while limit is None or len(tried) < limit:
        delivery_id = _next(store, by_name, clock(), tried)
        if delivery_id is None:
            break
        tried.add(delivery_id)
        result = _deliver(store, by_name, delivery_id, clock, lease)
        if result is not None:
            done.append(result)
    return tuple(done)


def _next(store: Store, by_name: dict[str, Channel], moment: datetime, tried: set[str]) -> str | None:
    """The oldest delivery that may be tried now."""
    with store.reading() as session:
        return session.exec(
            select(Delivery.delivery_id)
            .where(
                col(Delivery.state) == str(DeliveryState.QUEUED),
                col(Delivery.channel).in_(by_name),
                col(Delivery.delivery_id).not_in(tried),
                or_(col(Delivery.not_before).is_(None), col(Delivery.not_before) <= moment),
            )
            .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
            .limit(1)
        ).first()


def _deliver(
    store: Store, by_name: dict[str, Channel], delivery_id: str, clock: _Clock, lease: timedelta
) -> Sent | None:
    """Lease, hand over, record; None when another worker was faster."""
    with store.writing() as session:
        leased = _lease(session, delivery_id, clock(), lease)
        if leased is None or isinstance(leased, Sent):
            return leased
        delivery, envelope = leased
    channel = by_name[delivery.channel]
    try:
        channel.deliver(envelope)
    except TemporaryFailure as why:
        return _try_later(store, delivery, str(why), clock())
    except PermanentFailure as why:
        with store.writing() as session:
            mine = records.failed(session, delivery, str(why), clock(), is_address_bad=why.is_address_bad)
        return _done(mine, delivery, Result.FAILED, str(why))
    except Exception as why:
        # Whatever a channel did not foresee leaves open whether the message went out.
        return _examine(store, channel, delivery, f"{type(why).__name__}: {why}", clock())
    with store.writing() as session:
        mine = records.sent(session, delivery, clock())
    return _done(mine, delivery, Result.SENT)


def _lease(
    session: Session, delivery_id: str, moment: datetime, lease: timedelta
) -> tuple[Delivery, Envelope] | Sent | None:
    """Take the delivery, and look once more whether the account may be written to."""
    account_id = session.get_one(Delivery, delivery_id).account_id
    lock_account(session, account_id)
    taken = changed(
        session,
        update(Delivery)
        .where(col(Delivery.delivery_id) == delivery_id, col(Delivery.state) == str(DeliveryState.QUEUED))
        .values(
            state=str(DeliveryState.SENDING),
            lease_until=moment + lease,
            leased_by=this_holder(),
            attempts=Delivery.attempts + 1,
            not_before=None,
        ),
    )
    if taken != 1:
        return None
    delivery = session.get_one(Delivery, delivery_id, populate_existing=True)
    draft = session.get_one(Draft, delivery.draft_id, populate_existing=True)
    records.leased(session, delivery, draft, moment)
    silence = _why_silent(session, delivery, moment)
    if silence:
        records.cancelled(session, delivery, silence, moment)
        return _done(True, delivery, Result.CANCELLED, silence)
    return delivery, _envelope(session, delivery, draft, moment)


def _why_silent(session: Session, delivery: Delivery, moment: datetime) -> str | None:
    if delivery.created_at < moment - GOOD_FOR:
        return f"it was approved more than {GOOD_FOR.days} days ago"
    silence = suppression_of(session, account_id=delivery.account_id, address=delivery.address, now=moment)
    return silence or conversation_of(session, delivery.account_id, moment)


def _envelope(session: Session, delivery: Delivery, draft: Draft, moment: datetime) -> Envelope:
    brief = brief_of(session, draft)
    message = message_of(version_of(session, draft, delivery.version))
    return Envelope(
        delivery_id=delivery.delivery_id,
        message_id=delivery.message_id,
        account_id=delivery.account_id,
        account_name=brief.recipient.account_name,
        to_name=brief.recipient.contact_name,
        to_address=delivery.address,
        from_name=brief.sender.name,
        from_address=brief.sender.email,
        company=brief.sender.company,
        product=brief.sender.product,
        subject=message.subject,
        body=message.body,
        at=moment,
    )


def _settle_interrupted(store: Store, by_name: dict[str, Channel], clock: _Clock) -> Sequence[Sent]:
    """Deliveries whose worker has ended between handing over and recording."""
    with store.reading() as session:
        under_way = session.exec(
            select(Delivery)
            .where(col(Delivery.state) == str(DeliveryState.SENDING), col(Delivery.channel).in_(by_name))
            .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
        ).all()
    moment = clock()
    settled = [
        _examine(store, by_name[one.channel], one, "the sender was interrupted", clock())
        for one in under_way
        if one.lease_until is None or one.lease_until <= moment or is_gone(one.leased_by)
    ]
    return [one for one in settled if one is not None]


def _examine(store: Store, channel: Channel, delivery: Delivery, why: str, moment: datetime) -> Sent | None:
    """Ask the channel whether the message went out, and believe it only if it knows."""
    verdict = channel.was_delivered(delivery.delivery_id)
    if verdict is False:
        return _try_later(store, delivery, why, moment)
    with store.writing() as session:
        if verdict:
            mine = records.sent(session, delivery, moment)
            return _done(mine, delivery, Result.SENT, f"{why}, but the message had gone out")
        mine = records.unknown(session, delivery, why, moment)
    return _done(mine, delivery, Result.UNKNOWN, f"{why}; nobody knows whether the message went out")


def _try_later(store: Store, delivery: Delivery, why: str, moment: datetime) -> Sent | None:
    """Back into the queue with a growing pause, or failed after the last attempt."""
    with store.writing() as session:
        if delivery.attempts >= MOST_ATTEMPTS:
            says = f"given up after {delivery.attempts} attempts: {why}"
            mine = records.failed(session, delivery, says, moment, is_address_bad=False)
            return _done(mine, delivery, Result.FAILED, says)
        pause = min(FIRST_PAUSE * 2 ** (delivery.attempts - 1), LONGEST_PAUSE)
        mine = records.requeued(session, delivery, why, moment, moment + pause)
    says = f"{why.rstrip('.')}; tried again in {pause.total_seconds() / 60:.0f} min"
    return _done(mine, delivery, Result.RETRIED, says)


def _done(mine: bool, delivery: Delivery, result: Result, says: str = "") -> Sent | None:
    """What to report; nothing when another worker has settled the delivery meanwhile."""
    if not mine:
        return None
    return Sent(delivery_id=delivery.delivery_id, account_id=delivery.account_id, result=result, says=says)
