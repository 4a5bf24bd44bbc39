"""A stand-in for Paddle Billing: bearer keys with permissions, cursors by id, filters, an event stream of 90 days.

Like Paddle it knows of time filters on transactions alone, lists active entities unless asked otherwise, and gives
amounts as text in the smallest unit. Ids sort by when a thing was made.
"""

import itertools
from copy import deepcopy
from datetime import UTC, datetime, timedelta

from tests.vendors import server

KEY = "pdl_live_apikey_01fake9c1d"
ENV = {"PADDLE_API_KEY": KEY}
NOW = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
"What tests call now: dates are told as days before it."
LISTS = {
    "customers": ("customer.read", {"id", "email", "search", "status"}),
    "prices": ("price.read", {"id", "product_id", "status", "recurring", "type", "include"}),
    "products": ("product.read", {"id", "status", "tax_category", "type", "include"}),
    "subscriptions": (
        "subscription.read",
        {
            "id",
            "customer_id",
            "address_id",
            "price_id",
            "status",
            "collection_mode",
            "scheduled_change_action",
        },
    ),
    "transactions": (
        "transaction.read",
        {
            "id",
            "customer_id",
            "subscription_id",
            "status",
            "origin",
            "collection_mode",
            "invoice_number",
            "include",
        }
        | {
            f"{at}{by}"
            for at in ("billed_at", "created_at", "updated_at")
            for by in ("", "[LT]", "[LTE]", "[GT]", "[GTE]")
        },
    ),
    "discounts": ("discount.read", {"id", "code", "status", "mode"}),
    "events": ("notification.read", {"event_type"}),
}
"What each list needs and understands, besides `after`, `per_page` and `order_by`."
ARCHIVABLE = ("customers", "prices", "products", "discounts")
RIGHTS = frozenset(right for right, _ in LISTS.values()) | {"business.read"}


