"""Who has been written to, who must not be, and who is waiting for an answer: what holds are decided on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, true
from sqlmodel import Session, col, select

from agent.approval.states import ON_ITS_WAY, DeliveryState
from agent.approval.suppressions import hash_address
from agent.approval.tables import ContactRule, Delivery, Reply, Suppression
from agent.drafting.violation import SentPrompt
from agent.foundation.store import Store
from agent.signals.finding import Frozen

FEW = 500
"Up to so many accounts are asked for by name."


class ContactState(Frozen):
    """What the state knows of writing to one account."""

    prompts: tuple[SentPrompt, ...] = ()
    "Every upgrade prompt, newest first; one on its way or of unknown fate counts."
    opted_out: str | None = None
    in_conversation: str | None = None


def contact_state(
    store: Store,
    account_ids: Collection[str] | None,
    now: datetime,
    *,
    addresses: Mapping[str, str] | None = None,
) -> dict[str, ContactState]:
    """The contact state as known at `now`, of these accounts, or of all that have one.

    `addresses` (account id to e-mail address) lets suppressed addresses count too. Accounts nobody ever
    wrote to are left out.
    """
    with store.reading() as session:
        prompts = _prompts(session, now, account_ids)
        silences = _silences(session, now, addresses or {})
        open_talks = _conversations(session, now, account_ids)
    known = set(prompts) | set(silences) | set(open_talks)
    wanted = known if account_ids is None else known & set(account_ids)
    return {
        account_id: ContactState(
            prompts=tuple(sorted(prompts.get(account_id, ()), key=lambda one: one.sent_at, reverse=True)),
            opted_out=silences.get(account_id),
            in_conversation=open_talks.get(account_id),
        )
        for account_id in sorted(wanted)
    }


def conversation_of(session: Session, account_id: str, now: datetime) -> str | None:
    """Why the account is in conversation at `now`; None when it is not."""
    return _conversations(session, now, [account_id]).get(account_id)


def _among(column: Any, account_ids: Collection[str] | None) -> Any:
    """The condition that narrows a question to a few accounts; many are cheaper to read whole."""
    if account_ids is None or len(account_ids) > FEW:
        return true()
    return column.in_(account_ids)


def _prompts(
    session: Session, now: datetime, account_ids: Collection[str] | None
) -> dict[str, list[SentPrompt]]:
    found: dict[str, list[SentPrompt]] = defaultdict(list)
    counted = [str(state) for state in (*ON_ITS_WAY, DeliveryState.SENT)]
    deliveries = session.exec(
        select(Delivery).where(
            col(Delivery.state).in_(counted),
            col(Delivery.created_at) <= now,
            _among(col(Delivery.account_id), account_ids),
        )
    )
    for one in deliveries:
        sent_at = one.sent_at if one.sent_at and one.sent_at <= now else one.created_at
        found[one.account_id].append(
            SentPrompt(sent_at=sent_at, groups=tuple(one.groups), offer_kind=one.offer_kind)
        )
    slots = session.exec(
        select(ContactRule).where(
            col(ContactRule.reserved_delivery).is_(None), _among(col(ContactRule.account_id), account_ids)
        )
    )
    for slot in slots:
        known = {prompt.sent_at for prompt in found[slot.account_id]}
        for day, groups, offer in _remembered(slot):
            # Dates without a delivery: written to by other means, or what `forget` left.
            if day is not None and day <= now and day not in known:
                prompt = SentPrompt(sent_at=day, groups=tuple(groups), offer_kind=offer or "")
                found[slot.account_id].append(prompt)
    return {account_id: prompts for account_id, prompts in found.items() if prompts}


def _remembered(slot: ContactRule) -> tuple[tuple[datetime | None, list[str], str | None], ...]:
    return (
        (slot.prompted_at, slot.prompted_groups, slot.prompted_offer),
        (slot.earlier_at, slot.earlier_groups, slot.earlier_offer),
    )


def _silences(session: Session, now: datetime, addresses: Mapping[str, str]) -> dict[str, str]:
    by_hash: dict[str, list[str]] = defaultdict(list)
    for account_id, address in addresses.items():
        if address:
            by_hash[hash_address(address)].append(account_id)
    found: dict[str, str] = {}
    rows = session.exec(
        select(Suppression)
        .where(
            col(Suppression.since) <= now,
            or_(col(Suppression.lifted_at).is_(None), col(Suppression.lifted_at) > now),
        )
        .order_by(col(Suppression.since), col(Suppression.suppression_id))
    )
    for row in rows:
        whose = [row.account_id] if row.account_id else []
        for account_id in (*whose, *by_hash.get(row.address_hash or "", ())):
            found.setdefault(account_id, f"{row.reason} on {row.since:%Y-%m-%d}")
    return found


def _conversations(session: Session, now: datetime, account_ids: Collection[str] | None) -> dict[str, str]:
    wanted = select(Reply).where(
        col(Reply.opens_conversation).is_(True),
        col(Reply.at) <= now,
        or_(col(Reply.closed_at).is_(None), col(Reply.closed_at) > now),
        _among(col(Reply.account_id), account_ids),
    )
    found: dict[str, str] = {}
    for one in session.exec(wanted.order_by(col(Reply.at), col(Reply.reply_id))):
        found[one.account_id] = f"their reply of {one.at:%Y-%m-%d} ({one.kind}) waits for an answer"
    return found
