"""How many messages have left today: a place is taken by one conditional UPDATE, and given back when it was not used."""

from __future__ import annotations

from datetime import date

from sqlalchemy import true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from agent.approval.tables_running import SendingDay
from agent.foundation.store import changed


def take_place(session: Session, day: date, ceiling: int) -> bool:
    """Count one more message of the day; False when the ceiling (0 means none) is reached."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(SendingDay).values(day=day, taken=0).on_conflict_do_nothing())
    under = col(SendingDay.taken) < ceiling if ceiling else true()
    taken = update(SendingDay).where(col(SendingDay.day) == day, under).values(taken=SendingDay.taken + 1)
    return changed(session, taken) == 1


def give_back_place(session: Session, day: date) -> None:
    """The message counted on that day certainly did not leave."""
    given = update(SendingDay).where(col(SendingDay.day) == day, col(SendingDay.taken) > 0)
    changed(session, given.values(taken=SendingDay.taken - 1))


def taken_on(session: Session, day: date) -> int:
    """How many have been handed over, or are being handed over, on that day."""
    found = session.get(SendingDay, day)
    return found.taken if found else 0
