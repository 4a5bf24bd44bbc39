"""A digest with everything in it, for tests of its faces."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from agent.drafting.ledger import make_brief
from agent.drafting.writer import write
from agent.faces.digest import Chart, ChartPoint, DigestView, Entry, Held, LastWeek, SourceAge
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
