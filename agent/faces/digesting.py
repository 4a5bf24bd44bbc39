"""The digest's document, gathered from the scan, the facts and the state."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from agent.approval.states import DraftState
from agent.approval.views import DraftLine, list_drafts, show_draft
from agent.faces.digest import (
    Chart,
    ChartPoint,
    DigestView,
    Entry,
    SourceAge,
    closest_after,
    top_five,
    worth_knowing,
)
from agent.faces.digest_state import last_week, sending, unsettled
from agent.faces.digest_words import model_notes
from agent.foundation import clock
from agent.scoring.assessment import Status
from agent.signals.display import day

if TYPE_CHECKING:
    from agent.approval.spending import MonthSpent
    from agent.scoring.assessment import Assessment
    from agent.scoring.scan import Scan
    from agent.signals.history import History
    from agent.wiring import House

PRESSING = ("plan_limit_pressure", "near_ceiling")
LIVE = {DraftState.PENDING, DraftState.APPROVED, DraftState.SENDING, DraftState.SNOOZED}


def digest_view(house: House, as_of: date | None = None, *, result: Scan | None = None) -> DigestView:
    """Everything the digest shows as of a day (default: the clock's last complete day)."""
    found = result or house.scan(as_of)
    is_live = found.as_of == house.live_day
    top = top_five(found.accounts)
    histories = house.histories(found.as_of, {one.account_id: pressed_metric(one) for one in top})
    charts = {account: chart_of_history(history) for account, history in histories.items()}
    drafts = _drafts(house) if is_live else {}
    names = {one.account_id: one.name for one in found.accounts}
    spent = house.spending.month() if is_live and house.workspace.model.is_on else None
    return DigestView(
        company=house.settings.company.name,
        as_of=found.as_of,
        week=f"Week to {day(found.as_of).display}",
        ready_in_all=sum(one.status is Status.READY for one in found.accounts),
        top=tuple(_entry(house, one, charts.get(one.account_id), drafts.get(one.account_id)) for one in top),
        closest=tuple(Entry(assessment=one) for one in closest_after(found.accounts, top)),
        holds=tuple(worth_knowing(found.accounts)),
        last_week=last_week(house, names),
        sources=_sources(found),
        notes=_notes(found, spent),
        unsettled=unsettled(house, names) if is_live else (),
        sending=sending(house) if is_live else None,
        model=spent,
    )


def _notes(found: Scan, spent: MonthSpent | None) -> tuple[str, ...]:
    """What else the founder should know; what the model took is told of today alone."""
    notes = [f"A figure does not hold when computed again: {sentence}." for sentence in found.mismatches]
    return (*notes, *(model_notes(spent) if spent else ()))


def _entry(house: House, one: Assessment, chart: Chart | None, line: DraftLine | None) -> Entry:
    if line is None:
        return Entry(assessment=one, chart=chart)
    message = show_draft(house.store, line.draft_id).message
    return Entry(
        assessment=one, chart=chart, draft_id=line.draft_id, draft_state=str(line.state), preview=message
    )


def _drafts(house: House) -> dict[str, DraftLine]:
    """The live draft of each account that has one."""
    return {line.account_id: line for line in list_drafts(house.store) if line.state in LIVE}


def pressed_metric(one: Assessment) -> str | None:
    """The metric that stands near its ceiling; None leaves the choice to the history."""
    return next((finding.key for finding in one.findings if finding.trigger in PRESSING), None)


def chart_of_history(history: History) -> Chart:
    """The weeks of a metric as a chart."""
    points = tuple(ChartPoint(week_ending=w.ending, value=w.value, ceiling=w.ceiling) for w in history.weeks)
    return Chart(label=history.label, unit=history.unit, points=points)


def _sources(found: Scan) -> tuple[SourceAge, ...]:
    moment = clock.now()
    oldest: dict[str, float] = {}
    stale: set[str] = set()
    for source in found.sources:
        if source.read_at is None:
            continue
        age = max(0.0, (moment - source.read_at).total_seconds() / 3600)
        oldest[source.source] = max(age, oldest.get(source.source, 0.0))
        if age > source.limit_hours:
            stale.add(source.source)
    return tuple(
        SourceAge(source=name, age_hours=round(age, 1), is_stale=name in stale)
        for name, age in sorted(oldest.items())
    )
