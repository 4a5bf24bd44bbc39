"""Runs that the clock asks for: of several processes exactly one does each, and a failed one is tried again.

`due_at` is our clock's time; all else is about processes, and goes by the machine's (`holder.machine_now`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from agent.approval.tables_running import Run
from agent.foundation.holder import is_gone
from agent.foundation.store import Store, changed

LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 6
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    "It will be tried again, not before `lease_until`."
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Claim:
    """A run that this process, and no other, is to do."""

    job: str
    due_at: datetime
    holder: str
    attempts: int


@dataclass(frozen=True)
class LastRun:
    """How a run of a job stands."""

    job: str
    due_at: datetime
    state: RunState
    attempts: int
    started_at: datetime
    ended_at: datetime | None
    says: str


def claim(
    store: Store, job: str, due_at: datetime, now: datetime, holder: str, lease: timedelta = LEASE
) -> Claim | None:
    """Take a run: one that nobody took, or one whose holder has ended, or one that failed and is due again.

    None when it is done, under way elsewhere, waiting for its next attempt, or given up.
    """
    mine = Claim(job, due_at, holder, 1)
    with store.writing() as session:
        dialect = sqlite if store.is_sqlite else postgresql
        row = {"job": job, "due_at": due_at, "state": str(RunState.RUNNING), "attempts": 1, "leased_by": holder,
               "lease_until": now + lease, "started_at": now, "says": ""}  # fmt: skip
        inserted = dialect.insert(Run).values(row).on_conflict_do_nothing().returning(col(Run.job))
        if session.execute(inserted).first() is not None:
            return mine
        seen = session.get_one(Run, (job, due_at), populate_existing=True)
        if not _is_free(seen, now):
            return None
        if seen.attempts >= MOST_ATTEMPTS:
            _give_up(session, seen, now)
            return None
        won = changed(
            session,
            update(Run)
            .where(*_standing(seen, seen.state, seen.leased_by))
            .values(
                state=str(RunState.RUNNING),
                attempts=seen.attempts + 1,
                leased_by=holder,
                lease_until=now + lease,
                started_at=now,
                ended_at=None,
            ),
        )
        return replace(mine, attempts=seen.attempts + 1) if won == 1 else None


def _is_free(run: Run, now: datetime) -> bool:
    """Whether another process may take it: nobody works on it any more, or its pause is over."""
    over = run.lease_until is None or run.lease_until <= now
    if run.state == RunState.RUNNING:
        return over or is_gone(run.leased_by)
    return run.state == RunState.FAILED and over


def _give_up(session: Session, seen: Run, now: datetime) -> None:
    says = seen.says or "every process that began it ended before it was done"
    changed(
        session,
        update(Run)
        .where(*_standing(seen, seen.state, seen.leased_by))
        .values(state=str(RunState.GIVEN_UP), ended_at=now, says=says),
    )


def _standing(run: Run | Claim, state: str, holder: str | None) -> list[ColumnElement[bool]]:
    """The run, as long as it stands as it was seen: only then may it be changed."""
    return [
        col(Run.job) == run.job,
        col(Run.due_at) == run.due_at,
        col(Run.state) == state,
        col(Run.leased_by) == holder,
        col(Run.attempts) == run.attempts,
    ]


def renew(store: Store, held: Claim, now: datetime, lease: timedelta = LEASE) -> bool:
    """Hold on to a run that takes its time; False when it is no longer this process's."""
    with store.writing() as session:
        return changed(session, update(Run).where(*_still(held)).values(lease_until=now + lease)) == 1


def finish(store: Store, held: Claim, now: datetime, says: str = "", *, ok: bool) -> RunState | None:
    """Write down how it went: done, failed with a pause that grows, or given up.

    None when another process has taken the run over meanwhile.
    """
    state, pause = RunState.DONE, timedelta()
    if not ok:
        pause = min(FIRST_PAUSE * 2 ** (held.attempts - 1), LONGEST_PAUSE)
        state = RunState.GIVEN_UP if held.attempts >= MOST_ATTEMPTS else RunState.FAILED
    with store.writing() as session:
        mine = changed(
            session,
            update(Run)
            .where(*_still(held))
            .values(state=str(state), lease_until=now + pause, ended_at=now, says=says[:1000]),
        )
    return state if mine == 1 else None


def _still(held: Claim) -> list[ColumnElement[bool]]:
    return _standing(held, str(RunState.RUNNING), held.holder)


def state_of(store: Store, job: str, due_at: datetime) -> RunState | None:
    """How one run stands; None when nobody has taken it yet."""
    with store.reading() as session:
        found = session.get(Run, (job, due_at))
        return None if found is None else RunState(found.state)


def newest(store: Store, job: str, state: RunState | None = None) -> LastRun | None:
    """The job's newest run, or its newest in that state; None before the first."""
    wanted = select(Run).where(col(Run.job) == job).order_by(col(Run.due_at).desc()).limit(1)
    if state is not None:
        wanted = wanted.where(col(Run.state) == str(state))
    with store.reading() as session:
        run = session.exec(wanted).first()
        return None if run is None else _seen(run)


def _seen(run: Run) -> LastRun:
    return LastRun(
        run.job, run.due_at, RunState(run.state), run.attempts, run.started_at, run.ended_at, run.says
    )


def prune(store: Store, job: str, before: datetime) -> int:
    """Forget runs of the job that were due before, its newest excepted."""
    last = select(func.max(col(Run.due_at))).where(col(Run.job) == job).scalar_subquery()
    with store.writing() as session:
        return changed(
            session,
            delete(Run).where(col(Run.job) == job, col(Run.due_at) < before, col(Run.due_at) < last),
        )
