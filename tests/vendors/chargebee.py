"""A stand-in for a Chargebee site: basic keys, offset tokens, filters with operators, either product catalogue, events.

Like Chargebee it wraps each resource by its name, hides deleted ones unless asked, and leaves out what is empty.
"""

import base64
import itertools
import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from tests.vendors import server

KEY = "test_fakeReadOnly7f3a"
ENV = {"CHARGEBEE_API_KEY": KEY}
NOW = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
"What tests call now: dates are told as days before it."
FILTERS = {
    "customers": {"updated_at": ("after", "before"), "id": ("in", "is")},
    "subscriptions": {"updated_at": ("after", "before"), "status": ("in", "is")},
    "invoices": {"updated_at": ("after", "before"), "status": ("in", "is")},
    "events": {"occurred_at": ("after", "before"), "event_type": ("in", "is")},
    "items": {"type": ("in", "is"), "status": ("in", "is")},
    "item_prices": {"item_type": ("in", "is"), "status": ("in", "is")},
    "plans": {"status": ("in", "is")},
    "addons": {"status": ("in", "is")},
    "coupons": {},
}
"What each list may be narrowed down by."
SORTED = {
    "customers": ("updated_at", "created_at"),
    "subscriptions": ("updated_at", "created_at"),
    "invoices": ("updated_at", "date"),
    "events": ("occurred_at",),
}
DELETED = ("customers", "subscriptions", "invoices")
CATALOGUES = {"2.0": ("items", "item_prices"), "1.0": ("plans", "addons")}
MONTHS = {"month": 30, "year": 365, "week": 7, "day": 1}


def at(moment):
    """A moment as Chargebee gives it: seconds since 1970."""
    return int(moment.replace(tzinfo=UTC).timestamp())


def ago(days, hours=0):
    """A moment so long before now."""
    return NOW - timedelta(days=days, hours=hours)


