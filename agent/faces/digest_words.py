"""The sentences of the digest, the same on every face."""

from __future__ import annotations

import re

from agent.approval.spending import MonthSpent
from agent.drafting.templating import phrasebook
from agent.drafting.wording import clean, price, sentence
from agent.faces.digest import DigestView, Entry, Sending, SourceAge, Won
from agent.scoring.assessment import Offer
from agent.signals import display

REASONS = 3
"How many findings an entry tells."
LISTED = 5
"How many names a sentence lists."
HELD = 15
"How many held accounts a page or a terminal lists."
WON = {"upgraded": "Upgraded", "bought": "Bought"}
UNDERSCORE = re.compile(r"(?<=[a-z])_(?=[a-z])")
SPARKS = "▁▂▃▄▅▆▇█"


def name(entry: Entry) -> str:
    """The account's name on one line."""
    return clean(entry.assessment.name, 60)


def plan(entry: Entry) -> str:
    """'Starter plan', for a plan called 'Starter' and for one called 'Starter plan'; empty without a plan."""
    own = clean(entry.assessment.plan_name or "", 60)
    return own if not own or own.lower().endswith(" plan") else f"{own} plan"


def reasons(entry: Entry) -> list[str]:
    """Why: one finding per group, a sentence each; what the play rests on first, then the highest groups.

    The play rests on its own triggers, and then on one of the founder's that satisfies it by itself.
    """
    assessment = entry.assessment
    lead = phrasebook()["plays"].get(assessment.play or "", [])
    findings = sorted(
        assessment.findings,
        key=lambda f: (
            lead.index(f.trigger)
            if f.trigger in lead
            else len(lead) + (f.play is None or f.play != assessment.play),
            -assessment.groups.get(f.group, 0),
        ),
    )
    told: dict[str, str] = {}
    for finding in findings:
        told.setdefault(finding.group, sentence(clean(finding.says)))
    return list(told.values())[:REASONS]


def missing(entry: Entry) -> list[str]:
    """What is missing to be ready, groups by their names in words."""
    return [sentence(UNDERSCORE.sub(" ", clean(need))) for need in entry.assessment.needs]


def briefly(entry: Entry) -> str:
    """What is missing, without the list of all that would bring it."""
    return " ".join(
        sentence(UNDERSCORE.sub(" ", clean(need)).partition(";")[0]) for need in entry.assessment.needs
    )


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
    close, held = len(view.top) - view.ready + len(view.closest), len(view.holds)
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


def outcomes(view: DigestView) -> list[str]:
    """Last week in sentences: who upgraded or bought for how much, what was answered, what was skipped and why."""
    week = view.last_week
    lines = []
    for kind, verb in WON.items():
        won = [one for one in week.won if one.kind == kind]
        if won:
            lines.append(f"{verb}: {listed([_won(one) for one in won])}{_in_all(won)}.")
    if week.replies:
        kinds = [f"{number} {kind.replace('_', ' ')}" for kind, number in week.replies.items()]
        lines.append(f"Answers: {', '.join(kinds)}.")
    if week.skips:
        skips = [
            f"{clean(one.name, 60)} ({clean(one.reason or 'no reason given', 80)})" for one in week.skips
        ]
        lines.append(f"Skipped: {listed(skips)}.")
    return lines


