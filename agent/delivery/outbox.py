"""The outbox as a person meets it: the list, and a person's word where nobody knows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from agent.approval.audit import record
from agent.approval.life import decide, move
from agent.approval.slots import confirm_slot, give_back_slot, lock_account
from agent.approval.states import DecisionKind, DeliveryState, DraftState
from agent.approval.switches import sending_stopped
from agent.approval.tables import Delivery, Draft
from agent.approval.tables_running import Switch
from agent.approval.views import DeliveryLine, delivery_lines
from agent.delivery import records
from agent.foundation.errors import MoveRefused, NotFound
from agent.foundation.store import Store, changed


def list_deliveries(store: Store, state: DeliveryState | None = None) -> tuple[DeliveryLine, ...]:
    """Deliveries, newest first, each with what it waits for."""
    wanted = select(Delivery).order_by(col(Delivery.created_at).desc(), col(Delivery.delivery_id))
    if state is not None:
        wanted = wanted.where(col(Delivery.state) == str(state))
    with store.reading() as session:
        rows = session.exec(wanted).all()
        stopped = sending_stopped(session)
        lines = delivery_lines(rows)
    open_ends = {row.delivery_id for row in rows if row.leased_by is None}
    return tuple(
        line.model_copy(update={"waits": _waits(line, stopped, has_no_worker=line.delivery_id in open_ends)})
        for line in lines
    )


def _waits(line: DeliveryLine, stopped: Switch | None, *, has_no_worker: bool) -> str | None:
    if line.state is DeliveryState.QUEUED:
        return said(stopped) if stopped else line.last_error if line.not_before else None
    is_open = line.state is DeliveryState.SENDING and has_no_worker
    return line.last_error if is_open or line.state is DeliveryState.UNKNOWN else None


def said(stopped: Switch) -> str:
    """Who stopped sending, when and why."""
    reason = f": {stopped.reason}" if stopped.reason else ""
    return f"sending is stopped since {stopped.since:%Y-%m-%d %H:%M} by {stopped.who}{reason}"


def call_back(store: Store, delivery_id: str, *, who: str, now: datetime, reason: str = "") -> None:
    """Keep an approved message from leaving: it is cancelled, its draft stale, its slot given back.

    Raises NotFound, and MoveRefused when it no longer waits.
    """
    why = f"called back: {reason}" if reason else "called back"
    with store.writing() as session:
        delivery = found_delivery(session, delivery_id)
        draft = session.get_one(Draft, delivery.draft_id)
        if not records.called_back(session, delivery, why, who, now):
            session.refresh(delivery)
            raise MoveRefused(
                f"Delivery {delivery.delivery_id} is {delivery.state} and cannot be called back."
            )
        decide(session, draft, DecisionKind.CALLED_BACK, who=who, now=now, reason=reason or None)


def under_way(store: Store) -> tuple[str, ...]:
    """Deliveries that are being handed over right now, which nobody can call back."""
    with store.reading() as session:
        handing = select(Delivery.delivery_id).where(
            col(Delivery.state) == str(DeliveryState.SENDING), col(Delivery.leased_by).is_not(None)
        )
        return tuple(session.exec(handing.order_by(col(Delivery.delivery_id))))


def found_delivery(session: Session, given: str) -> Delivery:
    """The delivery of that id.

    Raises NotFound.
    """
    delivery = session.get(Delivery, given, populate_existing=True)
    if delivery is None:
        raise NotFound(f"There is no delivery {given!r}; `outgrown outbox` lists them.")
    return delivery


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
        delivery = found_delivery(session, delivery_id)
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
