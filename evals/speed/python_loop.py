"""All triggers as a loop over accounts in plain Python: fetch the rows, group them by account, look at each."""

# ruff: noqa: D103 - what a trigger means stands in the rule book.

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from evals.speed.queries import worth

Row = dict[str, Any]
STATUS = ("active", "past_due", "trialing", "paused", "canceled")
PERIOD = {"day": 1, "week": 7, "month": 30}
BY_ACCOUNT = {
    "subscriptions": "starts_on", "members": "joined_on", "measures": "day", "events": '"at"::DATE',
    "tickets": "opened_at::DATE", "asks": "opened_on",
}  # fmt: skip
"Tables fetched row by row, and the day from which a row is known."


@dataclass
class Company:
    """The catalogue, looked up often."""

    plans: dict[str, Row]
    features: dict[str, set[str]]
    metrics: dict[str, Row]
    ceilings: dict[str, list[Row]]
    "By plan or account id."

    def product(self, plan_id: str | None) -> str:
        """The product a plan belongs to."""
        return self.plans[plan_id]["product"] if plan_id in self.plans else "main"

    def higher(self, plan_id: str | None) -> set[str]:
        """Features that a higher sold plan has and this one has not."""
        if plan_id not in self.plans:
            return set()
        mine = self.plans[plan_id]
        above = [
            p
            for p in self.plans.values()
            if p["sold"] and p["product"] == mine["product"] and p["tier"] > mine["tier"]
        ]
        found: set[str] = set()
        for plan in above:
            found |= self.features.get(plan["plan_id"], set())
        return found - self.features.get(plan_id, set())


@dataclass
class Account:
    """One account's rows known by D, and the answers that several triggers need."""

    company: Company
    d: date
    row: Row
    subscriptions: list[Row] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)
    measures: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    tickets: list[Row] = field(default_factory=list)
    asks: list[Row] = field(default_factory=list)

    def prepare(self) -> None:
        """Work out once what several triggers look at."""
        for event in self.events:
            event["day"] = event["at"].date()
        for ticket in self.tickets:
            ticket["day"] = ticket["opened_at"].date()
        self.age = (self.d - self.row["created_on"]).days
        self.plan = self.plan_on(self.d)
        self.plan_id = self.plan["plan_id"] if self.plan else None
        self.own_features = self.company.features.get(self.plan_id or "", set())
        self.higher = self.company.higher(self.plan_id)
        self.used = [event for event in self.events if event["kind"] == "used"]
        self.present = [m for m in self.members if m["left_on"] is None or m["left_on"] > self.d]
        self.seated = {m["user_id"] for m in self.present if m["role"] == "member"}
        self.by_metric: dict[str, list[Row]] = defaultdict(list)
        for measure in self.measures:
            self.by_metric[measure["metric"]].append(measure)

    def lately(self, kind: str, days: int) -> list[Row]:
        """Events of a kind in the last so many days."""
        return [e for e in self.events if e["kind"] == kind and (self.d - e["day"]).days < days]

    def asked(self, ticket_class: str) -> list[Row]:
        """Asks of a class in the last 30 days."""
        return [
            a for a in self.asks if a["ticket_class"] == ticket_class and (self.d - a["opened_on"]).days < 30
        ]

    def plan_on(self, day: date) -> Row | None:
        """The subscription in force on a day."""

        def order(s: Row) -> tuple[Any, ...]:
            tier = self.company.plans[s["plan_id"]]["tier"] if s["plan_id"] in self.company.plans else 0
            status = STATUS.index(s["status"]) if s["status"] in STATUS else 9
            other = self.company.product(s["plan_id"]) != "main"
            return (other, status, -tier, -s["starts_on"].toordinal(), s["subscription_id"])

        held = [
            s
            for s in self.subscriptions
            if s["starts_on"] <= day and (s["ends_on"] is None or s["ends_on"] > day)
        ]
        return min(held, key=order, default=None)

    def ceiling(self, metric: str, day: date) -> float | None:
        """How much of a metric the account might use on a day."""
        if metric == "seats":
            plan = self.plan_on(day)
            return (plan["seats"] or None) if plan else None

        def known(owner: str) -> list[Row]:
            return [
                c
                for c in self.company.ceilings.get(owner, [])
                if c["metric"] == metric
                and (c["from_on"] is None or c["from_on"] <= day)
                and (c["to_on"] is None or c["to_on"] > day)
            ]

        rows = known(self.row["account_id"])
        if not rows:
            plan = self.plan_on(day)
            rows = known(plan["plan_id"]) if plan else []
        if not rows:
            return None
        newest = max(rows, key=lambda c: c["from_on"] or date.min)
        return newest["ceiling"] or None

    def reading(self, metric: str, day: date) -> float | None:
        """A metric's level on a day: the newest of a week, or the sum of a period."""
        if metric == "seats":
            people = [m for m in self.members if m["role"] == "member"]
            there = {
                m["user_id"]
                for m in people
                if m["joined_on"] <= day and (m["left_on"] is None or m["left_on"] > day)
            }
            return len(there) if people else None
        what, rows = self.company.metrics[metric], self.by_metric[metric]
        if what["kind"] == "gauge":
            week = [r for r in rows if 0 <= (day - r["day"]).days < 7]
            return max(week, key=lambda r: r["day"])["value"] if week else None
        period = PERIOD[what["per"] or "month"]
        return sum(r["value"] for r in rows if 0 <= (day - r["day"]).days < period)

    def share(self, metric: str, week: int) -> float | None:
        """Utilisation of a metric at the end of a week."""
        day = self.d - timedelta(days=7 * week)
        ceiling, reading = self.ceiling(metric, day), self.reading(metric, day)
        return round(reading / ceiling, 9) if ceiling and reading is not None else None

    def metrics(self, *, core: bool) -> list[str]:
        """The usage metrics of the account, the core ones or all with seats."""
        known = [name for name in self.by_metric if name in self.company.metrics]
        return [m for m in known if self.company.metrics[m]["core"]] if core else [*known, "seats"]

    def other_products(self) -> set[str]:
        """Products sold that the account does not have."""
        if self.plan is None:
            return set()
        held = {
            self.company.product(s["plan_id"])
            for s in self.subscriptions
            if s["ends_on"] is None or s["ends_on"] > self.d
        }
        sold = {p["product"] for p in self.company.plans.values() if p["sold"]}
        return sold - held - {self.company.product(self.plan_id)}


