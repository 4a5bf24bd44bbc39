"""Does what people clicked: what this process kept, and what others gave back or left when they ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from sqlmodel import col, select

from agent.approval import clicks
from agent.approval.clicks import Work
from agent.approval.states import DraftState
from agent.approval.tables import Draft
from agent.faces.slack.allowed import SAYS, Why
from agent.faces.slack.client import SlackTrouble
from agent.faces.slack.naming import Action, Dialogue
from agent.faces.slack.telling import word_view
from agent.faces.slack.working import ASK, REFUSED, Dialog, Done, Wish, work
from agent.foundation.errors import OutgrownError, StoreBusy
from agent.foundation.holder import machine_now

if TYPE_CHECKING:
    from agent.faces.slack.desk import Desk
    from agent.foundation.store import Store

log = logging.getLogger("outgrown.slack")

LEASE = timedelta(minutes=5)
"By the machine's clock: how long a click is one process's to do."
BUSY_PAUSE = timedelta(seconds=4)
MOST_ATTEMPTS = 150
"With the pause between them about ten minutes: then the person is told."
MOST_FAULTS = 4
CALM, LONGEST_CALM = 0.12, 2.0
"Seconds without a new click before work begins, so that it delays no acknowledgement; and at most so many."
LONGEST_WARMING = 60.0
POLL_SECONDS, DROP_SECONDS = 0.5, 3600.0
GIVEN_UP = (
    "That could not be done for ten minutes, because the facts are in use; nothing was decided. Try again."
)


class Answer:
    """What an edit's dialogue waits for; whoever comes too late has to say it another way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there = threading.Event()
        self._dialog: Dialog | None = None
        self._is_over = False

    def wait(self, seconds: float) -> Dialog | None:
        """The dialogue's next face, if it comes in time."""
        self._there.wait(seconds)
        with self._lock:
            self._is_over = True
            return self._dialog

    def give(self, dialog: Dialog) -> bool:
        """Give the answer; False when nobody waits any more."""
        with self._lock:
            if self._is_over:
                return False
            self._dialog = dialog
        self._there.set()
        return True


