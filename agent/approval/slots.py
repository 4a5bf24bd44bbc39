"""The 30-day slot of an account: reserved by one conditional UPDATE, confirmed or given back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from agent.approval.tables import ContactRule
from agent.foundation.store import changed

CAP_DAYS = 30


def lock_account(session: Session, account_id: str) -> ContactRule:
    """The account's row, made if there is none and held until the transaction ends.

    Every transaction that moves an account's drafts or deliveries takes it first, so that no two
    wait for each other.
    """
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    row = {"account_id": account_id, "prompted_groups": [], "earlier_groups": []}
    session.execute(dialect.insert(ContactRule).values(row).on_conflict_do_nothing())
    return session.exec(
        select(ContactRule)
        .where(col(ContactRule.account_id) == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def reserve_slot(
    session: Session,
    *,
    account_id: str,
    delivery_id: str,
    groups: Sequence[str],
    offer_kind: str,
    now: datetime,
    second_prompt: bool,
) -> bool:
    """Take the slot for a delivery; False when it is taken (rule book §7, `contact_cap`).

    A second prompt within 30 days, where switched on, needs groups and an offer kind that differ from the
    first's, and that the first has arrived; a third never passes.
    """
    cutoff = now - timedelta(days=CAP_DAYS)
    seen = lock_account(session, account_id)
    before = {
        "earlier_at": seen.prompted_at,
        "earlier_groups": seen.prompted_groups,
        "earlier_offer": seen.prompted_offer,
    }
    free: Any = or_(col(ContactRule.prompted_at).is_(None), col(ContactRule.prompted_at) <= cutoff)
    if second_prompt and _differs(seen, groups, offer_kind):
        free = or_(
            free,
            and_(
                col(ContactRule.prompted_at) == seen.prompted_at,
                or_(col(ContactRule.earlier_at).is_(None), col(ContactRule.earlier_at) <= cutoff),
            ),
        )
    won = changed(
        session,
        update(ContactRule)
        .where(col(ContactRule.account_id) == account_id, col(ContactRule.reserved_delivery).is_(None), free)
        .values(
            **before,
            prompted_at=now,
            prompted_groups=list(groups),
            prompted_offer=offer_kind,
            reserved_delivery=delivery_id,
        ),
    )
    return won == 1


def _differs(seen: ContactRule, groups: Sequence[str], offer_kind: str) -> bool:
    if not seen.prompted_offer or not seen.prompted_groups:
        # A prompt of which only the date is known cannot be told from any other.
        return False
    return seen.prompted_offer != offer_kind and not set(seen.prompted_groups) & set(groups)


def confirm_slot(session: Session, *, account_id: str, delivery_id: str, sent_at: datetime) -> None:
    """The prompt has arrived: its 30 days begin with the sending, not with the approval."""
    changed(
        session,
        update(ContactRule)
        .where(col(ContactRule.account_id) == account_id, col(ContactRule.reserved_delivery) == delivery_id)
        .values(prompted_at=sent_at, reserved_delivery=None),
    )


def give_back_slot(session: Session, *, account_id: str, delivery_id: str) -> None:
    """The prompt will not arrive: the slot is what it was before it was reserved."""
    changed(
        session,
        update(ContactRule)
        .where(col(ContactRule.account_id) == account_id, col(ContactRule.reserved_delivery) == delivery_id)
        .values(
            prompted_at=ContactRule.earlier_at,
            prompted_groups=ContactRule.earlier_groups,
            prompted_offer=ContactRule.earlier_offer,
            earlier_at=None,
            earlier_groups=[],
            earlier_offer=None,
            reserved_delivery=None,
        ),
    )


def remember_prompt(session: Session, account_id: str, sent_at: datetime) -> None:
    """Take the slot for a prompt that went out by other means, unless a newer one is known."""
    seen = lock_account(session, account_id)
    if seen.prompted_at is None or seen.prompted_at < sent_at:
        changed(
            session,
            update(ContactRule)
            .where(col(ContactRule.account_id) == account_id, col(ContactRule.reserved_delivery).is_(None))
            .values(prompted_at=sent_at, prompted_groups=[], prompted_offer=None),
        )
