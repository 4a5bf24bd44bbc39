"""Random worlds: many accounts whose facts lie at, near and beyond every bound, all from one number."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from agent.facts.tables import (
    Account,
    Ceiling,
    Event,
    Fact,
    Invoice,
    Measure,
    Member,
    Metric,
    Plan,
    Subscription,
    Ticket,
)
from tests.worlds import World, ago

PLANS = ("starter", "starter", "growth", "scale", "old", "tiny", "team", "insight", "gone")
FEATURES = (
    "reports",
    "sharing",
    "comments",
    "export_csv",
    "sso",
    "audit_log",
    "api_access",
    "fax",
    "unknown",
    None,
)
TEAMS = ("ops", "design", "sales", None)
PRODUCTS = ("analytics", "main", "unknown", None)
KINDS = ("used", "used", "used", "blocked", "limit_hit", "previewed", "viewed", "workaround", "invited")
USERS = ("u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", None)
STATUSES = ("active", "active", "active", "active", "trialing", "past_due", "canceled", "paused")
TEXTS = (
    None,
    "Do you support SSO? We need it.",
    "We need an audit log and API access.",
    "We need SSO but your enterprise tier is too expensive.",
    "Please cancel our subscription.",
    "As a workaround we copy the numbers by hand.",
    "Our launch is on 2026-02-20, can you help?",
    "Our launch is on 2026-01-31, can you help?",
    "We need a faster response time than we get today.",
    "Please send us a quote for 20 more seats.",
    "We would like a dashboard for our board.",
    "Hello",
)
TOPICS = (None, None, None, "out_of_scope", "workaround", "budget", "use_case", "deadline", "leaving")
# Days ago at which windows begin and end, and their neighbours.
EDGES = (
    0,
    1,
    5,
    6,
    7,
    8,
    13,
    14,
    15,
    20,
    21,
    27,
    28,
    29,
    30,
    31,
    33,
    34,
    35,
    44,
    59,
    60,
    61,
    89,
    90,
    179,
    180,
)
LEVELS = (0, 1, 10, 49.9, 50, 79.99, 80, 80.01, 85, 90, 90.01, 95, 100, 120)


def random_world(seed: int, accounts: int) -> World:
    """A world of so many accounts, the same for the same number."""
    r = Random(seed)
    w = World()
    w.add(
        Plan(plan_id="team", name="Team", tier=2, price_minor=900, currency="EUR", per_seat=True),
        Metric(metric="seats", label="seats", unit="seats", kind="gauge", core=r.random() < 0.5),
        Metric(metric="emails", label="emails", unit="emails", kind="flow", per="week", core=True),
        Metric(metric="headcount", label="people", unit="people", kind="gauge", core=False),
        Ceiling(plan_id="starter", metric="emails", ceiling=0.3),
        Ceiling(plan_id="team", metric="storage", ceiling=100, to_on=ago(r.choice((0, 1, 7, 14)))),
        Ceiling(plan_id="team", metric="storage", ceiling=110, from_on=ago(r.choice((0, 7, 8, 15)))),
        Ceiling(plan_id="growth", metric="seats", ceiling=20),
        Ceiling(plan_id="tiny", metric="exports", ceiling=0),
    )
    for number in range(accounts):
        _account(w, r, f"r{number:03d}")
    # One row a key, so that the order in which they are loaded cannot choose between two.
    w.facts = list(
        {(fact.TABLE, *(getattr(fact, name) for name in fact.KEY)): fact for fact in w.facts}.values()
    )
    return w


def _account(w: World, r: Random, name: str) -> None:
    age = r.choice((0, 5, 29, 30, 33, 34, 59, 60, 89, 90, 91, 120, 200, 200, 400))
    w.account(
        name,
        days=age,
        subscribed=False,
        is_test=r.random() < 0.05,
        contact_email=r.choice((f"{name}@customer.example", f"{name}@customer.example", None, "no address")),
    )
    for part in (_subscriptions, _own_ceilings, _members, _measures, _events, _tickets, _invoices):
        if r.random() < 0.9:
            part(w, r, name, age)


def day_before(r: Random, age: int) -> int:
    """Days ago: mostly at a window's edge, mostly within the account's life, now and then before it."""
    days = r.choice(EDGES) if r.random() < 0.7 else r.randint(0, 200)
    return days if days <= age or r.random() < 0.1 else r.randint(0, age)


def _subscriptions(w: World, r: Random, name: str, age: int) -> None:
    for _ in range(r.choice((1, 1, 2))):
        start = age
        for period in range(r.choice((1, 1, 2, 3))):
            left = day_before(r, start) if period or r.random() < 0.3 else None
            end = None if left is None or r.random() < 0.2 else ago(min(left, start))
            w.subscribe(
                name,
                r.choice(PLANS),
                start,
                seats=r.choice((None, 0, 3, 5, 10)),
                ends_on=end,
                status=r.choice(STATUSES),
                term=r.choice(("month", "year")),
                renews_on=r.choice((None, ago(-59), ago(-60), ago(-90), ago(-91), ago(3))),
                cancel_on=r.choice((None, None, None, None, ago(-10))),
                discount_pct=r.choice((None, 20, 20.5)),
                currency=r.choice(("EUR", "EUR", "USD")),
            )
            start = left if left is not None else day_before(r, start)
            start = max(0, min(start, age))


def _own_ceilings(w: World, r: Random, name: str, _age: int) -> None:
    if r.random() < 0.2:
        first = r.choice((None, ago(200), ago(10), ago(7)))
        last = r.choice((None, None, ago(0), ago(7), ago(6)))
        if first and last and last < first:
            last = None
        w.add(
            Ceiling(
                account_id=name,
                metric=r.choice(("storage", "exports", "calls")),
                ceiling=r.choice((None, 0, 100, 110)),
                from_on=first,
                to_on=last,
            )
        )


def _members(w: World, r: Random, name: str, age: int) -> None:
    for user in USERS[:-1]:
        for _ in range(r.choice((0, 1, 1, 1, 2))):
            joined = day_before(r, age)
            left = r.choice((None, None, None, r.randint(0, joined), min(joined, day_before(r, joined))))
            w.member(
                name, user, joined, left, role=r.choice(("member", "member", "guest")), team=r.choice(TEAMS)
            )


def _measures(w: World, r: Random, name: str, age: int) -> None:
    level = r.choice(LEVELS)
    if r.random() < 0.8:
        for day in {0, 6, 7, 8, 13, 14, 15, 20, 21, *[day_before(r, age) for _ in range(8)]}:
            if r.random() < 0.8:
                w.measure(name, "storage", {day: r.choice((level, level, r.choice(LEVELS)))})
    if r.random() < 0.8:
        daily = r.choice((0, 0.1, 3.3, 26.6, 26.7, 30.1, 33.3, 40))
        growth = r.choice((1, 1, 2, 2.01))
        for day in range(min(age, 200)):
            if r.random() < 0.9:
                w.measure(name, "exports", {day: daily * (growth if day < 30 else 1)})
    if r.random() < 0.6:
        for day in range(min(age, 40)):
            if r.random() < 0.5:
                w.measure(name, "calls", {day: r.choice((0, 40, 45, 45.1, 50))})
    if r.random() < 0.6:
        # Fractions whose sum depends on the order of addition.
        for day in range(30):
            w.measure(name, "emails", {day: r.choice((0.01, 0.02, 0.03, 0.04, 0.05))})
    for metric, values in (
        ("health_score", (10, 59.9, 60, 95)),
        ("nps", (3, 6, 7, 9)),
        ("headcount", (0, 50, 59.9, 60)),
        ("unlisted", (1, 2)),
        ("seats", (1, 9)),
    ):
        for _ in range(r.choice((0, 0, 1, 2))):
            w.measure(name, metric, {day_before(r, age): r.choice(values)})


def _events(w: World, r: Random, name: str, age: int) -> None:
    for _ in range(r.choice((0, 5, 20, 60))):
        w.event(
            name,
            r.choice(KINDS),
            day_before(r, age),
            r.choice((1, 1, 2, 5)),
            user_id=r.choice(USERS),
            team=r.choice(TEAMS),
            feature=r.choice(FEATURES),
            product=r.choice(PRODUCTS),
        )
    if r.random() < 0.3:
        for week, people in enumerate(
            r.choice(((6, 3, 3, 3, 3), (5, 3, 3, 3, 3), (8, 3, 3, 3, 3), (8, 4, 4, 4, 3)))
        ):
            for person in range(people):
                w.event(
                    name, "used", 7 * week + r.randint(0, 6), user_id=f"u{person}", feature=r.choice(FEATURES)
                )


def _tickets(w: World, r: Random, name: str, age: int) -> None:
    for _ in range(r.choice((0, 1, 3, 8))):
        day = day_before(r, age)
        opened = datetime.combine(ago(day), datetime.min.time()) + timedelta(hours=10)
        closed = r.choice((None, opened + timedelta(hours=2), opened + timedelta(days=r.randint(0, day))))
        w.ticket(
            name,
            day,
            r.choice(TEXTS),
            topic=r.choice(TOPICS),
            feature=r.choice((*FEATURES, None, None)),
            closed_at=closed,
            priority=r.choice(("low", "normal", "normal", "high", "urgent")),
            minutes=r.choice((None, 0, 30, 59.9, 60, 78, 100)),
            sentiment=r.choice((None, -1, -0.5, -0.49, -0.3, 0, 0.7)),
        )


def _invoices(w: World, r: Random, name: str, _age: int) -> None:
    for _ in range(r.choice((0, 0, 1, 2))):
        status = r.choice(("open", "paid", "void", "uncollectible"))
        paid = ago(r.randint(0, 20)) if status == "paid" and r.random() < 0.8 else None
        w.invoice(name, r.choice((-5, 0, 7, 8, 40)), status=status, paid_on=paid)


def future_facts(w: World, r: Random) -> list[Fact]:
    """Facts of every dated table that lie after D, for the world's accounts and for one that came later."""
    names = sorted({fact.account_id for fact in w.facts if isinstance(fact, Account)})
    facts: list[Fact] = [Account(account_id="later", name="Later", created_on=ago(-3))]
    for name in (*names, "later"):
        for _ in range(r.randint(0, 6)):
            facts.append(_future_fact(w, r, name))
    return facts


