"""The running service: Slack, the scheduler, the outbox and the web server, started, watched and ended together."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from agent.approval import runs
from agent.approval.runs import RunState
from agent.faces.serving.due import Job, next_due
from agent.faces.serving.http import Server, application
from agent.faces.serving.metrics import Metrics
from agent.faces.serving.outbox import Outbox
from agent.faces.serving.scheduling import Scheduler
from agent.faces.serving.voice import Voice, quiet_libraries
from agent.foundation import clock
from agent.foundation.errors import ConfigError, OutgrownError
from agent.foundation.holder import machine_now

if TYPE_CHECKING:
    from agent.faces.slack.desk import Desk
    from agent.wiring import House

GRACE_SECONDS = 20.0
"How long what is under way may take to end."
WATCH_SECONDS = 0.2
PACE_SECONDS = 1.0
"Slack takes one message a second and channel."
SETTLE_SECONDS = 120.0
"How long `--once` waits until Slack shows what it should."
REFUSED_TOKENS = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission"}
)


class Serving:
    """One process of the service."""

    def __init__(
        self,
        house: House,
        *,
        with_slack: bool = True,
        host: str | None = None,
        port: int | None = None,
        voice: Voice | None = None,
        pace_seconds: float = PACE_SECONDS,
    ) -> None:
        self.house, self.voice = house, voice or Voice()
        self._ending = threading.Event()
        self._signals = 0
        quiet_libraries(self.voice)
        self.outbox = Outbox(house, self.voice)
        self.desk = self._desk(pace_seconds) if with_slack else None
        self.scheduler = Scheduler(house, self.voice, self.desk, after_work=self._nudge)
        self.metrics = Metrics(house, lambda: self.desk is not None and self.desk.is_connected)
        if self.desk is not None:
            self.metrics.watch(self.desk.app)
        settings = house.settings.serve
        self._host = settings.host if host is None else host
        self._port = settings.port if port is None else port
        self.server: Server | None = None

    def _desk(self, pace_seconds: float) -> Desk | None:
        access = self.house.workspace.slack
        if not access.is_on:
            self.voice.say("Slack is off: SLACK_BOT_TOKEN is not set; drafts wait for `outgrown review`.")
            return None
        if access.lacks:
            raise ConfigError(
                f"Slack cannot work yet: {', '.join(access.lacks)} is missing; add it, or start with --no-slack."
            )
        from agent.faces.slack.desk import Desk

        desk = Desk(self.house, pace_seconds=pace_seconds, on_approved=self.outbox.wake)
        check_tokens(desk)
        return desk

    def _nudge(self) -> None:
        """Something was done that others may have to do with."""
        self.outbox.wake()
        if self.desk is not None:
            self.desk.wake()

    # One process, until it is told to end.

    def run(self) -> int:
        """Serve until a signal comes; answers the exit code."""
        self.house.store  # noqa: B018 - opened here, so that what is wrong with it is told before anything begins
        self._listen_to_signals()
        self.server = Server(self._application(), self._host, self._port)
        if self.desk is not None:
            self.desk.start()
        self.outbox.start()
        self.scheduler.start()
        self.server.start()
        self._tell()
        while not self._ending.wait(WATCH_SECONDS):
            pass
        return self.end()

    def end(self, seconds: float = GRACE_SECONDS) -> int:
        """Take nothing new, finish what is under way; answers the exit code."""
        self.voice.say(f"Stopping: what is under way has {seconds:.0f} seconds to end.")
        deadline = time.monotonic() + seconds
        waits = [threading.Thread(target=stop, args=(seconds,), daemon=True) for stop in self._stops()]
        for one in waits:
            one.start()
        for one in waits:
            one.join(max(0.0, deadline - time.monotonic()))
        late = self.scheduler.is_busy or any(one.is_alive() for one in waits)
        if self.server is not None:
            self.server.stop(2.0)
        self.voice.say(
            "Stopped; a run that had not ended will be taken up at the next start." if late else "Stopped."
        )
        if late:
            # Threads that will not end must not keep the process.
            os._exit(0)
        return 0

    def _stops(self) -> list[Any]:
        return [one.stop for one in (self.desk, self.outbox, self.scheduler) if one is not None]

    def _listen_to_signals(self) -> None:
        def told(number: int, _: object) -> None:
            self._signals += 1
            if self._signals > 1:
                os._exit(128 + number)
            self._ending.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, told)

    # What is due now, then the end: for those whose own clock sets it off.

    def once(self) -> int:
        """Do every run that is due, settle Slack's cards, send, and end; answers the exit code."""
        self.house.store  # noqa: B018 - see run
        # Facts first: what Slack's part looks at while it starts would only be in the way.
        done = self.scheduler.look([job for job in Job if job is not Job.DIGEST])
        if self.desk is not None:
            self.desk.start()
            done += self.scheduler.look([Job.DIGEST])
        self.outbox.drain()
        if self.desk is not None:
            self.desk.wake()
            if not self.desk.settle(SETTLE_SECONDS):
                self.voice.say("Slack: some cards are not as they should be yet; the next run goes on.")
            self.outbox.drain()
            self.desk.stop(GRACE_SECONDS)
        failed = [str(job) for job, state in done if state is not RunState.DONE]
        self.voice.say(f"Done: {', '.join(str(job) for job, _ in done) or 'nothing was due'}.")
        return 1 if failed else 0

    # What others may know.

    def _application(self) -> Any:
        also: list[Any] = []
        if self.desk is not None and self.house.settings.slack.mode == "http":
            from agent.faces.slack.http import routes

            also += routes(self.desk)
        return application(self.house, self.voice, self.health, self.metrics.page, also)

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether everything that should run does, and the document that says so."""
        slack = "off" if self.desk is None else "connected" if self.desk.is_connected else "not connected"
        document: dict[str, Any] = {
            "state": "reachable" if self._state_answers() else "not reachable",
            "slack": slack,
            "scheduler": "alive" if self.scheduler.is_alive else "dead",
            "outbox": "alive" if self.outbox.is_alive else "dead",
        }
        is_well = not {"not reachable", "not connected", "dead"} & set(document.values())
        document["newest_sync_age_seconds"] = self._sync_age() if document["state"] == "reachable" else None
        document["ok"] = is_well
        return is_well, document

    def _state_answers(self) -> bool:
        try:
            with self.house.store.reading() as session:
                session.execute(text("SELECT 1"))
        except OutgrownError:
            return False
        return True

    def _sync_age(self) -> int | None:
        last = runs.newest(self.house.store, Job.SYNC, RunState.DONE)
        if last is None or last.ended_at is None:
            return None
        return max(0, round((machine_now() - last.ended_at).total_seconds()))

    def _tell(self) -> None:
        settings, now = self.house.settings, clock.now()
        if self.desk is not None:
            self.voice.say(f"Slack is {'connected' if self.desk.is_connected else 'not connected yet'}.")
        for job in self.scheduler.jobs:
            due = next_due(job, settings, now)
            if job not in (Job.TIDY, Job.HOOKED, Job.PUSH) and due is not None:
                self.voice.say(f"Next {job}: {spoken(due, settings.company.time_zone)}.")
        if self.server is not None:
            self.voice.say(f"Listening on {self.server.address} (/healthz, /metrics). Ctrl-C stops.")


def check_tokens(desk: Desk) -> None:
    """Ask Slack who we are; that it cannot be reached now is no reason not to start.

    Raises ConfigError for a token that Slack does not take.
    """
    from agent.faces.slack.client import SlackTrouble

    try:
        desk.slack.identity()
    except SlackTrouble as trouble:
        if trouble.is_sure and trouble.code in REFUSED_TOKENS:
            raise ConfigError(
                f"Slack does not take SLACK_BOT_TOKEN ({trouble.code}); copy the one of your app's installation, "
                "or start with --no-slack."
            ) from trouble


def spoken(moment: datetime, zone: str) -> str:
    """A moment (UTC) as the founder's own clock shows it."""
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return f"{local:%A %Y-%m-%d %H:%M} in {zone}"
