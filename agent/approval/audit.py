"""The append-only trail: who did what, when, and what it changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlmodel import Session, col, select

from agent.approval.tables import AuditLine
from agent.signals.finding import Frozen


class Trace(Frozen):
    """One line of the trail, as a person reads it."""

    at: datetime
    who: str
    what: str
    subject: str
    before: dict[str, Any] = Field(default_factory=dict)
    after: dict[str, Any] = Field(default_factory=dict)


def record(
    session: Session,
    *,
    at: datetime,
    who: str,
    what: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append one line, in the transaction of the change itself.

    `before` and `after` hold states, ids and numbers, never a customer's words or address: the trail
    cannot be erased, so it must not hold what somebody may ask to have erased.
    """
    session.add(AuditLine(at=at, who=who, what=what, subject=subject, before=before or {}, after=after or {}))


def trail(session: Session, *subjects: str) -> tuple[Trace, ...]:
    """The lines about these subjects, oldest first."""
    lines = session.exec(
        select(AuditLine).where(col(AuditLine.subject).in_(subjects)).order_by(col(AuditLine.audit_id))
    )
    return tuple(
        Trace(
            at=line.at,
            who=line.who,
            what=line.what,
            subject=line.subject,
            before=line.before,
            after=line.after,
        )
        for line in lines
    )
