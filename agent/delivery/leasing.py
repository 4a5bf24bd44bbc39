"""Taking a delivery out of the queue: everything that may keep it there is asked where the lease is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col

from agent.approval.life import brief_of, message_of, version_of
from agent.approval.slots import lock_account
from agent.approval.states import DeliveryState
from agent.approval.suppressions import suppression_of
from agent.approval.switches import hold_open
from agent.approval.tables import Delivery, Draft
from agent.delivery import records
from agent.delivery.ceiling import take_place, taken_on
from agent.delivery.channel import Channel, Envelope
from agent.delivery.contacts import conversation_of
from agent.delivery.rules import SendingRules, Wait
from agent.foundation.holder import this_holder
from agent.foundation.store import changed

GOOD_FOR = timedelta(days=14)
"How long after the approval a message may still be sent."
LOOKED_AT_FOR = timedelta(minutes=15)
"So long after the approval the look that was taken at everything counts."
ASKED_AGAIN = timedelta(hours=1)
"What waits for an hour of the day is asked again so often, because the founder may have changed the rules."


@dataclass(frozen=True)
class Leased:
    """A delivery that is this worker's to hand over."""

    delivery: Delivery
    since: datetime
    "When it was first leased."
    envelope: Envelope | None = None
    "None where it is only asked what became of it."
    place: date | None = None
    "The day it is counted on; None where it is not, or has been before."
    is_repeat: bool = False
    "Whether an earlier attempt may have arrived."


@dataclass(frozen=True)
class Stopped:
    """Nothing leaves: sending is stopped."""


@dataclass(frozen=True)
class Cancelled:
    """It must not leave any more."""

    delivery: Delivery
    why: str


@dataclass(frozen=True)
class Waiting:
    """It may not leave yet."""

    delivery: Delivery
    why: str
    is_new: bool
    "Whether the outbox did not say so before."


def lease(
    session: Session,
    delivery_id: str,
    channel: Channel,
    rules: SendingRules | None,
    stale: Sequence[str],
    moment: datetime,
    longest: timedelta,
) -> Leased | Cancelled | Waiting | Stopped | None:
    """Take the delivery if nothing stands in its way; None when another worker was faster.

    `stale` says what no longer holds of it, as somebody has just looked.
    """
    account_id = session.get_one(Delivery, delivery_id).account_id
    lock_account(session, account_id)
    if hold_open(session) is not None:
        return Stopped()
    delivery = session.get_one(Delivery, delivery_id, populate_existing=True)
    if delivery.state != DeliveryState.QUEUED:
        return None
    draft = session.get_one(Draft, delivery.draft_id, populate_existing=True)
    no_more = why_silent(session, delivery, moment) or "; ".join(stale)
    wait = None if no_more else why_not_yet(session, draft, channel, rules, moment)
    place = None
    if not no_more and wait is None and rules is not None and channel.reaches_customers:
        place = rules.day_of(moment)
        if not take_place(session, place, rules.daily_ceiling):
            wait = rules.full(moment)
    if wait is not None:
        until = min(wait.until, moment + ASKED_AGAIN)
        is_new = delivery.last_error != wait.says
        records.postponed(session, delivery, wait.says, until)
        return Waiting(delivery, wait.says, is_new)
    _take(session, delivery, moment + longest)
    records.leased(session, delivery, draft, moment)
    if no_more:
        records.cancelled(session, delivery, no_more, moment)
        return Cancelled(delivery, no_more)
    return Leased(delivery, moment, envelope_of(session, delivery, draft, moment), place)


def _take(session: Session, delivery: Delivery, until: datetime) -> None:
    """The account's row is held, so nobody else can be taking it."""
    changed(
        session,
        update(Delivery)
        .where(
            col(Delivery.delivery_id) == delivery.delivery_id,
            col(Delivery.state) == str(DeliveryState.QUEUED),
        )
        .values(
            state=str(DeliveryState.SENDING),
            lease_until=until,
            leased_by=this_holder(),
            attempts=Delivery.attempts + 1,
            not_before=None,
        ),
    )
    session.refresh(delivery)


def why_silent(session: Session, delivery: Delivery, moment: datetime) -> str | None:
    """Why the message may never leave any more, as far as the state knows."""
    if delivery.created_at < moment - GOOD_FOR:
        return f"it was approved more than {GOOD_FOR.days} days ago"
    silence = suppression_of(session, account_id=delivery.account_id, address=delivery.address, now=moment)
    return silence or conversation_of(session, delivery.account_id, moment)


def why_not_yet(
    session: Session,
    draft: Draft,
    channel: Channel,
    rules: SendingRules | None,
    moment: datetime,
) -> Wait | None:
    """What the rules keep the message back for; takes no place of the day."""
    if rules is None or not channel.reaches_customers:
        return None
    quiet = rules.quiet(moment, brief_of(session, draft).recipient.time_zone)
    if quiet is not None:
        return quiet
    if rules.daily_ceiling and taken_on(session, rules.day_of(moment)) >= rules.daily_ceiling:
        return rules.full(moment)
    return None


def envelope_of(session: Session, delivery: Delivery, draft: Draft, moment: datetime) -> Envelope:
    """What is handed over: the approved version, to the address it was approved for."""
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
