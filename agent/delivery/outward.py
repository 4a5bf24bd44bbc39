"""Telling the founder's own tools what happens: each record once, whoever tells it and however often that is tried.

A record is told at least once, under our own id, and what is told twice under one id is one record there: by the
target's own upsert, or because we look for it before we write it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from agent.delivery import outward_ledger as ledger
from agent.delivery.outward_making import enter, foresee
from agent.delivery.outward_states import OutwardState
from agent.delivery.tables_outward import Outward
from agent.foundation.errors import OutgrownError
from agent.foundation.holder import machine_now, this_holder
from agent.foundation.outward import (
    AnswerLost,
    Outgoing,
    OutwardRecord,
    RecordRefused,
    Target,
    TargetBusy,
    TargetDown,
    Written,
)
from agent.foundation.store import Store
from agent.signals.finding import Frozen

MOST_ATTEMPTS = 12
"About a day and a half, with the pauses below."
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)
MARGIN = timedelta(seconds=5)
"So long before a lease ends nothing is begun under it."
TAKEN_AT_ONCE = 5
"Of what is told one by one: the lease lasts for all of them, and another machine has to wait for its end."
SHORT = timedelta(seconds=10)
"A pause that is waited for rather than left to the next run."
PATIENCE = timedelta(seconds=30)
"What one run may wait for one target in all."

Lookup = Callable[[Collection[str]], Mapping[str, Mapping[str, str]]]
"What each of these accounts is called by each vendor."


class PushResult(StrEnum):
    """What became of a record in this run."""

    DONE = "done"
    RETRIED = "retried"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Pushed(Frozen):
    """One record this run had to do with."""

    target: str
    our_id: str
    kind: str
    account_id: str
    result: PushResult
    says: str = ""


def nobody(accounts: Collection[str]) -> Mapping[str, Mapping[str, str]]:  # noqa: ARG001 - a Lookup
    """For those who know no vendor."""
    return {}


def push(
    store: Store,
    targets: Sequence[Target],
    *,
    now: datetime,
    limit: int | None = None,
    lookup: Lookup = nobody,
    clock: Callable[[], datetime] = machine_now,
    sleep: Callable[[float], None] = time.sleep,
    is_ending: Callable[[], bool] = lambda: False,
) -> tuple[Pushed, ...]:
    """Enter what has happened, and tell it: of several processes each record is told by one.

    `limit` bounds how many records are taken for each target; `now` is our clock's, `clock` the machine's.
    """
    enter(store, targets, now)
    found: list[Pushed] = []
    for target in targets:
        if not target.lacks and target.kinds:
            try:
                found += _Teller(store, target, lookup, clock, sleep, is_ending).run(limit)
            finally:
                target.close()
    return tuple(found)


def would_push(store: Store, targets: Sequence[Target], now: datetime) -> dict[str, list[OutwardRecord]]:
    """What each target would be told: what waits already, and what has happened since."""
    found = foresee(store, targets, now)
    for target in targets:
        waiting = [OutwardRecord.model_validate_json(one) for one in ledger.waiting_records(store, target)]
        found[target.name] = waiting + found[target.name]
    return found


@dataclass
class _Teller:
    """One run for one target."""

    store: Store
    target: Target
    lookup: Lookup
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    is_ending: Callable[[], bool]
    found: list[Pushed] = field(default_factory=list)
    waited: timedelta = timedelta()
    rest: timedelta = timedelta()
    "What the target asks us to wait before the next request."
    until: datetime | None = None
    "Until when nothing more is told."
    why: str = ""
    is_over: bool = False

    def run(self, limit: int | None) -> list[Pushed]:
        taken = 0
        while not self.is_over and not self.is_ending() and (limit is None or taken < limit):
            most = max(self.target.at_once, TAKEN_AT_ONCE)
            rows = self._take(most if limit is None else min(most, limit - taken))
            if not rows:
                break
            taken += len(rows)
            self._tell(rows)
        return self.found

    def _take(self, most: int) -> list[tuple[Outward, bool]]:
        moment = self.clock()
        # Those that are told one by one have to last for all of them.
        requests = -(-most // self.target.at_once)
        until = moment + self.target.patience * requests
        with self.store.writing() as session:
            return ledger.take(
                session, self.target, most=most, moment=moment, until=until, holder=this_holder()
            )

    def _tell(self, rows: Sequence[tuple[Outward, bool]]) -> None:
        left = {row.our_id: (row, was_tried) for row, was_tried in rows}
        try:
            there = self.lookup({row.account_id for row, _ in rows}) if self.target.wants else {}
        except OutgrownError as why:
            for row, was_tried in rows:
                self._not_now(row, was_tried, TargetDown(str(why), pause=timedelta(minutes=1)))
            return
        batches = [rows[at : at + self.target.at_once] for at in range(0, len(rows), self.target.at_once)]
        for batch in batches:
            if self.is_over or self.is_ending():
                break
            self._tell_batch(batch, there, left)
        for row, was_tried in left.values():
            self._give_back_untold(row, was_tried)

    def _tell_batch(
        self,
        batch: Sequence[tuple[Outward, bool]],
        there: Mapping[str, Mapping[str, str]],
        left: dict[str, tuple[Outward, bool]],
    ) -> None:
        going = []
        for row, was_tried in batch:
            if not row.document:
                left.pop(row.our_id)
                self._record(row, PushResult.FAILED, ledger.FORGOTTEN, was_tried=was_tried)
            elif self._begin(row):
                going.append(
                    Outgoing(
                        OutwardRecord.model_validate_json(row.document),
                        there.get(row.account_id, {}),
                        was_tried,
                    )
                )
            else:
                left.pop(row.our_id)
        for our_id, answer in self._asked(going):
            row, was_tried = left.pop(our_id)
            self._settle(row, was_tried, answer)
        if self.rest and not self.is_over:
            self.waited += self.rest
            self.sleep(self.rest.total_seconds())
        self.rest = timedelta()

    def _begin(self, row: Outward) -> bool:
        """Whether the record is still ours to tell: the machine may have slept, or somebody else has it."""
        moment = self.clock()
        if row.lease_until is None or moment >= row.lease_until - MARGIN:
            return False
        if self.target.at_once > 1 or not self.target.settles_in:
            return True
        with self.store.writing() as session:
            return ledger.begun(session, row, moment)

    def _asked(self, going: Sequence[Outgoing]) -> Iterator[tuple[str, Any]]:
        """Each record's answer; what the target did not foresee leaves open what became of it."""
        left = {one.record.our_id for one in going}
        try:
            for our_id, answer in self.target.put_all(going) if going else ():
                if our_id in left:
                    left.discard(our_id)
                    yield our_id, answer
            yield from ((our_id, AnswerLost("nothing was said of it")) for our_id in sorted(left))
        except OutgrownError as why:
            yield from ((our_id, why) for our_id in sorted(left))
        except Exception as why:
            # The words of an error nobody foresaw may hold anything; its kind does not.
            yield from ((our_id, OutgrownError(type(why).__name__)) for our_id in sorted(left))

    def _settle(self, row: Outward, was_tried: bool, answer: Any) -> None:
        if isinstance(answer, Written):
            self._record(row, PushResult.DONE, answer.says, their_id=answer.their_id)
        elif isinstance(answer, TargetBusy | TargetDown):
            self._not_now(row, was_tried, answer)
        elif isinstance(answer, RecordRefused):
            says = f"an earlier attempt may be there, and now: {answer}" if was_tried else str(answer)
            self._record(row, PushResult.FAILED, says, was_tried=was_tried)
        else:
            self._unknown(row, str(answer), getattr(answer, "pause", timedelta()))

    def _not_now(self, row: Outward, was_tried: bool, why: TargetBusy | TargetDown) -> None:
        """It was not written for the target's sake: a short pause is waited for, a longer one ends the run."""
        pause = max(why.pause, timedelta(seconds=1))
        is_short = isinstance(why, TargetBusy) and pause <= SHORT and self.waited + pause <= PATIENCE
        if is_short and not self.is_over:
            self.rest = max(self.rest, pause)
        else:
            self.is_over, self.until, self.why = True, self.clock() + pause, str(why)
        with self.store.writing() as session:
            mine = ledger.given_back(session, row, str(why), self.until, was_tried=was_tried)
            if self.until is not None:
                ledger.all_postponed(session, self.target.name, str(why), self.until)
        self._note(mine, row, PushResult.RETRIED, str(why))

    def _unknown(self, row: Outward, why: str, asked: timedelta) -> None:
        if row.attempts >= MOST_ATTEMPTS:
            says = f"given up after {row.attempts} attempts, and it may be there: {why}"
            self._record(row, PushResult.FAILED, says, was_tried=True)
            return
        until = self.clock() + max(pause_after(row.attempts), self.target.settles_in, asked)
        with self.store.writing() as session:
            mine = ledger.left_open(session, row, why, until)
        self._note(mine, row, PushResult.UNKNOWN, why)

    def _give_back_untold(self, row: Outward, was_tried: bool) -> None:
        with self.store.writing() as session:
            ledger.given_back(session, row, self.why or row.says, self.until, was_tried=was_tried)

    def _record(
        self, row: Outward, result: PushResult, says: str, *, their_id: str = "", was_tried: bool = False
    ) -> None:
        with self.store.writing() as session:
            if result is PushResult.DONE:
                mine = ledger.done(session, row, self.clock(), their_id, says)
            else:
                mine = ledger.failed(session, row, says, was_tried=was_tried)
        self._note(mine, row, result, says)

    def _note(self, mine: bool, row: Outward, result: PushResult, says: str) -> None:
        if mine:
            self.found.append(
                Pushed(
                    target=row.target,
                    our_id=row.our_id,
                    kind=row.kind,
                    account_id=row.account_id,
                    result=result,
                    says=says,
                )
            )


def pause_after(attempts: int) -> timedelta:
    """The pause after so many attempts: twice the one before."""
    doubled: int = 2 ** max(0, min(attempts, 20) - 1)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


__all__ = [
    "MOST_ATTEMPTS",
    "Lookup",
    "OutwardState",
    "PushResult",
    "Pushed",
    "pause_after",
    "push",
    "would_push",
]