def _many(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row[key] is not None:
            found[row[key]].append(row)
    return found


def _at_least(share: float | None, bound: float) -> bool:
    return share is not None and share >= bound


def plan_limit_pressure(a: Account) -> bool:
    return any(all(_at_least(a.share(m, week), 0.8) for week in (0, 1, 2)) for m in a.metrics(core=True))


def near_ceiling(a: Account) -> bool:
    return any((a.share(m, 0) or 0) > 0.9 and _at_least(a.share(m, 1), 0.8) for m in a.metrics(core=False))


def limit_hits(a: Account) -> bool:
    hits = a.lately("limit_hit", 14)
    return len(hits) >= 3 and len({e["day"] for e in hits}) >= 2


def feature_utilisation(a: Account) -> bool:
    used = {e["feature"] for e in a.lately("used", 30)} & a.own_features
    return len(a.own_features) >= 4 and round(len(used) / len(a.own_features), 9) > 0.9


def usage_doubled_since_start(a: Account) -> bool:
    if a.age < 90:
        return False
    for metric in a.metrics(core=True):
        rows, created = a.by_metric[metric], a.row["created_on"]
        now = [r["value"] for r in rows if (a.d - r["day"]).days < 28]
        start = [r["value"] for r in rows if 1 <= (r["day"] - created).days <= 28]
        if not now or not start or min((r["day"] - created).days for r in rows) > 7:
            continue
        flow = a.company.metrics[metric]["kind"] == "flow"
        level = [round(sum(part) / (1 if flow else len(part)), 9) for part in (now, start)]
        if level[1] >= 10 and round(level[0] / level[1], 9) >= 2:
            return True
    return False


def wau_doubled(a: Account) -> bool:
    weeks: list[set[str]] = [set() for _ in range(5)]
    oldest = 0
    for e in a.used:
        age = (a.d - e["day"]).days
        oldest = max(oldest, age)
        if age < 35 and e["user_id"] is not None:
            weeks[age // 7].add(e["user_id"])
    mean = sum(len(week) for week in weeks[1:]) / 4
    return mean >= 3 and round(len(weeks[0]) / mean, 9) >= 2 and oldest >= 28 and a.age >= 34


def headcount_growth(a: Account) -> bool:
    rows = sorted(
        (r for r in a.by_metric["headcount"] if (a.d - r["day"]).days < 180), key=lambda r: r["day"]
    )
    if len(rows) < 2 or not rows[0]["value"]:
        return False
    return round((rows[-1]["value"] - rows[0]["value"]) / rows[0]["value"], 9) >= 0.2


def beyond_first_use(a: Account) -> bool:
    if a.age < 90:
        return False
    new = 0
    for rows in _many(a.used, "feature").values():
        now = sum((a.d - e["day"]).days < 30 for e in rows)
        start = sum(0 <= (e["day"] - a.row["created_on"]).days < 30 for e in rows)
        new += now >= 5 and start == 0
    return new >= 2


def seats_added(a: Account) -> bool:
    added = set()
    for m in a.present:
        if m["role"] != "member" or (a.d - m["joined_on"]).days >= 14:
            continue
        back = any(
            e["user_id"] == m["user_id"]
            and e["role"] == "member"
            and e["joined_on"] < m["joined_on"]
            and (e["left_on"] is None or e["left_on"] > m["joined_on"] - timedelta(days=30))
            for e in a.members
        )
        if not back:
            added.add(m["user_id"])
    return len(added) >= 2


def seats_active(a: Account) -> bool:
    seats = a.plan["seats"] if a.plan else None
    if not seats or not a.seated:
        return False
    active = a.seated & {e["user_id"] for e in a.lately("used", 30)}
    return round(len(a.seated) / seats, 9) > 0.8 and round(len(active) / len(a.seated), 9) > 0.8


def guests_accumulating(a: Account) -> bool:
    guests = [m for m in a.present if m["role"] == "guest"]
    new = {m["user_id"] for m in guests if (a.d - m["joined_on"]).days < 30}
    return len({m["user_id"] for m in guests}) >= 3 and len(new) >= 2


def invites(a: Account) -> bool:
    roles: dict[str, set[str]] = defaultdict(set)
    for m in a.members:
        roles[m["user_id"]].add(m["role"])
    sent = [e for e in a.lately("invited", 30) if roles.get(e["user_id"]) != {"guest"}]
    return len(sent) >= 2 and any(e["user_id"] is not None for e in sent)


def new_team(a: Account) -> bool:
    used = _many(a.used, "team")
    new = any(all((a.d - e["day"]).days < 30 for e in rows) for rows in used.values())
    teams = set(used) | {m["team"] for m in a.present if m["team"] is not None}
    return new and len(teams) >= 2 and a.age >= 60


def capability_request(a: Account) -> bool:
    return any(ask["feature"] in a.higher for ask in a.asked("capability_request"))


def paywall_attempts(a: Account) -> bool:
    tries = _many(a.lately("blocked", 14), "feature")
    return any(
        f in a.higher and len(rows) >= 3 and len({e["day"] for e in rows}) >= 2 for f, rows in tries.items()
    )


def premium_preview(a: Account) -> bool:
    return len({e["feature"] for e in a.lately("previewed", 30)} & a.higher) >= 2


def repeated_workaround(a: Account) -> bool:
    seen, told = _many(a.lately("workaround", 30), "feature"), _many(a.asked("workaround"), "feature")
    return any(
        len(seen.get(f, [])) + len({ask["ticket_id"] for ask in told.get(f, [])}) >= 3 for f in {*seen, *told}
    )


def support_time_up(a: Account) -> bool:
    now = before = 0.0
    for ticket in a.tickets:
        age = (a.d - ticket["day"]).days
        if age < 30:
            now += ticket["minutes"] or 0
        elif age < 60:
            before += ticket["minutes"] or 0
    if before < 60 or round(now / before, 9) < 1.3:
        return False
    changes, by_product = [], defaultdict(list)
    for s in sorted(a.subscriptions, key=lambda s: (s["starts_on"], s["subscription_id"])):
        by_product[a.company.product(s["plan_id"])].append(s)
    for rows in by_product.values():
        changes += [new["starts_on"] for old, new in pairwise(rows) if old["plan_id"] != new["plan_id"]]
    starts = [max(changes)] if changes else [s["starts_on"] for s in a.subscriptions]
    return bool(starts) and (a.d - min(starts)).days >= 59


def out_of_scope_asks(a: Account) -> bool:
    return len({ask["ticket_id"] for ask in a.asked("out_of_scope")}) >= 2


def hard_deadline(a: Account) -> bool:
    return any(ask["deadline_on"] is not None and ask["deadline_on"] > a.d for ask in a.asked("deadline"))


def faster_turnaround(a: Account) -> bool:
    return bool(a.asked("faster"))


def budget_language(a: Account) -> bool:
    return bool(a.asked("budget"))


def renewal_window(a: Account) -> bool:
    if a.plan is None or a.plan["renews_on"] is None:
        return False
    held = [s for s in a.subscriptions if s["ends_on"] is None or s["ends_on"] > a.d]
    return 60 <= (a.plan["renews_on"] - a.d).days <= 90 and not any(s["cancel_on"] for s in held)


def product_page_visits(a: Account) -> bool:
    views, others = _many(a.lately("viewed", 30), "product"), a.other_products()
    seen = any(product in others and len(rows) >= 3 for product, rows in views.items())
    return seen and any(_at_least(a.share(m, 0), 0.5) for m in a.metrics(core=True))


def product_use_case_ask(a: Account) -> bool:
    others = a.other_products()
    return any(ask["product"] in others for ask in a.asked("use_case"))


def fired(path: Path, as_of: date) -> dict[str, set[str]]:
    """By account, the triggers that fire."""
    triggers: dict[str, Callable[[Account], bool]] = {name: globals()[name] for name in worth()}
    found = {}
    for account in _accounts(path, as_of):
        account.prepare()
        found[account.row["account_id"]] = {name for name, fires in triggers.items() if fires(account)}
    return found


def one_date(path: Path, as_of: date, ready_points: int = 9, ready_groups: int = 2) -> int:
    """All triggers and the points as of a day; answers how many accounts reach the bar, holds not looked at."""
    groups = worth()
    ready = 0
    for names in fired(path, as_of).values():
        scored = {groups[name] for name in names}
        ready += sum(points for _, points in scored) >= ready_points and len(scored) >= ready_groups
    return ready


def _accounts(path: Path, as_of: date) -> list[Account]:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as duck:

        def rows(sql: str) -> list[Row]:
            answer = duck.execute(sql)
            names = [column[0] for column in answer.description]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

        features: dict[str, set[str]] = defaultdict(set)
        for row in rows("FROM plan_features"):
            features[row["plan_id"]].add(row["feature"])
        ceilings: dict[str, list[Row]] = defaultdict(list)
        for row in rows("FROM ceilings"):
            ceilings[row["account_id"] or row["plan_id"]].append(row)
        plans = {row["plan_id"]: row for row in rows("FROM plans")}
        company = Company(plans, features, {row["metric"]: row for row in rows("FROM metrics")}, ceilings)
        known = rows(f"FROM accounts WHERE created_on <= DATE '{as_of}'")
        accounts = {row["account_id"]: Account(company, as_of, row) for row in known}
        for table, day in BY_ACCOUNT.items():
            for row in rows(f"FROM {table} WHERE {day} <= DATE '{as_of}'"):
                if row["account_id"] in accounts:
                    getattr(accounts[row["account_id"]], table).append(row)
    return list(accounts.values())
