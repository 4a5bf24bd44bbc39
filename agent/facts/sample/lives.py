"""One customer's life as rows: subscription, people, usage, events, tickets and invoices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random

from agent.facts.sample.catalogue import PlanSold, Row
from agent.facts.sample.stories import Happening, Letter, Life

WEEKS = 26
DAYS = 7 * WEEKS
BUSY_WEEKS = 9
"Newest weeks, in which every use is written down; before them one a week tells the story."
_DAY_OF = re.compile(r"\{\+(\d+)\}")
# Offices work from Monday to Friday; somebody always opens a document on Sunday evening.
_WEEKDAY = (1.1, 1.15, 1.1, 1.0, 0.9, 0.2, 0.25)
_FIRST_DAYS = 20
"Days in which a new customer tries everything they are going to use."


@dataclass
class Customer:
    """A customer being written: who they are, and their rows by table."""

    account_id: str
    name: str
    contact: str
    life: Life
    plan: PlanSold
    plans: dict[str, PlanSold]
    teams: tuple[str, ...]
    as_of: date
    rng: Random
    rows: dict[str, list[Row]] = field(default_factory=dict)
    users: list[tuple[str, str, date]] = field(default_factory=list)

    def add(self, table: str, **values: object) -> None:
        """One row for `table`."""
        self.rows.setdefault(table, []).append(values)

    def ago(self, days: int) -> date:
        """The day that lies so many days before the sample's day."""
        return self.as_of - timedelta(days=days)

    @property
    def since(self) -> int:
        """How many days of facts there are, the sample's day included."""
        return min(DAYS, self.life.age + 1)


def write_life(customer: Customer) -> dict[str, list[Row]]:
    """Every row of one customer, by table."""
    _account(customer)
    _subscriptions(customer)
    _people(customer)
    _usage(customer)
    _events(customer)
    _tickets(customer)
    _invoices(customer)
    return customer.rows


def _account(customer: Customer) -> None:
    life = customer.life
    address = _address(customer.contact, customer.account_id)
    customer.add(
        "accounts",
        account_id=customer.account_id,
        name=customer.name,
        domain=f"{customer.account_id}.example",
        segment="small" if life.members < 8 else "mid",
        created_on=customer.ago(life.age),
        contact_name=customer.contact,
        contact_email=address,
        owner="dana",
        language="en",
        is_test=life.is_test,
    )


def _address(contact: str, domain: str) -> str:
    first = "".join(letter for letter in contact.split(" ")[0].lower() if "a" <= letter <= "z")
    return f"{first or 'office'}@{domain}.example" if contact else ""


def _subscriptions(customer: Customer) -> None:
    life, common = (
        customer.life,
        {"subscription_id": f"sub-{customer.account_id}", "account_id": customer.account_id},
    )
    renews_in = life.renews_in if life.renews_in is not None else customer.rng.randint(2, 29)
    starts_on = customer.ago(life.age)
    if life.changed:
        before = customer.plans[life.changed.from_plan]
        changed_on = customer.ago(life.changed.days_ago)
        customer.add(
            "subscriptions", **common, plan_id=before.plan_id, seats=before.seats,
            mrr_minor=before.price_minor, currency=life.currency,
            starts_on=starts_on, ends_on=changed_on, status="active", term=life.term,
        )  # fmt: skip
        starts_on = changed_on
    customer.add(
        "subscriptions", **common, plan_id=customer.plan.plan_id, seats=life.seats or customer.plan.seats,
        mrr_minor=_monthly(customer), currency=life.currency, starts_on=starts_on, status=life.status,
        term=life.term, renews_on=customer.ago(-renews_in), discount_pct=life.discount,
        cancel_on=customer.ago(-life.cancel_in) if life.cancel_in else None,
    )  # fmt: skip


def _monthly(customer: Customer) -> int:
    price = customer.plan.price_minor * (100 - (customer.life.discount or 0)) // 100
    return (
        0
        if customer.life.status == "trialing"
        else price * 10 // 12
        if customer.life.term == "year"
        else price
    )


