"""The canonical tables of rule book §2, one Pydantic model each."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Fact(BaseModel):
    """One row of a canonical table. Ids are text, times UTC without a zone mark, money in minor units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    "The columns that identify a row; an empty optional column counts as a value of its own."
    KNOWN_FROM: ClassVar[str | None] = None
    "The column that says on which day the row became known; None for reference tables."


class SubscriptionStatus(StrEnum):
    """Where a subscription stands with the billing system."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    PAUSED = "paused"


class Term(StrEnum):
    """How long a subscription is committed for."""

    MONTH = "month"
    YEAR = "year"


class Role(StrEnum):
    """What a person is in an account."""

    MEMBER = "member"
    GUEST = "guest"


class MetricKind(StrEnum):
    """A level (gauge) or an amount per time (flow)."""

    GAUGE = "gauge"
    FLOW = "flow"


class Per(StrEnum):
    """The period a flow's ceiling is for: 1, 7 or 30 days."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class EventKind(StrEnum):
    """What a user did, or what happened to them."""

    USED = "used"
    BLOCKED = "blocked"
    LIMIT_HIT = "limit_hit"
    PREVIEWED = "previewed"
    VIEWED = "viewed"
    WORKAROUND = "workaround"
    INVITED = "invited"


class Priority(StrEnum):
    """How pressing a ticket is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class InvoiceStatus(StrEnum):
    """Where an invoice stands."""

    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


CURRENCY = r"^[A-Z]{3}$"


class Account(Fact):
    """A paying customer."""

    TABLE = "accounts"
    KEY = ("account_id",)

    account_id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    domain: str | None = None
    segment: str | None = None
    created_on: date
    contact_name: str | None = None
    contact_email: str | None = None
    owner: str | None = None
    language: str | None = None
    time_zone: str | None = None
    is_test: bool = False


class Plan(Fact):
    """What can be bought; tier 1 is the lowest, equal tiers are alternatives."""

    TABLE = "plans"
    KEY = ("plan_id",)

    plan_id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    tier: int = Field(ge=1)
    price_minor: int = Field(ge=0)
    currency: str = Field(pattern=CURRENCY)
    per_seat: bool
    product: str = "main"
    sold: bool = True


class Ceiling(Fact):
    """How much of a metric a plan, or one account, may use; an empty ceiling is unlimited."""

    TABLE = "ceilings"
    KEY = ("plan_id", "account_id", "metric", "from_on")

    plan_id: str | None = None
    account_id: str | None = None
    metric: str = Field(min_length=1)
    ceiling: float | None = Field(None, ge=0)
    from_on: date | None = None
    to_on: date | None = None


class PlanFeature(Fact):
    """A feature a plan includes."""

    TABLE = "plan_features"
    KEY = ("plan_id", "feature")

    plan_id: str = Field(min_length=1)
    feature: str = Field(min_length=1)


class Subscription(Fact):
    """One period of one subscription, from `starts_on` up to, and not on, `ends_on`."""

    TABLE = "subscriptions"
    KEY = ("subscription_id", "starts_on")
    KNOWN_FROM = "starts_on"

    subscription_id: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    plan_id: str = Field(min_length=1)
    seats: int | None = Field(None, ge=0)
    mrr_minor: int = Field(ge=0)
    currency: str = Field(pattern=CURRENCY)
    starts_on: date
    ends_on: date | None = None
    status: SubscriptionStatus
    term: Term
    renews_on: date | None = None
    cancel_on: date | None = None
    discount_pct: float | None = Field(None, ge=0, le=100)


class Member(Fact):
    """A person in an account, from `joined_on` up to, and not on, `left_on`."""

    TABLE = "members"
    KEY = ("account_id", "user_id", "joined_on")
    KNOWN_FROM = "joined_on"

    account_id: str = Field(min_length=1)
    user_id: str = Field(min_length=1)
    role: Role
    team: str | None = None
    joined_on: date
    left_on: date | None = None


class Measure(Fact):
    """One number for one account on one day."""

    TABLE = "measures"
    KEY = ("account_id", "day", "metric")
    KNOWN_FROM = "day"

    account_id: str = Field(min_length=1)
    day: date
    metric: str = Field(min_length=1)
    value: float


class Metric(Fact):
    """What a metric means; `per` is for flows only."""

    TABLE = "metrics"
    KEY = ("metric",)

    metric: str = Field(min_length=1)
    label: str = Field(min_length=1)
    unit: str
    kind: MetricKind
    per: Per | None = None
    core: bool


class Event(Fact):
    """Something a user did or met in the product."""

    TABLE = "events"
    KEY = ("event_id",)
    KNOWN_FROM = "at"

    event_id: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    user_id: str | None = None
    at: datetime
    kind: EventKind
    feature: str | None = None
    team: str | None = None
    product: str | None = None


class Ticket(Fact):
    """A support request; `sentiment` runs from -1 to 1."""

    TABLE = "tickets"
    KEY = ("ticket_id",)
    KNOWN_FROM = "opened_at"

    ticket_id: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    opened_at: datetime
    closed_at: datetime | None = None
    priority: Priority
    minutes: float | None = Field(None, ge=0)
    sentiment: float | None = Field(None, ge=-1, le=1)
    topic: str | None = None
    feature: str | None = None
    text: str | None = None


class Invoice(Fact):
    """A bill and whether it was paid."""

    TABLE = "invoices"
    KEY = ("invoice_id",)
    KNOWN_FROM = "issued_on"

    invoice_id: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    issued_on: date
    due_on: date
    paid_on: date | None = None
    amount_minor: int
    currency: str = Field(pattern=CURRENCY)
    status: InvoiceStatus


MODELS: tuple[type[Fact], ...] = (
    Account, Plan, Ceiling, PlanFeature, Subscription, Member, Measure, Metric, Event, Ticket, Invoice,
)  # fmt: skip
TABLES: dict[str, type[Fact]] = {model.TABLE: model for model in MODELS}
