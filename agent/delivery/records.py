"""Writing down what became of a delivery: its row, the draft's move, the account's slot, the day's place, the trail.

Each answers whether the delivery was still this worker's to write about; if not, nothing was changed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from agent.approval.audit import record, trail
from agent.approval.life import move
from agent.approval.queue import MACHINE
from agent.approval.slots import confirm_slot, give_back_slot, lock_account
from agent.approval.states import DeliveryState, DraftState
from agent.approval.suppressions import suppress
from agent.approval.tables import Delivery, Draft
from agent.delivery.ceiling import give_back_place
from agent.foundation.store import changed

HANDING_OVER = "handing_over"
"In the trail: from here on the message may have gone out."


def leased(session: Session, delivery: Delivery, draft: Draft, moment: datetime) -> None:
    """The delivery has just been taken by this worker."""
    move(session, draft, DraftState.SENDING, who=MACHINE, now=moment)
    _trace(session, delivery, DeliveryState.QUEUED, DeliveryState.SENDING, MACHINE, moment)


def sent(session: Session, delivery: Delivery, moment: datetime) -> bool:
    """It has arrived where the channel hands over; the 30 days begin."""
    done = _close(
        session, delivery, DeliveryState.SENT, DraftState.SENT, moment, sent_at=moment, last_error=None
    )
    if done:
        confirm_slot(
            session, account_id=delivery.account_id, delivery_id=delivery.delivery_id, sent_at=moment
        )
    return done


def requeued(
    session: Session,
    delivery: Delivery,
    why: str,
    moment: datetime,
    not_before: datetime,
    *,
    place: date | None = None,
    is_counted: bool = True,
) -> bool:
    """It certainly did not go out, and will be tried again; `is_counted` says whether that was an attempt."""
    mine = _close(
        session,
        delivery,
        DeliveryState.QUEUED,
        DraftState.APPROVED,
        moment,
        not_before=not_before,
        last_error=why,
        attempts=delivery.attempts if is_counted else delivery.attempts - 1,
    )
    return mine and _given_back(session, place)


def failed(
    session: Session,
    delivery: Delivery,
    why: str,
    moment: datetime,
    *,
    is_address_bad: bool,
    place: date | None = None,
) -> bool:
    """It certainly did not go out, and never will; a bad address gets nothing any more."""
    if not _close(session, delivery, DeliveryState.FAILED, DraftState.FAILED, moment, last_error=why):
        return False
    give_back_slot(session, account_id=delivery.account_id, delivery_id=delivery.delivery_id)
    if is_address_bad:
        suppress(
            session, account_id=None, address=delivery.address, reason="bounced", who=MACHINE, now=moment
        )
    return _given_back(session, place)


def cancelled(session: Session, delivery: Delivery, why: str, moment: datetime) -> None:
    """It must not go out any more, and did not."""
    if _close(session, delivery, DeliveryState.CANCELLED, DraftState.STALE, moment, last_error=why):
        give_back_slot(session, account_id=delivery.account_id, delivery_id=delivery.delivery_id)


def called_back(session: Session, delivery: Delivery, why: str, who: str, moment: datetime) -> bool:
    """It waited, and does not leave any more; False when it no longer waits."""
    lock_account(session, delivery.account_id)
    mine = changed(
        session,
        update(Delivery)
        .where(
            col(Delivery.delivery_id) == delivery.delivery_id,
            col(Delivery.state) == str(DeliveryState.QUEUED),
        )
        .values(state=str(DeliveryState.CANCELLED), last_error=why, not_before=None),
    )
    if mine != 1:
        return False
    draft = session.get_one(Draft, delivery.draft_id, populate_existing=True)
    move(session, draft, DraftState.STALE, who=who, now=moment, reason=why)
    _trace(session, delivery, DeliveryState.QUEUED, DeliveryState.CANCELLED, who, moment)
    give_back_slot(session, account_id=delivery.account_id, delivery_id=delivery.delivery_id)
    return True


def unknown(session: Session, delivery: Delivery, why: str, moment: datetime) -> bool:
    """Nobody knows whether it went out; it keeps the slot and waits for a person."""
    return _close(session, delivery, DeliveryState.UNKNOWN, DraftState.UNKNOWN, moment, last_error=why)


def announced(session: Session, delivery: Delivery, moment: datetime) -> bool:
    """It is handed over from this moment; False when it is not this worker's any more."""
    lock_account(session, delivery.account_id)
    if session.exec(select(Delivery.delivery_id).where(*_is_mine(delivery))).first() is None:
        return False
    subject = f"delivery:{delivery.delivery_id}"
    record(session, at=moment, who=MACHINE, what=HANDING_OVER, subject=subject)
    return True


