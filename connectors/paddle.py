"""Paddle Billing: customers, what they pay for and since when, and their bills. Read-only.

https://developer.paddle.com/api-reference/overview

Only transactions can be asked for by when they changed. So everything else is listed once, and from then on the event
stream tells what changed: it holds whole entities with their moments, and reaches back 90 days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import BaseModel, BeforeValidator, Field

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
from connectors._shapes import Moment, bearer, day_of
from connectors._vendor import Key, Since, Source, Vendor

PAGE, BILLS_PAGE = 200, 30
"The most that Paddle gives at once; transactions are larger."
EVENTS_REACH = timedelta(days=80)
"Events are kept for 90 days: after a longer silence everything is listed again."
SETTLED = timedelta(hours=1)
"Events younger than this are asked for again: one may still arrive before them."
MOMENT = timedelta(microseconds=1)
"Of one moment, what an event says counts more than a bill, and how it stands now counts most."
DEFAULT_QUANTITY = (1, 100)
"What Paddle allows of a price where nobody has said how many: that says nothing about seats."
SUBSCRIPTION_EVENTS = ",".join(
    f"subscription.{name}"
    for name in (
        *("activated", "canceled", "created", "imported", "past_due"),
        *("paused", "resumed", "trialing", "updated"),
    )
)
CUSTOMER_EVENTS = ",".join(
    f"{one}.{name}" for one in ("customer", "business") for name in ("created", "imported", "updated")
)


class Paddle(Source):
    """What may be set under [connectors.paddle]; base_url is https://sandbox-api.paddle.com for the sandbox."""

    account_id_field: str = "account_id"
    "Where in a customer's custom data our own account id stands."
    per_seat: list[str] = Field(default_factory=list)
    "Prices (pri_) and products (pro_) of which one is bought per seat; `per_seat` in their custom data says it too."
    addons: list[str] = Field(default_factory=list)
    "Products (pro_) that are bought beside a plan: each is a product of its own; `product` in custom data says it too."


PADDLE = Vendor(
    name="paddle",
    title="Paddle",
    url="https://api.paddle.com",
    keys=(
        Key(
            "PADDLE_API_KEY",
            "an API key: Developer Tools > Authentication > API keys",
            "customer.read, business.read, product.read, price.read, discount.read, subscription.read, "
            "transaction.read, notification.read",
        ),
    ),
    section=Paddle,
    authorise=lambda keys, _: bearer(keys["PADDLE_API_KEY"], Paddle_Version="1"),
    check=lambda api: _whose(api),
    gives_accounts=True,
    limit=(240, 60.0),
)


def _whose(api: Api) -> str:
    """A key names nobody; whether it may read subscriptions is what counts."""
    found = api.get("/subscriptions", {"per_page": 1})["meta"]["pagination"].get("estimated_total")
    return "reads subscriptions" if found is None else f"reads {found} subscriptions"


