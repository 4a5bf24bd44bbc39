"""How long one run waits for a model, and when it stops asking one that will not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from agent.foundation.llm.port import NoAnswer, Why

LASTING = frozenset({Why.UNREACHABLE, Why.BAD_KEY, Why.UNKNOWN_MODEL})
"What will be no different for the next question of the same run."
ENOUGH = 3
"Lasting failures in a row after which the model is not asked again."


class Patience:
    """The seconds one run may wait: those in which at least one of its threads is waiting, each counted once."""

    def __init__(self, seconds: float, at_once: int) -> None:
        self._seconds = seconds
        self._places = BoundedSemaphore(at_once)
        self._lock = Lock()
        self._waited = 0.0
        self._waiting, self._since = 0, 0.0

    @property
    def left(self) -> float:
        """How many seconds are left."""
        with self._lock:
            now = time.monotonic()
            under_way = now - self._since if self._waiting else 0.0
            return max(0.0, self._seconds - self._waited - under_way)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """One thread's wait, for its turn and for the answer.

        Raises NoAnswer when the patience ends before a turn comes.
        """
        with self._lock:
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting += 1
        try:
            left = self.left
            if left <= 0 or not self._places.acquire(timeout=left):
                raise NoAnswer(Why.OUT_OF_PATIENCE, self._says)
            try:
                yield
            finally:
                self._places.release()
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._waited += time.monotonic() - self._since

    @property
    def _says(self) -> str:
        return f"The run has waited {self._seconds:g} seconds for the model, which is as long as it may."


class Breaker:
    """Remembers failures in a row that will not mend by themselves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._row: list[tuple[Why, str]] = []

    def check(self) -> None:
        """Raises NoAnswer when the model is not to be asked again in this run."""
        with self._lock:
            if len(self._row) >= ENOUGH:
                why, says = self._row[-1]
                raise NoAnswer(why, f"{says} It is not asked again in this run.")

    def met(self, failure: NoAnswer | None) -> None:
        """Count a failure that lasts; anything else ends the row."""
        with self._lock:
            if failure is None or failure.why not in LASTING:
                self._row.clear()
            elif len(self._row) < ENOUGH:
                self._row.append((failure.why, str(failure)))
