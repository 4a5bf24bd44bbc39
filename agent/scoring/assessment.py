"""What the rule book says about one account as of one day: the document every later room reads."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from agent.signals.finding import Finding, Frozen


class Status(StrEnum):
    """Where an account stands."""

    READY = "ready"
    HELD = "held"
    WATCH = "watch"
    STABLE = "stable"


class Band(StrEnum):
    """The band of the points: 0-4, 5-8, 9 and more."""

    STABLE = "stable"
    WATCH = "watch"
    READY = "ready"


class Tier(StrEnum):
    """The tier of the composite: 0-24, 25-49, 50-74, 75-100."""

    NOT_READY = "not_ready"
    POTENTIAL = "potential"
    LIKELY = "likely"
    EXPANSION_READY = "expansion_ready"


class OfferKind(StrEnum):
    """What can be offered."""

    PLAN_UPGRADE = "plan_upgrade"
    SEAT_EXPANSION = "seat_expansion"
    SERVICE_ADDON = "service_addon"
    SPRINT_PACKAGE = "sprint_package"
    SCOPE_AGREEMENT = "scope_agreement"
    CROSS_SELL = "cross_sell"


class Term(Frozen):
    """One addend of a score, with its reason."""

    name: str
    amount: float
    says: str


class Part(Frozen):
    """One dimension of the composite; `score` is None when there is no data for it."""

    score: float | None
    weight: float
    "The weight after renormalisation; 0 when the part is missing."
    terms: tuple[Term, ...] = ()


class Hold(Frozen):
    """A reason to stay silent."""

    hold: str
    says: str


class Offer(Frozen):
    """The one thing a message may offer."""

    kind: OfferKind
    plan_id: str | None = None
    name: str
    price_minor: int
    currency: str
    per: str
    "'month', 'once', or 'seat and month' for a per-seat plan."
    benefit: str = ""
    "A sentence the founder stands behind; empty when none was written."
    adds_monthly_minor: int = 0
    "Monthly revenue the offer would add, in minor units; orders equal accounts."
    ceiling: float | None = None
    "How much of `ceiling_metric` the offered plan includes; None when that is unlimited or beside the point."
    ceiling_metric: str | None = None
    "The metric under pressure, for an upgrade that relieves it."
    seats: int | None = None
    "How many seats a seat expansion adds."
    feature: str | None = None
    "The feature asked for, for an upgrade that brings it."


class Assessment(Frozen):
    """One account as of one day."""

    account_id: str
    name: str
    as_of: date
    status: Status
    points: int
    groups: dict[str, int]
    "Points by group that scored."
    band: Band
    composite: float | None
    tier: Tier | None
    parts: dict[str, Part]
    missing: tuple[str, ...] = ()
    "Dimensions of the composite left out for lack of data."
    findings: tuple[Finding, ...]
    play: str | None
    "The play whose offer is made."
    matched: str | None = None
    "The first play that matched, whether or not anything sold answers it."
    offer: Offer | None
    holds: tuple[Hold, ...]
    needs: tuple[str, ...] = ()
    "What is missing to be ready, one sentence each; empty when ready."

    # What a message needs to know about the account, copied so that later rooms need no fact store.
    plan_id: str | None = None
    plan_name: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None
    language: str | None = None
    segment: str | None = None
    time_zone: str | None = None
    "As the facts have it; only one that the zone database knows counts."