def _minor(value: Any) -> Any:
    """Amounts are whole numbers of the smallest unit, as text."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise ValueError("is no amount: a whole number of the smallest unit is wanted") from None
    return value


Minor = Annotated[int, BeforeValidator(_minor)]
Notes = dict[str, Any] | None


class Span(BaseModel):
    """A length of time: a billing cycle, payment terms."""

    interval: Literal["day", "week", "month", "year"]
    frequency: int = Field(ge=1)

    @property
    def months(self) -> Fraction:
        """How many months it is."""
        return months_of(self.interval, self.frequency)

    def after(self, day: date) -> date:
        """The day that comes so much later."""
        return day + timedelta(days=round(self.months * Fraction(365, 12)))


class Period(BaseModel):
    """From when until when."""

    starts_at: Moment
    ends_at: Moment


class Money(BaseModel):
    """An amount in the smallest unit of its currency."""

    amount: Minor = Field(ge=0)
    currency_code: str


class Override(BaseModel):
    """Another amount for some countries."""

    unit_price: Money


class Quantity(BaseModel):
    """How many may be bought."""

    minimum: int
    maximum: int


class Product(BaseModel):
    """What a price is of."""

    id: str
    name: str = ""
    status: str = "active"
    custom_data: Notes = None


class Listed(VendorRow):
    """One price, with its product where it was asked for."""

    id: str
    product_id: str
    name: str | None = None
    description: str | None = None
    type: str | None = "standard"
    status: str | None = "active"
    billing_cycle: Span | None = None
    unit_price: Money
    unit_price_overrides: list[Override] = Field(default_factory=list)
    quantity: Quantity | None = None
    custom_data: Notes = None
    product: Product | None = None

    def is_per_seat(self, settings: Paddle, product: Product | None) -> bool:
        """Whether one is bought for each seat."""
        said = is_noted("per_seat", self.custom_data, product.custom_data if product else None)
        if said is not None:
            return said
        if {self.id, self.product_id} & set(settings.per_seat):
            return True
        allowed = (self.quantity.minimum, self.quantity.maximum) if self.quantity else DEFAULT_QUANTITY
        return allowed != DEFAULT_QUANTITY and allowed[1] > 1

    def amount_in(self, currency: str) -> int | None:
        """What one costs in a currency; None where Paddle converts it anew for each bill."""
        if self.unit_price.currency_code == currency:
            return self.unit_price.amount
        return next(
            (
                one.unit_price.amount
                for one in self.unit_price_overrides
                if one.unit_price.currency_code == currency
            ),
            None,
        )

    def plan_id(self, currency: str) -> str:
        """What its plan is called in that currency."""
        return self.id if currency == self.unit_price.currency_code else f"{self.id}:{currency.lower()}"

    def price(self, settings: Paddle, currency: str, amount: int, *, is_listed: bool = True) -> Price:
        """It in one currency.

        Raises ValueError for one that is paid once, and for a tier that is none.
        """
        if self.billing_cycle is None:
            raise ValueError("is paid once, so it is no plan")
        product = self.product or Product(id=self.product_id)
        notes = (self.custom_data, product.custom_data)
        addon = (product.name or product.id) if self.product_id in settings.addons else MAIN
        is_sold = self.status == product.status == "active" and self.type != "custom"
        return Price(
            plan_id=self.plan_id(currency),
            name=product.name or self.name or self.description or self.id,
            group=self.product_id,
            product=noted("product", *notes) or addon,
            amount=amount,
            months=self.billing_cycle.months,
            currency=currency,
            per_seat=self.is_per_seat(settings, product),
            is_sold=is_listed and is_sold and is_noted("sold", *notes) is not False,
            tier=tier_noted(*notes),
        )

    def currencies(self) -> list[str]:
        """Those it has an amount of its own in, its default first."""
        others = [one.unit_price.currency_code for one in self.unit_price_overrides]
        return list(dict.fromkeys([self.unit_price.currency_code, *others]))

    def facts(self, settings: Paddle) -> Iterator[Any]:
        """Nothing by itself: a tier is a place among all prices."""
        if self.billing_cycle is not None:
            self.price(settings, self.unit_price.currency_code, self.unit_price.amount)
        return iter(())


@PADDLE.stream("plans", whole=True)
def prices(api: Api, since: Since) -> Iterator[Dated]:  # noqa: ARG001
    """Every recurring price, archived ones too: a plan in each of its currencies."""
    for plan in plans_of(_listed(api)):
        yield Dated(plan, api.started)


def _listed(api: Api) -> list[Price]:
    """Every recurring price in each of its currencies. Within one reading Paddle is asked once."""
    found: list[Price] = []
    params = {"include": "product", "status": "active,archived", "recurring": "true", **_paged(PAGE)}

    class Kept(Listed):
        def facts(self, settings: Paddle) -> Iterator[Any]:
            if self.billing_cycle is not None:
                for currency in self.currencies():
                    found.append(self.price(settings, currency, self.amount_in(currency) or 0))
            return iter(())

    for _ in api.rows("/prices", Kept, params, by=_after()):
        pass
    return found


class Customer(VendorRow):
    """Who pays: a person, or a company's contact."""

    id: str
    name: str | None = None
    email: str | None = None
    locale: str | None = None
    custom_data: Notes = None
    created_at: Moment
    updated_at: Moment

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at

    def record(self, settings: Paddle, company: str | None) -> Record:
        """The record; `company` is the business that the customer buys for."""
        return Record(
            record_id=self.id,
            name=company or self.name or "",
            own_id=noted(settings.account_id_field, self.custom_data),
            domain=company_domain(None, self.email),
            email=self.email or None,
            contact_name=self.name or None,
            created_on=day_of(self.created_at),
            language=(self.locale or "").replace("_", "-").split("-")[0] or None,
        )

    def facts(self, settings: Paddle) -> Iterator[Record]:
        """One record."""
        yield self.record(settings, None)