def _future_fact(w: World, r: Random, name: str) -> Fact:
    day = ago(-r.choice((1, 1, 2, 5, 30)))
    at = datetime.combine(day, datetime.min.time())
    made: dict[str, Any] = {
        "subscription": lambda: Subscription(
            subscription_id=w.number(),
            account_id=name,
            plan_id=r.choice(PLANS),
            seats=50,
            mrr_minor=1,
            currency="EUR",
            starts_on=day,
            status=r.choice(STATUSES),
            term="year",
            renews_on=ago(-70),
            cancel_on=r.choice((None, ago(-9))),
        ),
        "member": lambda: Member(
            account_id=name,
            user_id=r.choice(("u1", "u2", "new1", "new2")),
            role="member",
            team="new",
            joined_on=day,
        ),
        "measure": lambda: Measure(
            account_id=name,
            day=day,
            metric=r.choice(("storage", "exports", "calls", "health_score", "nps", "headcount")),
            value=95,
        ),
        "event": lambda: Event(
            event_id=w.number(),
            account_id=name,
            at=at,
            kind=r.choice(KINDS),
            user_id="u1",
            feature=r.choice(FEATURES),
            team="new",
            product="analytics",
        ),
        "ticket": lambda: Ticket(
            ticket_id=w.number(),
            account_id=name,
            opened_at=at,
            priority="urgent",
            minutes=500,
            sentiment=-1,
            text=r.choice(TEXTS),
            topic=r.choice(TOPICS),
        ),
        "invoice": lambda: Invoice(
            invoice_id=w.number(),
            account_id=name,
            issued_on=day,
            due_on=day,
            amount_minor=1,
            currency="EUR",
            status="open",
        ),
        "ceiling": lambda: Ceiling(
            account_id=name, metric=r.choice(("storage", "exports")), ceiling=1, from_on=day
        ),
        "plan ceiling": lambda: Ceiling(plan_id=r.choice(PLANS), metric="storage", ceiling=1, from_on=day),
    }
    return made[r.choice(list(made))]()


def with_future_ends(facts: list[Fact], r: Random) -> list[Fact]:
    """The same facts, some of which end after D where they had no end."""
    ends = {"subscriptions": "ends_on", "members": "left_on", "tickets": "closed_at", "ceilings": "to_on"}

    def ended(fact: Fact) -> Fact:
        column = ends.get(fact.TABLE)
        day: date = ago(-r.choice((1, 2, 40)))
        if isinstance(fact, Invoice) and fact.status == "open" and r.random() < 0.7:
            return fact.model_copy(update={"status": "paid", "paid_on": day})
        if column is None or getattr(fact, column) is not None or r.random() < 0.3:
            return fact
        at = datetime.combine(day, datetime.min.time())
        return fact.model_copy(update={column: at if column == "closed_at" else day})

    return [ended(fact) for fact in facts]
