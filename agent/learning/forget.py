"""Erasing a customer from the state, and seeing to it that nobody writes to them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from agent.approval.audit import record
from agent.approval.slots import lock_account
from agent.approval.suppressions import suppress
from agent.approval.tables import (
    BriefRow,
    ContactRule,
    Decision,
    Delivery,
    Draft,
    DraftVersion,
    ModelCall,
    Opportunity,
    Outcome,
    Reply,
    Suppression,
)
from agent.approval.tables_running import Click, Post
from agent.delivery.channel import Channel
from agent.delivery.outward_ledger import forget_outward
from agent.drafting.brief import Brief
from agent.foundation.store import Store, changed
from agent.scoring.assessment import Assessment
from agent.signals.finding import Frozen


class Forgotten(Frozen):
    """How many rows of each kind are gone."""

    rows: dict[str, int]
    files: int


def forget(
    store: Store,
    account_id: str,
    *,
    who: str,
    now: datetime,
    channels: Sequence[Channel] = (),
    addresses: Sequence[str] = (),
) -> Forgotten:
    """Erase the account's drafts, briefs, messages, replies and outcomes, here and in the channels.

    What stays: a suppression of the account and of every address it had (hashed), the date of its newest
    prompt, so that the 30 days still count, what the model took (about nobody), and one line in the trail
    that names nobody.
    """
    # Silence first, then the channels, then the rows: whenever this is interrupted, nobody is written to
    # and doing it again finishes it.
    with store.writing() as session:
        lock_account(session, account_id)
        deliveries = list(session.exec(select(Delivery).where(col(Delivery.account_id) == account_id)))
        for address in sorted(_addresses(session, account_id, deliveries) | set(addresses)):
            suppress(session, account_id=account_id, address=address, reason="forgotten", who=who, now=now)
        suppress(session, account_id=account_id, address=None, reason="forgotten", who=who, now=now)
    files = 0
    for delivery in deliveries:
        for channel in channels:
            if channel.name == delivery.channel:
                channel.erase(delivery.delivery_id)
                files += not channel.reaches_customers
    with store.writing() as session:
        lock_account(session, account_id)
        _hide_addresses(session, account_id)
        _free_slot(session, account_id)
        _part_from_calls(session, account_id)
        _part_from_posts(session, account_id)
        rows = _erase(session, account_id)
        if told := forget_outward(session, account_id):
            rows["outward"] = told
        record(session, at=now, who=who, what="forgotten", subject=f"account:{account_id}", after=dict(rows))
    store.scrub()
    return Forgotten(rows=rows, files=files)


def _addresses(session: Session, account_id: str, deliveries: Sequence[Delivery]) -> set[str]:
    """Every address the state knows of the account."""
    found = {one.address for one in deliveries}
    for document in session.exec(select(BriefRow.document).where(col(BriefRow.account_id) == account_id)):
        found.add(Brief.model_validate_json(document).recipient.contact_email or "")
    for document in session.exec(
        select(Opportunity.document).where(col(Opportunity.account_id) == account_id)
    ):
        found.add(Assessment.model_validate_json(document).contact_email or "")
    return found - {""}


def _hide_addresses(session: Session, account_id: str) -> None:
    """Keep of the account's suppressed addresses only their hashes."""
    hashes = set(
        session.exec(
            select(Suppression.address_hash).where(
                col(Suppression.account_id) == account_id, col(Suppression.address_hash).is_not(None)
            )
        )
    )
    changed(
        session, update(Suppression).where(col(Suppression.address_hash).in_(hashes)).values(address=None)
    )


def _free_slot(session: Session, account_id: str) -> None:
    """No delivery holds the slot any more; its date stays, because the message may have gone out."""
    changed(
        session,
        update(ContactRule).where(col(ContactRule.account_id) == account_id).values(reserved_delivery=None),
    )


def _part_from_calls(session: Session, account_id: str) -> None:
    """What the model took stays in the month's sum, without whom it was about."""
    changed(session, update(ModelCall).where(col(ModelCall.about) == account_id).values(about=None))


def _part_from_posts(session: Session, account_id: str) -> None:
    """What stands in Slack is named by its id alone from now on, which is how the service knows to take it out."""
    drafts = select(Draft.draft_id).where(col(Draft.account_id) == account_id).scalar_subquery()
    ours = col(Post.draft_id).in_(drafts)
    changed(session, delete(Post).where(ours, col(Post.ts).is_(None), col(Post.tried_at).is_(None)))
    changed(session, update(Post).where(ours).values(draft_id=None, shows="", last_error=None))


def _erase(session: Session, account_id: str) -> dict[str, int]:
    drafts = select(Draft.draft_id).where(col(Draft.account_id) == account_id).scalar_subquery()
    gone = {
        "clicks": delete(Click).where(col(Click.draft_id).in_(drafts)),
        "replies": delete(Reply).where(col(Reply.account_id) == account_id),
        "outcomes": delete(Outcome).where(col(Outcome.account_id) == account_id),
        "deliveries": delete(Delivery).where(col(Delivery.account_id) == account_id),
        "decisions": delete(Decision).where(col(Decision.draft_id).in_(drafts)),
        "versions": delete(DraftVersion).where(col(DraftVersion.draft_id).in_(drafts)),
        "drafts": delete(Draft).where(col(Draft.account_id) == account_id),
        "briefs": delete(BriefRow).where(col(BriefRow.account_id) == account_id),
        "opportunities": delete(Opportunity).where(col(Opportunity.account_id) == account_id),
    }
    return {name: changed(session, statement) for name, statement in gone.items()}