class Business(BaseModel):
    """A company, as a customer has named it."""

    id: str
    customer_id: str | None = None
    name: str = ""


@PADDLE.stream("records")
def customers(api: Api, since: Since) -> Iterator[Dated]:
    """Customers, under the names of their businesses."""
    companies: dict[str, str] = since.kept.setdefault("companies", {})

    class Named(Customer):
        def facts(self, settings: Paddle) -> Iterator[Record]:
            yield self.record(settings, companies.get(self.id))

    if _must_list(api, since):
        for bill in _bills(api, since):
            _learn(companies, bill.get("business"), bill.get("customer_id"))
        _begin(api, since, CUSTOMER_EVENTS)
        params = {"status": "active,archived", **_paged(PAGE)}
        yield from api.rows("/customers", Named, params, by=_after())
        return
    renamed = set()
    seen: dict[str, dict[str, Any]] = {}
    for event in _events(api, since, CUSTOMER_EVENTS):
        entity = event.get("data") or {}
        if str(event.get("event_type")).startswith("business."):
            renamed |= {_learn(companies, entity, None)} - {None}
        else:
            seen[str(entity.get("id"))] = entity
    for entity in seen.values():
        yield from api.facts(entity, Named, "/events")
    # A business's event does not hold its customer.
    for some in _batches(sorted(one for one in renamed if one and one not in seen)):
        params = {"id": ",".join(some), "status": "active,archived", **_paged(PAGE)}
        for one in api.rows("/customers", Named, params, by=_after()):
            yield Dated(one.fact, api.started)


def _learn(companies: dict[str, str], business: Any, customer: str | None) -> str | None:
    """Take down the name of a business; answers the customer it is of."""
    try:
        found = Business.model_validate(business)
    except ValueError:
        return None
    owner = found.customer_id or customer
    if owner and found.name:
        companies[owner] = found.name
    return owner


class Item(BaseModel):
    """One thing a subscription is for, or one that a transaction bills."""

    price: Listed
    quantity: int
    status: str = "active"
    recurring: bool = True
    created_at: Moment | None = None
    trial_dates: Period | None = None
    product: Product | None = None

    @property
    def total(self) -> int:
        """What it costs a period at its list price: only to tell the largest."""
        return self.price.unit_price.amount * self.quantity


class Change(BaseModel):
    """What is going to happen to a subscription."""

    action: Literal["cancel", "pause", "resume"]
    effective_at: Moment


class Deduction(BaseModel):
    """The discount of a subscription."""

    id: str
    starts_at: Moment | None = None
    ends_at: Moment | None = None


class Agreement(VendorRow):
    """A subscription as it stands, or stood when an event told of it."""

    id: str
    status: Literal["active", "canceled", "past_due", "paused", "trialing"]
    customer_id: str
    currency_code: str
    created_at: Moment
    updated_at: Moment
    started_at: Moment | None = None
    first_billed_at: Moment | None = None
    next_billed_at: Moment | None = None
    paused_at: Moment | None = None
    canceled_at: Moment | None = None
    billing_cycle: Span
    scheduled_change: Change | None = None
    discount: Deduction | None = None
    items: list[Item] = Field(default_factory=list)

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at

    @property
    def stands_since(self) -> datetime:
        """From when on it stands as it does, as far as it tells itself."""
        if self.status == "canceled":
            return self.canceled_at or self.updated_at
        return (self.paused_at if self.status == "paused" else None) or self.updated_at

    @property
    def marks(self) -> list[tuple[datetime, SubscriptionStatus]]:
        """When it began, and when its trial ended."""
        began = self.started_at or self.created_at
        tried = next((item.trial_dates for item in self.items if item.trial_dates), None)
        if tried is None and self.first_billed_at and self.first_billed_at - began >= timedelta(days=1):
            tried = Period(starts_at=began, ends_at=self.first_billed_at)
        if tried is None:
            return [(began, SubscriptionStatus.ACTIVE)]
        found = [(began, SubscriptionStatus.TRIALING)]
        if self.status != "trialing" and not (self.canceled_at and self.canceled_at <= tried.ends_at):
            found.append((tried.ends_at, SubscriptionStatus.ACTIVE))
        return found


