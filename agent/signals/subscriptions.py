"""What an account pays for, as known at the end of D: plan in force, ceilings, changes, products."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property, reduce
from typing import Any

import ibis

from agent.signals.joins import left_join
from agent.signals.scratch import Script
from agent.signals.source import Source
from agent.signals.spine import Spine

IN_FORCE_ORDER = ("active", "past_due", "trialing", "paused", "canceled")
MAIN = "main"


class Subscriptions:
    """Lazy Ibis relations over subscriptions, plans and ceilings."""

    def __init__(self, source: Source, spine: Spine, scratch: Script) -> None:
        self.source = source
        self.spine = spine
        self.scratch = scratch
        self._plans_on: dict[int, Any] = {}

    @cached_property
    def _periods(self) -> Any:
        """Subscription periods that had begun by D, with their plan's tier and product."""
        t = self.source.tables["subscriptions"]
        plans = self.source.tables["plans"]
        plans = plans.select(
            "plan_id", plan_name=plans.name, tier=plans.tier, product=plans["product"], per_seat=plans.per_seat
        )
        joined = t.left_join(plans, "plan_id")
        p = joined.select(
            *[joined[name] for name in t.columns],
            joined.plan_name,
            joined.tier,
            joined.per_seat,
            joined["product"].fill_null(MAIN).name("product"),
        )
        window = ibis.window(group_by=[p.account_id, p["product"]], order_by=[p.starts_on, p.subscription_id])
        # What went before is known whenever the period itself is.
        p = p.mutate(plan_before=p.plan_id.lag().over(window), seats_before=p.seats.lag().over(window))
        p = self.spine.known(self.scratch.table(p), "starts_on")
        return self.scratch.table(
            p.mutate(start_age=self.spine.age(p, "starts_on"), end_age=self.spine.age(p, "ends_on"))
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
        by = [p[key] for key in self.spine.keys]
        p = p.mutate(place=ibis.row_number().over(group_by=by, order_by=order))
        return self.scratch.table(p.filter(p.place == 0).drop("place"))

    @cached_property
    def plan_now(self) -> Any:
        """The plan in force on D, one row an account."""
        return self.in_force(0)

    @cached_property
    def facts(self) -> Any:
        """Per account: what all its subscriptions say together (past due, to be cancelled, changed, ended)."""
        p = self._periods
        changed = p.plan_before.notnull() & (p.plan_before != p.plan_id)
        open_now = p.end_age.isnull() | (p.end_age < 0)
        return self.scratch.table(
            p.group_by(*self.spine.keys).aggregate(
                any_past_due=(open_now & (p.status == "past_due")).any(),
                cancel_on=p.cancel_on.min(where=open_now),
                last_end_age=p.end_age.min(where=~open_now),
                plan_change_age=p.start_age.min(where=changed),
                plan_days=ibis.coalesce(p.start_age.min(where=changed), p.start_age.max()),
                seats_bought_age=p.start_age.min(where=p.seats > p.seats_before),
            )
        )

    @cached_property
    def products_held(self) -> Any:
        """(account, product) pairs an account pays for on D."""
        p = self._periods
        held = p.filter(p.end_age.isnull() | (p.end_age < 0)).select(*self.spine.keys, held=p["product"])
        return self.scratch.table(held.distinct())

    def ceilings(self, weeks: Iterable[int]) -> Any:
        """(account, metric): the ceiling on the last day of each week; an account's own wins over its plan's."""
        weeks = sorted(weeks)
        rows = reduce(lambda left, right: left.union(right), [self._ceilings_on(week) for week in weeks])
        rows = self.scratch.table(rows)
        return self.scratch.table(
            rows.group_by(*self.spine.keys, "metric").aggregate(
                **{f"ceiling_{week}": rows.ceiling.max(where=rows.week == week) for week in weeks}
            )
        )

    def _ceilings_on(self, week: int) -> Any:
        keys = self.spine.keys
        t = self.source.tables["ceilings"]
        t = t.select("account_id", "plan_id", "metric", "ceiling", "from_on", "to_on")
        plan = self.in_force(7 * week).select(*keys, "plan_id")
        p = t.filter(t.plan_id.notnull()).drop("account_id")
        p = plan.inner_join(p, "plan_id").mutate(own=ibis.literal(0))
        own = self.spine.every(t.filter(t.account_id.notnull()).drop("plan_id")).mutate(own=ibis.literal(1))
        columns = [*keys, "metric", "ceiling", "from_on", "to_on", "own"]
        both = p.select(*columns).union(own.select(*columns))
        day = self.spine.on(both) - ibis.interval(days=7 * week)
        both = both.filter((both.from_on.isnull() | (both.from_on <= day)) & (both.to_on.isnull() | (both.to_on > day)))
        order = [ibis.desc(both.own), ibis.desc(both.from_on.fill_null(date(1, 1, 1))), both.ceiling]
        by = [both[key] for key in (*keys, "metric")]
        both = both.mutate(place=ibis.row_number().over(group_by=by, order_by=order))
        # A ceiling of 0 means that the plan does not include the metric: there is no share of nothing.
        return both.filter(both.place == 0).select(
            *keys, "metric", week=ibis.literal(week), ceiling=both.ceiling.nullif(0.0)
        )

    def with_plan(self, t: Any) -> Any:
        """`t`, which has an account and a day, with `plan_now` and `own_product`."""
        s = self.plan_now.select(*self.spine.keys, plan_now="plan_id", own_product="product")
        return left_join(t, s, list(self.spine.keys))