def is_announced(session: Session, delivery: Delivery) -> bool:
    """Whether the delivery's last lease came as far as the handing over."""
    words = [line.what for line in trail(session, f"delivery:{delivery.delivery_id}")]
    words = [what for what in words if what in (HANDING_OVER, str(DeliveryState.SENDING))]
    return words[-1:] == [HANDING_OVER]


def left_open(session: Session, delivery: Delivery, why: str, until: datetime) -> bool:
    """It may have gone out, and the channel can still find out or be told again: looked at again then."""
    lock_account(session, delivery.account_id)
    values = {"lease_until": until, "leased_by": None, "last_error": why}
    return changed(session, update(Delivery).where(*_is_mine(delivery)).values(**values)) == 1


def taken_over(
    session: Session, delivery: Delivery, holder: str, until: datetime, *, is_attempt: bool
) -> bool:
    """This worker looks after a delivery whose fate another left open."""
    lock_account(session, delivery.account_id)
    attempts = delivery.attempts + is_attempt
    values = {"lease_until": until, "leased_by": holder, "attempts": attempts}
    if changed(session, update(Delivery).where(*_is_mine(delivery)).values(**values)) != 1:
        return False
    session.refresh(delivery)
    return True


def postponed(session: Session, delivery: Delivery, why: str, until: datetime) -> None:
    """It waits on, and says for what."""
    changed(
        session,
        update(Delivery)
        .where(
            col(Delivery.delivery_id) == delivery.delivery_id,
            col(Delivery.state) == str(DeliveryState.QUEUED),
        )
        .values(not_before=until, last_error=why),
    )


def all_postponed(session: Session, channel: str, why: str, until: datetime) -> None:
    """Everything that waits for a channel waits until it may work again."""
    changed(
        session,
        update(Delivery)
        .where(
            col(Delivery.channel) == channel,
            col(Delivery.state) == str(DeliveryState.QUEUED),
            or_(col(Delivery.not_before).is_(None), col(Delivery.not_before) < until),
        )
        .values(not_before=until, last_error=why),
    )


def _is_mine(delivery: Delivery) -> tuple[Any, ...]:
    return (
        col(Delivery.delivery_id) == delivery.delivery_id,
        col(Delivery.state) == str(DeliveryState.SENDING),
        col(Delivery.leased_by) == delivery.leased_by,
    )


def _given_back(session: Session, place: date | None) -> bool:
    if place is not None:
        give_back_place(session, place)
    return True


def _close(
    session: Session,
    delivery: Delivery,
    after: DeliveryState,
    draft_after: DraftState,
    moment: datetime,
    **also: Any,
) -> bool:
    """End this worker's lease; False when it is no longer this worker's, and nothing was changed."""
    lock_account(session, delivery.account_id)
    values = {"state": str(after), "lease_until": None, "leased_by": None, **also}
    mine = changed(session, update(Delivery).where(*_is_mine(delivery)).values(**values))
    if mine != 1:
        return False
    draft = session.get_one(Draft, delivery.draft_id, populate_existing=True)
    reason = None if after is DeliveryState.SENT else also.get("last_error")
    move(session, draft, draft_after, who=MACHINE, now=moment, reason=reason)
    _trace(session, delivery, DeliveryState.SENDING, after, MACHINE, moment)
    return True


def _trace(
    session: Session,
    delivery: Delivery,
    before: DeliveryState,
    after: DeliveryState,
    who: str,
    moment: datetime,
) -> None:
    record(
        session,
        at=moment,
        who=who,
        what=str(after),
        subject=f"delivery:{delivery.delivery_id}",
        before={"state": str(before)},
        after={"state": str(after)},
    )