class Payment(BaseModel):
    """One try at getting paid."""

    status: str
    captured_at: Moment | None = None


class Terms(BaseModel):
    """What an issued invoice says."""

    payment_terms: Span | None = None


class Totals(BaseModel):
    """Sums of a transaction or of one unit."""

    subtotal: Minor
    discount: Minor = 0
    total: Minor


class Line(BaseModel):
    """One line as it was billed."""

    price_id: str | None = None
    quantity: int
    unit_totals: Totals


class Details(BaseModel):
    """What was calculated."""

    totals: Totals
    line_items: list[Line] = Field(default_factory=list)


class Bill(VendorRow):
    """One transaction: a bill once it has been issued."""

    id: str
    status: Literal["draft", "ready", "billed", "paid", "completed", "canceled", "past_due"]
    customer_id: str | None = None
    subscription_id: str | None = None
    origin: str | None = None
    collection_mode: str | None = None
    currency_code: str
    billing_details: Terms | None = None
    billing_period: Period | None = None
    billed_at: Moment | None = None
    created_at: Moment
    updated_at: Moment
    items: list[Item] = Field(default_factory=list)
    details: Details
    payments: list[Payment] = Field(default_factory=list)

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at

    def facts(self, settings: Paddle) -> Iterator[Invoice]:  # noqa: ARG002
        """One invoice, where something was asked for; a checkout that was left is none."""
        was_issued = self.billed_at is not None or self.status in ("paid", "completed")
        if not (was_issued and self.customer_id) or self.status in ("draft", "ready"):
            return
        if not self.details.totals.total:
            return
        issued = (self.billed_at or self.created_at).date()
        terms = self.billing_details.payment_terms if self.billing_details else None
        is_paid = self.status in ("paid", "completed")
        taken = max((one.captured_at for one in self.payments if one.captured_at), default=None)
        yield Invoice(
            invoice_id=self.id,
            account_id=self.customer_id,
            issued_on=issued,
            due_on=terms.after(issued) if terms and self.collection_mode == "manual" else issued,
            paid_on=max(issued, (taken or self.updated_at).date()) if is_paid else None,
            amount_minor=self.details.totals.total,
            currency=self.currency_code,
            status=InvoiceStatus.PAID
            if is_paid
            else InvoiceStatus.VOID
            if self.status == "canceled"
            else InvoiceStatus.OPEN,
        )

    @property
    def is_whole(self) -> bool:
        """Whether it bills whole periods of all that the subscription is for, so that it tells how that stood."""
        return (
            self.status in ("billed", "paid", "completed", "past_due")
            and bool(self.subscription_id and self.customer_id and self.billing_period)
            # A change within a period bills differences.
            and self.origin
            not in ("subscription_update", "subscription_charge", "subscription_payment_method_change")
            and any(item.price.billing_cycle for item in self.items)
            and all(item.quantity > 0 for item in self.items)
        )


@PADDLE.stream("versions", "plans", "invoices")
def subscriptions(api: Api, since: Since) -> Iterator[Dated]:
    """Bills, and what they, events and the list say about how subscriptions stood."""
    teller = _Teller(api, since)
    must_list = _must_list(api, since)
    bill, agreement = teller.billed(), teller.standing(new_only=not must_list)
    api.table = "invoices"
    for row in _bills(api, since):
        yield from api.facts(row, bill, "/transactions")
    api.table = "versions"
    if must_list:
        since.kept["listed"] = True
        since.kept.pop("after", None)
    for event in _events(api, since, SUBSCRIPTION_EVENTS):
        teller.occurred = event.get("occurred_at")
        yield from api.facts(event.get("data"), agreement, "/events")
    if must_list:
        teller.occurred = None
        yield from api.rows("/subscriptions", agreement, _paged(PAGE), by=_after())
    api.table = "plans"
    yield from teller.plans()


