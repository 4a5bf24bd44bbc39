"""A vendor of our own making: small enough to read at a glance, with every landed table and every kind of cursor."""

import json
from datetime import datetime, timedelta
from types import MappingProxyType

import pyarrow as pa

from agent.facts.tables import Ceiling, Invoice, InvoiceStatus, Measure, Metric, MetricKind, Plan, Ticket
from connectors._landing import arrow_schema
from connectors._rows import Batch, Record, VendorRow, Version
from connectors._shapes import Moment, Text, bearer, day_of
from connectors._vendor import Key, Source, Vendor
from tests.vendors import server

KEY = "sk_small_5e1f0c7a9b"
BEGAN = datetime(2026, 1, 1, 9)
"When the vendor's first row was made."


class Settings(Source):
    """What may be set under [connectors.small]."""


SMALL = Vendor(
    name="small",
    title="Small",
    url="",
    keys=(Key("SMALL_KEY", "a key", "read:all"),),
    section=Settings,
    authorise=lambda keys, _: bearer(keys["SMALL_KEY"], X_Small_Key=keys["SMALL_KEY"]),
    check=lambda api: api.get("/me")["name"],
    gives_accounts=True,
    limit=(100_000, 1.0),
)


class Row(VendorRow):
    """What every row has."""

    id: Text
    updated: Moment

    @property
    def changed(self):
        return self.updated


class Customer(Row):
    name: str = ""
    own: str | None = None
    domain: str | None = None
    created: Moment

    def facts(self, settings):
        yield Record(
            record_id=self.id,
            name=self.name,
            own_id=self.own,
            domain=self.domain,
            created_on=day_of(self.created),
        )


class Change(Row):
    """One version of a subscription."""

    subscription: str
    customer: str
    at: Moment
    plan: str
    amount: int
    status: str

    def facts(self, settings):
        yield Version(
            subscription_id=self.subscription, account_id=self.customer, at=self.at, plan_id=self.plan,
            mrr_minor=self.amount, currency="EUR", status=self.status, term="month",
        )  # fmt: skip


class Bill(Row):
    customer: str
    amount: int
    paid: bool

    def facts(self, settings):
        on = day_of(self.updated)
        yield Invoice(
            invoice_id=self.id, account_id=self.customer, issued_on=on, due_on=on, paid_on=on if self.paid else None,
            amount_minor=self.amount, currency="EUR", status=InvoiceStatus.PAID if self.paid else InvoiceStatus.OPEN,
        )  # fmt: skip


class Request(Row):
    customer: str
    text: str = ""

    def facts(self, settings):
        yield Ticket(
            ticket_id=self.id,
            account_id=self.customer,
            opened_at=BEGAN,
            priority="normal",
            text=self.text or None,
        )


class Reading(Row):
    customer: str
    value: float

    def facts(self, settings):
        yield Measure(
            account_id=self.customer, day=day_of(self.updated), metric="health_score", value=self.value
        )


class Offer(VendorRow):
    id: Text
    tier: int
    price: int

    def facts(self, settings):
        yield Plan(
            plan_id=self.id,
            name=f"Plan {self.id}",
            tier=self.tier,
            price_minor=self.price,
            currency="EUR",
            per_seat=False,
        )


class Limit(VendorRow):
    id: Text
    customer: str | None = None
    plan: str | None = None
    most: float

    def facts(self, settings):
        yield Ceiling(plan_id=self.plan, account_id=self.customer, metric="calls", ceiling=self.most)


def _cursor():
    from connectors._landing import parts

    return parts().paginators.JSONResponseCursorPaginator(cursor_path="next", cursor_param="after")


def _changed(api, since, path, shape):
    yield from api.rows(path, shape, {"since": since.seconds, "limit": 100}, by=_cursor())


@SMALL.stream("records")
def customers(api, since):
    """Customers, by a cursor."""
    yield from _changed(api, since, "/customers", Customer)


