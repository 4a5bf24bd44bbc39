"""Chargebee: customers, what they pay for and since when, and their invoices. Read-only.

https://apidocs.chargebee.com/docs/api

A site has one of two product catalogues: 2.0 with items and item prices, or 1.0 with plans and addons.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, model_validator

from agent.facts.identities import company_domain
from agent.facts.tables import Invoice, InvoiceStatus, SubscriptionStatus
from agent.foundation.errors import VendorRefused
from connectors._api import Api
from connectors._billing import (
    MAIN,
    Lives,
    Price,
    is_noted,
    monthly,
    months_of,
    noted,
    plans_of,
    term_of,
    tier_noted,
)
from connectors._rows import Dated, Record, VendorRow, Version
from connectors._shapes import Moment, basic, day_of
from connectors._vendor import Key, Since, Source, Vendor

PAGE = 100
"The most that Chargebee gives at once."
MOMENT = timedelta(microseconds=1)
"Of one moment, what an event says counts more than an invoice, and how it stands now counts most."
MONTH_DAYS = 30.4375
WHOLE = 0.9
"Of a period, the share above which a line bills all of it."
SEATED = frozenset({"per_unit", "tiered", "volume"})
"Ways of pricing where one is bought for each seat."
STATUSES = {
    "in_trial": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "non_renewing": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    "cancelled": SubscriptionStatus.CANCELED,
    "transferred": SubscriptionStatus.CANCELED,
}
EVENTS = tuple(
    f"subscription_{name}"
    for name in (
        *(
            "created",
            "created_with_backdating",
            "started",
            "activated",
            "activated_with_backdating",
            "changed",
        ),
        *("changed_with_backdating", "trial_extended", "cancellation_scheduled", "cancelled", "reactivated"),
        *(
            "canceled_with_backdating",
            "reactivated_with_backdating",
            "renewed",
            "paused",
            "resumed",
            "deleted",
        ),
        *("scheduled_cancellation_removed", "pause_scheduled", "scheduled_pause_removed"),
    )
)


class Chargebee(Source):
    """What may be set under [connectors.chargebee]; base_url is https://<site>.chargebee.com."""

    account_id_field: str = "account_id"
    "Where our own account id stands with a customer: in its meta data, or as a custom field (cf_account_id)."
    catalogue: Literal["auto", "1.0", "2.0"] = "auto"
    "The site's product catalogue."


CHARGEBEE = Vendor(
    name="chargebee",
    title="Chargebee",
    url="",
    keys=(
        Key(
            "CHARGEBEE_API_KEY",
            "an API key: Settings > Configure Chargebee > API Keys > Add API Key > Read-Only Key",
            "read-only, all data",
        ),
    ),
    section=Chargebee,
    authorise=lambda keys, _: basic(keys["CHARGEBEE_API_KEY"]),
    check=lambda api: _whose(api),
    gives_accounts=True,
    limit=(150, 60.0),
)


def _whose(api: Api) -> str:
    """A key names nobody but its site."""
    api.get("/api/v2/subscriptions", {"limit": 1})
    return f"reads the site {urlsplit(api.base_url).netloc.split('.')[0]}"


class Noted(VendorRow):
    """A row with what the founder has noted on it: meta data, and custom fields without their `cf_`."""

    notes: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def gathered(cls, given: Any) -> Any:
        """All notes in one place; of one name the meta data's goes first."""
        if not isinstance(given, dict):
            return given
        notes = {name[3:]: value for name, value in given.items() if str(name).startswith("cf_")}
        for name in ("metadata", "meta_data"):
            found = given.get(name)
            if isinstance(found, str):
                try:
                    found = json.loads(found)
                except ValueError:
                    continue
            if isinstance(found, dict):
                notes |= found
        return {**given, "notes": notes}


# What is sold.


class Item(Noted):
    """What prices are of: a plan, an addon or a charge."""

    id: str
    name: str = ""
    external_name: str | None = None
    type: str = "plan"
    status: str | None = "active"


class Tier(BaseModel):
    """What one costs from some number on."""

    price: int | None = None