class _Teller:
    """Makes versions of what is told about subscriptions, and remembers what the next telling needs."""

    def __init__(self, api: Api, since: Since) -> None:
        self.api, self.since = api, since
        self.settings: Paddle = api.settings  # type: ignore[assignment]
        self.lives = Lives(since.kept)
        self.occurred: Any = None
        self._mains: dict[str, str] = since.kept.setdefault("mains", {})
        "Of subscriptions with several items, the product that is the plan."
        self._converted: dict[str, int] = since.kept.setdefault("converted", {})
        "What was billed last for one, by price and currency, where Paddle converts."
        self._known: dict[str, int] = since.kept.setdefault("unlisted", {})
        "Prices that no list names, as plans already told, with their amounts."
        self._unlisted: dict[str, Price] = {}
        self._discounts: dict[str, dict[str, Any] | None] = {}
        self._listed = {price.plan_id: price for price in _listed(api)}

    def billed(self) -> type[Bill]:
        """The shape of a transaction that tells versions too."""
        teller = self

        class Told(Bill):
            def facts(self, settings: Paddle) -> Iterator[Any]:
                yield from Bill.facts(self, settings)
                yield from teller._bill(self)

        return Told

    def standing(self, *, new_only: bool) -> type[Agreement]:
        """The shape of a subscription as it stood when an event `occurred`; None: as it stands now."""
        teller = self

        class Told(Agreement):
            def facts(self, settings: Paddle) -> Iterator[Version]:  # noqa: ARG002
                yield from teller._stood(self, teller.occurred, new_only=new_only)

        return Told

    def plans(self) -> Iterator[Dated]:
        """Plans of prices that no list names: of a single customer, or converted into a currency."""
        if not self._unlisted:
            return
        listed = list(self._listed.values())
        for plan in plans_of([*listed, *self._unlisted.values()]):
            price = self._unlisted.get(plan.plan_id)
            if price is not None and self._known.get(plan.plan_id) != price.amount:
                self._known[plan.plan_id] = price.amount
                yield Dated(plan, self.api.started)

    def _bill(self, bill: Bill) -> Iterator[Version]:
        for line in bill.details.line_items:
            if line.price_id and line.quantity > 0:
                self._converted_at(bill, line)
        period = bill.billing_period
        if not bill.is_whole or period is None or period.starts_at > self.api.started:
            return
        items = [item for item in bill.items if item.price.billing_cycle]
        totals = bill.details.totals
        pct = 100 * totals.discount / totals.subtotal if totals.subtotal > 0 else 0
        main = self._in_order(bill.subscription_id or "", items)[0]
        yield self.lives.known(
            self._version(
                main,
                bill.subscription_id or "",
                account_id=bill.customer_id,
                at=period.starts_at,
                currency=bill.currency_code,
                status=SubscriptionStatus.ACTIVE,
                renews_on=period.ends_at.date(),
                discount_pct=round(pct, 2) or None,
            )
        )

    def _converted_at(self, bill: Bill, line: Line) -> None:
        item = next((item for item in bill.items if item.price.id == line.price_id), None)
        if item is not None and item.price.amount_in(bill.currency_code) is None:
            self._converted[f"{line.price_id}:{bill.currency_code}"] = line.unit_totals.subtotal

    def _stood(self, given: Agreement, at: Any, *, new_only: bool) -> Iterator[Version]:
        occurred = (
            Period.model_validate({"starts_at": at, "ends_at": at}).starts_at if at is not None else None
        )
        moment = occurred + MOMENT if occurred else given.stands_since + 2 * MOMENT
        is_over = given.status == "canceled"
        items = [
            item
            for item in given.items
            if item.recurring and item.price.billing_cycle and (is_over or item.status != "inactive")
        ]
        if not items or moment > self.api.started + SETTLED:
            return
        leaves = given.scheduled_change if given.scheduled_change else None
        # Who has said that it pauses is leaving too, for all that concerns an offer.
        cancel_on = leaves.effective_at.date() if leaves and leaves.action != "resume" else None
        ordered = self._in_order(given.id, items)
        pct = self._deducted(given, ordered, moment)
        renews_on = day_of(given.next_billed_at) if cancel_on is None and not is_over else None
        versions = []
        for number, item in enumerate(ordered):
            versions.append(
                self._version(
                    item,
                    given.id if number == 0 else self._named(given.id, item, ordered),
                    account_id=given.customer_id,
                    at=moment,
                    currency=given.currency_code,
                    status=SubscriptionStatus(given.status),
                    renews_on=renews_on,
                    cancel_on=cancel_on,
                    discount_pct=pct,
                )
            )
        tells_beginning = not new_only or given.created_at >= self.since.at
        if occurred is None:
            yield from self._since_added(given, ordered, versions)
        yield from self.lives.stands(given.id, versions, is_now=occurred is None)
        # Of what is listed the list comes last; where only events are read, the first one may be the beginning.
        if tells_beginning and (occurred is None or new_only):
            yield from self.lives.began(given.id, given.marks)

    def _since_added(
        self, given: Agreement, items: Sequence[Item], versions: Sequence[Version]
    ) -> Iterator[Version]:
        """When an item came to the subscription, where nothing else tells: the day of an upgrade long ago."""
        began = given.marks[-1][0]
        for item, version in zip(items, versions, strict=True):
            last = max(self.lives.last(version.subscription_id) or began, began)
            if item.created_at and last < item.created_at < version.at:
                then = {"at": item.created_at, "status": SubscriptionStatus.ACTIVE}
                yield self.lives.known(
                    version.model_copy(update={**then, "renews_on": None, "cancel_on": None})
                )

    def _version(self, item: Item, name: str, *, currency: str, **more: Any) -> Version:
        price = item.price
        assert price.billing_cycle is not None  # noqa: S101 - asked before
        unit = price.amount_in(currency)
        plan_id = price.plan_id(currency)
        if unit is None:
            unit = self._converted.get(f"{price.id}:{currency}")
            if unit is None:
                raise ValueError(
                    f"is billed in {currency}, which its price has no amount for, and no bill says it"
                )
        product = item.product or price.product
        if plan_id not in self._listed:
            with_product = price.model_copy(update={"product": product})
            self._unlisted[plan_id] = with_product.price(self.settings, currency, unit, is_listed=False)
        is_per_seat = price.is_per_seat(self.settings, product)
        listed = self._listed.get(plan_id)
        is_per_seat = listed.per_seat if listed else is_per_seat
        kept = Fraction(100) - Fraction(str(more.get("discount_pct") or 0))
        months = price.billing_cycle.months
        return Version(
            subscription_id=name,
            plan_id=plan_id,
            seats=item.quantity if is_per_seat or item.quantity > 1 else None,
            mrr_minor=monthly(unit * item.quantity * kept / 100, months),
            currency=currency,
            term=term_of(months),
            **more,
        )

    def _in_order(self, name: str, items: list[Item]) -> list[Item]:
        """The plan first: the product that was it before, else one with a tier, else what costs most.

        Paddle itself makes no difference between a plan and what is bought beside it, and gives items in any order.
        """
        if len(items) == 1:
            return items
        before = self._mains.get(name)

        def place(item: Item) -> tuple[Any, ...]:
            product = item.product or item.price.product
            notes = (item.price.custom_data, product.custom_data if product else None)
            is_addon = item.price.product_id in self.settings.addons or noted("product", *notes) not in (
                None,
                MAIN,
            )
            is_other = item.price.product_id != before
            return (is_addon, is_other, noted("tier", *notes) is None, -item.total, item.price.product_id)

        ordered = sorted(items, key=place)
        self._mains[name] = ordered[0].price.product_id
        return ordered

    def _named(self, name: str, item: Item, items: Sequence[Item]) -> str:
        twice = [one for one in items if one.price.product_id == item.price.product_id]
        return f"{name}:{item.price.id if len(twice) > 1 else item.price.product_id}"

    def _deducted(self, given: Agreement, items: Sequence[Item], at: datetime) -> float | None:
        """The recurring discount at a moment, in percent."""
        told = given.discount
        if told is None or (told.ends_at and told.ends_at <= at) or (told.starts_at and told.starts_at > at):
            return None
        if told.id not in self._discounts:
            try:
                self._discounts[told.id] = self.api.get(f"/discounts/{quote(told.id, safe='')}").get("data")
            except VendorRefused as refused:
                if refused.status != 404:
                    raise
                self._discounts[told.id] = None
        found = self._discounts[told.id]
        if not found or not found.get("recur"):
            return None
        amount = Fraction(str(found.get("amount") or 0))
        if found.get("type") == "percentage":
            pct = amount
        else:
            if found.get("currency_code") != given.currency_code:
                return None
            units = [item.price.amount_in(given.currency_code) for item in items]
            whole = sum((unit or 0) * item.quantity for unit, item in zip(units, items, strict=True))
            seats = sum(item.quantity for item in items) if found.get("type") == "flat_per_seat" else 1
            pct = 100 * amount * seats / whole if whole else Fraction(0)
        return round(float(min(pct, Fraction(100))), 2) or None