def _people(customer: Customer) -> None:
    """Members, guests, and those who left; each belongs to a team that has been there all along."""
    life, rng = customer.life, customer.rng
    numbers = count(1)

    def join(days_ago: int, role: str, left: int | None = None, user: str = "") -> str:
        number = next(numbers)
        user = user or f"{customer.account_id}-u{number}"
        team = customer.teams[(number - 1) % len(customer.teams)] if role == "member" else None
        customer.add(
            "members", account_id=customer.account_id, user_id=user, role=role, team=team,
            joined_on=customer.ago(days_ago), left_on=customer.ago(left) if left is not None else None,
        )  # fmt: skip
        if left is None and role == "member":
            customer.users.append((user, team or "", customer.ago(days_ago)))
        return user

    for number in range(life.members):
        # The first of each team are founders; the others came over the years, none of them lately.
        founder = number < len(customer.teams) or life.age < 60
        days_ago = life.age if founder else rng.randint(40, life.age)
        if number >= life.members - life.rejoined:
            join(6, "member", user=join(days_ago, "member", left=20))
        else:
            join(days_ago, "member")
    if life.age > 120 and rng.random() < 0.5:
        join(rng.randint(100, life.age), "member", left=rng.randint(35, 90))
    for days_ago in life.joined:
        join(days_ago, "member")
    for days_ago in life.guests:
        join(days_ago, "guest")


def _usage(customer: Customer) -> None:
    """One row per metric and day; the newest 30 days of exports add up to the share the story names."""
    life, ceilings = customer.life, customer.plan.ceilings
    days = [customer.ago(back) for back in range(customer.since - 1, -1, -1)]
    busy = _busy_days(customer, days, life.exports)
    newest = sum(busy[-30:])
    goal = life.exports[1] * ceilings["exports"] * min(1.0, len(days) / 30)
    values = [round(part * goal / newest) for part in busy]
    # Rounding must not move the month across a threshold: the newest weekday takes the difference.
    last_busy = max(range(len(values) - 7, len(values)), key=values.__getitem__)
    values[last_busy] = max(0, values[last_busy] + round(goal) - sum(values[-30:]))
    _measure(customer, "exports", days, values)

    first, last = (share * ceilings["storage_gb"] for share in life.storage)
    steps = max(1, len(days) - 1)
    _measure(
        customer, "storage_gb", days, [round(first + (last - first) * n / steps, 1) for n in range(len(days))]
    )

    calls = _busy_days(customer, days, life.api)
    values = [round(part * ceilings["api_calls"] * 0.6) for part in calls]
    if life.api_spike:
        values[-1] = round(life.api_spike * ceilings["api_calls"])
    _measure(customer, "api_calls", days, values)

    _measure_rarely(customer)


def _busy_days(customer: Customer, days: list[date], shares: tuple[float, float]) -> list[float]:
    """How busy each day is: a trend, a working week, and noise."""
    first, last = shares
    random, steps = customer.rng.random, max(1, len(days) - 1)
    weekday = days[0].weekday()
    return [
        (first + (last - first) * n / steps) * _WEEKDAY[(weekday + n) % 7] * (0.75 + 0.5 * random())
        for n in range(len(days))
    ]


def _measure(customer: Customer, metric: str, days: list[date], values: list[int] | list[float]) -> None:
    account_id = customer.account_id
    customer.rows.setdefault("measures", []).extend(
        {"account_id": account_id, "day": day, "metric": metric, "value": value}
        for day, value in zip(days, values, strict=True)
    )


