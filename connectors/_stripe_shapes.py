"""What Stripe's customers have, as we read it: subscriptions and bills, in the shape of 2023 as in that of 2026."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from agent.facts.tables import Invoice, InvoiceStatus, SubscriptionStatus
from connectors._rows import Record, VendorRow
from connectors._shapes import Moment, day_of
from connectors._stripe_money import minor
from connectors._stripe_prices import Currency, Discount, Id, Itself, Part, Price, in_capitals


def _rows(value: Any) -> Any:
    """The rows of a list within an object."""
    return value.get("data", []) if isinstance(value, dict) else value or []


class Item(Part):
    """One line of a subscription."""

    id: str
    created: Moment | None = None
    price: Price
    quantity: int | None = Field(None, ge=0)
    discounts: list[Discount] = Field(default_factory=list)
    current_period_start: Moment | None = None
    current_period_end: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def older(cls, value: Any) -> Any:
        """Before prices an item had a plan."""
        if isinstance(value, dict):
            return value | {
                "price": value.get("price") or value.get("plan"),
                "discounts": value.get("discounts") or [],
            }
        return value


STANDS = {
    "active": SubscriptionStatus.ACTIVE,
    "trialing": SubscriptionStatus.TRIALING,
    "past_due": SubscriptionStatus.PAST_DUE,
    # The bills were given up, the customer is still there: for us the same.
    "unpaid": SubscriptionStatus.PAST_DUE,
    "paused": SubscriptionStatus.PAUSED,
    "canceled": SubscriptionStatus.CANCELED,
}


class Standing(Itself):
    """A subscription as it stood at some moment."""

    id: str
    customer: Id
    status: Literal[
        "active", "trialing", "past_due", "unpaid", "paused", "canceled", "incomplete", "incomplete_expired"
    ]
    currency: Annotated[str | None, BeforeValidator(in_capitals)] = None
    items: Annotated[list[Item], BeforeValidator(_rows)] = Field(min_length=1)
    discounts: list[Discount] = Field(default_factory=list)
    start_date: Moment
    current_period_start: Moment | None = None
    current_period_end: Moment | None = None
    cancel_at: Moment | None = None
    cancel_at_period_end: bool = False
    canceled_at: Moment | None = None
    ended_at: Moment | None = None
    trial_start: Moment | None = None
    trial_end: Moment | None = None
    pause_collection: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def older(cls, value: Any) -> Any:
        """One discount before there were several, one plan before there were items, `start` before `start_date`."""
        if not isinstance(value, dict):
            return value
        one = value.get("discount")
        items = value.get("items")
        if not _rows(items) and value.get("plan"):
            plan = {"id": value.get("id"), "plan": value["plan"], "quantity": value.get("quantity")}
            items = [plan | {"created": value.get("created")}]
        start = value.get("start_date") or value.get("start") or value.get("created")
        return value | {
            "discounts": value.get("discounts") or ([one] if one else []),
            "items": items,
            "start_date": start,
        }

    @property
    def stands(self) -> SubscriptionStatus | None:
        """Where it stands; None for one that never started, because its first bill was never paid."""
        found = STANDS.get(self.status)
        if found in (None, SubscriptionStatus.CANCELED):
            return found
        return SubscriptionStatus.PAUSED if self.pause_collection else found

    @property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """Start and end of the period that is paid for: of the subscription, or of its first item."""
        first = self.ordered[0]
        return (
            self.current_period_start or first.current_period_start,
            self.current_period_end or first.current_period_end,
        )

    @property
    def leaves_on(self) -> date | None:
        """The day on which it will end, where that is settled."""
        if self.cancel_at is not None:
            return self.cancel_at.date()
        return day_of(self.period[1]) if self.cancel_at_period_end else None

    @property
    def ordered(self) -> list[Item]:
        """Its items, the oldest first."""
        return sorted(self.items, key=lambda item: (item.created or self.start_date, item.id))


class Line(Itself):
    """One line of a bill, where it is for a subscription."""

    subscription: Id | None = None
    subscription_item: str | None = None
    proration: bool = False
    price: Price | None = None
    price_id: Id | None = None
    quantity: int | None = None
    amount: int = 0
    discount_amounts: list[dict[str, Any]] = Field(default_factory=list)
    start: Moment
    end: Moment

    @model_validator(mode="before")
    @classmethod
    def both(cls, value: Any) -> Any:
        """Until 2025-03-31 price and subscription stood on the line, since then in `pricing` and `parent`."""
        if not isinstance(value, dict):
            return value
        parent, pricing = value.get("parent") or {}, value.get("pricing") or {}
        details = parent.get(parent.get("type") or "") or {}
        named = (pricing.get("price_details") or {}).get("price")
        price = value.get("price") or value.get("plan") or named
        period = value.get("period") or {}
        return {
            "subscription": value.get("subscription") or details.get("subscription"),
            "subscription_item": value.get("subscription_item") or details.get("subscription_item"),
            "proration": bool(value.get("proration") or details.get("proration")),
            "price": price if isinstance(price, dict) else None,
            "price_id": price,
            "quantity": value.get("quantity"),
            "amount": value.get("amount") or 0,
            "discount_amounts": value.get("discount_amounts") or [],
            "start": period.get("start"),
            "end": period.get("end"),
        }


class Moments(Part):
    """When a bill went from one status to the next."""

    finalized_at: Moment | None = None
    paid_at: Moment | None = None


class Bill(VendorRow):
    """An invoice; a draft is none yet."""

    id: str
    customer: Id | None = None
    status: Literal["draft", "open", "paid", "void", "uncollectible"]
    created: Moment
    due_date: Moment | None = None
    days_until_due: int | None = None
    status_transitions: Moments = Moments()
    total: int
    currency: Currency

    @model_validator(mode="before")
    @classmethod
    def older(cls, value: Any) -> Any:
        """`date` before `created`; no transitions before 2019."""
        if isinstance(value, dict):
            created = value.get("created") or value.get("date")
            return value | {"created": created, "status_transitions": value.get("status_transitions") or {}}
        return value

    def facts(self, settings: Any) -> Iterator[Invoice]:  # noqa: ARG002
        """One invoice, unless it is a draft or nobody's."""
        if self.status == "draft" or self.customer is None:
            return
        issued = self.status_transitions.finalized_at or self.created
        due = self.due_date or issued + timedelta(days=self.days_until_due or 0)
        yield Invoice(
            invoice_id=self.id,
            account_id=self.customer,
            issued_on=issued.date(),
            due_on=due.date(),
            paid_on=day_of(self.status_transitions.paid_at) if self.status == "paid" else None,
            amount_minor=minor(self.total, self.currency),
            currency=self.currency,
            status=InvoiceStatus(self.status),
        )


class Customer(VendorRow):
    """A customer; its metadata may hold our own id of the account."""

    id: str
    name: str | None = None
    email: str | None = None
    created: Moment
    deleted: bool = False
    preferred_locales: list[str] = Field(default_factory=list)
    metadata: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def bare(cls, value: Any) -> Any:
        """Older versions give null where later ones give nothing in a list."""
        if isinstance(value, dict):
            return value | {
                "metadata": value.get("metadata") or {},
                "preferred_locales": value.get("preferred_locales") or [],
            }
        return value

    def facts(self, settings: Any) -> Iterator[Record]:
        """One record; a deleted customer stays what it was, for its past is still true."""
        if self.deleted:
            return
        own = self.metadata.get(settings.account_id_key, "").strip()
        locale = next(iter(self.preferred_locales), "")
        yield Record(
            record_id=self.id,
            name=(self.name or "").strip(),
            own_id=own or None,
            email=self.email or None,
            created_on=self.created.date(),
            language=locale.split("-")[0] or None,
        )
