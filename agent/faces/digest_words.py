"""The sentences of the digest, the same on every face."""

from __future__ import annotations

from agent.approval.spending import MonthSpent
from agent.drafting.templating import phrasebook
from agent.drafting.wording import clean, price, sentence
from agent.faces.digest import DigestView, Entry, SourceAge
from agent.scoring.assessment import Offer
from agent.signals import display

REASONS = 3
"How many findings an entry tells."
SPARKS = "▁▂▃▄▅▆▇█"


def name(entry: Entry) -> str:
    """The account's name on one line."""
    return clean(entry.assessment.name, 60)


def plan(entry: Entry) -> str:
    """'Starter plan', for a plan called 'Starter' and for one called 'Starter plan'; empty without a plan."""
    own = clean(entry.assessment.plan_name or "", 60)
    return own if not own or own.lower().endswith(" plan") else f"{own} plan"


def reasons(entry: Entry) -> list[str]:
    """Why: one finding per group, a sentence each; what the play rests on first, then the highest groups."""
    assessment = entry.assessment
    lead = phrasebook()["plays"].get(assessment.play or "", [])
    findings = sorted(
        assessment.findings,
        key=lambda f: (
            lead.index(f.trigger) if f.trigger in lead else len(lead),
            -assessment.groups.get(f.group, 0),
        ),
    )
    told: dict[str, str] = {}
    for finding in findings:
        told.setdefault(finding.group, sentence(clean(finding.says)))
    return list(told.values())[:REASONS]


def missing(entry: Entry) -> list[str]:
    """What is missing to be ready."""
    return [sentence(clean(need)) for need in entry.assessment.needs]


def standing(entry: Entry) -> str:
    """'11 points from 3 groups, composite 82'."""
    one = entry.assessment
    groups = len(one.groups)
    text = f"{display.count(one.points, 'point').display} from {display.count(groups, 'group').display}"
    return text if one.composite is None else f"{text}, composite {one.composite:.0f}"


def offered(offer: Offer) -> str:
    """'Growth, €149 a month'."""
    amount = display.money(offer.price_minor, offer.currency).display
    return f"{clean(offer.name, 80)}, {price(amount, offer.per)}"


def adds(offer: Offer) -> str:
    """'adds €50 a month'; empty when it adds nothing monthly, or just its price."""
    if offer.adds_monthly_minor <= 0 or (
        offer.per == "month" and offer.adds_monthly_minor == offer.price_minor
    ):
        return ""
    return f"adds {display.money(offer.adds_monthly_minor, offer.currency).display} a month"


def age(source: SourceAge) -> str:
    """'3 hours old', '2 days old', 'never read'."""
    if source.age_hours is None:
        return "never read"
    hours = int(source.age_hours)
    if hours < 1:
        return "less than an hour old"
    if hours < 48:
        return f"{display.count(hours, 'hour').display} old"
    return f"{display.days(hours // 24).display} old"


def summary(view: DigestView) -> str:
    """'3 ready, 2 close, 4 held back'; what there is none of is left out, but for ready."""
    close, held = len(view.top) - view.ready, len(view.holds)
    parts = [
        f"{max(view.ready, view.ready_in_all)} ready",
        *([f"{close} close"] if close else []),
        *([f"{held} held back"] if held else []),
    ]
    return ", ".join(parts)


def tiles(view: DigestView) -> list[tuple[str, int]]:
    """Last week's results, in the order in which they happen."""
    week = view.last_week
    return [
        ("sent", week.sent),
        ("replied", week.replied),
        ("upgraded", week.upgraded),
        ("skipped", week.skipped),
        ("waiting for you", week.waiting),
    ]


def sparkline(entry: Entry) -> str:
    """The chart as one line of block characters, a dot for a week without a value."""
    if entry.chart is None:
        return ""
    values = [point.value for point in entry.chart.points]
    top = max([value for value in values if value is not None], default=0.0)
    return "".join(
        "·" if value is None else SPARKS[round(value / top * (len(SPARKS) - 1)) if top > 0 else 0]
        for value in values
    )


def model_notes(spent: MonthSpent) -> list[str]:
    """What the language model took this month, and whether templates have taken over."""
    notes = []
    if spent.is_at_limit:
        limit = model_limit(spent)
        notes.append(f"{limit[:1].upper()}{limit[1:]}.")
    if spent.calls:
        asked = ", ".join(f"{one.task} {one.calls:,}" for one in spent.tasks)
        notes.append(f"The language model: {model_budget(spent)}; asked {asked}.")
    return notes


def model_budget(spent: MonthSpent) -> str:
    """'$0.42 of $20 and 31,000 of 2,000,000 tokens spent this month'."""
    limit = spent.cost_limit_micro // 10_000
    cost, most = (display.money(minor, spent.currency).display for minor in (spent.cost_minor, limit))
    return f"{cost} of {most} and {spent.tokens:,} of {spent.tokens_limit:,} tokens spent this month"


def model_limit(spent: MonthSpent) -> str:
    """'the month's budget for the language model is spent: templates have taken over until 1 July'."""
    until = f"{spent.until.day} {spent.until:%B}"
    return f"the month's budget for the language model is spent: templates have taken over until {until}"
