"""Finding a draft, and moving it along the one table of moves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from agent.approval.audit import record
from agent.approval.slots import lock_account
from agent.approval.states import DecisionKind, DraftState, check_move
from agent.approval.tables import BriefRow, Decision, Draft, DraftVersion
from agent.drafting.brief import Brief
from agent.drafting.message import Message
from agent.foundation.errors import MoveRefused, NotFound
from agent.foundation.store import changed

SHORTEST_ID = 4
SHOWN_ID = 8


def find_draft(session: Session, given: str) -> Draft:
    """The draft of that id, or of the one id that begins so (at least four characters).

    Raises NotFound when there is none or more than one.
    """
    wanted = given.strip().lower()
    if len(wanted) >= SHORTEST_ID:
        found = session.exec(
            select(Draft)
            .where(col(Draft.draft_id).startswith(wanted, autoescape=True))
            .limit(2)
            .execution_options(populate_existing=True)
        ).all()
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(f"More than one draft begins with {given!r}; give more of its id.")
    raise NotFound(f"There is no draft {given!r}; `outgrown drafts` lists them.")


def lock_draft(session: Session, given: str) -> Draft:
    """The draft as it stands now, its account's row held first."""
    lock_account(session, find_draft(session, given).account_id)
    return find_draft(session, given)


def describe(session: Session, draft: Draft) -> str:
    """Where the draft stands, who brought it there when, and who decided: the beginning of a refusal."""
    reason = f" ({draft.reason.rstrip('.')})" if draft.reason else ""
    said = (
        f"Draft {draft.draft_id[:SHOWN_ID]} is {draft.state} since {draft.moved_at:%Y-%m-%d %H:%M}, "
        f"by {draft.moved_by}{reason}"
    )
    last = session.exec(
        select(Decision)
        .where(col(Decision.draft_id) == draft.draft_id, col(Decision.kind) != str(DecisionKind.EDITED))
        .order_by(col(Decision.decision_id).desc())
        .limit(1)
    ).first()
    if last is None or last.who == draft.moved_by:
        return said
    return f"{said}; {last.kind} by {last.who} on {last.at:%Y-%m-%d %H:%M}"


def move(
    session: Session,
    draft: Draft,
    after: DraftState,
    *,
    who: str,
    now: datetime,
    reason: str | None = None,
    only_from: DraftState | None = None,
    **also: Any,
) -> None:
    """Bring the draft to another state, by one conditional UPDATE, with its line in the trail.

    `only_from` narrows the table where it allows a move that the caller does not mean.

    Raises MoveRefused when the table has no such move, or when somebody else was faster.
    """
    before, version = DraftState(draft.state), draft.version
    check_move(before, after, lambda: describe(session, draft), only_from)
    values: dict[str, Any] = {"state": str(after), "moved_at": now, "moved_by": who, "reason": reason, **also}
    won = changed(
        session,
        update(Draft)
        .where(
            col(Draft.draft_id) == draft.draft_id, col(Draft.state) == before, col(Draft.version) == version
        )
        .values(**values),
    )
    if won != 1:
        current = find_draft(session, draft.draft_id)
        raise MoveRefused(f"{describe(session, current)}; it was changed while you looked. Look at it again.")
    record(
        session,
        at=now,
        who=who,
        what=str(after),
        subject=f"draft:{draft.draft_id}",
        before={"state": str(before), "version": version},
        after={"state": str(after), "version": version},
    )
    session.refresh(draft)


def decide(
    session: Session, draft: Draft, kind: DecisionKind, *, who: str, now: datetime, reason: str | None = None
) -> None:
    """Remember what a person decided."""
    session.add(
        Decision(
            draft_id=draft.draft_id, version=draft.version, kind=str(kind), who=who, at=now, reason=reason
        )
    )


def brief_of(session: Session, draft: Draft) -> Brief:
    """The brief the draft rests on."""
    row = session.get_one(BriefRow, draft.brief_id)
    return Brief.model_validate_json(row.document)


def version_of(session: Session, draft: Draft, number: int | None = None) -> DraftVersion:
    """A version of the draft's text; the current one unless a number is given."""
    return session.get_one(DraftVersion, (draft.draft_id, number or draft.version))


def message_of(version: DraftVersion) -> Message:
    """The text of a version."""
    return Message(subject=version.subject, body=version.body)


def drafts_of(session: Session, account_id: str, states: Iterable[DraftState]) -> list[Draft]:
    """The account's drafts in these states, newest first."""
    wanted = [str(state) for state in states]
    return list(
        session.exec(
            select(Draft)
            .where(col(Draft.account_id) == account_id, col(Draft.state).in_(wanted))
            .order_by(col(Draft.created_at).desc(), col(Draft.draft_id))
        )
    )
