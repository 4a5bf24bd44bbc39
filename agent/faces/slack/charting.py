"""Which chart a card shows: the metric its findings press on, and how old the facts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.approval.opportunities import newest_opportunity
from agent.faces.digest import Chart, ChartPoint
from agent.faces.digest_words import age
from agent.foundation.errors import StoreBusy, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.drafting.brief import Brief
    from agent.faces.digest import SourceAge
    from agent.signals.finding import Finding
    from agent.wiring import House

PRESSING = ("plan_limit_pressure", "near_ceiling")


def chart_of(house: House, brief: Brief) -> Chart | None:
    """Twelve weeks of the draft's metric up to the brief's day; None where there is none, or no facts to read.

    Raises StoreBusy while another process writes the facts.
    """
    account = brief.recipient.account_id
    # The brief calls metrics by the names a customer reads; the assessment knows what they are.
    assessment = newest_opportunity(house.store, account)
    metric = pressed_metric(assessment.findings) if assessment else None
    try:
        found = house.histories(brief.as_of, {account: metric})
    except StoreBusy:
        raise
    except StoreError:
        return None
    history = found.get(account)
    if history is None or not history.weeks:
        return None
    points = tuple(ChartPoint(week_ending=w.ending, value=w.value, ceiling=w.ceiling) for w in history.weeks)
    return Chart(label=history.label, unit=history.unit, points=points)


def pressed_metric(findings: Sequence[Finding]) -> str | None:
    """The metric that stands near its ceiling; None leaves the choice to the history."""
    return next((one.key for one in findings if one.trigger in PRESSING), None)


def age_of(sources: Sequence[SourceAge]) -> str:
    """How old the oldest source's facts are: '3 hours old'; empty where nobody knows."""
    known = [one for one in sources if one.age_hours is not None]
    return age(max(known, key=lambda one: one.age_hours or 0.0)) if known else ""
