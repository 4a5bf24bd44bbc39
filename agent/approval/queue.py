"""Putting a draft before a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from agent.approval.audit import record
from agent.approval.life import SHOWN_ID, brief_of, drafts_of, move
from agent.approval.revalidation import is_same_offer
from agent.approval.slots import lock_account
from agent.approval.states import DraftState
from agent.approval.tables import BriefRow, Draft, DraftVersion
from agent.drafting.brief import Brief
from agent.drafting.making import Making
from agent.drafting.message import Message
from agent.drafting.violation import Level, Violation
from agent.foundation.errors import Blocked
from agent.foundation.store import Store
from agent.scoring.assessment import Assessment, Offer
from agent.signals.finding import Frozen

KEEP_DAYS = 14
"How long a draft waits for an answer before it expires."

QUIET_DAYS = 7
"How long a skipped offer is not put before the person again."

MACHINE = "outgrown"
"Who moves a draft when nobody does."


class Queued(Frozen):
    """What became of a draft that was to be queued."""

    draft_id: str
    state: DraftState
    is_new: bool
    replaced: tuple[str, ...] = ()
    "Older drafts of the account that became stale."
    says: str = ""
    "Why no new draft was made; empty when one was."


def queue_draft(
    store: Store,
    brief: Brief,
    message: Message,
    violations: Sequence[Violation],
    assessment: Assessment,
    *,
    author: str,
    now: datetime,
    keep_days: int = KEEP_DAYS,
    making: Making | None = None,
) -> Queued:
    """Queue a message for approval; the same brief again answers with the draft it already has.

    `making` tells how the text came to be; without one it is a template's.

    An older pending draft of the account becomes stale, unless a person has edited it: their work stays,
    and so does what they snoozed, what is on its way, and (for a week) what they skipped.

    Raises Blocked for a message that a guardrail blocks.
    """
    blocking = sorted({one.rule for one in violations if one.level is Level.BLOCK})
    if blocking:
        raise Blocked(
            f"The draft for {brief.recipient.account_name} breaks {', '.join(blocking)} and cannot be queued."
        )
    account_id = brief.recipient.account_id
    with store.writing() as session:
        lock_account(session, account_id)
        kept = _kept(session, brief, now)
        if kept is not None:
            return kept
        replaced = []
        for old in drafts_of(session, account_id, [DraftState.PENDING]):
            move(session, old, DraftState.STALE, who=MACHINE, now=now, reason="a newer draft replaced it")
            replaced.append(old.draft_id)
        draft = _insert(
            session, brief, message, violations, assessment, author, now, keep_days, making or Making()
        )
        move(session, draft, DraftState.PENDING, who=author, now=now)
    return Queued(draft_id=draft.draft_id, state=DraftState.PENDING, is_new=True, replaced=tuple(replaced))


def kept_draft(store: Store, brief: Brief, now: datetime) -> Queued | None:
    """What `queue_draft` would answer without making a draft of this brief; None when it would make one."""
    with store.reading() as session:
        return _kept(session, brief, now)


def _kept(session: Session, brief: Brief, now: datetime) -> Queued | None:
    account_id = brief.recipient.account_id
    kept = session.get(Draft, brief.brief_id) or _in_hand(session, account_id, brief.offer, now)
    if kept is None:
        return None
    says = f"Draft {kept.draft_id[:SHOWN_ID]} of this account is {kept.state}."
    return Queued(draft_id=kept.draft_id, state=DraftState(kept.state), is_new=False, says=says)


def _in_hand(session: Session, account_id: str, offer: Offer, now: datetime) -> Draft | None:
    """A draft of the account that a person has a hand in, so that no new one is made."""
    busy = (DraftState.SNOOZED, DraftState.APPROVED, DraftState.SENDING, DraftState.UNKNOWN)
    for draft in drafts_of(session, account_id, busy):
        return draft
    for draft in drafts_of(session, account_id, [DraftState.PENDING]):
        if draft.version > 1:
            return draft
    for draft in drafts_of(session, account_id, [DraftState.SKIPPED]):
        recent = draft.moved_at > now - timedelta(days=QUIET_DAYS)
        if recent and is_same_offer(brief_of(session, draft).offer, offer):
            return draft
    return None


def _insert(
    session: Session,
    brief: Brief,
    message: Message,
    violations: Sequence[Violation],
    assessment: Assessment,
    author: str,
    now: datetime,
    keep_days: int,
    making: Making,
) -> Draft:
    account_id, brief_id = brief.recipient.account_id, brief.brief_id
    session.add(
        BriefRow(
            brief_id=brief_id,
            account_id=account_id,
            as_of=brief.as_of,
            created_at=now,
            document=brief.model_dump_json(),
        )
    )
    session.flush()
    draft = Draft(
        draft_id=brief_id,
        brief_id=brief_id,
        account_id=account_id,
        state=DraftState.DRAFTED,
        version=1,
        points=assessment.points,
        composite=assessment.composite,
        adds_monthly_minor=brief.offer.adds_monthly_minor,
        created_at=now,
        expires_at=now + timedelta(days=keep_days),
        moved_at=now,
        moved_by=author,
    )
    session.add(draft)
    session.flush()
    session.add(new_version(draft, 1, message, author, violations, (), now, making))
    record(
        session,
        at=now,
        who=author,
        what=str(DraftState.DRAFTED),
        subject=f"draft:{brief_id}",
        after={"state": str(DraftState.DRAFTED), "version": 1, "as_of": brief.as_of.isoformat()},
    )
    session.flush()
    return draft


def new_version(
    draft: Draft,
    number: int,
    message: Message,
    author: str,
    violations: Sequence[Violation],
    confirmed: Sequence[str],
    now: datetime,
    making: Making,
) -> DraftVersion:
    """The row of one text of a draft."""
    return DraftVersion(
        draft_id=draft.draft_id,
        number=number,
        subject=message.subject,
        body=message.body,
        author=author,
        violations=[one.model_dump(mode="json") for one in violations],
        confirmed=sorted(set(confirmed)),
        created_at=now,
        making=making.model_dump(mode="json"),
    )
