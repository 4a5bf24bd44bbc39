"""What a person may do with a draft besides approving it, and what time does to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

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
from agent.approval.queue import MACHINE, new_version
from agent.approval.revalidation import Around, Check, unconfirmed
from agent.approval.states import EDITABLE, DecisionKind, DraftState
from agent.approval.tables import Draft
from agent.drafting.making import PERSON, Making
from agent.drafting.message import Message
from agent.drafting.violation import Level, Violation
from agent.foundation.errors import Blocked, MoveRefused, NotFound, UsageError
from agent.foundation.store import Store, changed
from agent.signals.finding import Frozen

LONGEST_SNOOZE = 90


class Edited(Frozen):
    """What an edit led to."""

    draft_id: str
    version: int
    violations: tuple[Violation, ...]
    confirmed: tuple[str, ...]


def edit_draft(
    store: Store,
    draft_id: str,
    message: Message,
    *,
    who: str,
    base_version: int,
    check: Check,
    surroundings: Around,
    confirm: Sequence[str] = (),
    now: datetime,
) -> Edited:
    """Append a person's text as the draft's next version.

    Raises MoveRefused, showing the newer text, when `base_version` is no longer the current one, and
    Blocked when a guardrail blocks that is not in `confirm`; the rules marked hard cannot be confirmed past.
    """
    with store.reading() as session:
        draft = find_draft(session, draft_id)
        brief = brief_of(session, draft)
        _refuse_unless_editable(session, draft)
    message = Message(subject=storable(message.subject), body=storable(message.body))
    violations = tuple(check(message, brief, surroundings(draft.account_id)))
    _refuse_blocks(violations, confirm)
    blocked = {one.rule for one in violations if one.level is Level.BLOCK}
    confirmed = tuple(sorted(blocked & set(confirm)))
    with store.writing() as session:
        draft = lock_draft(session, draft.draft_id)
        _refuse_unless_editable(session, draft)
        if draft.version != base_version:
            newer = version_of(session, draft)
            raise MoveRefused(
                f"Draft {draft.draft_id[:SHOWN_ID]} was edited by {newer.author} on "
                f"{newer.created_at:%Y-%m-%d %H:%M} and is at version {newer.number}, you changed version "
                f"{base_version}; begin again from the newer text:\n\n{message_of(newer).text}"
            )
        if message_of(version_of(session, draft)) == message and not confirmed:
            return Edited(
                draft_id=draft.draft_id, version=base_version, violations=violations, confirmed=confirmed
            )
        number = base_version + 1
        changed(
            session,
            update(Draft)
            .where(col(Draft.draft_id) == draft.draft_id, col(Draft.version) == base_version)
            .values(version=number),
        )
        making = Making(writer=PERSON)
        session.add(new_version(draft, number, message, who, violations, confirmed, now, making))
        session.flush()
        session.refresh(draft)
        decide(session, draft, DecisionKind.EDITED, who=who, now=now)
        record(
            session,
            at=now,
            who=who,
            what="edited",
            subject=f"draft:{draft.draft_id}",
            before={"version": base_version},
            after={"version": number, "confirmed": list(confirmed)},
        )
    return Edited(draft_id=draft.draft_id, version=number, violations=violations, confirmed=confirmed)


def _refuse_unless_editable(session: Session, draft: Draft) -> None:
    if draft.state not in EDITABLE:
        raise MoveRefused(f"{describe(session, draft)}; its text can no longer be changed.")


def _refuse_blocks(violations: Sequence[Violation], confirm: Sequence[str]) -> None:
    standing = unconfirmed(violations, confirm)
    if not standing:
        return
    said = "; ".join(f"{one.rule}: {one.message.rstrip('.')}" for one in standing)
    mend = (
        "nobody can confirm past that"
        if any(one.hard for one in standing)
        else f"mend the text, or confirm {', '.join(sorted({one.rule for one in standing}))}"
    )
    raise Blocked(f"The edit is not kept ({said}); {mend}.")


def storable(text: str) -> str:
    """Text that both databases can hold: what no message may contain becomes a replacement mark."""
    return text.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def skip(store: Store, draft_id: str, *, who: str, reason: str, now: datetime) -> None:
    """Decide against a draft; its offer is left alone for a week."""
    with store.writing() as session:
        draft = lock_draft(session, draft_id)
        move(session, draft, DraftState.SKIPPED, who=who, now=now, reason=storable(reason))
        decide(session, draft, DecisionKind.SKIPPED, who=who, now=now, reason=storable(reason))


def snooze(store: Store, draft_id: str, *, days: int, who: str, now: datetime) -> datetime:
    """Put a draft away for some days, and answer when it comes back; its expiry waits as long."""
    if not 1 <= days <= LONGEST_SNOOZE:
        raise UsageError(f"A draft can be snoozed for 1 to {LONGEST_SNOOZE} days, not {days}.")
    until = now + timedelta(days=days)
    with store.writing() as session:
        draft = lock_draft(session, draft_id)
        later = draft.expires_at + timedelta(days=days)
        move(
            session,
            draft,
            DraftState.SNOOZED,
            who=who,
            now=now,
            reason=f"until {until:%Y-%m-%d}",
            snoozed_until=until,
            expires_at=later,
        )
        decide(session, draft, DecisionKind.SNOOZED, who=who, now=now, reason=f"{days} days")
    return until


def wake(store: Store, draft_id: str, *, who: str, now: datetime) -> None:
    """Bring a snoozed draft back before its time."""
    with store.writing() as session:
        draft = lock_draft(session, draft_id)
        move(
            session,
            draft,
            DraftState.PENDING,
            who=who,
            now=now,
            only_from=DraftState.SNOOZED,
            snoozed_until=None,
        )
        decide(session, draft, DecisionKind.WOKEN, who=who, now=now)


def wake_snoozed(store: Store, now: datetime) -> tuple[str, ...]:
    """Bring back every draft whose snooze is over; answers their ids."""
    due = select(Draft.draft_id).where(
        col(Draft.state) == str(DraftState.SNOOZED), col(Draft.snoozed_until) <= now
    )
    return _move_each(
        store, due, DraftState.PENDING, now, reason=None, only_from=DraftState.SNOOZED, snoozed_until=None
    )


def expire_old(store: Store, now: datetime) -> tuple[str, ...]:
    """Expire every draft nobody answered in time; answers their ids."""
    waiting = [str(DraftState.PENDING), str(DraftState.SNOOZED)]
    due = select(Draft.draft_id).where(col(Draft.state).in_(waiting), col(Draft.expires_at) <= now)
    return _move_each(store, due, DraftState.EXPIRED, now, reason="nobody answered in time")


def _move_each(
    store: Store,
    due: SelectOfScalar[str],
    after: DraftState,
    now: datetime,
    *,
    reason: str | None,
    **also: Any,
) -> tuple[str, ...]:
    with store.reading() as session:
        ids = sorted(session.exec(due).all())
    moved = []
    for draft_id in ids:
        # A draft that a person moved in between has had its answer.
        with suppress(MoveRefused, NotFound), store.writing() as session:
            draft = lock_draft(session, draft_id)
            move(session, draft, after, who=MACHINE, now=now, reason=reason, **also)
            moved.append(draft_id)
    return tuple(moved)