def at(moment):
    """A moment as Paddle writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def ago(days, hours=0):
    """A moment so long before now."""
    return NOW - timedelta(days=days, hours=hours)


class Paddle(server.Vendor):
    """One Paddle account; without `pages` an empty one."""

    def __init__(self, pages=0):
        super().__init__()
        self.rights = set(RIGHTS)
        self.most = None
        "A page is never larger than this, whatever is asked."
        self.busy = 0
        "So many requests are answered with 429."
        self._number = itertools.count(1)
        self.lists = {name: [] for name in LISTS}
        self.businesses = {}
        if pages:
            self.fill(pages)

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return f'[connectors.paddle]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'

    # What is in it.

    def fill(self, pages):
        """As many customers as make a first sync take about so many pages: each with a subscription and its bill."""
        self.most = 5
        basic = self.price(self.product("Basic"), "1900", id="pri_basic", seats=(1, 1))
        pro = self.price(self.product("Pro"), "4900", id="pri_pro", seats=(1, 999))
        for number in range(self.most * max(1, pages // 4)):
            who = self.customer(
                f"Customer {number}", days=300, email=f"owner@c{number}.example", account_id=f"acc{number}"
            )
            sub = self.subscribe(who, basic, days=80)
            self.bill(sub, days=80)
            if number % 2:
                self.change(sub, days=20, items=[(pro, 3)])

    def made(self, kind, prefix, moment, **fields):
        """One entity in its list."""
        stamp = f"{int(moment.replace(tzinfo=UTC).timestamp()):012d}{next(self._number):06d}"
        row = {
            "id": fields.pop("id", None) or f"{prefix}_{stamp}",
            "created_at": at(moment),
            "updated_at": at(moment),
            "import_meta": None,
            **fields,
        }
        self.lists[kind].append(row)
        return row

    def product(self, name, days=400, **fields):
        """A product; `custom` is its custom data."""
        return self.made(
            "products", "pro", ago(days), name=name, description=None, type="standard", tax_category="standard",
            image_url=None, custom_data=fields.pop("custom", None), status="active", **fields,
        )  # fmt: skip

    def price(self, product, amount, currency="USD", every="month", seats=(1, 100), days=400, **fields):
        """A price of a product; `every` None is paid once, `overrides` are amounts by currency."""
        overrides = [
            {"country_codes": ["DE"], "unit_price": {"amount": value, "currency_code": code}}
            for code, value in fields.pop("overrides", {}).items()
        ]
        return self.made(
            "prices", "pri", ago(days), product_id=product["id"], description="Monthly", type=fields.pop("type", "standard"),
            name=None, billing_cycle={"interval": every, "frequency": fields.pop("times", 1)} if every else None,
            trial_period=None, tax_mode="account_setting", unit_price={"amount": amount, "currency_code": currency},
            unit_price_overrides=overrides, quantity={"minimum": seats[0], "maximum": seats[1]},
            status=fields.pop("status", "active"), custom_data=fields.pop("custom", None), **fields,
        )  # fmt: skip

    def discount(self, amount="20", kind="percentage", currency=None, recur=True, **fields):
        """A discount."""
        return self.made(
            "discounts", "dsc", ago(400), status="active", description="Early", type=kind, mode="standard", amount=amount,
            currency_code=currency, recur=recur, code=None, **fields,
        )  # fmt: skip

    def customer(self, name, days=200, email="jo@acme.example", **custom):
        """A customer, and the event of its making."""
        row = self.made(
            "customers", "ctm", ago(days), name=name, email=email, marketing_consent=False, status="active",
            custom_data=custom or None, locale="de-DE",
        )  # fmt: skip
        self.event("customer.created", ago(days), row)
        return row

    def business(self, customer, name, days=1):
        """The business of a customer, and its event."""
        row = {
            "id": f"biz_{next(self._number):08d}",
            "customer_id": customer["id"],
            "name": name,
            "status": "active",
        }
        self.businesses[customer["id"]] = row
        self.event("business.created", ago(days), row)
        return row

    def rename(self, customer, name, days=0):
        """Another name for a customer."""
        customer.update(name=name, updated_at=at(ago(days)))
        self.event("customer.updated", ago(days), customer)

    def _items(self, items, moment, trial=None):
        return [
            {
                "status": "active", "quantity": quantity, "recurring": price["billing_cycle"] is not None,
                "created_at": at(moment), "updated_at": at(moment), "previously_billed_at": at(moment),
                "next_billed_at": None, "trial_dates": trial, "price": price,
                "product": next(p for p in self.lists["products"] if p["id"] == price["product_id"]),
            }
            for price, quantity in items
        ]  # fmt: skip

    def subscribe(self, customer, price, quantity=1, days=100, trial_days=0, **fields):
        """A subscription begun so many days ago, and the events of it."""
        moment, first = ago(days), ago(days - trial_days)
        items = fields.pop("items", None) or [(price, quantity)]
        cycle = items[0][0]["billing_cycle"]
        trial = {"starts_at": at(moment), "ends_at": at(first)} if trial_days else None
        length = timedelta(
            days={"month": 30, "year": 365, "week": 7, "day": 1}[cycle["interval"]] * cycle["frequency"]
        )
        upcoming = moment
        while upcoming <= NOW:
            upcoming += length
        on_trial = trial_days and first > NOW
        row = self.made(
            "subscriptions", "sub", moment, status="trialing" if on_trial else "active", customer_id=customer["id"],
            address_id="add_1", business_id=None, currency_code=fields.pop("currency", items[0][0]["unit_price"]["currency_code"]),
            started_at=at(moment), first_billed_at=None if on_trial else at(first),
            next_billed_at=at(first if on_trial else upcoming), paused_at=None,
            canceled_at=None, collection_mode="automatic", billing_details=None, discount=fields.pop("discount", None),
            current_billing_period={"starts_at": at(upcoming - length), "ends_at": at(upcoming)}, billing_cycle=cycle,
            scheduled_change=None, items=self._items(items, moment, trial), custom_data=None, management_urls=None, **fields,
        )  # fmt: skip
        then = {**row, "status": "trialing", "first_billed_at": None} if trial_days else row
        self.event("subscription.created", moment, then)
        if trial_days and not on_trial:
            row["updated_at"] = at(first)
            self.event("subscription.activated", first, row)
        return row

    def change(self, sub, days=0, hours=0, event="subscription.updated", items=None, **fields):
        """A subscription changes, and an event tells."""
        moment = ago(days, hours)
        if items is not None:
            kept = {item["price"]["id"]: item["created_at"] for item in sub["items"]}
            sub["items"] = self._items(items, moment)
            for item in sub["items"]:
                item["created_at"] = kept.get(item["price"]["id"], item["created_at"])
        sub.update(fields, updated_at=at(moment))
        self.event(event, moment, sub)

    def cancel(self, sub, days=0):
        """A subscription ends."""
        self.change(
            sub,
            days,
            event="subscription.canceled",
            status="canceled",
            canceled_at=at(ago(days)),
            next_billed_at=None,
        )

    def bill(
        self, sub, days, items=None, status="completed", origin="subscription_recurring", discount=0, **fields
    ):
        """A transaction for a period that began so many days ago."""
        moment = ago(days)
        lines = items or [(item["price"], item["quantity"]) for item in sub["items"]]
        units = fields.pop("units", [int(price["unit_price"]["amount"]) for price, _ in lines])
        subtotal = sum(unit * quantity for unit, (_, quantity) in zip(units, lines, strict=True))
        totals = {
            "subtotal": str(subtotal), "discount": str(discount), "tax": "0", "total": str(subtotal - discount),
            "grand_total": str(subtotal - discount), "currency_code": sub["currency_code"],
        }  # fmt: skip
        billed = status not in ("draft", "ready")
        return self.made(
            "transactions", "txn", moment, status=status, customer_id=sub["customer_id"], subscription_id=sub["id"],
            origin=origin, collection_mode=fields.pop("collection", "automatic"), currency_code=sub["currency_code"],
            billed_at=at(moment) if billed else None, billing_details=fields.pop("terms", None), discount_id=None,
            billing_period={"starts_at": at(moment), "ends_at": at(moment + timedelta(days=30))},
            items=[{"price": price, "quantity": quantity, "proration": None} for price, quantity in lines],
            details={
                "totals": totals,
                "line_items": [
                    {"price_id": price["id"], "quantity": quantity,
                     "unit_totals": {"subtotal": str(unit), "discount": "0", "tax": "0", "total": str(unit)}}
                    for unit, (price, quantity) in zip(units, lines, strict=True)
                ],
            },
            payments=[{"status": "captured", "captured_at": at(moment + timedelta(hours=30))}] if status == "completed" else [],
            **fields,
        )  # fmt: skip

    def event(self, kind, moment, data):
        """Something that the event stream tells; the entity as it is now."""
        stamp = f"{int(moment.replace(tzinfo=UTC).timestamp()):012d}{next(self._number):06d}"
        self.lists["events"].append(
            {
                "event_id": f"evt_{stamp}",
                "event_type": kind,
                "occurred_at": at(moment),
                "data": deepcopy(data),
            }
        )

    # How it answers.

    def answer(self, asked):
        """What Paddle would say."""
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            raise refusal(
                403, "authentication_malformed", "Authentication header included, but incorrectly formatted"
            )
        if self.busy:
            self.busy -= 1
            raise refusal(
                429, "too_many_requests", "You have exceeded the allowed rate limit", Retry_After="1"
            )
        parts = asked.path.strip("/").split("/")
        if asked.method != "GET" or parts[0] not in LISTS or len(parts) > 2:
            raise refusal(404, "invalid_url", "Provided URL is not valid")
        needed, known = LISTS[parts[0]]
        self._must_have(needed)
        if len(parts) == 2:
            found = [row for row in self.lists[parts[0]] if row.get("id") == parts[1]]
            if not found:
                raise refusal(404, "not_found", f"Entity {parts[1]} not found")
            return {"data": found[0], "meta": {"request_id": "r"}}
        self._must_know(asked, known)
        return self._page(parts[0], asked.query)

    def _must_have(self, right):
        if right not in self.rights:
            raise refusal(403, "forbidden", "You do not have permission to access this resource")

    def _must_know(self, asked, known):
        for name in asked.query:
            if name not in known | {"after", "per_page", "order_by"}:
                raise refusal(400, "bad_request", f"Invalid query parameter {name}")

    def _page(self, kind, query):
        key = "event_id" if kind == "events" else "id"
        rows = sorted(
            (row for row in self.lists[kind] if self._fits(kind, row, query)), key=lambda row: row[key]
        )
        order = query.get("order_by", "id[DESC]")
        if order not in ("id[ASC]", "id[DESC]"):
            raise refusal(400, "bad_request", "Invalid order_by")
        if order == "id[DESC]":
            rows.reverse()
        if after := query.get("after"):
            if kind == "events" and not any(row["event_id"] == after for row in self._retained()):
                raise refusal(404, "not_found", f"Entity {after} not found")
            rows = [row for row in rows if (row[key] > after if order == "id[ASC]" else row[key] < after)]
        largest = 30 if kind == "transactions" else 200
        size = min(int(query.get("per_page", 50)), largest, self.most or largest)
        page = rows[:size]
        base = "https://api.paddle.com" if not self.most else self.url
        return {
            "data": [self._included(kind, row, query) for row in page],
            "meta": {
                "request_id": "r",
                "pagination": {
                    "per_page": size,
                    "next": f"{base}/{kind}?after={page[-1][key] if page else ''}",
                    "has_more": len(rows) > size,
                    "estimated_total": len(rows),
                },
            },
        }

    def _retained(self):
        return [row for row in self.lists["events"] if row["occurred_at"] >= at(ago(90))]

    def _fits(self, kind, row, query):
        if kind == "events" and row not in self._retained():
            return False
        if kind in ARCHIVABLE and row["status"] not in query.get("status", "active").split(","):
            return False
        for name in ("id", "status", "event_type", "customer_id", "subscription_id"):
            if name in query and str(row.get(name)) not in query[name].split(","):
                return False
        if "recurring" in query and (row["billing_cycle"] is not None) != (query["recurring"] == "true"):
            return False
        floor, ceiling = query.get("updated_at[GTE]"), query.get("updated_at[LT]")
        if floor and row["updated_at"] < floor.replace("Z", ".000000Z"):
            return False
        return not (ceiling and row["updated_at"] >= ceiling.replace("Z", ".000000Z"))

    def _included(self, kind, row, query):
        wanted = query.get("include", "").split(",")
        more = {}
        if kind == "prices" and "product" in wanted:
            self._must_have("product.read")
            more["product"] = next(p for p in self.lists["products"] if p["id"] == row["product_id"])
        if kind == "transactions" and "business" in wanted and row["customer_id"] in self.businesses:
            self._must_have("business.read")
            more["business"] = self.businesses[row["customer_id"]]
        return {**row, **more}


def refusal(status, code, detail, **headers):
    """An error as Paddle writes it."""
    body = {"error": {"type": "request_error", "code": code, "detail": detail}, "meta": {"request_id": "r"}}
    return server.Refusal(status, body, **headers)
