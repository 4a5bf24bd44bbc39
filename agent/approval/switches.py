"""The one switch of the house: whether anything may be sent at all."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from agent.approval.audit import record
from agent.approval.tables_running import Switch
from agent.foundation.store import Store, changed

SENDING = "sending"
SUBJECT = f"switch:{SENDING}"
NEVER = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)


def stop_sending(store: Store, *, who: str, reason: str, now: datetime) -> Switch:
    """Let nothing be handed over from now on; what is already being handed over cannot be called back.

    Stopping twice keeps who was first, and takes the newer reason where one is given.
    """
    with store.writing() as session:
        found = _held(session)
        if found.is_off and not reason:
            return found
        values = {"reason": reason} if found.is_off else {"who": who, "since": now, "reason": reason}
        changed(session, update(Switch).where(col(Switch.name) == SENDING).values(is_off=True, **values))
        record(session, at=now, who=who, what="stopped", subject=SUBJECT, after={"is_off": True})
        session.refresh(found)
    return found


def resume_sending(store: Store, *, who: str, now: datetime) -> bool:
    """Let messages leave again; False when nothing was stopped."""
    with store.writing() as session:
        resumed = changed(
            session,
            update(Switch)
            .where(col(Switch.name) == SENDING, col(Switch.is_off).is_(True))
            .values(is_off=False, who=who, since=now, reason=""),
        )
        if resumed:
            record(session, at=now, who=who, what="resumed", subject=SUBJECT, after={"is_off": False})
    return bool(resumed)


def sending_stopped(session: Session) -> Switch | None:
    """The switch, when sending is stopped; for those who only look."""
    found = session.get(Switch, SENDING, populate_existing=True)
    return found if found is not None and found.is_off else None


def hold_open(session: Session) -> Switch | None:
    """The switch when sending is stopped; else None, and nobody can stop it before this transaction ends."""
    held = _held(session, share=True)
    return held if held.is_off else None


def _held(session: Session, *, share: bool = False) -> Switch:
    """The switch's row, made if there is none: only a row that is there can be held."""
    wanted = select(Switch).where(col(Switch.name) == SENDING)
    wanted = wanted.with_for_update(read=share).execution_options(populate_existing=True)
    found = session.exec(wanted).first()
    if found is None:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        row = {"name": SENDING, "is_off": False, "since": NEVER, "who": "", "reason": ""}
        session.execute(dialect.insert(Switch).values(row).on_conflict_do_nothing())
        found = session.exec(wanted).one()
    return found
