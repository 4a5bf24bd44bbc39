"""The outbox of a running service: what is approved leaves at once, what is due later leaves then."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import or_
from sqlmodel import col, select

from agent.approval.states import DeliveryState
from agent.approval.tables import Delivery
from agent.faces.serving.voice import Voice
from agent.foundation import clock
from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from agent.foundation.store import Store
    from agent.wiring import House

EVERY_SECONDS = 5.0
PEEK_SECONDS = 0.5
"How often it is asked, cheaply, whether something is due: what another process approved wakes nobody here."
LONGEST_PAUSE = 60.0
MACHINE = "outgrown"


class Outbox:
    """One thread that sends what is due, one delivery at a time, so that it can stop after each."""

    def __init__(self, house: House, voice: Voice, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._house, self._voice, self._every = house, voice, every_seconds
        self._ending, self._woken = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Something was just approved."""
        self._woken.set()

    def stop(self, seconds: float) -> bool:
        """Send nothing new; whether the delivery under way ended within so many seconds."""
        self._ending.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def drain(self) -> int:
        """Send what is due now; answers how many deliveries came to something."""
        number = 0
        while not self._ending.is_set():
            done = self._house.again(MACHINE).send(limit=1)
            for one in done:
                says = f": {one.says.rstrip('.')}" if one.says else ""
                self._voice.say(f"outbox: {one.delivery_id} to {one.account_id} {one.result}{says}.")
            if not done:
                break
            number += len(done)
        return number

    def _run(self) -> None:
        pause = 0.0
        while not self._ending.is_set():
            self._woken.clear()
            try:
                self.drain()
            except OutgrownError as error:
                self._voice.trouble("outbox", str(error))
                pause = min(max(1.0, 2 * pause), LONGEST_PAUSE)
            except Exception as error:
                self._voice.trouble("outbox", f"{type(error).__name__}, which should not have happened")
                pause = min(max(1.0, 2 * pause), LONGEST_PAUSE)
            else:
                self._voice.well("outbox")
                pause = 0.0
            self._wait(pause)

    def _wait(self, pause: float) -> None:
        """Until it is woken, or something new is due, or a while has passed."""
        if pause:
            self._ending.wait(pause)
            return
        until, before = time.monotonic() + self._every, self._due()
        while not self._ending.is_set() and time.monotonic() < until:
            if self._woken.wait(PEEK_SECONDS) or self._due() - before:
                return

    def _due(self) -> frozenset[str]:
        try:
            return due_now(self._house.store)
        except OutgrownError:
            return frozenset()


def due_now(store: Store, most: int = 100) -> frozenset[str]:
    """Deliveries that nothing keeps from being tried now, as far as the outbox alone shows."""
    with store.reading() as session:
        rows = session.exec(
            select(Delivery.delivery_id)
            .where(
                col(Delivery.state) == str(DeliveryState.QUEUED),
                or_(col(Delivery.not_before).is_(None), col(Delivery.not_before) <= clock.now()),
            )
            .order_by(col(Delivery.created_at))
            .limit(most)
        )
        return frozenset(rows)
