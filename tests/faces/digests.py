"""A digest with everything in it, for tests of its faces."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from agent.approval.spending import MonthSpent, TaskSpent
from agent.drafting.ledger import make_brief
from agent.drafting.writer import write
from agent.faces.digest import (
    Chart,
    ChartPoint,
    DigestView,
    Entry,
    Held,
    LastWeek,
    Sending,
    Skipped,
    SourceAge,
    Unsettled,
    Won,
)
from agent.scoring.assessment import Assessment, Status, Tier
from tests.drafting.assessments import AS_OF, NAMES, SETTINGS, an_assessment

HOSTILE = '<script>alert(1)</script> [red]Söhne[/red] & "Co" {{7*7}} \u202e'
SAYS = {
    "near_ceiling": "exports stand at 94% of what the Starter plan includes, after 88% a week earlier",
    "seats_active": "19 of your 20 seats are taken, and 17 of those people used it in the last 30 days",
    "seats_added": "3 people joined in the last 14 days",
    "guests_accumulating": "3 guests work with you, 2 of them since the last 30 days began",
    "paywall_attempts": "your team tried to use bulk export 4 times in the last 14 days",
    "wau_doubled": "14 people used it in the last 7 days, against 6 a week in the four weeks before",
}


def a_chart(
    *values: float | None, ceiling: float | None = 1000, label: str = "Exports", unit: str = "exports"
) -> Chart:
    """A chart of weeks that end on the digest's day."""
    weeks = len(values)
    return Chart(
        label=label,
        unit=unit,
        points=tuple(
            ChartPoint(
                week_ending=AS_OF - timedelta(days=7 * (weeks - 1 - place)), value=value, ceiling=ceiling
            )
            for place, value in enumerate(values)
        ),
    )


def told(case: str, support: str = "seats_added", **more: Any) -> Assessment:
    """An assessment whose findings say what the engine would say."""
    made = an_assessment(case, support, **more)
    findings = tuple(f.model_copy(update={"says": SAYS.get(f.trigger, f.says)}) for f in made.findings)
    return made.model_copy(update={"findings": findings})


def ready(case: str, support: str, chart: Chart | None, **more: Any) -> Entry:
    """A ready account with its draft."""
    assessment = told(case, support, **more)
    preview = write(make_brief(assessment, SETTINGS, NAMES))
    return Entry(
        assessment=assessment,
        chart=chart,
        draft_id=f"d-{assessment.account_id}",
        preview=preview,
        draft_state="pending",
    )


def close(account_id: str, name: str, chart: Chart | None, points: int = 7, **more: Any) -> Entry:
    """An account that is not ready yet, with what is missing."""
    values: dict[str, Any] = {
        "status": Status.WATCH,
        "points": points,
        "composite": 61.4,
        "tier": Tier.LIKELY,
    }
    values |= {"needs": ("2 points are missing: 2 new members in 14 days would bring them",)} | more
    assessment = told("feature paywall", "wau", account_id=account_id, name=name, **values)
    return Entry(assessment=assessment, chart=chart)


def held(name: str, hold: str, says: str) -> Held:
    """An account that would be ready."""
    return Held(account_id=name.lower(), name=name, hold=hold, says=says)


def won(name: str, minor: int | None, currency: str | None = "EUR", kind: str = "upgraded") -> Won:
    """A customer who upgraded or bought."""
    return Won(account_id=name.lower(), name=name, kind=kind, amount_minor=minor, currency=currency)


def skipped(name: str, reason: str | None) -> Skipped:
    """A draft that was decided against."""
    return Skipped(account_id=name.lower(), name=name, reason=reason)


def unsettled(name: str, delivery_id: str = "5f0c") -> Unsettled:
    """A message of which nobody knows whether it arrived."""
    tried = datetime(2026, 2, 27, 9, 30)
    return Unsettled(
        delivery_id=delivery_id,
        draft_id="d1",
        account_id=name.lower(),
        name=name,
        channel="smtp",
        tried_at=tried,
    )


def stopped(**more: Any) -> Sending:
    """Sending that a person has switched off."""
    values: dict[str, Any] = {
        "is_stopped": True,
        "stopped_at": datetime(2026, 3, 2, 16, 5),
        "stopped_by": "dana",
        "reason": "the price list changes",
        "ceiling": 50,
        "today": 3,
        "queued": 2,
    }
    return Sending(**values | more)


def a_month(*, is_at_limit: bool = False) -> MonthSpent:
    """What the language model took in March."""
    task = TaskSpent(
        task="draft", calls=12, tokens_in=20_000, tokens_cached=0, tokens_out=11_000, seconds=31.5, cost_micro=420_000
    )  # fmt: skip
    return MonthSpent(
        since=date(2026, 3, 1),
        until=date(2026, 4, 1),
        tasks=(task,),
        tokens_limit=2_000_000,
        cost_limit_micro=20_000_000,
        currency="USD",
        is_at_limit=is_at_limit,
    )


def a_full_digest(**more: Any) -> DigestView:
    """A digest of a week in which everything happened."""
    week = LastWeek(
        sent=4,
        replied=2,
        upgraded=3,
        skipped=1,
        waiting=3,
        replies={"interested": 1, "not_yet": 1},
        won=(won("Alder", 5000), won("Birch", 8317), won("Cedar", 4900, "USD", "bought")),
        skips=(skipped("Dogwood", "they renew in May"),),
    )
    values: dict[str, Any] = {
        "closest": (close("elm", "Elm Works", None, points=8),),
        "last_week": week,
        "unsettled": (unsettled("Brio Studio"),),
        "sending": stopped(),
        "model": a_month(),
    }
    return a_digest(**values | more)


def a_digest(**more: Any) -> DigestView:
    """Three ready, two close, three held, one stale source; one name is hostile."""
    exports = a_chart(410, 430, 455, 520, 560, 540, 610, 700, 760, 850, 900, 940)
    storage = a_chart(
        *(2.1, 2.4, 3.0, None, 4.4, 5.2, 6.1, 7.0, 8.0, 10.2, 10.0, 9.4),
        ceiling=10,
        label="Storage",
        unit="GB",
    )
    unlimited = a_chart(
        *(12400, 12900, 13100, 12800, 13600, 14100, 14900, 15200, 15800, 16400, 16900, 17300), ceiling=None
    )
    long_name = "A company with a name of eighty letters that goes on and on until it is eighty long"
    values: dict[str, Any] = {
        "company": "Acme Docs",
        "as_of": date(2026, 3, 2),
        "week": "Week to 2 March 2026",
        "top": (
            ready("capacity near", "seats_added", exports, account_id="halden", name="Halden Labs"),
            ready(
                "capacity pressure",
                "new_team",
                storage,
                account_id="nord",
                name="Nordlicht Söhne & Töchter GmbH",
            ),
            ready("seats", "none", None, account_id="brio", name="Brio Studio"),
            close("evil", HOSTILE, unlimited),
            close("lumen", long_name, None, points=6),
        ),
        "holds": (
            held("Kestrel Health", "open_escalation", "an urgent ticket has been open for 4 days"),
            held("Pine & Partner", "prompted_recently", "they were written to on 24 February 2026"),
            held("Orbit", "past_due", "an invoice has been open for 12 days after it was due"),
        ),
        "last_week": LastWeek(sent=4, replied=2, upgraded=1, skipped=1, waiting=3),
        "sources": (
            SourceAge(source="files", age_hours=3.2),
            SourceAge(source="tickets export", age_hours=75, is_stale=True),
        ),
        "notes": ("2 accounts are in the control group and are not shown.",),
    }
    values |= more
    return DigestView(**values)