@SMALL.stream("versions")
def changes(api, since):
    """Versions of subscriptions; a bookmark of the vendor's own is kept."""
    where = since.kept.get("bookmark")
    params = {"bookmark": where} if where is not None else {"since": since.seconds}
    for page in api.pages("/changes", params | {"limit": 100}, by=_cursor()):
        for row in page:
            yield from api.facts(row, Change, "/changes")
            since.kept["bookmark"] = max(since.kept.get("bookmark", 0), row["number"])


@SMALL.stream("invoices")
def bills(api, since):
    """Invoices, by links to the next page."""
    from connectors._landing import parts

    by = parts().paginators.JSONLinkPaginator("links.next")
    yield from api.rows("/bills", Bill, {"since": since.seconds, "limit": 100}, by=by)


@SMALL.stream("tickets")
def tickets(api, since):
    """Tickets, asked for by POST."""
    after = None
    while True:
        answer = api.post("/tickets/search", {"since": since.seconds, "after": after, "limit": 100})
        for row in answer["data"]:
            yield from api.facts(row, Request, "/tickets/search")
        after = answer.get("next")
        if not after:
            return


@SMALL.stream("measures")
def readings(api, since):
    """Health scores."""
    yield from _changed(api, since, "/readings", Reading)


@SMALL.stream("plans", "metrics", whole=True)
def plans(api, since):
    """Every plan."""
    from connectors._rows import LISTED, Dated

    yield Dated(
        Metric(metric="calls", label="Calls", unit="calls", kind=MetricKind.FLOW, per="month", core=True),
        LISTED,
    )
    yield from api.rows("/plans", Offer, {"limit": 100}, by=_cursor())


@SMALL.stream("ceilings", whole=True)
def ceilings(api, since):
    """Every ceiling."""
    yield from api.rows("/limits", Limit, {"limit": 100}, by=_cursor())


@SMALL.stream("events")
def events(api, since):
    """Calls, that count for a metric, as one large file of lines."""
    path = api.file(
        "/export", {"since": since.seconds}, is_whole=lambda body: body.read_bytes()[-2:] == b"\n\n"
    )
    if path is None:
        return
    columns = {name: [] for name in arrow_schema("events").names}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line:
            continue
        row = json.loads(line)
        at = datetime.fromisoformat(row["updated"])
        given = {
            "event_id": row["id"], "account_id": row["customer"], "user_id": "u", "at": at, "kind": "used",
            "metric": "calls", "amount": float(row["amount"]), "changed_at": at,
        }  # fmt: skip
        for name, values in columns.items():
            values.append(given.get(name))
    yield Batch("events", pa.table(columns, schema=arrow_schema("events")))


class SmallServer(server.Vendor):
    """The stand-in: tables of rows by path, each row a dict with id and updated."""

    ENV = MappingProxyType({"SMALL_KEY": KEY})

    def __init__(self, pages=30, customers=40, page=10):
        super().__init__()
        self.page = page
        "How many rows a page has, whatever is asked."
        self.key = KEY
        self.tables = _content(pages, customers, page)
        self.links_to = ""
        "Where links to next pages lead; empty: to where the request came."

    def workspace(self, url=""):
        """The lines of outgrown.toml."""
        return f'[connectors.small]\nbase_url = "{url or self.url}"\nrequests_per_minute = 6000000\nhistory_days = 3000\n'

    def put(self, path, row):
        """Add a row, or change the one with its id; it goes to the end."""
        rows = self.tables[path]
        rows[:] = [old for old in rows if old["id"] != row["id"]] + [row]

    def answer(self, asked):
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            raise server.Refusal(401, {"error": "no such key"})
        if asked.path == "/me":
            return {"name": "a workspace"}
        if asked.path == "/export":
            rows = self._since("/export", asked.query)
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            return (lines + "\n" if lines else "\n\n").encode()
        if asked.path == "/tickets/search":
            given = asked.json
            rows = self._since("/tickets", {"since": given["since"]})
            start = int(given["after"] or 0)
            return self._page(rows, start)
        rows = self._since(asked.path, asked.query)
        if asked.path == "/bills":
            start = int(asked.query.get("page", 0)) * self.page
            found = self._page(rows, start)
            if found.pop("next", None):
                base = self.links_to or f"http://{asked.headers['host']}"
                number = start // self.page + 1
                found["links"] = {
                    "next": f"{base}/bills?since={asked.query['since']}&limit=100&page={number}"
                }
            return found
        return self._page(rows, int(asked.query.get("after", 0)))

    def _since(self, path, query):
        rows = self.tables[path]
        if "bookmark" in query:
            return [row for row in rows if row["number"] >= int(query["bookmark"])]
        if "since" in query:
            at = datetime(1970, 1, 1) + timedelta(seconds=int(query["since"]))
            return [row for row in rows if datetime.fromisoformat(row["updated"]) >= at]
        return rows

    def _page(self, rows, start):
        found = {"data": rows[start : start + self.page]}
        if start + self.page < len(rows):
            found["next"] = str(start + self.page)
        return found