class ItemPrice(Noted):
    """One price of an item; catalogue 1.0's plans and addons are put in this shape."""

    id: str
    name: str = ""
    external_name: str | None = None
    item_id: str | None = None
    item_type: str = "plan"
    status: str | None = "active"
    pricing_model: str = "flat_fee"
    price: int | None = Field(None, ge=0)
    tiers: list[Tier] = Field(default_factory=list)
    period: int | None = None
    period_unit: str | None = None
    currency_code: str

    def made(self, item: Item | None) -> Price | None:
        """It as a price; None for a charge, which is paid once.

        Raises ValueError for a period, or a tier, that is none.
        """
        if self.item_type == "charge" or self.period is None or self.period_unit is None:
            return None
        item = item or Item(id=self.item_id or self.id, status=self.status)
        shown = item.external_name or item.name or self.external_name or self.name or self.id
        first = next((tier.price for tier in self.tiers if tier.price is not None), 0)
        per_seat = is_noted("per_seat", self.notes, item.notes)
        return Price(
            plan_id=self.id,
            name=shown,
            group=item.id,
            product=noted("product", self.notes, item.notes) or (MAIN if self.item_type == "plan" else shown),
            amount=self.price if self.price is not None else first,
            months=months_of(self.period_unit, self.period),
            currency=self.currency_code,
            per_seat=self.pricing_model in SEATED if per_seat is None else per_seat,
            is_sold=self.status == "active"
            and item.status == "active"
            and is_noted("sold", self.notes, item.notes) is not False,
            tier=tier_noted(self.notes, item.notes),
        )


@CHARGEBEE.stream("plans", whole=True)
def plans(api: Api, since: Since) -> Iterator[Dated]:  # noqa: ARG001
    """Every recurring price, archived ones too."""
    for plan in plans_of(_listed(api)):
        yield Dated(plan, api.started)


def _listed(api: Api) -> list[Price]:
    """Every recurring price. Within one reading Chargebee is asked once."""
    found: list[Price] = []
    items: dict[str, Item] = {}

    class Known(Item):
        def facts(self, settings: Chargebee) -> Iterator[Any]:  # noqa: ARG002
            items[self.id] = self
            return iter(())

    class Kept(ItemPrice):
        def facts(self, settings: Chargebee) -> Iterator[Any]:  # noqa: ARG002
            made = self.made(items.get(self.item_id or ""))
            if made is not None:
                found.append(made)
            return iter(())

    questions: list[tuple[str, str, type[Noted], dict[str, str]]]
    if _has_items(api):
        questions = [("items", "item", Known, {}), ("item_prices", "item_price", Kept, {})]
    else:
        questions = [("plans", "plan", Kept, {}), ("addons", "addon", Kept, {"item_type": "addon"})]
    for path, name, shape, more in questions:
        for row in _rows(api, path, name):
            given = row | more
            if more or name == "plan":
                given = _as_price(given)
            for _ in api.facts(given, shape, f"/{path}"):
                pass
    return found


def _as_price(row: dict[str, Any]) -> dict[str, Any]:
    """A plan or an addon of catalogue 1.0 as a price: it is its own item."""
    is_addon = row.get("item_type") == "addon"
    once = is_addon and row.get("charge_type") == "non_recurring"
    return {
        **row,
        "id": _addon_plan(str(row.get("id"))) if is_addon else row.get("id"),
        "item_id": None,
        "external_name": row.get("invoice_name"),
        "pricing_model": row.get("pricing_model") or row.get("charge_model") or row.get("type") or "flat_fee",
        "item_type": "charge" if once else row.get("item_type", "plan"),
    }


def _addon_plan(addon: str) -> str:
    """An addon may be called like a plan."""
    return f"addon:{addon}"


def _has_items(api: Api) -> bool:
    """Whether the site has catalogue 2.0: one with 1.0 refuses to talk of items."""
    settings: Chargebee = api.settings  # type: ignore[assignment]
    if settings.catalogue != "auto":
        return settings.catalogue == "2.0"
    try:
        api.get("/api/v2/item_prices", {"limit": 1})
    except VendorRefused as refused:
        if refused.status in (401, 403):
            raise
        return False
    return True


# Who pays.


