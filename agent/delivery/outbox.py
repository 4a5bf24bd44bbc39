"""The outbox as a person meets it: the list, and a person's word where nobody knows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from agent.approval.audit import record
from agent.approval.life import decide, move
from agent.approval.slots import confirm_slot, give_back_slot, lock_account
from agent.approval.states import DecisionKind, DeliveryState, DraftState
from agent.approval.tables import Delivery, Draft
from agent.approval.views import DeliveryLine, delivery_lines
from agent.foundation.errors import MoveRefused, NotFound
from agent.foundation.store import Store, changed


def list_deliveries(store: Store, state: DeliveryState | None = None) -> tuple[DeliveryLine, ...]:
    """Deliveries, newest first."""
    wanted = select(Delivery).order_by(col(Delivery.created_at).desc(), col(Delivery.delivery_id))
    if state is not None:
        wanted = wanted.where(col(Delivery.state) == str(state))
    with store.reading() as session:
        return delivery_lines(session.exec(wanted).all())


def settle_unknown(
    store: Store, delivery_id: str, *, arrived: bool, who: str, now: datetime, again: bool = True
) -> None:
    """A person's word about a delivery of unknown fate.

    Arrived: it is sent, its 30 days counted from when it was tried. Not arrived: the slot is given back,
    and the draft waits for approval again, or with `again=False` has failed.

    Raises NotFound, and MoveRefused when the delivery is not `unknown`.
    """
    after = DeliveryState.SENT if arrived else DeliveryState.FAILED
    draft_after = DraftState.SENT if arrived else DraftState.PENDING if again else DraftState.FAILED
    with store.writing() as session:
        delivery = session.get(Delivery, delivery_id)
        if delivery is None:
            raise NotFound(f"There is no delivery {delivery_id!r}; `outgrown outbox` lists them.")
        lock_account(session, delivery.account_id)
        draft = session.get_one(Draft, delivery.draft_id, populate_existing=True)
        sent_at = draft.moved_at if arrived else None
        won = changed(
            session,
            update(Delivery)
            .where(
                col(Delivery.delivery_id) == delivery_id, col(Delivery.state) == str(DeliveryState.UNKNOWN)
            )
            .values(state=str(after), sent_at=sent_at),
        )
        if won != 1:
            session.refresh(delivery)
            raise MoveRefused(
                f"Delivery {delivery_id} is {delivery.state}, not unknown; there is nothing to settle."
            )
        if sent_at:
            confirm_slot(session, account_id=delivery.account_id, delivery_id=delivery_id, sent_at=sent_at)
        else:
            give_back_slot(session, account_id=delivery.account_id, delivery_id=delivery_id)
        reason = None if arrived else "it did not arrive"
        move(session, draft, draft_after, who=who, now=now, reason=reason)
        decide(
            session, draft, DecisionKind.SETTLED, who=who, now=now, reason="arrived" if arrived else reason
        )
        record(
            session,
            at=now,
            who=who,
            what="settled",
            subject=f"delivery:{delivery_id}",
            before={"state": str(DeliveryState.UNKNOWN)},
            after={"state": str(after)},
        )