def _at(number, minutes=1):
    return (BEGAN + timedelta(minutes=number * minutes)).isoformat()


def _content(pages, customers, page):
    """Rows such that a sync takes so many requests: of each table its share of the pages, at least one."""
    rest = pages - 4  # plans, ceilings, export, readings: one page each
    share = {"/customers": 4, "/changes": 8, "/bills": 7, "/tickets": 7}
    whole = sum(share.values())
    sizes = {path: max(1, rest * part // whole) for path, part in share.items()}
    sizes["/tickets"] += rest - sum(sizes.values())
    count = {path: number * page for path, number in sizes.items()}
    people = count["/customers"]

    def who(number):
        return f"cus_{number * 7 % people:04}"

    statuses = ("trialing", "active", "active", "past_due", "active", "canceled")
    return {
        "/customers": [
            {
                "id": f"cus_{n:04}",
                "name": f"Company {n}",
                "domain": f"company{n}.example",
                "created": _at(0),
                "updated": _at(n),
            }
            for n in range(people)
        ],
        "/changes": [
            {
                "id": f"chg_{n:04}",
                "number": n,
                "subscription": f"sub_{n % 13}",
                "customer": f"cus_{n % 13 % people:04}",
                "at": _at(n, 600),
                "plan": f"p{n % 3 + 1}",
                "amount": 1000 * (n % 3 + 1),
                "status": statuses[n // 13 % 6],
                "updated": _at(n, 600),
            }
            for n in range(count["/changes"])
        ],
        "/bills": [
            {
                "id": f"in_{n:04}",
                "customer": who(n),
                "amount": 100 * n,
                "paid": n % 3 > 0,
                "updated": _at(n, 300),
            }
            for n in range(count["/bills"])
        ],
        "/tickets": [
            {
                "id": f"t_{n:04}",
                "customer": who(n),
                "text": f"Question {n} — wie geht das? 🙂",
                "updated": _at(n, 200),
            }
            for n in range(count["/tickets"])
        ],
        "/readings": [
            {"id": f"r_{n:04}", "customer": who(n), "value": float(n), "updated": _at(n, 1500)}
            for n in range(page)
        ],
        "/plans": [{"id": f"p{n}", "tier": n, "price": 1000 * n} for n in (1, 2, 3)],
        "/limits": [{"id": f"l{n}", "plan": f"p{n}", "customer": None, "most": 100.0 * n} for n in (1, 2, 3)]
        + [{"id": "own", "plan": None, "customer": "cus_0001", "most": 5000.0}],
        "/export": [
            {"id": f"e_{n:05}", "customer": who(n), "amount": n % 5 + 1, "updated": _at(n, 17)}
            for n in range(200)
        ],
    }