class Customer(Noted):
    """Who pays."""

    id: str
    company: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    locale: str | None = None
    created_at: Moment
    updated_at: Moment | None = None
    deleted: bool = False

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at or self.created_at

    def facts(self, settings: Chargebee) -> Iterator[Record]:
        """One record; none of a customer that was deleted, whose subscriptions are too."""
        if self.deleted:
            return
        person = " ".join(part for part in (self.first_name, self.last_name) if part) or None
        yield Record(
            record_id=self.id,
            name=self.company or person or "",
            own_id=noted(settings.account_id_field.removeprefix("cf_"), self.notes),
            domain=company_domain(None, self.email),
            email=self.email or None,
            contact_name=person,
            created_on=day_of(self.created_at),
            language=(self.locale or "").replace("_", "-").split("-")[0] or None,
        )


@CHARGEBEE.stream("records")
def customers(api: Api, since: Since) -> Iterator[Dated]:
    """Customers changed since; at first all."""
    for row in _rows(api, "customers", "customer", _changed(since)):
        yield from api.facts(row, Customer, "/customers")


# What for.


class Part(BaseModel):
    """One thing a subscription is for: an item (2.0), or an addon (1.0)."""

    id: str | None = None
    item_price_id: str | None = None
    item_type: str = "addon"
    quantity: int | None = None
    free_quantity: int | None = None
    unit_price: int | None = None
    amount: int | None = None


class Deduction(BaseModel):
    """A discount of one subscription, or a coupon with what it takes off."""

    type: str | None = None
    percentage: float | None = None
    amount: int | None = None
    duration_type: str | None = None
    apply_on: str | None = None
    item_price_id: str | None = None
    apply_till: Moment | None = None
    coupon_id: str | None = None

    def counts(self, at: datetime) -> bool:
        """Whether it is taken off more than once, and still."""
        return self.duration_type != "one_time" and (self.apply_till is None or self.apply_till > at)


class Agreement(VendorRow):
    """A subscription as it stands, or stood when an event told of it."""

    id: str
    customer_id: str
    currency_code: str
    status: Literal["future", "in_trial", "active", "non_renewing", "paused", "cancelled", "transferred"]
    plan_id: str | None = None
    plan_quantity: int | None = None
    plan_unit_price: int | None = None
    plan_amount: int | None = None
    billing_period: int | None = None
    billing_period_unit: str | None = None
    start_date: Moment | None = None
    trial_start: Moment | None = None
    trial_end: Moment | None = None
    current_term_end: Moment | None = None
    next_billing_at: Moment | None = None
    created_at: Moment | None = None
    started_at: Moment | None = None
    activated_at: Moment | None = None
    cancelled_at: Moment | None = None
    pause_date: Moment | None = None
    updated_at: Moment | None = None
    due_invoices_count: int | None = None
    mrr: int | None = None
    deleted: bool = False
    subscription_items: list[Part] = Field(default_factory=list)
    addons: list[Part] = Field(default_factory=list)
    coupons: list[Deduction] = Field(default_factory=list)
    discounts: list[Deduction] = Field(default_factory=list)

    @property
    def changed(self) -> datetime | None:
        """When it last changed."""
        return self.updated_at

    @property
    def standing(self) -> SubscriptionStatus:
        """Its status; Chargebee tells a late payment by the invoices that are due."""
        if self.deleted:
            return SubscriptionStatus.CANCELED
        found = STATUSES[self.status]
        is_late = found is SubscriptionStatus.ACTIVE and bool(self.due_invoices_count)
        return SubscriptionStatus.PAST_DUE if is_late else found

    @property
    def stands_since(self) -> datetime | None:
        """From when on it stands as it does, as far as it tells itself."""
        known = self.updated_at or self.activated_at or self.started_at or self.created_at
        if self.status == "cancelled":
            return self.cancelled_at or known
        return (self.pause_date if self.status == "paused" else None) or known

    @property
    def leaves_on(self) -> datetime | None:
        """When it is going to be cancelled, or paused: who pauses is leaving too, for all that concerns an offer."""
        if self.status == "non_renewing":
            return self.cancelled_at or self.current_term_end
        return self.pause_date if self.status in ("active", "in_trial") else None

    @property
    def marks(self) -> list[tuple[datetime, SubscriptionStatus]]:
        """When it began, and when its trial ended."""
        began = self.started_at or self.start_date or self.trial_start or self.created_at
        if began is None:
            return []
        if self.trial_start is None or self.trial_end is None or self.trial_end <= self.trial_start:
            return [(began, SubscriptionStatus.ACTIVE)]
        found = [(self.trial_start, SubscriptionStatus.TRIALING)]
        if self.activated_at is not None:
            found.append((self.activated_at, SubscriptionStatus.ACTIVE))
        return found

    @property
    def parts(self) -> list[Part]:
        """What recurs in it, the plan first; what it was for in either catalogue."""
        if self.subscription_items:
            found = [part for part in self.subscription_items if part.item_type in ("plan", "addon")]
            return sorted(found, key=lambda part: (part.item_type != "plan", part.item_price_id or ""))
        plan = Part(
            item_price_id=self.plan_id,
            item_type="plan",
            quantity=self.plan_quantity,
            unit_price=self.plan_unit_price,
            amount=self.plan_amount,
        )
        more = [part.model_copy(update={"item_price_id": _addon_plan(part.id or "")}) for part in self.addons]
        return [plan, *sorted(more, key=lambda part: part.item_price_id or "")] if self.plan_id else []


