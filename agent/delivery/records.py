"""Writing down what became of a delivery: its row, the draft's move, the account's slot, the trail.

Each answers whether the delivery was still this worker's to write about; if not, nothing was changed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from agent.approval.audit import record
from agent.approval.life import move
from agent.approval.queue import MACHINE
from agent.approval.slots import confirm_slot, give_back_slot, lock_account
from agent.approval.states import DeliveryState, DraftState
from agent.approval.suppressions import suppress
from agent.approval.tables import Delivery, Draft
from agent.foundation.store import changed


def leased(session: Session, delivery: Delivery, draft: Draft, moment: datetime) -> None:
    """The delivery has just been taken by this worker."""
    move(session, draft, DraftState.SENDING, who=MACHINE, now=moment)
    _trace(session, delivery, DeliveryState.QUEUED, DeliveryState.SENDING, MACHINE, moment)


def sent(session: Session, delivery: Delivery, moment: datetime) -> bool:
    """It has arrived where the channel hands over; the 30 days begin."""
    if not _close(session, delivery, DeliveryState.SENT, DraftState.SENT, moment, sent_at=moment):
        return False
    confirm_slot(session, account_id=delivery.account_id, delivery_id=delivery.delivery_id, sent_at=moment)
    return True


def requeued(session: Session, delivery: Delivery, why: str, moment: datetime, not_before: datetime) -> bool:
    """It certainly did not go out, and will be tried again."""
    return _close(
        session,
        delivery,
        DeliveryState.QUEUED,
        DraftState.APPROVED,
        moment,
        not_before=not_before,
        last_error=why,
    )


def failed(session: Session, delivery: Delivery, why: str, moment: datetime, *, is_address_bad: bool) -> bool:
    """It certainly did not go out, and never will; a bad address gets nothing any more."""
    if not _close(session, delivery, DeliveryState.FAILED, DraftState.FAILED, moment, last_error=why):
        return False
    give_back_slot(session, account_id=delivery.account_id, delivery_id=delivery.delivery_id)
    if is_address_bad:
        suppress(
            session, account_id=None, address=delivery.address, reason="bounced", who=MACHINE, now=moment
        )
    return True


def cancelled(session: Session, delivery: Delivery, why: str, moment: datetime) -> None:
    """It must not go out any more, and did not."""
    if _close(session, delivery, DeliveryState.CANCELLED, DraftState.STALE, moment, last_error=why):
        give_back_slot(session, account_id=delivery.account_id, delivery_id=delivery.delivery_id)


def unknown(session: Session, delivery: Delivery, why: str, moment: datetime) -> bool:
    """Nobody knows whether it went out; it keeps the slot and waits for a person."""
    return _close(session, delivery, DeliveryState.UNKNOWN, DraftState.UNKNOWN, moment, last_error=why)


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
    mine = changed(
        session,
        update(Delivery)
        .where(
            col(Delivery.delivery_id) == delivery.delivery_id,
            col(Delivery.state) == str(DeliveryState.SENDING),
            col(Delivery.leased_by) == delivery.leased_by,
        )
        .values(**values),
    )
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
