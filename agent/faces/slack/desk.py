"""The desk: one process's Slack app. It keeps what people do, does it, and keeps the cards true."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any

from agent.approval import clicks
from agent.approval.life import describe, find_draft
from agent.faces.slack.allowed import SAYS, Door, Why, write_down
from agent.faces.slack.client import Pace, Slack, SlackTrouble
from agent.faces.slack.doing import LEASE, Doing
from agent.faces.slack.keeping import Keeper
from agent.faces.slack.posting import Posting
from agent.faces.slack.reconciling import Reconciler
from agent.faces.slack.telling import Teller, word_view
from agent.faces.slack.working import Wish
from agent.foundation import clock
from agent.foundation.errors import ConfigError
from agent.foundation.holder import this_holder

if TYPE_CHECKING:
    from slack_bolt import App, BoltRequest, BoltResponse

    from agent.faces.slack.connecting import Line
    from agent.faces.slack.digesting import PostedDigest
    from agent.wiring import House

log = logging.getLogger("outgrown.slack")

CONNECT = "slack-connect"


class Desk:
    """Slack for one house. `start()` it, `stop()` it; in HTTP mode hand requests to `handle`."""

    def __init__(
        self,
        house: House,
        *,
        pace_seconds: float = 1.0,
        workers: int = 2,
        on_approved: Callable[[], object] | None = None,
    ) -> None:
        access = house.workspace.slack
        lacks = access.lacks
        if lacks:
            raise ConfigError(f"Slack lacks {', '.join(lacks)}.")
        self.house = house
        self.slack = Slack(access)
        self.door = Door(self.slack)
        self.holder = this_holder()
        self.ended = threading.Event()
        self.pace = Pace(pace_seconds)
        self.posting = Posting(house.store, self.slack, self.pace, holder=self.holder, ended=self.ended)
        self.teller = Teller(self.slack, self.pace, self.ended)
        self.doing = Doing(self, workers)
        self.reconciler = Reconciler(house, self.posting, self.doing.wait_for_calm)
        self.keeper = Keeper(house.store, self.holder, LEASE, self.doing.kept)
        self.on_approved = on_approved or self._send
        "Called when a message waits in the outbox; without anybody else the desk sends it itself."
        self._threads: list[threading.Thread] = []
        self._quick = ThreadPoolExecutor(8, thread_name_prefix="slack-quick")
        self._sending = threading.Lock()
        self._app: App | None = None
        self._line: Line | None = None

    # Beginning and end.

    def start(self) -> None:
        """Begin; where Slack cannot be reached yet, it is tried again until it can."""
        self.keeper.start()
        for name, target in [*self.doing.threads(), (CONNECT, self._connect_forever)]:
            self._run(name, target)

    def stop(self, seconds: float = 20.0) -> None:
        """Take nothing new, end what is under way, and leave the rest to whoever is next."""
        until = time.monotonic() + seconds
        self.ended.set()
        for thread in self._threads:
            if thread.name == CONNECT:
                thread.join(min(3.0, seconds))
        if self._line is not None:
            self._line.close()
        self.reconciler.wake()
        self.doing.end()
        for thread in self._threads:
            thread.join(max(0.1, until - time.monotonic()))
        self.keeper.stop(max(0.1, until - time.monotonic()))
        self._quick.shutdown(wait=True, cancel_futures=True)
        if not any(thread.is_alive() for thread in self._threads):
            clicks.give_all_back(self.house.store, self.holder)

    def _run(self, name: str, target: Callable[[], None]) -> None:
        def safely() -> None:
            try:
                target()
            except Exception:
                log.exception("%s has ended for a fault of ours", name)

        thread = threading.Thread(target=safely, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def app(self) -> App:
        """Bolt's app, with every listener."""
        if self._app is None:
            from slack_bolt import App
            from slack_bolt.authorization import AuthorizeResult

            from agent.faces.slack.listeners import register

            def authorize(**_: Any) -> AuthorizeResult:
                known = self.slack.known
                return AuthorizeResult(
                    enterprise_id=None,
                    team_id=known.team if known else None,
                    bot_user_id=known.bot_user if known else None,
                    bot_id=known.bot if known else None,
                    bot_token=self.slack.safe.token,
                )

            secret = self.slack.access.signing_secret
            bolt_log = logging.getLogger("outgrown.slack.bolt")
            # It would warn that a token in the environment is not used.
            bolt_log.setLevel(logging.ERROR)
            self._app = App(
                authorize=authorize,
                signing_secret=secret.get_secret_value() if secret else "",
                # Everything slow happens after the acknowledgement, elsewhere: no second thread is needed.
                process_before_response=True,
                logger=bolt_log,
            )
            register(self._app, self)
        return self._app

    @property
    def is_connected(self) -> bool:
        """Whether Slack can reach us: over the socket, or in HTTP mode once we know who we are."""
        if self.slack.access.settings.mode == "http":
            return self.slack.known is not None
        return self._line is not None and self._line.is_connected

    def _connect_forever(self) -> None:
        pause = 1.0
        while not self.ended.is_set():
            try:
                self.slack.identity()
                self.slack.channel()
                break
            except SlackTrouble as trouble:
                log.warning("Slack cannot be reached (%s); tried again in %.0f s", trouble, pause)
            self.ended.wait(pause)
            pause = min(pause * 2, 30.0)
        if self.ended.is_set():
            return
        self._run("slack-post", self.reconciler.post_forever)
        self._run("slack-rewrite", self.reconciler.rewrite_forever)
        if self.slack.access.settings.mode == "socket":
            from agent.faces.slack.connecting import Line

            self._line = Line(self.app, self.slack)
            self._line.watch(self.ended)

    def handle(self, request: BoltRequest) -> BoltResponse:
        """HTTP mode: one request of Slack's, signature and age checked by Bolt."""
        if self.slack.known is None:
            self.slack.identity()
        return self.app.dispatch(request)

    def later(self, job: Callable[[], object]) -> None:
        """Do something small after the acknowledgement."""

        def safely() -> None:
            try:
                job()
            except Exception:
                log.exception("something in Slack went wrong")

        if not self.ended.is_set():
            self._quick.submit(safely)

    # Words to one person.

    def tell(self, channel: str, user: str, sentence: str) -> None:
        """A word that only one person sees."""
        self.teller.tell(channel, user, sentence)

    def tell_later(self, channel: str, user: str, sentence: str) -> None:
        """The same, after the acknowledgement."""
        self.later(lambda: self.tell(channel, user, sentence))

    def refuse(self, why: Why, who: str, team: str, draft_id: str | None, wish: Wish) -> None:
        """Write a refusal down, and say it."""
        write_down(
            self.house.store,
            why,
            who=who,
            team=team,
            draft_id=draft_id,
            tried=wish.tried,
            now=clock.now(),
        )
        if why is not Why.FOREIGN_TEAM:
            self.tell(wish.channel, wish.user, SAYS[why])

    def where_it_stands(self, draft_id: str) -> str:
        """Where a draft stands and who brought it there."""
        with self.house.store.reading() as session:
            return f"{describe(session, find_draft(session, draft_id))}."

    def checking_view(self) -> dict[str, Any]:
        """What a dialogue shows while the guardrails are still at it."""
        return word_view("The guardrails are still reading your text. This says in a moment what they found.")

    # For those who run us.

    def wake(self) -> None:
        """Look at the state now: something has moved."""
        self.reconciler.wake()

    def post_digest(self, day: date) -> PostedDigest:
        """Post the digest of a day, once whoever else tries.

        Raises SlackTrouble when it is not there yet: try again.
        """
        from agent.faces.slack.digesting import post_digest

        return post_digest(self.house.again(), self.posting, day)

    def settle(self, seconds: float) -> bool:
        """Wait until everything people did is done and every card is as it should be; False when time runs out."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.ended.is_set():
            if self.slack.known_channel and self.reconciler.is_settled() and not self._is_at_work():
                return True
            self.ended.wait(0.2)
        return False

    def _is_at_work(self) -> bool:
        return clicks.undone(self.house.store) > 0

    def _send(self) -> None:
        """Deliver what is approved, where nobody else runs the outbox."""

        def job() -> None:
            with self._sending:
                self.house.again().send()
            self.reconciler.wake()

        self.later(job)