class Line(BaseModel):
    """One line of an invoice."""

    subscription_id: str | None = None
    date_from: Moment | None = None
    date_to: Moment | None = None
    unit_amount: int = 0
    quantity: int | None = None
    amount: int | None = None
    discount_amount: int | None = None
    entity_type: str | None = None
    entity_id: str | None = None


class Bill(VendorRow):
    """One invoice."""

    id: str
    customer_id: str
    subscription_id: str | None = None
    status: Literal["paid", "posted", "payment_due", "not_paid", "voided", "pending"]
    date: Moment | None = None
    due_date: Moment | None = None
    paid_at: Moment | None = None
    total: int
    write_off_amount: int | None = None
    currency_code: str
    updated_at: Moment | None = None
    deleted: bool = False
    line_items: list[Line] = Field(default_factory=list)

    @property
    def changed(self) -> datetime | None:
        """When it last changed."""
        return self.updated_at

    @property
    def stands(self) -> InvoiceStatus:
        """Where it stands: one that is not paid after every try is still to be paid, unless it was written off."""
        if self.deleted or self.status == "voided":
            return InvoiceStatus.VOID
        if self.write_off_amount and self.write_off_amount >= self.total:
            return InvoiceStatus.UNCOLLECTIBLE
        return InvoiceStatus.PAID if self.status == "paid" else InvoiceStatus.OPEN

    def facts(self, settings: Chargebee) -> Iterator[Invoice]:  # noqa: ARG002
        """One invoice, where something was asked for."""
        if self.status == "pending" or self.date is None or not self.total:
            return
        issued, paid = self.date.date(), self.paid_at or self.updated_at
        yield Invoice(
            invoice_id=self.id,
            account_id=self.customer_id,
            issued_on=issued,
            due_on=max(issued, self.due_date.date()) if self.due_date else issued,
            paid_on=max(issued, paid.date()) if paid and self.stands is InvoiceStatus.PAID else None,
            amount_minor=self.total,
            currency=self.currency_code,
            status=self.stands,
        )


@CHARGEBEE.stream("versions", "invoices")
def subscriptions(api: Api, since: Since) -> Iterator[Dated]:
    """Invoices, and what they, events and the list say about how subscriptions stood."""
    teller = _Teller(api, since)
    bill, agreement = teller.billed(), teller.standing()
    api.table = "invoices"
    for row in _bills(api, since):
        yield from api.facts(row, bill, "/invoices")
    api.table = "versions"
    asked = {
        "occurred_at[after]": since.seconds,
        "event_type[in]": json.dumps(EVENTS, separators=(",", ":")),
        "sort_by[asc]": "occurred_at",
    }
    for event in _rows(api, "events", "event", asked):
        content = event.get("content")
        found = content.get("subscription") if isinstance(content, dict) else None
        if found and event.get("event_type") in EVENTS:
            # A deleted one is told as it was.
            gone = {"deleted": True} if event["event_type"] == "subscription_deleted" else {}
            teller.occurred = event.get("occurred_at")
            yield from api.facts({**found, **gone}, agreement, "/events")
    teller.occurred = None
    for row in _rows(api, "subscriptions", "subscription", _changed(since)):
        yield from api.facts(row, agreement, "/subscriptions")