# Asking.


def _bills(api: Api, since: Since) -> Iterator[dict[str, Any]]:
    """Transactions changed since, and at first whatever is still to be paid. Within one reading Paddle is asked once."""
    params = {"include": "business", **_paged(BILLS_PAGE)}
    # To the day at first: two streams ask, and not at the same second.
    at = since.at.strftime("%Y-%m-%dT00:00:00Z") if since.is_first else since.text
    questions: list[dict[str, Any]] = [{"updated_at[GTE]": at}]
    if since.is_first:
        questions.append({"updated_at[LT]": at, "status": "billed,past_due"})
    for question in questions:
        for page in api.pages("/transactions", {**params, **question}, by=_after()):
            yield from page


def _must_list(api: Api, since: Since) -> bool:
    """Whether events cannot tell what changed."""
    return "listed" not in since.kept or api.started - since.at > EVENTS_REACH


def _begin(api: Api, since: Since, kinds: str) -> None:
    """Before everything is listed: past events need not be read, the newest is where the next reading begins."""
    since.kept["listed"] = True
    newest = api.get("/events", {"event_type": kinds, "order_by": "id[DESC]", "per_page": 1})["data"]
    since.kept.pop("after", None)
    if newest:
        since.kept["after"] = newest[0]["event_id"]