class Chargebee(server.Vendor):
    """One site; without `pages` an empty one."""

    def __init__(self, pages=0, catalogue="2.0"):
        super().__init__()
        self.catalogue = catalogue
        self.most = 100
        "A page is never larger than this."
        self.busy = 0
        "So many requests are answered with 429."
        self.tokens_from = 0
        "Offset tokens given out before this one are no longer known."
        self._tokens = {}
        self._number = itertools.count(1)
        self.lists = {name: [] for name in FILTERS}
        if pages:
            self.fill(pages)

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return f'[connectors.chargebee]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'

    # What is in it.

    def fill(self, pages):
        """As many customers as make a first sync take about so many pages: each with a subscription and its invoice."""
        self.most = 5
        basic = self.price(self.item("Basic"), 1900, id="basic-USD-Monthly")
        pro = self.price(self.item("Pro"), 4900, id="pro-USD-Monthly", model="per_unit")
        for number in range(self.most * max(1, pages // 4)):
            who = self.customer(
                f"Customer {number}", days=300, email=f"owner@c{number}.example", account_id=f"acc{number}"
            )
            sub = self.subscribe(who, [(basic, 1)], days=80)
            self.bill(sub, days=80)
            if number % 2:
                self.change(sub, days=20, items=[(pro, 3)])

    def _add(self, kind, row):
        self.lists[kind].append({name: value for name, value in row.items() if value is not None})
        return self.lists[kind][-1]

    def item(self, name, kind="plan", **fields):
        """An item of catalogue 2.0."""
        row = {
            "id": name.lower(),
            "name": name,
            "external_name": name,
            "type": kind,
            "status": "active",
            "object": "item",
        }
        return self._add("items", row | fields)

    def price(self, item, price, currency="USD", every="month", times=1, model="flat_fee", **fields):
        """A price of an item."""
        row = {
            "id": f"{item['id']}-{currency}-{every}", "name": f"{item['id']} {currency}", "item_id": item["id"],
            "item_type": item["type"], "status": "active", "pricing_model": model, "price": price,
            "period": None if every is None else times, "period_unit": every, "currency_code": currency,
            "object": "item_price",
        }  # fmt: skip
        return self._add("item_prices", row | fields)

    def plan(self, name, price, currency="USD", every="month", model="flat_fee", kind="plans", **fields):
        """A plan, or an addon, of catalogue 1.0."""
        row = {
            "id": name.lower(), "name": name, "invoice_name": name, "status": "active", "pricing_model": model,
            "price": price, "period": 1, "period_unit": every, "currency_code": currency, "object": kind[:-1],
        }  # fmt: skip
        return self._add(kind, row | fields)

    def coupon(self, name, **fields):
        """A coupon."""
        row = {
            "id": name,
            "name": name,
            "discount_type": "percentage",
            "duration_type": "forever",
            "apply_on": "invoice_amount",
        }
        return self._add("coupons", row | fields)

    def customer(self, company, days=200, email="jo@acme.example", **notes):
        """A customer."""
        row = {
            "id": f"cb{next(self._number)}", "company": company, "first_name": "Jo", "last_name": "Green", "email": email,
            "locale": "de-DE", "created_at": at(ago(days)), "updated_at": at(ago(days)), "deleted": False,
            "meta_data": notes or None, "object": "customer",
        }  # fmt: skip
        return self._add("customers", row)

    def _items(self, items):
        """The items of a subscription, in the words of the site's catalogue."""
        if self.catalogue == "2.0":
            return {
                "subscription_items": [
                    {
                        "item_price_id": price["id"], "item_type": price["item_type"], "quantity": quantity,
                        "unit_price": price.get("price"), "amount": price.get("price", 0) * quantity, "free_quantity": 0,
                    }
                    for price, quantity in items
                ]
            }  # fmt: skip
        (plan, quantity), *addons = items
        return {
            "plan_id": plan["id"], "plan_quantity": quantity, "plan_unit_price": plan["price"],
            "plan_amount": plan["price"] * quantity,
            "addons": [{"id": a["id"], "quantity": n, "unit_price": a["price"], "amount": a["price"] * n} for a, n in addons],
        }  # fmt: skip

    def subscribe(self, customer, items, days=100, trial_days=0, **fields):
        """A subscription begun so many days ago, and the event of it."""
        moment, paid = ago(days), ago(days - trial_days)
        first = items[0][0]
        length = timedelta(days=MONTHS[first["period_unit"]] * first["period"])
        upcoming = moment
        while upcoming <= NOW:
            upcoming += length
        on_trial = bool(trial_days) and paid > NOW
        row = {
            "id": f"sub{next(self._number)}", "customer_id": customer["id"], "currency_code": first["currency_code"],
            "status": "in_trial" if on_trial else "active", "billing_period": first["period"],
            "billing_period_unit": first["period_unit"], "start_date": at(moment), "created_at": at(moment),
            "started_at": at(moment), "trial_start": at(moment) if trial_days else None,
            "trial_end": at(paid) if trial_days else None, "activated_at": None if on_trial else at(paid),
            "current_term_start": at(upcoming - length), "current_term_end": at(upcoming),
            "next_billing_at": at(paid if on_trial else upcoming), "updated_at": at(moment), "deleted": False,
            "due_invoices_count": 0, "mrr": 0, "object": "subscription", **self._items(items), **fields,
        }  # fmt: skip
        added = self._add("subscriptions", row)
        then = {**added, "status": "in_trial"} if trial_days else dict(added)
        if trial_days:
            then.pop("activated_at", None)
        self.event("subscription_created", moment, then)
        if trial_days and not on_trial:
            added["updated_at"] = at(paid)
            self.event("subscription_activated", paid, added)
        return added

    def change(self, sub, days=0, hours=0, event="subscription_changed", items=None, **fields):
        """A subscription changes, and an event tells."""
        moment = ago(days, hours)
        sub.update(self._items(items) if items else {}, **fields, updated_at=at(moment))
        for name in [name for name, value in sub.items() if value is None]:
            del sub[name]
        self.event(event, moment, sub)

    def cancel(self, sub, days=0):
        """A subscription ends."""
        self.change(
            sub,
            days,
            event="subscription_cancelled",
            status="cancelled",
            cancelled_at=at(ago(days)),
            next_billing_at=None,
        )

    def bill(self, sub, days, items=None, status="paid", length=30, discount=0, **fields):
        """An invoice for a period that began so many days ago."""
        moment = ago(days)
        if items is None:
            found = sub.get("subscription_items") or [
                {**sub, "item_price_id": sub.get("plan_id"), "item_type": "plan"}
            ]
            units = [
                (one["item_price_id"], one["item_type"], one.get("quantity") or sub.get("plan_quantity"),
                 one.get("unit_price", sub.get("plan_unit_price")))
                for one in found
            ]  # fmt: skip
        else:
            units = [(price["id"], price.get("item_type", "plan"), n, price["price"]) for price, n in items]
        suffix = "_item_price" if self.catalogue == "2.0" else ""
        lines = [
            {
                "id": f"li{next(self._number)}", "subscription_id": sub["id"], "date_from": at(moment),
                "date_to": at(moment + timedelta(days=length)), "unit_amount": unit, "quantity": quantity,
                "amount": unit * quantity, "discount_amount": discount, "entity_type": f"{kind}{suffix}", "entity_id": name,
            }
            for name, kind, quantity, unit in units
        ]  # fmt: skip
        row = {
            "id": f"inv{next(self._number)}", "customer_id": sub["customer_id"], "subscription_id": sub["id"],
            "status": status, "date": at(moment), "due_date": at(moment),
            "paid_at": at(moment + timedelta(hours=30)) if status == "paid" else None,
            "total": sum(line["amount"] for line in lines) - discount, "currency_code": sub["currency_code"],
            "updated_at": at(moment), "deleted": False, "recurring": True, "line_items": lines, "object": "invoice",
        }  # fmt: skip
        return self._add("invoices", row | fields)

    def event(self, kind, moment, sub):
        """Something that happened to a subscription; as it is now."""
        self._add(
            "events",
            {
                "id": f"ev{next(self._number)}", "occurred_at": at(moment), "source": "api", "event_type": kind,
                "api_version": "v2", "content": {"subscription": deepcopy(sub)}, "object": "event",
            },
        )  # fmt: skip

    # How it answers.

    def answer(self, asked):
        """What Chargebee would say."""
        expected = base64.b64encode(f"{KEY}:".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {expected}":
            raise refusal(401, "api_authentication_failed", "Sorry, authentication failed. Invalid api key")
        if self.busy:
            self.busy -= 1
            raise refusal(429, "api_request_limit_exceeded", "Sorry, too many requests", Retry_After="1")
        parts = asked.path.strip("/").split("/")
        if asked.method != "GET" or parts[:2] != ["api", "v2"] or parts[2] not in FILTERS or len(parts) > 4:
            raise refusal(404, "site_not_found", "Sorry, we couldn't find that resource")
        kind = parts[2]
        if any(kind in lists for version, lists in CATALOGUES.items() if version != self.catalogue):
            raise refusal(
                400, "configuration_incompatible", "This operation is not supported by your product catalog"
            )
        if len(parts) == 4:
            found = [row for row in self.lists[kind] if row["id"] == unquote(parts[3])]
            if not found:
                raise refusal(404, "resource_not_found", f"{parts[3]} not found")
            return {kind[:-1]: found[0]}
        self._must_know(kind, asked.query)
        return self._page(kind, asked.query)

    def _must_know(self, kind, query):
        known = {"limit", "offset"} | {f"{name}[{by}]" for name, ways in FILTERS[kind].items() for by in ways}
        known |= {f"sort_by[{way}]" for way in ("asc", "desc")} if kind in SORTED else set()
        known |= {"include_deleted"} if kind in DELETED else set()
        for name, value in query.items():
            if name not in known:
                raise refusal(400, "param_wrong_value", f"{name} : is not supported")
            if name.startswith("sort_by") and value not in SORTED[kind]:
                raise refusal(400, "param_wrong_value", f"{name} : should be one of {SORTED[kind]}")
        if not 1 <= int(query.get("limit", 10)) <= 100:
            raise refusal(400, "param_wrong_value", "limit : should be between 1 and 100")

    def _page(self, kind, query):
        rows = [row for row in self.lists[kind] if self._fits(row, query)]
        if by := query.get("sort_by[asc]"):
            rows.sort(key=lambda row: row.get(by, 0))
        start = 0
        if token := query.get("offset"):
            if token not in self._tokens:
                raise refusal(400, "param_wrong_value", "offset : invalid offset")
            start = self._tokens[token]
        end = start + min(int(query.get("limit", 10)), self.most)
        answer = {"list": [self._wrapped(kind, row) for row in rows[start:end]]}
        if end < len(rows):
            token = json.dumps([f"{kind}{next(self._number)}", str(end)])
            self._tokens[token] = end
            answer["next_offset"] = token
        return answer

    def _wrapped(self, kind, row):
        name = kind[:-1]
        if kind != "subscriptions":
            return {name: row}
        customer = next((one for one in self.lists["customers"] if one["id"] == row["customer_id"]), {})
        return {name: row, "customer": customer}

    def _fits(self, row, query):
        if row.get("deleted") and query.get("include_deleted") != "true":
            return False
        for given, value in query.items():
            name, _, by = given.rstrip("]").partition("[")
            moment = row.get(name, 0)
            if (by == "after" and not moment > int(value)) or (by == "before" and not moment < int(value)):
                return False
            if by == "in" and row.get(name) not in json.loads(value):
                return False
            if by == "is" and row.get(name) != value:
                return False
        return True


def refusal(status, code, message, **headers):
    """An error as Chargebee writes it."""
    body = {"message": message, "type": "invalid_request", "api_error_code": code, "http_status_code": status}
    return server.Refusal(status, body, **headers)