class _Teller:
    """Makes versions of what is told about subscriptions, and remembers what the next telling needs."""

    def __init__(self, api: Api, since: Since) -> None:
        self.api, self.since = api, since
        self.lives = Lives(since.kept)
        self.occurred: Any = None
        self._coupons: dict[str, dict[str, Any]] = {}
        self._listed = {price.plan_id: price for price in _listed(api)}

    def billed(self) -> type[Bill]:
        """The shape of an invoice that tells versions too."""
        teller = self

        class Told(Bill):
            def facts(self, settings: Chargebee) -> Iterator[Any]:
                yield from Bill.facts(self, settings)
                if self.stands is not InvoiceStatus.VOID and self.status != "pending":
                    yield from teller._bill(self)

        return Told

    def standing(self) -> type[Agreement]:
        """The shape of a subscription as it stood when an event `occurred`; None: as it stands now."""
        teller = self

        class Told(Agreement):
            def facts(self, settings: Chargebee) -> Iterator[Version]:  # noqa: ARG002
                yield from teller._stood(self, teller.occurred)

        return Told

    def _bill(self, bill: Bill) -> Iterator[Version]:
        for line in bill.line_items:
            name = line.subscription_id or bill.subscription_id
            is_plan = line.entity_type in ("plan", "plan_item_price") and line.entity_id
            if (
                not (is_plan and name and line.date_from and line.date_to)
                or line.date_from > self.api.started
            ):
                continue
            days = (line.date_to - line.date_from).total_seconds() / 86400
            listed = self._listed.get(line.entity_id or "")
            months = listed.months if listed else Fraction(max(1, round(days / MONTH_DAYS)))
            quantity = 1 if line.quantity is None else line.quantity
            whole = line.unit_amount * quantity
            pct = 100 * (line.discount_amount or 0) / whole if whole else 0.0
            if days < WHOLE * float(months) * MONTH_DAYS:
                # Part of a period: what a whole one costs is on the price's tag.
                if listed is None:
                    continue
                whole = listed.amount * (quantity if listed.per_seat else 1)
            if quantity < 1 or whole < 0:
                continue
            yield self.lives.known(
                self._version(
                    line.entity_id or "",
                    name,
                    quantity=quantity,
                    whole=whole,
                    months=months,
                    account_id=bill.customer_id,
                    at=line.date_from,
                    currency=bill.currency_code,
                    status=SubscriptionStatus.ACTIVE,
                    renews_on=line.date_to.date(),
                    discount_pct=round(min(pct, 100.0), 2) or None,
                )
            )

    def _stood(self, given: Agreement, at: Any) -> Iterator[Version]:
        occurred = Line.model_validate({"date_from": at}).date_from
        since = given.stands_since
        moment = occurred + MOMENT if occurred else since + 2 * MOMENT if since else None
        if moment is None:
            raise ValueError("does not say since when it stands as it does")
        parts = given.parts
        if given.status == "future" or moment > self.api.started:
            return
        if not parts:
            raise ValueError("is for no plan")
        status = given.standing
        leaves = given.leaves_on if status is not SubscriptionStatus.CANCELED else None
        ends = leaves is not None or status in (SubscriptionStatus.CANCELED, SubscriptionStatus.PAUSED)
        amounts = [self._amount(given, part) for part in parts]
        versions = [
            self._version(
                part.item_price_id or "",
                given.id if part.item_type == "plan" else f"{given.id}:{self._item_of(part)}",
                quantity=1 if part.quantity is None else part.quantity,
                whole=amount,
                months=self._months(given, part),
                account_id=given.customer_id,
                at=moment,
                currency=given.currency_code,
                status=status,
                renews_on=None if ends else day_of(given.next_billing_at or given.current_term_end),
                cancel_on=day_of(leaves),
                discount_pct=self._deducted(given, part, amount, sum(amounts), moment),
            )
            for part, amount in zip(parts, amounts, strict=True)
        ]
        yield from self.lives.stands(given.id, versions, is_now=occurred is None)
        is_new = given.created_at is not None and given.created_at >= self.since.at
        if occurred is None and (self.since.is_first or is_new):
            yield from self.lives.began(given.id, given.marks)

    def _version(
        self, plan_id: str, name: str, *, quantity: int, whole: int, months: Fraction, **more: Any
    ) -> Version:
        listed = self._listed.get(plan_id)
        kept = Fraction(100) - Fraction(str(more.get("discount_pct") or 0))
        return Version(
            subscription_id=name,
            plan_id=plan_id,
            seats=quantity if quantity > 1 or (listed and listed.per_seat) else None,
            mrr_minor=monthly(whole * kept / 100, months),
            term=term_of(months),
            **more,
        )

    def _item_of(self, part: Part) -> str:
        """What stays the same of an addon when its price is another."""
        listed = self._listed.get(part.item_price_id or "")
        return (listed.group if listed else part.item_price_id) or ""

    def _months(self, given: Agreement, part: Part) -> Fraction:
        listed = self._listed.get(part.item_price_id or "")
        if part.item_type == "plan" and given.billing_period and given.billing_period_unit:
            return months_of(given.billing_period_unit, given.billing_period)
        if listed is None:
            raise ValueError("does not say for how long it is paid")
        return listed.months

    def _amount(self, given: Agreement, part: Part) -> int:
        """What a part costs for its period, before discounts."""
        if part.amount is not None:
            return part.amount
        listed = self._listed.get(part.item_price_id or "")
        unit = part.unit_price if part.unit_price is not None else listed.amount if listed else None
        if unit is None:
            # Chargebee's own figure is of the whole subscription, and a little late.
            return round((given.mrr or 0) * self._months(given, part)) if part.item_type == "plan" else 0
        paid_for = max(0, (1 if part.quantity is None else part.quantity) - (part.free_quantity or 0))
        return unit * (paid_for if listed is None or listed.per_seat or part.unit_price is not None else 1)

    def _deducted(self, given: Agreement, part: Part, amount: int, total: int, at: datetime) -> float | None:
        """What recurring discounts and coupons take off a part, in percent."""
        found = Fraction(0)
        coupons = [self._coupon(one) for one in given.coupons if one.coupon_id]
        for one in [*(one for one in given.discounts if not one.coupon_id), *coupons]:
            own = one.apply_on in ("specific_item_price", "each_specified_item")
            if not one.counts(at) or (own and one.item_price_id not in (None, part.item_price_id)):
                continue
            base = amount if own and one.item_price_id else total
            if one.percentage is not None:
                found += Fraction(str(one.percentage))
            elif one.amount and base:
                found += Fraction(100 * one.amount, base)
        return round(float(min(found, Fraction(100))), 2) or None

    def _coupon(self, applied: Deduction) -> Deduction:
        """What an applied coupon takes off; nothing where it is unknown."""
        name = applied.coupon_id or ""
        if name not in self._coupons:
            try:
                self._coupons[name] = self.api.get(f"/api/v2/coupons/{quote(name, safe='')}")["coupon"]
            except VendorRefused as refused:
                if refused.status != 404:
                    raise
                self._coupons[name] = {}
        found = self._coupons[name]
        return Deduction(
            percentage=found.get("discount_percentage"),
            amount=found.get("discount_amount"),
            duration_type=found.get("duration_type"),
            apply_on=found.get("apply_on"),
            apply_till=applied.apply_till,
        )


