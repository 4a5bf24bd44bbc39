"""Writing down what becomes of a record: taking it, settling it, giving it back. Times here are the machine's.

Whoever settles answers whether the record was still theirs to write about; if not, nothing was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, false, func, or_, update
from sqlmodel import Session, col, delete, select

from agent.delivery.outward_states import OutwardState, check_move
from agent.delivery.tables_outward import Outward
from agent.foundation.holder import is_gone, machine_now
from agent.foundation.outward import Target
from agent.foundation.store import Store, changed
from agent.signals.finding import Frozen

LONGEST_SAYS = 400
SETTLED = timedelta(minutes=5)
"So long after an attempt any target shows what it has."
FORGOTTEN = "its text was forgotten before it was known to be there"
ENDED = "whoever was telling it has ended"


class OutwardLine(Frozen):
    """A record as a person reads it."""

    target: str
    our_id: str
    kind: str
    account_id: str
    state: OutwardState
    created_at: datetime
    attempts: int
    not_before: datetime | None
    done_at: datetime | None
    their_id: str | None
    says: str


def take(
    session: Session, target: Target, *, most: int, moment: datetime, until: datetime, holder: str
) -> list[tuple[Outward, bool]]:
    """Records that are this holder's to tell from now on, oldest first, each with whether it may be there already."""
    rows = session.exec(
        select(Outward)
        .where(
            col(Outward.target) == target.name,
            col(Outward.kind).in_(_names(target)),
            _is_free(session, target, moment),
        )
        .order_by(col(Outward.created_at), col(Outward.our_id))
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    taken = []
    for row in rows:
        before, was_tried = OutwardState(row.state), row.tried_at is not None
        check_move(before, OutwardState.LEASED)
        row.state, row.leased_by, row.lease_until = str(OutwardState.LEASED), holder, until
        row.attempts, row.not_before = row.attempts + 1, None
        # From here on it may have been written, whatever becomes of us.
        row.tried_at = row.tried_at or moment
        if before is OutwardState.LEASED and not row.says:
            row.says = ENDED
        session.add(row)
        taken.append((row, was_tried))
    session.flush()
    return taken


def _is_free(session: Session, target: Target, moment: datetime) -> Any:
    """What may be taken: it waits and its pause is over, or whoever had it has ended and it can be seen by now."""
    state = col(Outward.state)
    waits = and_(
        state.in_([str(OutwardState.WAITING), str(OutwardState.UNKNOWN)]),
        or_(col(Outward.not_before).is_(None), col(Outward.not_before) <= moment),
    )
    held = and_(state == str(OutwardState.LEASED), col(Outward.target) == target.name)
    holders = session.exec(select(Outward.leased_by).where(held).distinct())
    gone = [one for one in holders if is_gone(one)]
    ended = col(Outward.leased_by).in_(gone) if gone else false()
    is_over = or_(col(Outward.lease_until).is_(None), col(Outward.lease_until) <= moment)
    # What its last holder began a moment ago may still be on its way into the target.
    settled = or_(col(Outward.tried_at).is_(None), col(Outward.tried_at) <= moment - target.settles_in)
    return or_(waits, and_(held, settled, or_(is_over, ended)))


def _names(target: Target) -> list[str]:
    return [str(kind) for kind in target.kinds]


def begun(session: Session, row: Outward, moment: datetime) -> bool:
    """This attempt begins now; False when the record is not this holder's any more, and must not be told."""
    return _settle(session, row, OutwardState.LEASED, tried_at=moment)


def done(session: Session, row: Outward, moment: datetime, their_id: str, says: str) -> bool:
    """It is there, and its text is not needed any more."""
    return _settle(
        session,
        row,
        OutwardState.DONE,
        done_at=moment,
        their_id=their_id,
        document="",
        says=says[:LONGEST_SAYS],
    )


def given_back(session: Session, row: Outward, why: str, until: datetime | None, *, was_tried: bool) -> bool:
    """It was certainly not written this time, which was no attempt; what an earlier one left open stays so."""
    after = OutwardState.UNKNOWN if was_tried else OutwardState.WAITING
    return _settle(
        session,
        row,
        after,
        not_before=until,
        says=why[:LONGEST_SAYS],
        attempts=row.attempts - 1,
        **({} if was_tried else {"tried_at": None}),
    )


def left_open(session: Session, row: Outward, why: str, until: datetime) -> bool:
    """It may be there; told again, or looked for, after a while."""
    return _settle(session, row, OutwardState.UNKNOWN, not_before=until, says=why[:LONGEST_SAYS])


def failed(session: Session, row: Outward, why: str, *, was_tried: bool) -> bool:
    """Nothing more is done about it by itself."""
    also = {} if was_tried else {"tried_at": None}
    return _settle(session, row, OutwardState.FAILED, says=why[:LONGEST_SAYS], not_before=None, **also)


def _settle(session: Session, row: Outward, after: OutwardState, **also: Any) -> bool:
    check_move(OutwardState.LEASED, after)
    values = {"state": str(after), **also}
    if after is not OutwardState.LEASED:
        values |= {"leased_by": None, "lease_until": None}
    mine = update(Outward).where(
        col(Outward.target) == row.target,
        col(Outward.our_id) == row.our_id,
        col(Outward.state) == str(OutwardState.LEASED),
        col(Outward.leased_by) == row.leased_by,
    )
    return changed(session, mine.values(**values)) == 1


def all_postponed(session: Session, target: str, why: str, until: datetime) -> None:
    """Everything that waits for a target waits until it may work again."""
    for state in (OutwardState.WAITING, OutwardState.UNKNOWN):
        waiting = update(Outward).where(
            col(Outward.target) == target,
            col(Outward.state) == str(state),
            or_(col(Outward.not_before).is_(None), col(Outward.not_before) < until),
        )
        changed(session, waiting.values(not_before=until, says=why[:LONGEST_SAYS]))


def retry(store: Store, target: str | None = None, *, moment: datetime | None = None) -> int:
    """Tell again what has failed, and at once what waits for its pause; answers how many records that concerns.

    What was forgotten stays as it is: there is nothing left to tell. What may be there since a moment ago keeps its
    pause, after which it can be seen.
    """
    settled = (moment or machine_now()) - SETTLED
    number = 0
    with store.writing() as session:
        named = [col(Outward.target) == target] if target else []
        for was_tried, after in ((False, OutwardState.WAITING), (True, OutwardState.UNKNOWN)):
            check_move(OutwardState.FAILED, after)
            tried = col(Outward.tried_at).is_not(None) if was_tried else col(Outward.tried_at).is_(None)
            again = update(Outward).where(
                *named, col(Outward.state) == str(OutwardState.FAILED), tried, col(Outward.document) != ""
            )
            number += changed(session, again.values(state=str(after), attempts=0, not_before=None))
        waiting = update(Outward).where(
            *named,
            or_(
                col(Outward.state) == str(OutwardState.WAITING),
                and_(col(Outward.state) == str(OutwardState.UNKNOWN), col(Outward.tried_at) <= settled),
            ),
            col(Outward.not_before).is_not(None),
        )
        number += changed(session, waiting.values(not_before=None))
    return number


def counts(store: Store) -> dict[str, dict[OutwardState, int]]:
    """How many records of each target stand where."""
    found: dict[str, dict[OutwardState, int]] = {}
    with store.reading() as session:
        rows = session.execute(
            select(Outward.target, Outward.state, func.count()).group_by(
                col(Outward.target), col(Outward.state)
            )
        )
        for target, state, number in rows:
            found.setdefault(target, {})[OutwardState(state)] = number
    return found


def lines(
    store: Store, states: Sequence[OutwardState], *, target: str | None = None, most: int = 50
) -> tuple[OutwardLine, ...]:
    """Records in these states, newest first."""
    wanted = (
        select(Outward)
        .where(col(Outward.state).in_([str(one) for one in states]))
        .order_by(col(Outward.created_at).desc(), col(Outward.our_id))
        .limit(most)
    )
    if target is not None:
        wanted = wanted.where(col(Outward.target) == target)
    with store.reading() as session:
        return tuple(_line(row) for row in session.exec(wanted))


def waiting_records(store: Store, target: Target) -> list[str]:
    """The documents of what waits for a target, oldest first."""
    open_ = [str(OutwardState.WAITING), str(OutwardState.UNKNOWN), str(OutwardState.LEASED)]
    with store.reading() as session:
        return list(
            session.exec(
                select(Outward.document)
                .where(
                    col(Outward.target) == target.name,
                    col(Outward.kind).in_(_names(target)),
                    col(Outward.state).in_(open_),
                    col(Outward.document) != "",
                )
                .order_by(col(Outward.created_at), col(Outward.our_id))
            )
        )


def forget_outward(session: Session, account_id: str) -> int:
    """Drop every copy of the account's text; answers how many records it stood in.

    What was never told is gone. Of the rest the ids stay, so that the founder finds it where it was told.
    """
    ours = col(Outward.account_id) == account_id
    never = [str(OutwardState.WAITING), str(OutwardState.FAILED)]
    gone = changed(
        session, delete(Outward).where(ours, col(Outward.tried_at).is_(None), col(Outward.state).in_(never))
    )
    open_ = [str(OutwardState.WAITING), str(OutwardState.UNKNOWN)]
    changed(
        session,
        update(Outward)
        .where(ours, col(Outward.state).in_(open_))
        .values(state=str(OutwardState.FAILED), not_before=None),
    )
    # SQLite gives the number of an outcome that is gone to another one.
    emptied = update(Outward).where(ours).values(document="", says="", source_id="")
    return gone + changed(session, emptied)


def told_elsewhere(store: Store, account_id: str) -> tuple[OutwardLine, ...]:
    """What targets were or may have been told about an account: for whoever has to erase it there as well."""
    with store.reading() as session:
        rows = session.exec(
            select(Outward)
            .where(col(Outward.account_id) == account_id, col(Outward.tried_at).is_not(None))
            .order_by(col(Outward.target), col(Outward.created_at), col(Outward.our_id))
        )
        return tuple(_line(row) for row in rows)


def _line(row: Outward) -> OutwardLine:
    return OutwardLine.model_validate(row.model_dump(include=set(OutwardLine.model_fields)))