def _measure_rarely(customer: Customer) -> None:
    """Health once a week, headcount twice, NPS once."""
    life = customer.life
    if life.health is not None:
        days = [customer.ago(7 * week + 1) for week in range(customer.since // 7)]
        drift = [
            min(100, max(0, life.health + week + customer.rng.randint(-1, 1))) for week in range(len(days))
        ]
        drift[:1] = [life.health]
        _measure(customer, "health_score", days[::-1], drift[::-1])
    if life.headcount:
        _measure(customer, "headcount", [customer.ago(170), customer.ago(8)], list(life.headcount))
    if life.nps is not None:
        _measure(customer, "nps", [customer.ago(25)], [life.nps])


def _at(customer: Customer, day: date, hour: int | None = None) -> datetime:
    rng = customer.rng
    return datetime.combine(
        day, time(rng.randint(7, 17) if hour is None else hour, rng.randint(0, 59), rng.randint(0, 59))
    )


def _events(customer: Customer) -> None:
    """What people used, and what the story says that they met."""
    life, rng = customer.life, customer.rng
    features = customer.plan.features[: max(3, len(customer.plan.features) * 2 // 3)]
    happened: list[Row] = []

    def happen(
        at: datetime, kind: str, user: str = "", team: str = "", feature: str = "", product: str = ""
    ) -> None:
        happened.append(
            {"at": at, "kind": kind, "user_id": user, "feature": feature, "team": team, "product": product}
        )

    # Everything they use today was tried in the first weeks, before the 26 weeks if they are older.
    old_plan = customer.plans[life.changed.from_plan] if life.changed else customer.plan
    first_user, first_team, _ = customer.users[0]
    for number, feature in enumerate(feature for feature in features if feature in old_plan.features):
        day = customer.ago(max(0, life.age - 1 - number % _FIRST_DAYS))
        happen(_at(customer, day), "used", first_user, first_team, feature)

    for user, team, joined_on in customer.users:
        for week in range(customer.since // 7):
            for back in _days_used(rng, week):
                day = customer.ago(back)
                if day >= joined_on:
                    happen(_at(customer, day), "used", user, team, rng.choice(features))
    for told in life.events:
        for at, user, team in _told(customer, told):
            happen(at, told.kind, user, team, told.feature, told.product)
    happened.sort(key=lambda row: (row["at"], row["user_id"], row["kind"], row["feature"]))
    for number, row in enumerate(happened, start=1):
        customer.add(
            "events", event_id=f"{customer.account_id}-e{number}", account_id=customer.account_id, **row
        )


def _days_used(rng: Random, week: int) -> list[int]:
    """Days ago on which one person used the product in that week."""
    times = rng.choice((1, 2, 2, 3)) if week < BUSY_WEEKS else rng.choice((0, 1, 1, 1))
    return [7 * week + rng.randint(0, 6) for _ in range(times)]


def _told(customer: Customer, told: Happening) -> Iterator[tuple[datetime, str, str]]:
    """When each of the story's events happened, and to whom."""
    for number, days_ago in enumerate(told.days_ago):
        user, team, _ = customer.users[number % min(3, len(customer.users))]
        yield _at(customer, customer.ago(days_ago), told.hour), user, team


def _tickets(customer: Customer) -> None:
    for number, letter in enumerate(sorted(customer.life.tickets, key=lambda told: -told.days_ago), start=1):
        opened_at = _at(customer, customer.ago(letter.days_ago))
        closed_at = None if letter.open else opened_at + timedelta(hours=customer.rng.randint(1, 6))
        customer.add(
            "tickets", ticket_id=f"{customer.account_id}-t{number}", account_id=customer.account_id,
            opened_at=opened_at, closed_at=closed_at,
            priority=letter.priority, minutes=letter.minutes, sentiment=letter.sentiment, topic=letter.topic,
            feature=letter.feature, text=_text(customer, letter),
        )  # fmt: skip


def _text(customer: Customer, letter: Letter) -> str:
    """The ticket's words, days ahead written out."""

    def day(hit: re.Match[str]) -> str:
        ahead = customer.ago(-int(hit.group(1)))
        return f"{ahead.day} {ahead:%B}"

    return _DAY_OF.sub(day, letter.text)


def _invoices(customer: Customer) -> None:
    """One a month, or one a year; paid in time unless the story says otherwise."""
    life = customer.life
    if life.status == "trialing":
        return
    every = 30 if life.term == "month" else 365
    amount = _monthly(customer) * (1 if life.term == "month" else 12)
    newest = (life.overdue_for or 0) + 14 if life.overdue_for else customer.rng.randint(0, min(29, life.age))
    for number, days_ago in enumerate(range(newest, min(life.age, DAYS) + 1, every)):
        is_open = days_ago < 8 or (number == 0 and life.overdue_for is not None)
        customer.add(
            "invoices", invoice_id=f"{customer.account_id}-i{days_ago}", account_id=customer.account_id,
            issued_on=customer.ago(days_ago), due_on=customer.ago(days_ago - 14),
            paid_on=None if is_open else customer.ago(days_ago - customer.rng.randint(1, 7)),
            amount_minor=amount, currency=life.currency, status="open" if is_open else "paid",
        )  # fmt: skip
