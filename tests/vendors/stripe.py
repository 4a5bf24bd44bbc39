"""A stand-in of Stripe: the lists, the events and their 30 days, expansion, and both shapes of its objects.

    with Stripe() as stripe:
        stripe.subscribe("sub_a", "cus_a", "price_pro", at=-200)
        stripe.change("sub_a", -10, price="price_max")

Days are counted from today: -10 is ten days ago at noon.
"""

import base64
import hashlib
import hmac
import json
import time
from copy import deepcopy

from tests.vendors.server import Refusal, Vendor

KEY = "rk_test_standin0000000000"
SECRET = "whsec_standin0000000000"
ENV = {"STRIPE_API_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET}
DAY = 86_400
KEPT = 30 * DAY
KINDS = {
    "/v1/customers": "customer",
    "/v1/products": "product",
    "/v1/prices": "price",
    "/v1/subscriptions": "subscription",
    "/v1/subscription_items": "subscription_item",
    "/v1/invoices": "invoice",
    "/v1/coupons": "coupon",
    "/v1/events": "event",
}
PARAMETERS = {
    "customer": {"created", "email"},
    "product": {"created", "active"},
    "price": {"created", "active", "product", "type"},
    "subscription": {"created", "status", "customer", "price"},
    "subscription_item": {"subscription"},
    "invoice": {"created", "status", "customer", "subscription"},
    "coupon": {"created"},
    "event": {"created", "type", "types"},
}
EXPANDED = {
    "subscription": {"discounts", "items.data.discounts", "customer"},
    "price": {"tiers", "currency_options", "product"},
}
"What may be expanded besides a coupon below a discount."


def moment(day):
    """Noon of a day, counted from today, in seconds since 1970."""
    return int(time.time()) // DAY * DAY + DAY // 2 + round(day * DAY)


class Stripe(Vendor):
    """A Stripe account; `pages` makes it large enough that a first sync takes at least so many pages."""

    def __init__(self, pages=0, version="2026-08-26.dahlia", key=KEY):
        super().__init__()
        self.version, self.key = version, key
        "`version` is the account's own: events are rendered in it, whatever is asked for."
        self.objects = {kind: {} for kind in KINDS.values()}
        self.discounts = {}
        self.denied = set()
        self.busy = 0
        "So many answers are 429."
        self.page_limit = 100
        self.shuffled = self.doubled = False
        self._count = 0
        self.sell()
        for number in range(pages * 100 // 3):
            name = f"bulk{number:05d}"
            self.customer(f"cus_{name}", f"Bulk {number}", at=-300 + number % 200)
            self.subscribe(f"sub_{name}", f"cus_{name}", "price_pro", at=-90 - number % 200, quietly=True)
            self.bill(f"in_{name}", f"sub_{name}", at=-60)

    def sell(self):
        """Three plans in one line, one of another line, and prices of every kind."""
        self.product("prod_free", "Free", tier="1", ceiling_exports="10")
        self.product("prod_pro", "Pro", default_price="price_pro", ceiling_exports="500", features="api, sso")
        self.product("prod_max", "Max", marketing=["Audit log", "SSO"], ceiling_exports="unlimited")
        self.product("prod_team", "Team", unit_label="seat", plan_id="team")
        self.product("prod_extra", "Extra storage", product_line="storage")
        self.product("prod_calls", "Calls")
        self.price("price_free", "prod_free", 0)
        self.price("price_pro", "prod_pro", 4900)
        self.price("price_pro_year", "prod_pro", 49_000, interval="year")
        self.price("price_pro_usd", "prod_pro", 5500, currency="usd")
        self.price("price_max", "prod_max", 14_900)
        self.price("price_team", "prod_team", 1500)
        self.price("price_extra", "prod_extra", 1000)
        self.price("price_yen", "prod_max", 20_000, currency="jpy")
        self.price("price_calls", "prod_calls", None, unit_amount_decimal="0.5", usage_type="metered")

    def workspace(self):
        """The lines of outgrown.toml."""
        return f'[connectors.stripe]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'

    # What the account holds.

    def _put(self, kind, row):
        self.objects[kind][row["id"]] = {"object": kind, "livemode": False, "metadata": {}} | row
        return self.objects[kind][row["id"]]

    def customer(self, name, title, at=-300, **given):
        """A customer; an existing one is changed, which makes an event."""
        email = f"ops@{name.replace('_', '-')}.example"
        row = {"id": name, "name": title, "email": email, "created": moment(at)} | given
        return self._put("customer", row)

    def rename(self, name, title, at):
        """A customer's new name, with its event."""
        row = self.objects["customer"][name]
        before = row["name"]
        row["name"] = title
        self.event("customer.updated", row, moment(at), {"name": before})

    def product(
        self, name, title, default_price=None, unit_label=None, marketing=(), active=True, **metadata
    ):
        """A product."""
        features = [{"name": one} for one in marketing]
        row = {"id": name, "name": title, "active": active, "default_price": default_price}
        return self._put(
            "product",
            row
            | {
                "unit_label": unit_label,
                "marketing_features": features,
                "metadata": metadata,
                "created": moment(-400),
            },
        )

    def price(self, name, product, amount, currency="eur", interval="month", interval_count=1, **given):
        """A recurring price."""
        recurring = {
            "interval": interval,
            "interval_count": interval_count,
            "usage_type": given.pop("usage_type", "licensed"),
            "meter": None,
        }
        row = {
            "id": name, "product": product, "currency": currency, "unit_amount": amount, "active": True,
            "unit_amount_decimal": None if amount is None else str(amount), "billing_scheme": "per_unit",
            "type": "recurring", "recurring": recurring, "created": moment(-400) + len(self.objects["price"]),
            "transform_quantity": None, "tiers_mode": None, "nickname": None,
        }  # fmt: skip
        return self._put("price", row | given)

    def coupon(self, name, **given):
        """A coupon: percent_off, or amount_off and currency."""
        row = {"id": name, "duration": "forever", "percent_off": None, "amount_off": None, "currency": None}
        return self._put("coupon", row | {"created": moment(-400)} | given)

    def discount(self, name, coupon, subscription=None, end=None):
        """A discount; answers its id, which is what objects hold."""
        self.discounts[name] = {
            "id": name,
            "object": "discount",
            "end": None if end is None else moment(end),
            "start": moment(-300),
            "subscription": subscription,
            "source": {"type": "coupon", "coupon": coupon},
        }
        return name

    def item(self, name, price, at, quantity=1, days=30, discounts=()):
        """An item of a subscription; its period begins at `at`."""
        found = deepcopy(self.objects["price"][price])
        for left_out in ("tiers", "currency_options"):
            found.pop(left_out, None)
        metered = found["recurring"]["usage_type"] == "metered"
        return {
            "id": name, "object": "subscription_item", "created": moment(at), "price": found, "plan": None,
            "quantity": None if metered else quantity, "discounts": list(discounts), "metadata": {},
            "current_period_start": moment(at), "current_period_end": moment(at + days),
        }  # fmt: skip

    def subscribe(self, name, customer, price, at, quantity=1, quietly=False, **given):
        """A subscription from a day on, with the event of its making."""
        items = given.pop("items", None) or [self.item(f"si_{name}", price, at, quantity)]
        row = {
            "id": name, "customer": customer, "status": "active", "created": moment(at), "start_date": moment(at),
            "currency": self.objects["price"][price]["currency"], "discounts": [], "cancel_at": None,
            "cancel_at_period_end": False, "canceled_at": None, "ended_at": None, "trial_start": None,
            "trial_end": None, "pause_collection": None, "collection_method": "charge_automatically",
            "items": {"object": "list", "has_more": False, "data": items},
        }  # fmt: skip
        found = self._put("subscription", row | given)
        if not quietly:
            self.event("customer.subscription.created", found, moment(at))
        return found

    def change(self, name, at, seconds=0, kind="updated", **given):
        """Change a subscription, which makes an event: `price` and `quantity` of its first item, or any field."""
        row = self.objects["subscription"][name]
        before = deepcopy(row)
        first = row["items"]["data"][0]
        if "price" in given:
            first["price"] = deepcopy(self.objects["price"][given.pop("price")])
        if "quantity" in given:
            first["quantity"] = given.pop("quantity")
        if "renewed" in given:
            first["current_period_start"] = moment(at)
            first["current_period_end"] = moment(at + given.pop("renewed"))
        if "items" in given:
            row["items"]["data"] = given.pop("items")
        row.update(given)
        previous = {key: value for key, value in before.items() if row[key] != value}
        return self.event(f"customer.subscription.{kind}", row, moment(at) + seconds, previous)

    def end(self, name, at):
        """A subscription ends."""
        row = self.objects["subscription"][name]
        row.update(status="canceled", ended_at=moment(at), canceled_at=row["canceled_at"] or moment(at))
        return self.event("customer.subscription.deleted", row, moment(at))

    def bill(self, name, subscription, at, price=None, quantity=None, status="paid", days=30, **given):
        """An invoice for one period of a subscription."""
        found = self.objects["subscription"][subscription]
        item = found["items"]["data"][0]
        price = self.objects["price"][price or item["price"]["id"]]
        quantity = item["quantity"] if quantity is None else quantity
        amount = (price["unit_amount"] or 0) * (quantity or 0)
        line = {
            "id": f"il_{name}", "object": "line_item", "amount": amount, "currency": price["currency"],
            "quantity": quantity, "discount_amounts": given.pop("discount_amounts", []),
            "period": {"start": moment(at), "end": moment(at + days)},
            "pricing": {
                "type": "price_details", "price_details": {"price": price["id"], "product": price["product"]},
                "unit_amount_decimal": price["unit_amount_decimal"],
            },
            "parent": {
                "type": "subscription_item_details", "invoice_item_details": None,
                "subscription_item_details": {
                    "subscription": subscription, "subscription_item": item["id"],
                    "proration": given.pop("proration", False),
                },
            },
        }  # fmt: skip
        row = {
            "id": name, "customer": found["customer"], "status": status, "created": moment(at), "due_date": None,
            "currency": price["currency"], "total": amount, "amount_due": amount,
            "status_transitions": {
                "finalized_at": None if status == "draft" else moment(at),
                "paid_at": moment(at) if status == "paid" else None,
            },
            "lines": {"object": "list", "has_more": False, "data": [line]},
        }  # fmt: skip
        return self._put("invoice", row | given)

    def pay(self, name, at):
        """An open invoice is paid, with two events of one second, as Stripe makes them."""
        row = self.objects["invoice"][name]
        before = {"status": row["status"], "status_transitions": {"paid_at": None}}
        row["status"], row["status_transitions"]["paid_at"] = "paid", moment(at)
        self.event("invoice.updated", row, moment(at), before)
        self.event("invoice.paid", row, moment(at))

    def event(self, kind, row, at, previous=None):
        """What happened, as it stood then."""
        self._count += 1
        data = {"object": _shaped(deepcopy(row), self.version, self)}
        if previous:
            data["previous_attributes"] = _shaped(deepcopy(previous), self.version, self)
        # Ids are no order, as Stripe's are not.
        name = f"evt_{hashlib.sha256(str(self._count).encode()).hexdigest()[:20]}"
        return self._put(
            "event", {"id": name, "type": kind, "created": at, "data": data, "api_version": self.version}
        )

    def signed(self, event, secret=SECRET, at=None):
        """Headers and body of a webhook call."""
        body = json.dumps(event).encode()
        at = int(time.time()) if at is None else at
        digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return {"stripe-signature": f"t={at},v1={'0' * 64},v1={digest},v0=ff"}, body

    # The protocol.

    def answer(self, asked):
        """One answer of the API."""
        self._admit(asked)
        version = asked.headers.get("stripe-version", self.version)
        path, _, name = asked.path.rpartition("/")
        if asked.path in KINDS:
            return self._list(KINDS[asked.path], asked, version)
        if path in KINDS:
            kind = KINDS[path]
            row = self.objects[kind].get(name)
            if row is None:
                raise _refusal(404, "resource_missing", f"No such {kind}: '{name}'")
            return self._expanded(kind, row, asked.many.get("expand[]", []), version)
        raise _refusal(404, None, f"Unrecognized request URL ({asked.method}: {asked.path}).")

    def _admit(self, asked):
        if asked.method != "GET":
            raise _refusal(405, None, "This stand-in is for reading.")
        if self.busy:
            self.busy -= 1
            raise Refusal(
                429, {"error": {"type": "invalid_request_error", "code": "rate_limit"}}, Retry_After=1
            )
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            given = base64.b64decode(given).decode().partition(":")[0]
        if given != self.key:
            raise _refusal(401, None, f"Invalid API Key provided: {given[:8]}****")
        if any(asked.path.startswith(path) for path in self.denied):
            raise _refusal(
                403, None, "The provided key does not have the required permissions for this endpoint."
            )

    def _list(self, kind, asked, version):
        known = PARAMETERS[kind] | {"limit", "starting_after", "ending_before", "expand"}
        for name in asked.many:
            if name.split("[")[0] not in known:
                raise _refusal(400, "parameter_unknown", f"Received unknown parameter: {name}")
        limit = int(asked.query.get("limit", 10))
        if not 1 <= limit <= 100:
            raise _refusal(400, "parameter_invalid_integer", "Invalid limit: must be between 1 and 100")
        if len(asked.many.get("types[]", [])) > 20:
            raise _refusal(400, None, "types may hold 20 at most")
        rows = [row for row in self._rows(kind) if self._is_wanted(row, kind, asked)]
        after = asked.query.get("starting_after")
        if after is not None:
            ids = [row["id"] for row in rows]
            if after not in ids:
                raise _refusal(400, "resource_missing", f"No such {kind}: '{after}'")
            rows = rows[ids.index(after) + 1 :]
        limit = min(limit, self.page_limit)
        expand = [one.removeprefix("data.") for one in asked.many.get("expand[]", [])]
        data = [self._expanded(kind, row, expand, version, depth=1) for row in rows[:limit]]
        return {"object": "list", "url": asked.path, "has_more": len(rows) > limit, "data": data}

    def _rows(self, kind):
        if kind == "subscription_item":
            return [
                item | {"subscription": row["id"]}
                for row in self.objects["subscription"].values()
                for item in row["items"].get("all", row["items"]["data"])
            ]
        rows = sorted(self.objects[kind].values(), key=lambda row: (row["created"], row["id"]), reverse=True)
        if kind == "event":
            rows = [row for row in rows if row["created"] >= time.time() - KEPT]
            if self.shuffled:
                rows.sort(key=lambda row: hashlib.sha256(row["id"].encode()).hexdigest())
            if self.doubled:
                # As where a page moves on between two questions.
                rows = [row for one in rows for row in (one, one)]
        return rows

    def _is_wanted(self, row, kind, asked):
        begin = int(asked.query.get("created[gte]", 0))
        types = asked.many.get("types[]", [])
        status = asked.query.get("status")
        if kind == "subscription" and status != "all":
            # Without a status, all but those that have ended.
            return row["status"] != "canceled" if status is None else row["status"] == status
        if kind == "subscription_item" and row["subscription"] != asked.query.get("subscription"):
            return False
        return row.get("created", 0) >= begin and (not types or row["type"] in types)

    def _expanded(self, kind, row, expand, version, depth=0):
        if kind == "event":
            return row
        row = deepcopy(row)
        row.get("items", {}).pop("all", None)
        options = {name: row.pop(name) for name in ("tiers", "currency_options") if name in row}
        for path in expand:
            if len(path.split(".")) + depth > 4:
                raise _refusal(
                    400, None, f"You cannot expand more than 4 levels of a property. Property: {path}"
                )
            whole = path.removesuffix(".source.coupon")
            has_lists = version >= "2025-03-31"
            if whole not in EXPANDED.get(kind, set()) or ("discounts" in whole and not has_lists):
                raise _refusal(400, None, f"This property cannot be expanded ({path}).")
            if whole in options:
                row[whole] = options[whole]
            holders = [row] if whole == "discounts" else row["items"]["data"] if "discounts" in whole else []
            for holder in holders:
                holder["discounts"] = [self._discount(one, whole != path) for one in holder["discounts"]]
        return _shaped(row, version, self)

    def _discount(self, name, with_coupon):
        found = deepcopy(self.discounts[name])
        if with_coupon:
            found["source"]["coupon"] = self.objects["coupon"][found["source"]["coupon"]]
        return found


def _shaped(row, version, stripe):
    """A subscription (or parts of one) or an invoice in the shape of a version; before 2025-03-31 it was another."""
    if version >= "2025-03-31":
        return row
    if "items" in row:
        items = row["items"]["data"]
        for name in ("current_period_start", "current_period_end"):
            values = [item.pop(name, None) for item in items]
            row[name] = values[0]
    if "discounts" in row and "price" not in row:
        ids = [one if isinstance(one, str) else one["id"] for one in row.pop("discounts")]
        row["discount"] = None
        if ids:
            found = deepcopy(stripe.discounts[ids[0]])
            row["discount"] = found | {"coupon": stripe.objects["coupon"][found.pop("source")["coupon"]]}
    for line in row.get("lines", {}).get("data", []):
        details = line.pop("parent")["subscription_item_details"]
        price = line.pop("pricing")["price_details"]["price"]
        line.update(details, type="subscription", price=stripe.objects["price"][price])
    return row


def _refusal(status, code, message):
    kind = "invalid_request_error"
    return Refusal(status, {"error": {"type": kind, "code": code, "message": message}})
