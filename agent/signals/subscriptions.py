"""What an account pays for, as known at the end of D: plan in force, ceilings, changes, products."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Any

import ibis

from agent.signals.joins import left_join
from agent.signals.scratch import Script
from agent.signals.source import Source
from agent.signals.spine import Spine

IN_FORCE_ORDER = ("active", "past_due", "trialing", "paused", "canceled")
MAIN = "main"
COLUMNS = (
    "subscription_id", "account_id", "plan_id", "seats", "mrr_minor", "currency", "starts_on", "ends_on", "status", "term",
    "renews_on", "cancel_on", "discount_pct",
)  # fmt: skip
"What rules read of a subscription."


def _in_force(p: Any, days_ago: int) -> Any:
    """Whether a period was in force on D - days_ago."""
    return (p.start_age >= days_ago) & (p.end_age.isnull() | (p.end_age < days_ago))


class Subscriptions:
    """Lazy Ibis relations over subscriptions, plans and ceilings."""

    def __init__(self, source: Source, spine: Spine, scratch: Script) -> None:
        self.source = source
        self.spine = spine
        self.scratch = scratch
        self._plans_at: dict[tuple[int, ...], Any] = {}

    @cached_property
    def _periods(self) -> Any:
        """Subscription periods that had begun by D, with what went before, and their rank in the account.

        Of several in force on a day, the one of the lowest rank counts as the account's plan.
        """
        t = self.source.tables["subscriptions"].select(*COLUMNS)
        plans = self.source.tables["plans"]
        plans = plans.select("plan_id", tier=plans.tier, product=plans["product"])
        joined = t.left_join(plans, "plan_id")
        p = joined.select(*COLUMNS, joined.tier, joined["product"].fill_null(MAIN).name("product"))
        window = ibis.window(group_by=[p.account_id, p["product"]], order_by=[p.starts_on, p.subscription_id])
        # What went before is known whenever the period itself is.
        p = p.mutate(plan_before=p.plan_id.lag().over(window), seats_before=p.seats.lag().over(window))
        p = self.spine.known(self.scratch.table(p) if "as_of" in self.spine.keys else p, "starts_on")
        # The main product's goes first, then by status (active first), highest tier, newest start.
        status = ibis.cases(
            *[(p.status == status, place) for place, status in enumerate(IN_FORCE_ORDER)], else_=9
        )
        order = [
            ibis.desc(p["product"] == MAIN), status, ibis.desc(p.tier.fill_null(0)), ibis.desc(p.starts_on), p.subscription_id,
        ]  # fmt: skip
        by = [p[key] for key in self.spine.keys]
        return self.scratch.table(
            p.mutate(
                start_age=self.spine.age(p, "starts_on"),
                end_age=self.spine.age(p, "ends_on"),
                rank=ibis.row_number().over(group_by=by, order_by=order),
            )
        )

    @cached_property
    def plan_now(self) -> Any:
        """The plan in force on D, one row an account."""
        p = self.scratch.view(self._periods.filter(_in_force(self._periods, 0)))
        best = p.group_by(*self.spine.keys).aggregate(rank=p["rank"].min())
        return self.scratch.table(p.semi_join(best, [*self.spine.keys, "rank"]))

    def plans_at(self, weeks: Iterable[int]) -> Any:
        """For each account with a plan: the plan in force and its seats at the end of each week, as plan_N and seats_N."""
        wanted = tuple(sorted(weeks))
        if wanted not in self._plans_at:
            p = self._periods
            # No seats must not give way to another period's.
            p = p.mutate(known_seats=p.seats.fill_null(0))
            columns = {}
            for week in wanted:
                there = _in_force(p, 7 * week)
                columns[f"plan_{week}"] = p.plan_id.argmin(p["rank"], where=there)
                columns[f"seats_{week}"] = p.known_seats.argmin(p["rank"], where=there)
            self._plans_at[wanted] = self.scratch.table(p.group_by(*self.spine.keys).aggregate(**columns))
        return self._plans_at[wanted]

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

    def with_ceilings(self, t: Any, names: dict[int, str]) -> Any:
        """`t`, which has accounts and metrics (`key`), with the ceiling on the last day of each week, by its column name.

        An account's own ceiling wins over its plan's. A ceiling of 0 means that the plan does not include the metric:
        there is no share of nothing.
        """
        keys = list(self.spine.keys)
        t = left_join(t, self.plans_at(names), keys)
        for week, name in names.items():
            t = t.mutate(plan_id=t[f"plan_{week}"])
            t = left_join(t, self._on(week, "plan_id", "by_plan"), [*self._days, "plan_id", "key"])
            t = left_join(t, self._on(week, "account_id", "own"), [*self._days, "account_id", "key"])
            ceiling = ibis.ifelse(t.own_is_there.notnull(), t.own, t.by_plan).nullif(0.0)
            t = t.mutate(**{name: ceiling}).drop(
                "plan_id", "own", "by_plan", "own_is_there", "by_plan_is_there"
            )
        return t

    @property
    def _days(self) -> list[str]:
        return [key for key in self.spine.keys if key != "account_id"]

    def _on(self, week: int, owner: str, name: str) -> Any:
        """(owner, metric): the ceiling on the last day of the week; of several the newest, of those the lowest."""
        t = self.source.tables["ceilings"]
        t = self.spine.every(
            t.filter(t[owner].notnull()).select(owner, "metric", "ceiling", "from_on", "to_on")
        )
        day = self.spine.on(t) - ibis.interval(days=7 * week)
        t = t.filter((t.from_on.isnull() | (t.from_on <= day)) & (t.to_on.isnull() | (t.to_on > day)))
        order = [ibis.desc(t.from_on.fill_null(date(1, 1, 1))), t.ceiling.isnull(), t.ceiling]
        by = [t[key] for key in (*self._days, owner, "metric")]
        t = t.mutate(place=ibis.row_number().over(group_by=by, order_by=order))
        t = t.filter(t.place == 0)
        return self.scratch.table(
            t.select(
                *self._days, owner, key=t.metric, **{name: t.ceiling, f"{name}_is_there": ibis.literal(1)}
            )
        )

    def with_plan(self, t: Any) -> Any:
        """`t`, which has an account and a day, with `plan_now` and `own_product`."""
        s = self.plan_now.select(*self.spine.keys, plan_now="plan_id", own_product="product")
        return left_join(t, s, list(self.spine.keys))
