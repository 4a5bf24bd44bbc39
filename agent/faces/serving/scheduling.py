"""The scheduler: it looks every second, and the ledger of runs decides which process does what is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agent.approval import runs
from agent.approval.runs import Claim, RunState
from agent.faces.serving.due import Job, newest_due
from agent.faces.serving.jobs import WORK, Turn
from agent.faces.serving.voice import Voice
from agent.foundation import clock
from agent.foundation.errors import OutgrownError, StoreBusy
from agent.foundation.holder import machine_now, this_holder
from agent.wiring.hooking import waiting

if TYPE_CHECKING:
    from agent.faces.slack.desk import Desk
    from agent.wiring import House

LOOK_SECONDS = 1.0
RENEW_SECONDS = 20.0
BUSY_SECONDS = 120.0
"How long a run waits for the facts while clicks are being looked at, before it counts as failed."
ALIVE_SECONDS = 60.0
"Without a look for so long, the scheduler counts as dead."
MACHINE = "outgrown"
"Who acts when nobody does."


class Scheduler:
    """Does what is due, in this process or in none: sync, draft and digest in turn, tidying beside them."""

    def __init__(
        self,
        house: House,
        voice: Voice,
        desk: Desk | None = None,
        *,
        look_seconds: float = LOOK_SECONDS,
        after_work: Callable[[], None] = lambda: None,
    ) -> None:
        self._house, self._voice, self._desk = house, voice, desk
        self._look_seconds, self._after_work = look_seconds, after_work
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._held: set[Claim] = set()
        self._looked = time.monotonic()
        self._ticker: Any = None
        self.jobs = tuple(job for job in Job if job is not Job.DIGEST or desk is not None)

    @property
    def is_alive(self) -> bool:
        """Whether it still looks, or is at work."""
        return self._ticker is not None and (
            self.is_busy or time.monotonic() - self._looked < ALIVE_SECONDS + self._look_seconds
        )

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way here."""
        with self._lock:
            return bool(self._held)

    def start(self) -> None:
        """Begin to look."""
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._ticker = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(3)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        work = [job for job in self.jobs if job is not Job.TIDY]
        at_once = datetime.now(UTC)
        for name, seconds, call in (
            ("tidy", self._look_seconds, lambda: self._guarded([Job.TIDY])),
            ("work", self._look_seconds, lambda: self._guarded(work)),
            ("renew", RENEW_SECONDS, self._renew),
        ):
            self._ticker.add_job(call, "interval", seconds=seconds, id=name, next_run_time=at_once)
        self._ticker.start()

    def stop(self, seconds: float) -> bool:
        """Begin nothing new; whether what was under way ended within so many seconds."""
        self._ending.set()
        if self._ticker is not None:
            self._ticker.pause()
        deadline = time.monotonic() + seconds
        while self.is_busy and time.monotonic() < deadline:
            time.sleep(0.05)
        ended = not self.is_busy
        if self._ticker is not None and ended:
            self._ticker.shutdown(wait=False)
        return ended

    def look(self, jobs: Sequence[Job] = tuple(Job)) -> list[tuple[Job, RunState | None]]:
        """Do every run of these jobs that is due and that no other process has; answers how they went."""
        done = []
        with ExitStack() as stack:
            house = None
            for job in jobs:
                if self._ending.is_set() or job not in self.jobs:
                    break
                due_at = self._due(job)
                if due_at is None:
                    continue
                held = self._claim(job, due_at)
                if held is None:
                    if job is Job.SYNC and self._is_under_way(job, due_at):
                        # What is written and posted rests on facts that another process is just reading.
                        break
                    continue
                if house is None:
                    # One run, so that syncing and drafting share one patience with the model.
                    house = self._house.again(MACHINE)
                    stack.enter_context(house.one_run())
                done.append((job, self._do(job, held, house)))
        self._looked = time.monotonic()
        return done

    def _due(self, job: Job) -> datetime | None:
        """When the run was due that is to be done now; None when there is none."""
        due_at = newest_due(job, self._house.settings, clock.now())
        if job is not Job.HOOKED or due_at is None:
            return due_at
        if not waiting(self._house.workspace):
            return None
        last = runs.newest(self._house.store, job)
        # A vendor in trouble is asked again with the pauses of its first run, not every minute.
        return last.due_at if last is not None and last.state is RunState.FAILED else due_at

    def _guarded(self, jobs: Sequence[Job]) -> None:
        try:
            self.look(jobs)
        except OutgrownError as error:
            self._voice.trouble("scheduler", str(error))
        else:
            self._voice.well("scheduler")

    def _claim(self, job: Job, due_at: datetime) -> Claim | None:
        """The run, if it is ours to do; asked for without writing where it is known to be settled."""
        state = runs.state_of(self._house.store, job, due_at)
        if state in (RunState.DONE, RunState.GIVEN_UP):
            return None
        held = runs.claim(self._house.store, job, due_at, machine_now(), this_holder())
        if held is not None:
            with self._lock:
                self._held.add(held)
        return held

    def _is_under_way(self, job: Job, due_at: datetime) -> bool:
        return runs.state_of(self._house.store, job, due_at) is RunState.RUNNING

    def _do(self, job: Job, held: Claim, house: House) -> RunState | None:
        begun, says, ok = time.monotonic(), "", False
        try:
            says, ok = self._patiently(job, Turn(house, held.due_at, self._desk)), True
        except OutgrownError as error:
            says = " ".join(str(error).split())
        except Exception as error:
            # The words of an error nobody foresaw may hold anything; its kind does not.
            says = f"{type(error).__name__}, which should not have happened"
        finally:
            with self._lock:
                self._held.discard(held)
            state = runs.finish(self._house.store, held, machine_now(), says, ok=ok)
        if says:
            again = "; it is tried again" if state is RunState.FAILED else ""
            failed = "" if ok else "failed: "
            self._voice.say(f"{job}: {failed}{says.rstrip('.')}{again} ({time.monotonic() - begun:.1f} s).")
        self._after_work()
        return state

    def _patiently(self, job: Job, turn: Turn) -> str:
        """Do it; while somebody is at the facts, that is no failure yet."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return WORK[job](turn)
            except StoreBusy:
                if time.monotonic() > until or self._ending.wait(1.0):
                    raise

    def _renew(self) -> None:
        with self._lock:
            held = tuple(self._held)
        for one in held:
            runs.renew(self._house.store, one, machine_now())