class Doing:
    """The workers of one desk."""

    def __init__(self, desk: Desk, workers: int) -> None:
        self._desk = desk
        self._house = desk.house
        self._ended = desk.ended
        self._workers = workers
        self._todo: SimpleQueue[str | None] = SimpleQueue()
        self._answers: dict[str, Answer] = {}
        self._is_warm = threading.Event()
        self._kept_at = 0.0
        self._polled_at = 0.0
        self._dropped_at = 0.0

    def threads(self) -> list[tuple[str, Callable[[], None]]]:
        """What is to run, by name."""
        workers = [(f"slack-work-{number}", self._work_forever) for number in range(self._workers)]
        return [*workers, ("slack-warm", self._warm_up)]

    def end(self) -> None:
        """Let nobody wait for more."""
        for _ in range(self._workers):
            self._todo.put(None)

    def kept(self, click_id: str) -> None:
        """A click was kept, and is ours to do."""
        self._kept_at = time.monotonic()
        self._todo.put(click_id)

    def expect(self, click_id: str) -> Answer:
        """An edit whose dialogue waits for what the guardrails say."""
        return self._answers.setdefault(click_id, Answer())

    def _work_forever(self) -> None:
        while not self._ended.is_set():
            try:
                click_id = self._todo.get(timeout=0.5)
            except Empty:
                click_id = self._orphan()
            if click_id is None or self._ended.is_set():
                continue
            if click_id not in self._answers:
                self.wait_for_calm()
            try:
                self._do(click_id)
            except OutgrownError as error:
                log.warning("a click could not be done, and is tried again: %s", error)
                self._ended.wait(1.0)
                self._todo.put(click_id)
            except Exception:
                log.exception("a click could not be done, and is tried again when its time is over")
                self._ended.wait(1.0)

    def _warm_up(self) -> None:
        """Look at one account as a click will, so that the first click need not write the plans for it."""
        try:
            waiting = _an_account(self._house.store)
            if waiting is not None:
                self._house.again().look_again(waiting)
        except OutgrownError as why:
            log.info("nothing could be looked at before the first click: %s", why)
        except Exception:
            log.exception("nothing could be looked at before the first click")
        finally:
            self._is_warm.set()

    def wait_for_calm(self) -> None:
        """Let those be acknowledged first who click at this moment: work takes the machine from them."""
        began = time.monotonic()
        while time.monotonic() - self._kept_at < CALM and time.monotonic() - began < LONGEST_CALM:
            if self._ended.wait(0.03):
                return

    def _orphan(self) -> str | None:
        """A click that nobody does: given back, or left by a process that ended."""
        moment = time.monotonic()
        if moment - self._polled_at < POLL_SECONDS:
            return None
        self._polled_at = moment
        if moment - self._dropped_at > DROP_SECONDS:
            self._dropped_at = moment
            clicks.drop_old(self._house.store, machine_now())
        found = clicks.waiting(self._house.store, machine_now())
        for one in found[1:]:
            self._todo.put(one)
        return found[0] if found else None

    def _do(self, click_id: str) -> None:
        store, moment = self._house.store, machine_now()
        one = clicks.held(store, click_id, now=moment, holder=self._desk.holder)
        one = one or clicks.take(store, click_id, now=moment, holder=self._desk.holder, lease=LEASE)
        if one is None:
            return
        wish = Wish.model_validate_json(one.document or "{}")
        try:
            done = self._done(one, wish)
        except (StoreBusy, SlackTrouble) as busy:
            if one.attempts < MOST_ATTEMPTS:
                log.info("a click waits: %s", busy)
                self._give_back(one)
                return
            why = SAYS[Why.UNSURE] if isinstance(busy, SlackTrouble) else GIVEN_UP
            done = Done(says=why, dialog=self._closing(why, one))
        except Exception:
            log.exception("a click could not be done")
            if one.attempts < MOST_FAULTS:
                self._give_back(one)
                return
            says = "That could not be done because of a fault of ours; nothing more is tried. See the log."
            done = Done(says=says, dialog=self._closing(says, one))
        if done.is_approved:
            self._desk.on_approved()
        self._desk.wake()
        self._say(one, wish, done)
        self._desk.keeper.finish(click_id)

    def _done(self, one: Work, wish: Wish) -> Done:
        if one.kind == REFUSED:
            self._desk.refuse(Why(wish.why), one.who, wish.team, one.draft_id, wish)
            return Done()
        refused = self._desk.door.refuses_by_slack(wish.user)
        if refused is not None:
            self._desk.refuse(refused, one.who, wish.team, one.draft_id, wish)
            return Done(dialog=self._closing(SAYS[refused], one))
        if one.kind == ASK:
            self._desk.teller.is_looking(wish)
        elif one.kind == Action.APPROVE:
            self._is_warm.wait(LONGEST_WARMING)
        return work(self._house.again(one.who), one)

    def _give_back(self, one: Work) -> None:
        clicks.give_back(
            self._house.store,
            one.click_id,
            holder=self._desk.holder,
            not_before=machine_now() + BUSY_PAUSE,
        )

    def _closing(self, says: str, one: Work) -> Dialog | None:
        return Dialog(view=word_view(says)) if one.kind == Dialogue.EDIT else None

    def _say(self, one: Work, wish: Wish, done: Done) -> None:
        """The word, the answer or the dialogue's next face."""
        if one.kind == Dialogue.EDIT:
            answer = self._answers.pop(one.click_id, None)
            dialog = done.dialog or Dialog()
            if answer is None or not answer.give(dialog):
                self._desk.teller.show(wish.view_id, dialog, done.says)
                return
            if dialog.errors or dialog.view:
                return
        if done.says:
            self._desk.tell(wish.channel, wish.user, done.says)
        if done.answer is not None:
            self._desk.teller.answer(wish, done.answer)


def _an_account(store: Store) -> str | None:
    """An account whose draft waits for an answer."""
    with store.reading() as session:
        waiting = col(Draft.state) == str(DraftState.PENDING)
        return session.exec(select(Draft.account_id).where(waiting).limit(1)).first()
