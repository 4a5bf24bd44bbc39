"""Keeps clicks before they are acknowledged, and notes what is done: what comes together is written together."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, ClassVar

from agent.approval import clicks
from agent.approval.clicks import Work
from agent.foundation.holder import machine_now

if TYPE_CHECKING:
    from agent.foundation.store import Store

log = logging.getLogger("outgrown.slack")

MOST = 200
"In one transaction at most."
PATIENCE = 2.6
"Seconds a click may wait to be kept; Slack gives up on us after three."
QUIET, LONGEST_GATHERING = 0.012, 0.12
"Seconds without a new click that end a gathering, and the longest one: every transaction delays those still to come."
IDLE = 0.5
"Seconds without a click after which there is time for other things."


class NotKept(Exception):
    """The click could not be kept in time, so it must not be acknowledged."""


class _Waiting:
    """A click on its way into the state."""

    def __init__(self, click: Work) -> None:
        self.click = click
        self.is_new: Future[bool] = Future()


_HERE = threading.local()
"What this thread brought without waiting for it."


@contextmanager
def not_waiting() -> Iterator[list[Future[bool]]]:
    """In here `keep` does not wait: acknowledge nothing before these are done, and only if none of them failed.

    A thread for every click of a moment costs more than all that has to be done for the click.
    """
    _HERE.brought = brought = list[Future[bool]]()
    try:
        yield brought
    finally:
        _HERE.brought = None


def when_kept(job: Callable[[], object]) -> None:
    """Do it as soon as what this thread has just brought is kept: now, where that was waited for."""
    brought = getattr(_HERE, "brought", None)
    if brought:
        brought[-1].add_done_callback(lambda _: job())
    else:
        job()


class Keeper:
    """One thread that writes what many bring: SQLite lets one write at a time, and each write waits for the disk."""

    _settled: ClassVar[int] = 0
    "How many modules the process had loaded when what it has was last taken out of the collector's sight."

    def __init__(self, store: Store, holder: str, lease: timedelta, kept: Callable[[str], None]) -> None:
        self._store = store
        self._holder = holder
        self._lease = lease
        self._kept = kept
        self._queue: SimpleQueue[_Waiting | str | None] = SimpleQueue()
        self._loaded = 0
        self._thread = threading.Thread(target=self._run, name="slack-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Keep what is still waiting, then end."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def keep(self, click: Work) -> bool:
        """Keep a click; False when it was known before. Where nobody waits (see above): True, for nobody knows yet.

        Raises NotKept when that took too long, and whatever the state raised.
        """
        waiting = _Waiting(click)
        self._queue.put(waiting)
        brought = getattr(_HERE, "brought", None)
        if brought is not None:
            brought.append(waiting.is_new)
            return True
        try:
            return waiting.is_new.result(PATIENCE)
        except TimeoutError:
            raise NotKept from None

    def finish(self, click_id: str) -> None:
        """Note, soon, that a click is done; one whose process ends before that is done again, to no effect."""
        self._queue.put(click_id)

    def _run(self) -> None:
        ends, is_crowded = False, False
        while not ends:
            clicks_, finished = [], []
            found: _Waiting | str | None
            try:
                found = self._queue.get(timeout=IDLE)
            except Empty:
                self._settle()
                continue
            until = time.monotonic() + (LONGEST_GATHERING if is_crowded else 0.0)
            while True:
                if found is None:
                    ends = True
                elif isinstance(found, str):
                    finished.append(found)
                else:
                    clicks_.append(found)
                if ends or len(clicks_) + len(finished) >= MOST:
                    break
                try:
                    found = self._queue.get(timeout=max(0.0, min(QUIET, until - time.monotonic())))
                except Empty:
                    break
            is_crowded = len(clicks_) > 1
            if clicks_ or finished:
                self._write(clicks_, finished)

    def _write(self, batch: list[_Waiting], finished: list[str]) -> None:
        moment = machine_now()
        try:
            new = set(
                clicks.keep(
                    self._store,
                    [one.click for one in batch],
                    holder=self._holder,
                    until=moment + self._lease,
                    finished=finished,
                    now=moment,
                )
            )
        except Exception as error:
            if finished:
                log.warning("what was done could not be noted, and will be looked at again: %s", error)
            for one in batch:
                one.is_new.set_exception(error)
            return
        ours = []
        for one in batch:
            is_new = one.click.click_id in new
            new.discard(one.click.click_id)
            one.is_new.set_result(is_new)
            if is_new:
                ours.append(one.click.click_id)
        for click_id in ours:
            self._kept(click_id)

    def _settle(self) -> None:
        """Once all is loaded, spare it the collector, whose look at it takes 0.1 s and would fall among clicks."""
        loaded, before, self._loaded = len(sys.modules), self._loaded, len(sys.modules)
        if loaded == before and loaded != Keeper._settled:
            Keeper._settled = loaded
            gc.unfreeze()
            gc.collect()
            gc.freeze()
