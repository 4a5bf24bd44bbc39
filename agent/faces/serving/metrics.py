"""What a monitoring system may know: counts and ages from the state, read when it asks; never a name."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, func, select

from agent.approval import runs
from agent.approval.clicks import ClickState
from agent.approval.runs import RunState
from agent.approval.states import DeliveryState, DraftState
from agent.approval.switches import sending_stopped
from agent.approval.tables import Delivery, Draft
from agent.approval.tables_running import Click, Post
from agent.faces.serving.due import Job
from agent.foundation import clock
from agent.foundation.holder import machine_now

if TYPE_CHECKING:
    from slack_bolt import App, BoltRequest, BoltResponse

    from agent.wiring import House

ACKNOWLEDGED = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
"Bounds of the histogram, in seconds; Slack gives up after three."


class Metrics:
    """A registry of our own, so that nothing else of the process gets in."""

    def __init__(self, house: House, is_connected: Any) -> None:
        from prometheus_client import CollectorRegistry, Histogram, ProcessCollector

        self.registry = CollectorRegistry()
        self.acknowledged = Histogram(
            "outgrown_slack_acknowledgement_seconds",
            "From a request of Slack's reaching a thread of ours to its acknowledgement.",
            buckets=ACKNOWLEDGED,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(_State(house, is_connected))

    def watch(self, app: App) -> None:
        """Time every request of Slack's: it is acknowledged once Bolt has answered and what it brought is kept."""
        from agent.faces.slack.keeping import when_kept

        answer = app.dispatch

        def timed(req: BoltRequest) -> BoltResponse:
            began = time.perf_counter()
            try:
                return answer(req)
            finally:
                when_kept(lambda: self.acknowledged.observe(time.perf_counter() - began))

        # Both of Bolt's ways in call it by this name.
        app.dispatch = timed  # type: ignore[method-assign]

    def page(self) -> tuple[bytes, str]:
        """The page, and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self.registry), CONTENT_TYPE_LATEST


class _State:
    """Reads the state whenever the page is asked for."""

    def __init__(self, house: House, is_connected: Any) -> None:
        self._house, self._is_connected = house, is_connected

    def describe(self) -> Iterable[Any]:
        """Nothing: what is there shows when it is collected."""
        return ()

    def collect(self) -> Iterator[Any]:
        """Every family of figures."""
        from prometheus_client.core import GaugeMetricFamily

        def family(name: str, says: str, *labels: str) -> Any:
            return GaugeMetricFamily(f"outgrown_{name}", says, labels=list(labels))

        now = clock.now()
        with self._house.store.reading() as session:
            yield _by_state(family("drafts", "Drafts by state.", "state"), session, Draft, DraftState)
            yield _by_state(
                family("deliveries", "Deliveries by state.", "state"), session, Delivery, DeliveryState
            )
            waiting, oldest = _waiting(session)
            posts = session.exec(select(func.count()).where(col(Post.ts).is_(None))).one()
            stopped = sending_stopped(session) is not None
        singles = (
            ("clicks_waiting", "Clicks that are kept and not done.", waiting),
            ("clicks_oldest_seconds", "Age of the oldest of them.", _age(oldest, now)),
            ("posts_waiting", "Messages that are to be posted to Slack.", posts),
            ("sending_stopped", "1 while sending is stopped.", int(stopped)),
            ("slack_connected", "1 while Slack can reach us.", int(bool(self._is_connected()))),
        )
        for name, says, value in singles:
            one = family(name, says)
            one.add_metric([], value)
            yield one
        yield from self._runs(family)
        yield from self._spent(family)
        build = family("build_info", "The version that runs.", "version")
        build.add_metric([_version()], 1)
        yield build

    def _runs(self, family: Any) -> Iterator[Any]:
        done = family("run_done_age_seconds", "How long ago the job was last done.", "job")
        result = family("run_state", "1 for the state the job's newest run is in.", "job", "state")
        for job in Job:
            last, good = (runs.newest(self._house.store, job, state) for state in (None, RunState.DONE))
            if good is not None:
                done.add_metric([job], _age(good.ended_at, machine_now()))
            for state in RunState if last is not None else ():
                result.add_metric([job, state], int(last is not None and last.state is state))
        yield from (done, result)

    def _spent(self, family: Any) -> Iterator[Any]:
        if not self._house.workspace.model.is_on:
            return
        month = self._house.spending.month()
        tokens = family("model_tokens_month", "Tokens the language model took this month (UTC).")
        tokens.add_metric([], month.tokens)
        cost = family("model_cost_month", "Money the language model took this month.", "currency")
        cost.add_metric([month.currency], month.cost_micro / 1_000_000)
        yield from (tokens, cost)


def _by_state(family: Any, session: Session, table: Any, states: Any) -> Any:
    counted = dict(session.execute(select(table.state, func.count()).group_by(table.state)).all())
    for state in states:
        family.add_metric([state], counted.get(str(state), 0))
    return family


def _waiting(session: Session) -> tuple[int, datetime | None]:
    is_open = col(Click.state) != str(ClickState.DONE)
    number, oldest = session.exec(select(func.count(), func.min(Click.at)).where(is_open)).one()
    return int(number), oldest


def _age(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


def _version() -> str:
    try:
        return version("outgrown")
    except PackageNotFoundError:
        return "unknown"