def listed(parts: list[str], most: int = LISTED) -> str:
    """'a, b and c'; of more than `most` the first, and how many more there are."""
    shown = parts[:most]
    if len(parts) > most:
        shown.append(f"{len(parts) - most:,} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _won(one: Won) -> str:
    name = clean(one.name, 60)
    if one.amount_minor is None or one.currency is None:
        return name
    return f"{name} ({display.money(one.amount_minor, one.currency).display})"


def _in_all(won: list[Won]) -> str:
    """', €133 and $49 in all': amounts of different currencies are never added; empty for a single amount."""
    sums: dict[str, int] = {}
    known = [one for one in won if one.amount_minor is not None and one.currency is not None]
    for one in known:
        sums[one.currency or ""] = sums.get(one.currency or "", 0) + (one.amount_minor or 0)
    if len(known) < 2:
        return ""
    return f", {listed([display.money(minor, currency).display for currency, minor in sorted(sums.items())])} in all"


def budget(view: DigestView) -> list[str]:
    """Whether messages may leave and how many today, and what the language model took this month."""
    lines = [] if view.sending is None else [sending(view.sending)]
    return lines + ([] if view.model is None else model_notes(view.model))


def sending(one: Sending) -> str:
    """'Sending: on, 3 of 50 messages sent today; 2 approved wait to leave.'"""
    left = "no daily ceiling"
    if one.ceiling is not None:
        left = f"{one.today:,} of {display.count(one.ceiling, 'message').display} sent today"
    waits = (
        f"; {one.queued:,} approved {'waits' if one.queued == 1 else 'wait'} to leave" if one.queued else ""
    )
    return f"Sending: {'stopped' if one.is_stopped else 'on'}, {left}{waits}."


def stopped(view: DigestView) -> str:
    """'Sending has been stopped since 12 March 2026, 09:30 UTC, by dana: …'; empty while messages may leave."""
    if view.sending is None or not view.sending.is_stopped:
        return ""
    before, who, after = stopping(view.sending)
    return f"{before}{person(who)}{after}"


def stopping(one: Sending) -> tuple[str, str, str]:
    """The sentence that sending is stopped: before the name of who did it, the name, and after it."""
    since = (
        f" since {display.day(one.stopped_at.date()).display}, {one.stopped_at:%H:%M} UTC"
        if one.stopped_at
        else ""
    )
    why = f": {clean(one.reason, 160).rstrip('.')}" if one.reason else ""
    by = ", by " if one.stopped_by else ""
    return (
        f"Sending has been stopped{since}{by}",
        one.stopped_by,
        f"{why}. `outgrown resume` lets messages leave again.",
    )


def person(who: str) -> str:
    """Who did something: 'dana', or 'U0123ABCD in Slack'."""
    return f"{clean(who.rpartition('/')[2], 60)} in Slack" if who.startswith("slack:") else clean(who, 60)


def urgent(view: DigestView) -> list[str]:
    """What should be known before anything else: sending is stopped, a delivery of unknown fate, facts too old."""
    lines = [stopped(view)] if stopped(view) else []
    if view.unsettled:
        told = listed(
            [f"{clean(one.name, 60)} ({display.day(one.tried_at.date()).display})" for one in view.unsettled]
        )
        what = "a message" if len(view.unsettled) == 1 else f"{len(view.unsettled):,} messages"
        lines.append(f"Nobody knows whether {what} arrived, and your word is needed: {told}.")
    stale = [f"{clean(one.source, 60)} ({age(one)})" for one in view.sources if one.is_stale]
    if stale:
        lines.append(
            f"Too old to rest on: {listed(stale)}; accounts that need it are held back until a sync."
        )
    return lines


def settling(view: DigestView) -> list[tuple[str, str]]:
    """How to give one's word in the terminal: of whose message, and the command."""
    return [
        (
            clean(one.name, 60),
            f"outgrown outbox settle {clean(one.delivery_id, 60)} --arrived (or --not-arrived)",
        )
        for one in view.unsettled[:LISTED]
    ]


def more_held(view: DigestView, shown: int = HELD) -> str:
    """'and 4 more: `outgrown scan` lists them'; empty when all are shown."""
    more = len(view.holds) - shown
    return f"and {more:,} more: `outgrown scan` lists them" if more > 0 else ""


def notes(view: DigestView) -> list[str]:
    """The notes that the budget does not tell already."""
    told = set(budget(view))
    return [clean(note, 400) for note in view.notes if note not in told]


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
