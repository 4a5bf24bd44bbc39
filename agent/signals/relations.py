"""The fact tables as known at the end of day D, with the few derived columns that triggers select on.

Every relation carries `account_id` and, where it is dated, `age`: whole days from the row's day to D, never negative.
Nothing dated after D is read; an end that lies after D is not known yet and counts as open (rule book §1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, reduce
from typing import Any

import ibis

from agent.foundation.memo import Memo
from agent.signals.catalogue import PlanBook
from agent.signals.scratch import Script

IN_FORCE_ORDER = ("active", "past_due", "trialing", "paused", "canceled")
WEEKS = (0, 1, 2)
MAIN = "main"
ASKS, FLAGS = "given_asks", "given_flags"
"Tables that a run brings along: what the tickets ask for, and what the plans say about features."
ASK_SCHEMA = {
    "ticket_id": "string", "account_id": "string", "opened_on": "date", "ticket_class": "string", "feature": "string",
    "product": "string", "deadline_on": "date",
}  # fmt: skip
NOT_USAGE = {"health_score", "nps", "headcount"}
"Measures that say something about the account and are no use of the product (rule book §2)."


@dataclass(frozen=True)
class Source:
    """Where the rows come from: Ibis tables by canonical name, the asks of the tickets, the plans."""

    con: Any
    tables: dict[str, Any]
    asks: tuple[dict[str, Any], ...]
    book: PlanBook
    memo: Memo = field(default_factory=Memo, compare=False)


def kept(make: Callable[[Relations], Any]) -> cached_property[Any]:
    """A relation computed once into a scratch table."""

    def once(self: Relations) -> Any:
        return self.scratch.table(make(self))

    once.__doc__ = make.__doc__
    return cached_property(once)


def seen(make: Callable[[Relations], Any]) -> cached_property[Any]:
    """A relation that later queries see as a scratch view."""

    def once(self: Relations) -> Any:
        return self.scratch.view(make(self))

    once.__doc__ = make.__doc__
    return cached_property(once)


class Relations:
    """Lazy Ibis relations for one as-of date.

    Each is made once: small ones into a scratch table, large ones as a scratch view, so that what is built on
    them stays short for the compiler, and nothing is computed twice.
    """

    def __init__(self, source: Source, as_of: date, scratch: Script) -> None:
        self.source = source
        self.as_of = as_of
        self.scratch = scratch
        self.today = ibis.literal(as_of, type="date")
        self._plans_on: dict[int, Any] = {}

    @kept
    def base(self) -> Any:
        """The account grain's attributes."""
        from agent.signals.profile import account_base

        return account_base(self)

    def _days_to_today(self, day: Any) -> Any:
        return self.today.delta(day, unit="day").cast("int64")

    @seen
    def accounts(self) -> Any:
        """Accounts that existed on D, with their age in days."""
        t = self.source.tables["accounts"]
        t = t.filter(t.created_on <= self.today)
        return t.mutate(age_days=self._days_to_today(t.created_on))

    @cached_property
    def _plans(self) -> Any:
        t = self.source.tables["plans"]
        return t.select("plan_id", plan_name=t.name, tier=t.tier, product=t["product"], per_seat=t.per_seat)

    @kept
    def _periods(self) -> Any:
        """Subscription periods that had begun by D, with their plan's tier and product."""
        t = self.source.tables["subscriptions"]
        t = t.filter(t.starts_on <= self.today)
        joined = t.left_join(self._plans, "plan_id")
        periods = joined.select(
            *[joined[name] for name in t.columns],
            joined.plan_name,
            joined.tier,
            joined.per_seat,
            joined["product"].fill_null(MAIN).name("product"),
        )
        return periods.mutate(
            start_age=self._days_to_today(periods.starts_on), end_age=self._days_to_today(periods.ends_on)
        )

    def in_force(self, days_ago: int) -> Any:
        """The subscription that counts as the account's plan on D - days_ago, one row an account."""
        if days_ago not in self._plans_on:
            self._plans_on[days_ago] = self._in_force(days_ago)
        return self._plans_on[days_ago]

    def _in_force(self, days_ago: int) -> Any:
        # Of several, the main product's goes first, then by status (active first), highest tier, newest start.
        p = self._periods
        p = p.filter((p.start_age >= days_ago) & (p.end_age.isnull() | (p.end_age < days_ago)))
        rank = ibis.cases(
            *[(p.status == status, place) for place, status in enumerate(IN_FORCE_ORDER)], else_=9
        )
        order = [
            ibis.desc(p["product"] == MAIN), rank, ibis.desc(p.tier.fill_null(0)), ibis.desc(p.starts_on), p.subscription_id,
        ]  # fmt: skip
        p = p.mutate(place=ibis.row_number().over(group_by=p.account_id, order_by=order))
        return self.scratch.table(p.filter(p.place == 0).drop("place"))

    @cached_property
    def plan_now(self) -> Any:
        """The plan in force on D, one row an account."""
        return self.in_force(0)

    @kept
    def subscription_facts(self) -> Any:
        """Per account: what all its subscriptions say together (past due, to be cancelled, changed, ended)."""
        p = self._periods
        window = ibis.window(group_by=[p.account_id, p["product"]], order_by=[p.starts_on, p.subscription_id])
        p = p.mutate(plan_before=p.plan_id.lag().over(window), seats_before=p.seats.lag().over(window))
        changed = p.plan_before.notnull() & (p.plan_before != p.plan_id)
        open_now = p.end_age.isnull() | (p.end_age < 0)
        return p.group_by("account_id").aggregate(
            any_past_due=(open_now & (p.status == "past_due")).any(),
            cancel_on=p.cancel_on.min(where=open_now),
            last_end_age=p.end_age.min(where=~open_now),
            plan_change_age=p.start_age.min(where=changed),
            plan_days=ibis.coalesce(p.start_age.min(where=changed), p.start_age.max()),
            seats_bought_age=p.start_age.min(where=p.seats > p.seats_before),
        )

    @kept
    def products_held(self) -> Any:
        """(account, product) pairs an account pays for on D."""
        p = self._periods
        return p.filter(p.end_age.isnull() | (p.end_age < 0)).select("account_id", "product").distinct()

    @kept
    def teams(self) -> Any:
        """How many different teams of an account have used the product or have members now."""
        used = self._events.filter(lambda t: (t.kind == "used") & t.team.notnull()).select(
            "account_id", "team"
        )
        m = self.source.tables["members"]
        m = m.filter(
            (m.joined_on <= self.today) & (m.left_on.isnull() | (m.left_on > self.today)) & m.team.notnull()
        )
        both = used.distinct().union(m.select("account_id", "team"))
        return both.group_by("account_id").aggregate(teams=both.team.nunique())

    @property
    def _flags(self) -> Any:
        """(plan in force, feature): whether the plan has it, or a higher sold plan of the same product does."""
        return self.scratch.given(FLAGS, PlanBook.FLAG_SCHEMA)

    def _with_flags(self, t: Any, columns: list[str]) -> Any:
        """`t` with created_on, in_plan, higher and other_product."""
        a = self.accounts.select("account_id", "created_on")
        s = self.plan_now.select(payer="account_id", plan_now="plan_id", own_product="product")
        held = self.products_held.select(holder="account_id", held="product")
        sold = self.source.book.sold_products()
        t = t.inner_join(a, "account_id").select(*columns, "created_on")
        t = t.left_join(s, [("account_id", "payer")]).select(*t.columns, "plan_now", "own_product")
        t = t.left_join(self._flags, [("plan_now", "plan_id"), ("feature", "flagged")]).select(
            *t.columns, "in_plan", "higher"
        )
        t = t.left_join(held, [("account_id", "holder"), ("product", "held")]).select(*t.columns, "held")
        other = t["product"].isin(sold) & (t["product"] != t.own_product.fill_null(MAIN)) & t.held.isnull()
        return t.select(
            *[t[c] for c in columns],
            created_on=t.created_on,
            in_plan=t.in_plan.fill_null(False),
            higher=t.higher.fill_null(False),
            other_product=other.fill_null(False) if sold else ibis.literal(False),
        )

    @seen
    def members(self) -> Any:
        """People who had joined by D: their role, whether still there, whether they only came back, last use."""
        t = self.source.tables["members"]
        t = t.filter(t.joined_on <= self.today)
        t = t.mutate(age=self._days_to_today(t.joined_on), left_age=self._days_to_today(t.left_on))
        t = t.mutate(
            present=t.left_age.isnull() | (t.left_age < 0),
            member=t.role == "member",
        )
        window = ibis.window(group_by=[t.account_id, t.user_id], order_by=[t.joined_on], preceding=(None, 1))
        t = t.mutate(
            left_before=t.left_on.max(where=t.member).over(window),
            open_before=(t.left_on.isnull() & t.member).cast("int64").max().over(window),
        )
        # Someone who was a member on any of the 30 days before joining has not been added.
        t = t.mutate(
            rejoined=(
                (t.open_before == 1) | (t.left_before > t.joined_on - ibis.interval(days=30))
            ).fill_null(False)
        )
        used = self._used
        last = used.group_by("account_id", "user_id").aggregate(used_age=used.age.min())
        joined = t.left_join(last, ["account_id", "user_id"])
        return joined.select(
            "account_id", "user_id", "team", "age", "left_age", "present", "member", "rejoined", "used_age",
            guest=~joined.member,
        )  # fmt: skip

    @seen
    def _events(self) -> Any:
        t = self.source.tables["events"]
        t = t.mutate(day=t["at"].date())
        t = t.filter(t.day <= self.today)
        return t.mutate(age=self._days_to_today(t.day))

    @cached_property
    def _used(self) -> Any:
        t = self._events
        return t.filter((t.kind == "used") & t.user_id.notnull())

    @seen
    def events(self) -> Any:
        """What happened by D, each with its age, the plan's view of its feature, and whether a guest did it."""
        columns = ["account_id", "user_id", "day", "age", "kind", "feature", "team", "product"]
        t = self._with_flags(self._events, columns)
        t = t.mutate(since_start=t.day.delta(t.created_on, unit="day").cast("int64"))
        m = self.source.tables["members"]
        m = m.filter(m.joined_on <= self.today)
        roles = m.group_by("account_id", "user_id").aggregate(
            ever_member=(m.role == "member").any(), ever_guest=(m.role == "guest").any()
        )
        joined = t.left_join(roles, ["account_id", "user_id"])
        by_guest = (joined.ever_guest & ~joined.ever_member).fill_null(False)
        return joined.select(*[joined[name] for name in t.columns], by_guest=by_guest)

    @seen
    def tickets(self) -> Any:
        """Tickets opened by D; one closed after D is open."""
        t = self.source.tables["tickets"]
        t = t.mutate(day=t.opened_at.date())
        t = t.filter(t.day <= self.today)
        t = t.mutate(age=self._days_to_today(t.day))
        # Newest first; of two tickets of one moment, the unhappier one.
        order = -t.opened_at.epoch_seconds().cast("float64") * 4 + t.sentiment.fill_null(0.0)
        still = t.closed_at.isnull() | (t.closed_at.date() > self.today)
        return t.select(
            "account_id",
            "ticket_id",
            "day",
            "age",
            "minutes",
            "sentiment",
            "priority",
            open=still,
            order=order,
        )

    @kept
    def asks(self) -> Any:
        """What the tickets opened by D ask for, one row per ticket and class."""
        t = self.scratch.given(ASKS, ASK_SCHEMA)
        t = t.mutate(day=t.opened_on)
        t = t.filter(t.day <= self.today)
        t = t.mutate(
            age=self._days_to_today(t.day),
            days_ahead=t.deadline_on.delta(self.today, unit="day").cast("int64"),
        )
        columns = [
            "account_id",
            "ticket_id",
            "day",
            "age",
            "ticket_class",
            "feature",
            "product",
            "days_ahead",
        ]
        return self._with_flags(t, columns)

    @kept
    def metrics(self) -> Any:
        """What the metrics mean, with a flow's period in days."""
        t = self.source.tables["metrics"]
        days = ibis.cases((t.per == "day", 1), (t.per == "week", 7), else_=30)
        return t.select("metric", "kind", core=t.core.cast("int64"), period=days.cast("int64"))

    @seen
    def measures(self) -> Any:
        """Every measure by D, with the account's start."""
        t = self.source.tables["measures"]
        t = t.filter(t.day <= self.today)
        t = t.mutate(age=self._days_to_today(t.day))
        a = self.accounts.select("account_id", "created_on")
        t = t.inner_join(a, "account_id")
        usage = sorted({metric.metric for metric in self.source.book.metrics} - NOT_USAGE)
        return t.mutate(
            since_start=t.day.delta(t.created_on, unit="day").cast("int64"),
            order=t.age,
            usage=t.metric.isin(usage) if usage else ibis.literal(False),
        )

    @seen
    def invoices(self) -> Any:
        """Invoices issued by D; one paid after D was still open on D."""
        t = self.source.tables["invoices"]
        t = t.filter(t.issued_on <= self.today)
        paid = (t.status == "paid") & t.paid_on.notnull() & (t.paid_on > self.today)
        return t.select(
            "account_id", "invoice_id", day=t.issued_on, age=self._days_to_today(t.issued_on),
            overdue=self._days_to_today(t.due_on), open=(t.status == "open") | paid,
        )  # fmt: skip

    @kept
    def ceilings(self) -> Any:
        """(account, metric): the ceiling on the last day of weeks 0, 1 and 2; an account's own wins over its plan's."""
        rows = reduce(lambda left, right: left.union(right), [self._ceilings_on(week) for week in WEEKS])
        return rows.group_by("account_id", "metric").aggregate(
            **{f"ceiling_{week}": rows.ceiling.max(where=rows.week == week) for week in WEEKS}
        )

    def _ceilings_on(self, week: int) -> Any:
        ago = 7 * week
        day = self.today - ibis.interval(days=ago)
        t = self.source.tables["ceilings"]
        t = t.filter((t.from_on.isnull() | (t.from_on <= day)) & (t.to_on.isnull() | (t.to_on > day)))
        plan = self.in_force(ago).select("account_id", "plan_id")
        p = t.filter(t.plan_id.notnull()).select("plan_id", "metric", "ceiling", "from_on")
        by_plan = plan.inner_join(p, "plan_id").select(
            "account_id", "metric", "ceiling", "from_on", own=ibis.literal(0)
        )
        own = t.filter(t.account_id.notnull()).select(
            "account_id", "metric", "ceiling", "from_on", own=ibis.literal(1)
        )
        both = by_plan.union(own)
        order = [ibis.desc(both.own), ibis.desc(both.from_on.fill_null(date(1, 1, 1))), both.ceiling]
        both = both.mutate(
            place=ibis.row_number().over(group_by=[both.account_id, both.metric], order_by=order)
        )
        # A ceiling of 0 means that the plan does not include the metric: there is no share of nothing.
        return both.filter(both.place == 0).select(
            "account_id", "metric", week=ibis.literal(week), ceiling=both.ceiling.nullif(0.0)
        )