def _events(api: Api, since: Since, kinds: str) -> Iterator[dict[str, Any]]:
    """Events after the last one that was settled, oldest first."""
    params = {"event_type": kinds, **_paged(PAGE)}
    if "after" in since.kept:
        params["after"] = since.kept["after"]
    wanted = frozenset(kinds.split(","))
    settled = (api.started - SETTLED).isoformat()
    for page in api.pages("/events", params, by=_after()):
        for event in page:
            # ISO 8601 in UTC sorts as text.
            if str(event.get("occurred_at", "")) < settled and event.get("event_id"):
                since.kept["after"] = event["event_id"]
            if event.get("event_type") in wanted:
                yield event


def _paged(size: int) -> dict[str, Any]:
    return {"order_by": "id[ASC]", "per_page": size}


def _batches(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + 50] for start in range(0, len(names), 50))


def _after() -> Any:
    """Paddle names the next page by its address; we ask the server we were told to ask, for what comes after."""
    from connectors._landing import parts

    class After(parts().paginators.JSONResponseCursorPaginator):  # type: ignore[misc]
        def update_state(self, response: Any, data: Any = None) -> None:
            super().update_state(response, data)
            # Naming a next page makes dlt take it for there.
            has_more = self._has_next_page  # type: ignore[has-type]
            address = urlsplit(str(self._next_reference or ""))  # type: ignore[has-type]
            self._next_reference = next(iter(parse_qs(address.query).get("after", [])), None)
            self._has_next_page = has_more and self._next_reference is not None

    return After("meta.pagination.next", "after", has_more_path="meta.pagination.has_more")
