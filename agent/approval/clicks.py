"""What people did in Slack, kept until it is done: each once, whoever does it and however often Slack says it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Table, Update, delete, func, inspect, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from agent.approval.tables_running import Click
from agent.foundation.holder import is_gone
from agent.foundation.store import Store, changed
from agent.signals.finding import Frozen

LOOKED_AT = 50
"How many waiting clicks are looked at for one that is free."
LONG_ENOUGH = timedelta(minutes=1)
"What must be left of a lease for the work to begin."
REMEMBERED = timedelta(days=30)
"How long it is known that a click was done; nothing sends one again after that."


KEPT = ("click_id", "at", "kind", "who", "draft_id", "document")
"What is kept of a click as it came."


class ClickState(StrEnum):
    """Where a click stands."""

    WAITING = "waiting"
    DONE = "done"


class Work(Frozen):
    """A click as those who do it need it."""

    click_id: str
    at: datetime
    kind: str
    who: str
    "'slack:TEAM/USER'."
    draft_id: str | None = None
    document: str = ""
    attempts: int = 0


def keep(
    store: Store,
    clicks: Sequence[Work],
    *,
    holder: str | None = None,
    until: datetime | None = None,
    finished: Sequence[str] = (),
    now: datetime | None = None,
) -> frozenset[str]:
    """Keep these clicks in one transaction; answers the ids of those that were not known before.

    With a `holder` they are that one's to do until `until`. What it has `finished` by `now` goes the same way.
    """
    rows = [
        {
            **{name: getattr(one, name) for name in KEPT},
            "attempts": 1 if holder else 0,
            "state": str(ClickState.WAITING),
            "leased_by": holder,
            "lease_until": until if holder else None,
        }
        for one in {one.click_id: one for one in clicks}.values()
    ]
    if not rows and not finished:
        return frozenset()
    dialect: Any = sqlite if store.is_sqlite else postgresql
    # By the table and not by the class: nobody waits for objects where two hundred come at once.
    table = cast("Table", inspect(Click).local_table)
    statement = dialect.insert(table).on_conflict_do_nothing().returning(table.c.click_id)
    with store.writing() as session:
        if finished:
            changed(session, _mine(finished, holder or "").values(**_done_at(now)))
        return frozenset(session.execute(statement, rows).scalars()) if rows else frozenset()


def waiting(store: Store, now: datetime) -> tuple[str, ...]:
    """Clicks that anybody may take now, oldest first: given back, or their holder's time is over or it has ended."""
    with store.reading() as session:
        rows = session.exec(
            select(Click.click_id, Click.leased_by, Click.lease_until)
            .where(
                col(Click.state) == str(ClickState.WAITING),
                or_(col(Click.not_before).is_(None), col(Click.not_before) <= now),
            )
            .order_by(col(Click.at), col(Click.click_id))
            .limit(LOOKED_AT)
        ).all()
    return tuple(
        click_id
        for click_id, holder, until in rows
        if holder is None or until is None or until <= now or is_gone(holder)
    )


def held(store: Store, click_id: str, *, now: datetime, holder: str) -> Work | None:
    """The click, if it is this holder's to do for a good while yet."""
    with store.reading() as session:
        click = session.get(Click, click_id)
        if click is None or click.state != ClickState.WAITING or click.leased_by != holder:
            return None
        if click.lease_until is None or click.lease_until <= now + LONG_ENOUGH:
            return None
        return Work.model_validate(click.model_dump(include=set(Work.model_fields)))


def take(store: Store, click_id: str, *, now: datetime, holder: str, lease: timedelta) -> Work | None:
    """The click, from now on this holder's to do; None when it is done or somebody else's."""
    with store.writing() as session:
        click = session.get(Click, click_id, with_for_update=True)
        if click is None or click.state != ClickState.WAITING:
            return None
        free = click.leased_by is None or click.lease_until is None or click.lease_until <= now
        if not free and click.leased_by != holder and not is_gone(click.leased_by):
            return None
        won = changed(
            session,
            update(Click)
            .where(
                col(Click.click_id) == click_id,
                col(Click.state) == str(ClickState.WAITING),
                col(Click.leased_by).is_not_distinct_from(click.leased_by),
            )
            .values(leased_by=holder, lease_until=now + lease, attempts=Click.attempts + 1, not_before=None),
        )
        if won != 1:
            return None
        taken = click.model_dump(include=set(Work.model_fields))
        return Work.model_validate({**taken, "attempts": click.attempts + 1})


def finish(store: Store, click_id: str, *, now: datetime, holder: str) -> bool:
    """The click is done, and what it carried is gone; False when it was no longer this holder's."""
    with store.writing() as session:
        return changed(session, _mine([click_id], holder).values(**_done_at(now))) == 1


def _done_at(now: datetime | None) -> dict[str, Any]:
    return {
        "state": str(ClickState.DONE),
        "document": "",
        "done_at": now,
        "leased_by": None,
        "lease_until": None,
        "not_before": None,
    }


def give_back(store: Store, click_id: str, *, holder: str, not_before: datetime | None = None) -> bool:
    """Leave the click to whoever is next, not before a moment; False when it was no longer this holder's."""
    values = {"leased_by": None, "lease_until": None, "not_before": not_before}
    with store.writing() as session:
        return changed(session, _mine([click_id], holder).values(**values)) == 1


def give_all_back(store: Store, holder: str) -> int:
    """Leave everything this holder has not done to others; answers how much that was."""
    with store.writing() as session:
        return changed(
            session,
            update(Click)
            .where(col(Click.state) == str(ClickState.WAITING), col(Click.leased_by) == holder)
            .values(leased_by=None, lease_until=None),
        )


def undone(store: Store) -> int:
    """How many clicks are still to be done, by whomever."""
    with store.reading() as session:
        return session.exec(
            select(func.count()).select_from(Click).where(col(Click.state) == str(ClickState.WAITING))
        ).one()


def drop_old(store: Store, now: datetime) -> int:
    """Forget clicks that were done long ago; answers how many."""
    with store.writing() as session:
        return changed(
            session,
            delete(Click).where(
                col(Click.state) == str(ClickState.DONE), col(Click.done_at) < now - REMEMBERED
            ),
        )


def _mine(click_ids: Sequence[str], holder: str) -> Update:
    """The beginning of an UPDATE of what this holder still has to do."""
    return update(Click).where(
        col(Click.click_id).in_(click_ids),
        col(Click.state) == str(ClickState.WAITING),
        col(Click.leased_by) == holder,
    )
