"""Keeps clicks before they are acknowledged, and notes what is done: what comes together is written together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

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
GATHER = 0.04
"Seconds in which more is gathered once several came together: every transaction costs more than a click in it."


class NotKept(Exception):
    """The click could not be kept in time, so it must not be acknowledged."""


class _Waiting:
    """A click on its way into the state."""

    def __init__(self, click: Work) -> None:
        self.click = click
        self.done = threading.Event()
        self.is_new = False
        self.error: Exception | None = None


class Keeper:
    """One thread that writes what many bring: SQLite lets one write at a time, and each write waits for the disk."""

    def __init__(self, store: Store, holder: str, lease: timedelta, kept: Callable[[str], None]) -> None:
        self._store = store
        self._holder = holder
        self._lease = lease
        self._kept = kept
        self._queue: SimpleQueue[_Waiting | str | None] = SimpleQueue()
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
        """Keep a click; False when it was known before.

        Raises NotKept when that took too long, and whatever the state raised.
        """
        waiting = _Waiting(click)
        self._queue.put(waiting)
        if not waiting.done.wait(PATIENCE):
            raise NotKept
        if waiting.error is not None:
            raise waiting.error
        return waiting.is_new

    def finish(self, click_id: str) -> None:
        """Note, soon, that a click is done; one whose process ends before that is done again, to no effect."""
        self._queue.put(click_id)

    def _run(self) -> None:
        ends, is_crowded = False, False
        while not ends:
            clicks_, finished = [], []
            found: _Waiting | str | None = self._queue.get()
            if is_crowded and found is not None:
                time.sleep(GATHER)
            while True:
                if found is None:
                    ends = True
                elif isinstance(found, str):
                    finished.append(found)
                else:
                    clicks_.append(found)
                if len(clicks_) + len(finished) >= MOST:
                    break
                try:
                    found = self._queue.get_nowait()
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
                one.error = error
                one.done.set()
            return
        for one in batch:
            one.is_new = one.click.click_id in new
            new.discard(one.click.click_id)
            one.done.set()
        for one in batch:
            if one.is_new:
                self._kept(one.click.click_id)
