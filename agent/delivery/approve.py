"""Approval: everything is looked at again, then the slot is reserved where the outbox row is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from agent.approval.audit import record
from agent.approval.life import (
    SHOWN_ID,
    brief_of,
    decide,
    describe,
    find_draft,
    lock_draft,
    message_of,
    move,
    version_of,
)
from agent.approval.revalidation import Around, Check, LookAgain, unconfirmed, why_stale
from agent.approval.slots import reserve_slot
from agent.approval.states import DecisionKind, DeliveryState, DraftState, check_move
from agent.approval.suppressions import suppression_of
from agent.approval.tables import ContactRule, Delivery, Draft
from agent.drafting.brief import Brief
from agent.foundation.errors import MoveRefused, Stale
from agent.foundation.store import Store
from agent.signals.finding import Frozen

Choose = Callable[[str, str], str]
"The name of the channel for an account and its address."


class Approved(Frozen):
    """A draft on its way: the delivery now waits in the outbox."""

    draft_id: str
    version: int
    delivery_id: str
    account_id: str
    address: str


class _NotAllowedError(Exception):
    """The state itself forbids it; carries the reason out of the transaction."""


def approve(
    store: Store,
    draft_id: str,
    *,
    who: str,
    now: datetime,
    look_again: LookAgain,
    check: Check,
    surroundings: Around,
    channel: str | Choose = "eml",
    version: int | None = None,
) -> Approved:
    """Approve a draft, of several at once exactly one, and queue its delivery in the same transaction.

    `version` is the one the approver read, when that is known; `channel` may be what chooses it.

    Raises MoveRefused when somebody decided before, and Stale, after making the draft stale, when what it
    says is no longer true or no longer allowed.
    """
    with store.reading() as session:
        draft = find_draft(session, draft_id)
        _refuse_unless_pending(session, draft, version)
        brief, text = brief_of(session, draft), version_of(session, draft)
    reasons = list(why_stale(brief, message_of(text), look_again(draft.account_id)))
    around = surroundings(draft.account_id)
    blocks = unconfirmed(check(message_of(text), brief, around), text.confirmed)
    reasons += [f"{one.message.rstrip('.')} ({one.rule})" for one in blocks]
    if reasons:
        raise _made_stale(store, draft, "; ".join(dict.fromkeys(reasons)), who, now)
    try:
        with store.writing() as session:
            return _approve(session, draft, brief, who, now, channel, around.second_prompt)
    except _NotAllowedError as why:
        raise _made_stale(store, draft, str(why), who, now) from None


def _refuse_unless_pending(session: Session, draft: Draft, version: int | None) -> None:
    check_move(DraftState(draft.state), DraftState.APPROVED, lambda: describe(session, draft))
    if version is not None and version != draft.version:
        raise MoveRefused(
            f"Draft {draft.draft_id[:SHOWN_ID]} has been edited since: you read version {version}, "
            f"it is at version {draft.version}; read it again."
        )


def _approve(
    session: Session,
    read: Draft,
    brief: Brief,
    who: str,
    now: datetime,
    channel: str | Choose,
    second_prompt: bool,
) -> Approved:
    draft = lock_draft(session, read.draft_id)
    _refuse_unless_pending(session, draft, read.version)
    address = brief.recipient.contact_email
    if not address:
        raise _NotAllowedError("there is no address to write to")
    silence = suppression_of(session, account_id=draft.account_id, address=address, now=now)
    if silence:
        raise _NotAllowedError(f"the account or its address may not be written to: {silence}")
    name = channel if isinstance(channel, str) else channel(draft.account_id, address)
    delivery_id = _next_delivery_id(session, draft.draft_id)
    move(session, draft, DraftState.APPROVED, who=who, now=now)
    if not reserve_slot(
        session,
        account_id=draft.account_id,
        delivery_id=delivery_id,
        groups=brief.groups,
        offer_kind=brief.offer.kind,
        now=now,
        second_prompt=second_prompt,
    ):
        raise _NotAllowedError(_who_has_the_slot(session, draft.account_id))
    decide(session, draft, DecisionKind.APPROVED, who=who, now=now)
    session.add(
        Delivery(
            delivery_id=delivery_id,
            draft_id=draft.draft_id,
            version=draft.version,
            account_id=draft.account_id,
            channel=name,
            address=address,
            message_id=message_id(delivery_id, brief.sender.email),
            groups=list(brief.groups),
            offer_kind=brief.offer.kind,
            state=DeliveryState.QUEUED,
            created_at=now,
        )
    )
    record(
        session,
        at=now,
        who=who,
        what=str(DeliveryState.QUEUED),
        subject=f"delivery:{delivery_id}",
        after={"state": str(DeliveryState.QUEUED), "channel": name, "version": draft.version},
    )
    return Approved(
        draft_id=draft.draft_id,
        version=draft.version,
        delivery_id=delivery_id,
        account_id=draft.account_id,
        address=address,
    )


def _next_delivery_id(session: Session, draft_id: str) -> str:
    before = session.exec(select(func.count()).where(col(Delivery.draft_id) == draft_id)).one()
    return f"{draft_id}-{before + 1}"


def message_id(delivery_id: str, sender: str) -> str:
    """The Message-ID of a delivery: the same however often it is tried."""
    domain = sender.rpartition("@")[2].encode("idna").decode("ascii").lower()
    return f"<{delivery_id}@{domain}>"


def _who_has_the_slot(session: Session, account_id: str) -> str:
    slot = session.get_one(ContactRule, account_id)
    if slot.reserved_delivery:
        return f"another message to this account is on its way (delivery {slot.reserved_delivery})"
    return f"this account had an upgrade prompt on {slot.prompted_at:%Y-%m-%d}, and may have one in 30 days"


def _made_stale(store: Store, read: Draft, reason: str, who: str, now: datetime) -> Stale:
    """The error to raise once the draft is stale; MoveRefused instead when somebody decided in between."""
    with store.writing() as session:
        draft = lock_draft(session, read.draft_id)
        _refuse_unless_pending(session, draft, read.version)
        move(session, draft, DraftState.STALE, who=who, now=now, reason=reason)
    return Stale(f"Draft {read.draft_id[:SHOWN_ID]} is stale and was not approved: {reason}.")