# Asking.


def _changed(since: Since) -> dict[str, Any]:
    """Rows changed since, deleted ones too; at first all there are."""
    first = {"sort_by[asc]": "updated_at"}
    if since.is_first:
        return first
    return {"updated_at[after]": since.seconds, "include_deleted": "true", **first}


def _bills(api: Api, since: Since) -> Iterator[dict[str, Any]]:
    """Invoices changed since, and at first whatever is still to be paid."""
    deleted = {} if since.is_first else {"include_deleted": "true"}
    question: dict[str, Any] = {"updated_at[after]": since.seconds, "sort_by[asc]": "updated_at"}
    yield from _rows(api, "invoices", "invoice", question | deleted)
    if since.is_first:
        statuses = json.dumps(["posted", "payment_due", "not_paid"], separators=(",", ":"))
        older = {"updated_at[before]": since.seconds, "status[in]": statuses, "sort_by[asc]": "updated_at"}
        yield from _rows(api, "invoices", "invoice", older)


def _rows(
    api: Api, path: str, name: str, params: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """The resources called `name` of every page at a path."""
    from connectors._landing import parts

    by = parts().paginators.JSONResponseCursorPaginator("next_offset", "offset")
    for page in api.pages(f"/api/v2/{path}", {"limit": PAGE, **(params or {})}, at="list", by=by):
        for entry in page:
            yield entry.get(name) or {}
