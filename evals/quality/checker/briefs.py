"""The briefs the checker's texts are written to: two of every play, made by the claim ledger itself."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from agent.drafting.brief import Brief
from agent.drafting.ledger import make_brief
from agent.drafting.violation import Surroundings
from agent.drafting.vocabulary import Vocabulary
from agent.foundation.settings import Company, Settings
from agent.scoring.assessment import Assessment, Band, Offer, OfferKind, Status, Tier
from agent.signals import display
from agent.signals.finding import Figure, Finding

AS_OF = date(2026, 3, 2)
"A Monday."
SETTINGS = Settings(
    company=Company(
        name="Paperloft",
        product="Paperloft",
        sender_name="Dana Reyes",
        sender_email="dana@paperloft.example",
        allowed_links=("https://paperloft.example",),
    )
)
NAMES = Vocabulary(
    labels={
        "exports": "Exports",
        "storage": "Storage",
        "sso": "Single sign-on",
        "bulk_export": "Bulk export",
        "sign": "Contract signing",
        "audit_log": "Audit log",
    },
    units={"exports": "exports", "storage": "GB"},
)
AROUND = Surroundings(
    now=datetime.combine(AS_OF, time(9)),
    other_names=(
        "Globex", "Initech", "Larkspur Media", "Kestrel Foods", "Nordwind Logistik", "Tobias Keller",
        "Amelia Stone", "Quillon", "Base", "Target",
    ),
    other_plans=("Starter", "Growth", "Business", "Enterprise", "Scale"),
    other_features=("API access", "Custom branding", "Version history", "Offline mode"),
    internal_names=("many exports",),
)  # fmt: skip
OFFERS = (
    "5 more seats", "Priority support", "Launch sprint", "Custom work agreement", "Paperloft Sign",
    "Paperloft Forms", "Onboarding package",
)  # fmt: skip
"Everything sold besides the plans."


def figure(figure_id: str, value: float | date, unit: str, *noun: str) -> Figure:
    """A figure shown the way the engine shows it."""
    if isinstance(value, date):
        shown = display.day(value)
    elif unit == "share":
        shown = display.share(value)
    elif unit == "ratio":
        shown = display.times(value)
    elif unit == "days":
        shown = display.days(int(value))
    else:
        shown = display.count(value, *noun)
    return Figure(
        figure_id=figure_id,
        label=figure_id.replace("_", " "),
        value=value,
        unit=noun[1] if noun else unit,
        display=shown.display,
        rounding=shown.rounding,
        formula="as given",
        first_day=AS_OF - timedelta(days=13),
        last_day=AS_OF,
    )


def finding(trigger: str, group: str, window: int, *figures: Figure, key: str | None = None) -> Finding:
    """A finding with its window as a figure."""
    first, start = figures[0], AS_OF - timedelta(days=window - 1)
    figures = tuple(
        one.model_copy(update={"first_day": start}) for one in (*figures, figure("window", window, "days"))
    )
    return Finding(
        trigger=trigger,
        group=group,
        key=key,
        value=float(first.value) if not isinstance(first.value, date) else 18.0,
        threshold=1.0,
        unit=first.unit,
        first_day=start,
        last_day=AS_OF,
        says="Something happened.",
        figures=figures,
    )


def usage(used: float, ceiling: float, key: str) -> Finding:
    """A metric near its ceiling."""
    return finding(
        "near_ceiling", "usage_pressure", 30,
        figure("utilisation", used / ceiling, "share"),
        figure("used", used, f"{key} used"),
        figure("ceiling", ceiling, f"{key} the plan includes"),
        key=key,
    )  # fmt: skip


def counted(
    trigger: str,
    group: str,
    window: int,
    figure_id: str,
    number: int,
    noun: str,
    nouns: str,
    key: str | None = None,
) -> Finding:
    """So many of something in a window."""
    return finding(trigger, group, window, figure(figure_id, number, nouns, noun, nouns), key=key)


def seats(used: int, ceiling: int) -> Finding:
    """Seats taken against seats paid for."""
    return finding(
        "seats_active", "team_expansion", 30,
        figure("seats_share", used / ceiling, "share"),
        figure("seats_taken", used, "seats taken"),
        figure("seats", ceiling, "seats", "seat", "seats"),
        figure("seats_active", used - 1, "people in seats who used it"),
    )  # fmt: skip


def offer(
    kind: OfferKind, name: str, price_minor: int, currency: str, per: str, benefit: str, **more: Any
) -> Offer:
    """What a brief offers."""
    return Offer(
        kind=kind, name=name, price_minor=price_minor, currency=currency, per=per, benefit=benefit, **more
    )


GROWTH = offer(
    OfferKind.PLAN_UPGRADE, "Growth", 14900, "EUR", "month", "exports keep running until the end of the month",
    plan_id="growth", ceiling=5000, ceiling_metric="exports",
)  # fmt: skip
ROOM = offer(
    OfferKind.PLAN_UPGRADE, "Business", 24900, "USD", "month", "files of any size have a place",
    plan_id="business", ceiling=100, ceiling_metric="storage",
)  # fmt: skip
BULK = offer(
    OfferKind.PLAN_UPGRADE, "Growth", 14900, "EUR", "month", "a whole folder goes out in one go",
    plan_id="growth", feature="bulk_export",
)  # fmt: skip
SSO = offer(
    OfferKind.PLAN_UPGRADE, "Business", 1250, "EUR", "seat and month", "people sign in with the account they have",
    plan_id="business", feature="sso",
)  # fmt: skip
SEATS = offer(
    OfferKind.SEAT_EXPANSION,
    "5 more seats",
    4500,
    "EUR",
    "month",
    "everyone who was invited can get in",
    seats=5,
)
PRIORITY = offer(
    OfferKind.SERVICE_ADDON, "Priority support", 15000, "USD", "month",
    "your questions go to a person who knows your setup",
)  # fmt: skip
CUSTOM = offer(
    OfferKind.SCOPE_AGREEMENT, "Custom work agreement", 120000, "CHF", "month",
    "your requests get a fixed place in our week",
)  # fmt: skip
SPRINT = offer(
    OfferKind.SPRINT_PACKAGE,
    "Launch sprint",
    250000,
    "GBP",
    "once",
    "the open points are done before your date",
)
SIGN = offer(
    OfferKind.CROSS_SELL,
    "Paperloft Sign",
    2900,
    "EUR",
    "month",
    "contracts are signed where they are written",
)
HITS = counted("limit_hits", "usage_pressure", 14, "limit_hits", 5, "time", "times", "exports")
JOINED = counted("seats_added", "team_expansion", 14, "members_joined", 3, "person", "people")
GUESTS = counted("guests_accumulating", "team_expansion", 30, "guests", 4, "guest", "guests")
INVITES = counted("invites", "team_expansion", 30, "invitations", 2, "invitation", "invitations")
PAYWALL = counted("paywall_attempts", "feature_interest", 14, "attempts", 4, "time", "times", "bulk_export")
ASKED = counted("capability_request", "feature_interest", 30, "requests", 2, "time", "times", "sso")
SUPPORT = finding(
    "support_time_up", "support_complexity", 30,
    figure("support_growth", 1.6, "ratio"),
    figure("support_minutes", 340, "minutes", "minute", "minutes"),
)  # fmt: skip
DETOUR = counted(
    "repeated_workaround", "support_complexity", 30, "workarounds", 3, "time", "times", "bulk_export"
)
SCOPE = counted("out_of_scope_asks", "support_complexity", 30, "scope_requests", 2, "time", "times")
BUDGET = counted("budget_language", "budget", 30, "budget_requests", 1, "time", "times")
LAUNCH = finding("hard_deadline", "urgency", 30, figure("deadline", date(2026, 3, 20), "date"))
FASTER = counted("faster_turnaround", "urgency", 30, "faster_requests", 3, "time", "times")
VISITS = counted("product_page_visits", "cross_sell", 30, "views", 6, "time", "times", "sign")
WANTED = counted("product_use_case_ask", "cross_sell", 30, "use_case_requests", 1, "time", "times", "sign")
DOUBLED = finding(
    "usage_doubled_since_start", "growth", 28, figure("usage_growth", 2.4, "ratio"), key="exports"
)

CASES: dict[str, tuple[str, tuple[Finding, ...], Offer, str, str | None, str]] = {
    "exports": ("capacity", (usage(870, 1000, "exports"), HITS), GROWTH, "Fernleaf Studio", "Maya Chen", "Starter"),
    "storage": ("capacity", (usage(47, 50, "storage"), JOINED), ROOM, "Halden Labs", None, "Growth"),
    "grown": ("capacity", (HITS, DOUBLED), GROWTH, "Müller & Söhne", "Jörg Müller", "Starter"),
    "seats": ("seats", (seats(19, 20), JOINED), SEATS, "Bramble", "Jonas Weber", "Starter"),
    "seats_over": ("seats", (seats(22, 20), INVITES, GUESTS), SEATS, "Northlight", "Aoife O'Brien", "Growth"),
    "bulk": ("feature", (PAYWALL, JOINED), BULK, "Oakfield Partners", "Priya Nair", "Starter"),
    "sso": ("feature", (ASKED, GUESTS), SSO, "Corvid", "Lena Vogt", "Growth"),
    "support": ("service", (SUPPORT, JOINED), PRIORITY, "Tidewater", "Tom Ellis", "Growth"),
    "detour": ("service", (DETOUR,), PRIORITY, "Birk & Co", "Sanne de Vries", "Starter"),
    "scope": ("scope", (SCOPE,), CUSTOM, "Lumen Press", "Élodie Martin", "Growth"),
    "scope_budget": ("scope", (SCOPE, BUDGET), CUSTOM, "Marlow", "Ravi Shah", "Starter"),
    "launch": ("deadline", (LAUNCH,), SPRINT, "Sable Works", "Ada Lind", "Growth"),
    "faster": ("deadline", (FASTER,), SPRINT, "Pinegrove", "Sam Okafor", "Starter"),
    "visits": ("cross_sell", (VISITS,), SIGN, "Redstart", "Carmen Ruiz", "Growth"),
    "wanted": ("cross_sell", (WANTED,), SIGN, "Elm & Ash", "Kenji Mori", "Starter"),
}  # fmt: skip
"By name: play, findings, offer, account, contact, the plan they have."


@lru_cache(maxsize=1)
def briefs() -> dict[str, Brief]:
    """Every brief by its name."""
    return {name: _brief(name) for name in CASES}


def around(brief: Brief) -> Surroundings:
    """What the rules know besides: other customers, and the plans and offers this brief does not use."""
    used = {brief.plan_name, brief.offer.name}
    return AROUND.model_copy(
        update={
            "other_plans": tuple(name for name in AROUND.other_plans if name not in used),
            "other_offers": tuple(name for name in OFFERS if name not in used),
        }
    )


def _brief(name: str) -> Brief:
    play, findings, made, account, contact, plan = CASES[name]
    return make_brief(
        Assessment(
            account_id=f"acc-{name}",
            name=account,
            as_of=AS_OF,
            status=Status.READY,
            points=9,
            groups={one.group: 4 for one in findings},
            band=Band.READY,
            composite=80.0,
            tier=Tier.EXPANSION_READY,
            parts={},
            findings=findings,
            play=play,
            offer=made,
            holds=(),
            plan_id=plan.lower(),
            plan_name=plan,
            contact_name=contact,
            contact_email=f"someone@{name.replace('_', '')}.example",
        ),
        SETTINGS,
        NAMES,
    )
