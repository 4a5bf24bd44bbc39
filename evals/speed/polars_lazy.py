"""All triggers in polars: lazy frames over Parquet, one plan, one collect on the streaming engine."""

# ruff: noqa: D102 - what a trigger means stands in the rule book.

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from evals.speed.queries import worth

TABLES = (
    "accounts", "plans", "ceilings", "plan_features", "subscriptions", "members", "measures", "metrics", "events", "tickets",
    "asks",
)  # fmt: skip
STATUS = {"active": 0, "past_due": 1, "trialing": 2, "paused": 3, "canceled": 4}
PERIOD = {"day": 1, "week": 7, "month": 30}
c = pl.col


def export(path: Path, folder: Path) -> None:
    """The tables of a world as Parquet files, in the order in which they lie there."""
    import duckdb

    folder.mkdir(exist_ok=True)
    with duckdb.connect(str(path), read_only=True) as duck:
        for table in TABLES:
            duck.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")


def one_date(folder: Path, as_of: date, ready_points: int = 9, ready_groups: int = 2) -> int:
    """All triggers and the points as of a day; answers how many accounts reach the bar, holds not looked at."""
    groups = pl.LazyFrame(
        [(name, group, points) for name, (group, points) in worth().items()],
        schema=["trigger", "grp", "points"],
        orient="row",
    )
    scored = (
        fired(folder, as_of)
        .join(groups, on="trigger")
        .unique(["account_id", "grp"])
        .group_by("account_id")
        .agg(c("points").sum(), groups=pl.len())
        .filter((c("points") >= ready_points) & (c("groups") >= ready_groups))
        .select(pl.len())
    )
    return int(scored.collect(engine="streaming").item())


def fired(folder: Path, as_of: date) -> pl.LazyFrame:
    """(trigger, account_id) of everything that fires."""
    triggers = Triggers({name: pl.scan_parquet(folder / f"{name}.parquet") for name in TABLES}, as_of)
    names = list(worth())
    return pl.concat([_named(name, getattr(triggers, name)) for name in names])


def _named(name: str, trigger: Callable[[], pl.LazyFrame]) -> pl.LazyFrame:
    return trigger().select(trigger=pl.lit(name), account_id="account_id")


def _div(a: Any, b: Any) -> pl.Expr:
    """a over b to nine decimals; unknown where b is 0."""
    return (a / pl.when(b != 0).then(b)).round(9)


def _users(where: pl.Expr) -> pl.Expr:
    return c("user_id").filter(where).drop_nulls().n_unique()


class Triggers:
    """The triggers as of a day, each a lazy frame with the account ids on which it fires."""

    def __init__(self, tables: dict[str, pl.LazyFrame], as_of: date) -> None:
        self.t = tables
        self.d = as_of

    def ago(self, days: int) -> date:
        """The day so many days before D."""
        return self.d - timedelta(days=days)

    # What several triggers start from.

    @cached_property
    def events(self) -> pl.LazyFrame:
        """Events by D, with their day."""
        return self.t["events"].with_columns(day=c("at").dt.date()).filter(c("day") <= self.d)

    def lately(self, kind: str, days: int) -> pl.LazyFrame:
        """Events of a kind in the last so many days."""
        return self.events.filter((c("kind") == kind) & (c("day") > self.ago(days)))

    def asked(self, ticket_class: str) -> pl.LazyFrame:
        """Asks of a class in the last 30 days."""
        opened = c("opened_on")
        return self.t["asks"].filter(
            (c("ticket_class") == ticket_class) & (opened <= self.d) & (opened > self.ago(30))
        )

    @cached_property
    def members(self) -> pl.LazyFrame:
        """People who had joined by D."""
        return self.t["members"].filter(c("joined_on") <= self.d)

    @cached_property
    def present(self) -> pl.LazyFrame:
        """People who had joined and not left by D."""
        return self.members.filter(c("left_on").is_null() | (c("left_on") > self.d))

    @cached_property
    def periods(self) -> pl.LazyFrame:
        """Subscription periods that had begun by D, with their product and tier."""
        plans = self.t["plans"].select("plan_id", "tier", "product")
        joined = (
            self.t["subscriptions"].filter(c("starts_on") <= self.d).join(plans, on="plan_id", how="left")
        )
        return joined.with_columns(c("product").fill_null("main"), c("tier").fill_null(0))

    def plan_on(self, days: int) -> pl.LazyFrame:
        """The subscription in force so many days before D, one row an account."""
        day = self.ago(days)
        p = self.periods.filter(
            (c("starts_on") <= day) & (c("ends_on").is_null() | (c("ends_on") > day))
        ).with_columns(
            place=c("status").replace_strict(STATUS, default=9, return_dtype=pl.Int64),
            other=c("product") != "main",
        )
        p = p.sort(
            ["account_id", "other", "place", "tier", "starts_on", "subscription_id"],
            descending=[False, False, False, True, True, False],
        )
        return p.unique("account_id", keep="first", maintain_order=True).select(
            "account_id", "plan_id", "product", "seats", "renews_on"
        )

    @cached_property
    def plan(self) -> pl.LazyFrame:
        """The plan in force on D."""
        return self.plan_on(0)

    def ceiling_on(self, days: int) -> pl.LazyFrame:
        """(account_id, metric, ceiling) so many days before D; an account's own wins."""
        day = self.ago(days)
        t = self.t["ceilings"].filter(
            (c("from_on").is_null() | (c("from_on") <= day)) & (c("to_on").is_null() | (c("to_on") > day))
        )
        by_plan = self.plan_on(days).select("account_id", "plan_id")
        by_plan = by_plan.join(t.filter(c("plan_id").is_not_null()).drop("account_id"), on="plan_id")
        columns = ["account_id", "metric", "ceiling", "from_on"]
        both = pl.concat(
            [
                by_plan.select(*columns, own=pl.lit(0)),
                t.filter(c("account_id").is_not_null()).select(*columns, own=pl.lit(1)),
            ]
        )
        both = both.sort(["own", "from_on", "ceiling"], descending=[True, True, False], nulls_last=True)
        chosen = both.unique(["account_id", "metric"], keep="first", maintain_order=True)
        return chosen.filter(c("ceiling") > 0).select(
            "account_id", "metric", c("ceiling").alias(f"ceiling_{days}")
        )

    @cached_property
    def metrics(self) -> pl.LazyFrame:
        """What the metrics mean."""
        period = c("per").replace_strict(PERIOD, default=30, return_dtype=pl.Int64)
        return self.t["metrics"].select("metric", "kind", "core", period=period)

    @cached_property
    def shares(self) -> pl.LazyFrame:
        """(account_id, metric, core): utilisation at the end of weeks 0, 1 and 2."""
        m = self.t["measures"].filter((c("day") <= self.d) & (c("day") > self.ago(44)))
        m = m.join(self.metrics, on="metric").with_columns(age=(pl.lit(self.d) - c("day")).dt.total_days())
        # Flows and gauges apart: a `when` over both aggregates is four times slower.
        keys = ("account_id", "metric", "core")
        weeks = {f"r{week}": week for week in (0, 7, 14)}
        sums = [
            pl.when((c("age") >= week) & (c("age") < week + c("period"))).then(c("value")).sum().alias(name)
            for name, week in weeks.items()
        ]
        in_week = {name: c("age").is_between(week, week + 6) for name, week in weeks.items()}
        newest = [
            c("value").filter(where).max_by(c("day").filter(where)).alias(name)
            for name, where in in_week.items()
        ]
        flows = m.filter(c("kind") == "flow").group_by(*keys).agg(*sums)
        gauges = m.filter((c("kind") == "gauge") & (c("age") < 21)).group_by(*keys).agg(*newest)
        r = pl.concat([flows, gauges])
        for week in (0, 7, 14):
            r = r.join(self.ceiling_on(week), on=["account_id", "metric"], how="left")
        return r.select(
            "account_id",
            "metric",
            "core",
            *[_div(c(f"r{w}"), c(f"ceiling_{w}")).alias(f"s{w}") for w in (0, 7, 14)],
        )

    @cached_property
    def higher(self) -> pl.LazyFrame:
        """(plan_id, feature) that a higher sold plan has and the plan has not."""
        plans, features = self.t["plans"], self.t["plan_features"]
        above = plans.filter(c("sold")).select("product", above="plan_id", tier_above="tier")
        pairs = plans.join(above, on="product").filter(c("tier_above") > c("tier"))
        more = (
            pairs.join(features.rename({"plan_id": "above"}), on="above")
            .select("plan_id", "feature")
            .unique()
        )
        return more.join(features, on=["plan_id", "feature"], how="anti")

    def of_higher(self, t: pl.LazyFrame) -> pl.LazyFrame:
        """Only rows about a feature of a higher plan."""
        plan = self.plan.select("account_id", "plan_id")
        return t.join(plan, on="account_id").join(self.higher, on=["plan_id", "feature"])

    @cached_property
    def others(self) -> pl.LazyFrame:
        """(account_id, product) of products sold that the account does not have."""
        sold = self.t["plans"].filter(c("sold")).select("product").unique()
        pairs = (
            self.plan.select("account_id", own="product")
            .join(sold, how="cross")
            .filter(c("product") != c("own"))
        )
        held = self.periods.filter(c("ends_on").is_null() | (c("ends_on") > self.d)).select(
            "account_id", "product"
        )
        return pairs.join(held, on=["account_id", "product"], how="anti").select("account_id", "product")

    def aged(self, days: int) -> pl.LazyFrame:
        """Accounts at least so many days old."""
        return self.t["accounts"].filter(c("created_on") <= self.ago(days)).select("account_id", "created_on")

    # The triggers.

    def plan_limit_pressure(self) -> pl.LazyFrame:
        high = (c("s0") >= 0.8) & (c("s7") >= 0.8) & (c("s14") >= 0.8)
        return self.shares.filter(c("core") & high).select("account_id").unique()

    def near_ceiling(self) -> pl.LazyFrame:
        now = c("left_on").is_null() | (c("left_on") > self.d)
        week = (c("joined_on") <= self.ago(7)) & (c("left_on").is_null() | (c("left_on") > self.ago(7)))
        seats = (
            self.members.filter(c("role") == "member")
            .group_by("account_id")
            .agg(r0=_users(now), r7=_users(week))
        )
        for days in (0, 7):
            plan = self.plan_on(days).select("account_id", c("seats").alias(f"seats_{days}"))
            seats = seats.join(plan, on="account_id")
        seats = seats.select("account_id", s0=_div(c("r0"), c("seats_0")), s7=_div(c("r7"), c("seats_7")))
        both = pl.concat([self.shares.select("account_id", "s0", "s7"), seats])
        return both.filter((c("s0") > 0.9) & (c("s7") >= 0.8)).select("account_id").unique()

    def limit_hits(self) -> pl.LazyFrame:
        hits = self.lately("limit_hit", 14).group_by("account_id").agg(n=pl.len(), days=c("day").n_unique())
        return hits.filter((c("n") >= 3) & (c("days") >= 2))

    def feature_utilisation(self) -> pl.LazyFrame:
        used = self.lately("used", 30).select("account_id", "feature").unique()
        used = used.join(self.plan.select("account_id", "plan_id"), on="account_id")
        used = used.join(self.t["plan_features"], on=["plan_id", "feature"])
        sizes = self.t["plan_features"].group_by("plan_id").agg(included=c("feature").n_unique())
        n = used.group_by("account_id", "plan_id").agg(n=pl.len()).join(sizes, on="plan_id")
        return n.filter((_div(c("n"), c("included")) > 0.9) & (c("included") >= 4))

    def usage_doubled_since_start(self) -> pl.LazyFrame:
        m = self.t["measures"].filter(c("day") <= self.d).join(self.metrics.filter(c("core")), on="metric")
        m = m.join(self.aged(90), on="account_id")
        m = m.with_columns(start_age=(c("day") - c("created_on")).dt.total_days())
        windows = {"now": c("day") > self.ago(28), "start": c("start_age").is_between(1, 28)}
        m = m.filter(windows["now"] | (c("start_age") <= 28))
        levels = []
        for kind in ("flow", "gauge"):
            parts = {name: c("value").filter(where) for name, where in windows.items()}
            values = [
                (part.sum() if kind == "flow" else part.mean()).round(9).alias(name)
                for name, part in parts.items()
            ]
            of_kind = m.filter(c("kind") == kind).group_by("account_id", "metric")
            levels.append(of_kind.agg(*values, first=c("start_age").min()))
        doubled = (c("first") <= 7) & (c("start") >= 10) & (_div(c("now"), c("start")) >= 2)
        return pl.concat(levels).filter(doubled).select("account_id").unique()

    def wau_doubled(self) -> pl.LazyFrame:
        weeks = [(c("day") <= self.ago(7 * k)) & (c("day") > self.ago(7 * k + 7)) for k in range(5)]
        people = (
            self.events.filter(c("kind") == "used")
            .group_by("account_id", "user_id")
            .agg(*[week.any().alias(f"w{k}") for k, week in enumerate(weeks)], first=c("day").min())
        )
        known = c("user_id").is_not_null()
        weekly = people.group_by("account_id").agg(
            *[(c(f"w{k}") & known).sum().alias(f"n{k}") for k in range(5)], first=c("first").min()
        )
        mean = (c("n1") + c("n2") + c("n3") + c("n4")) / 4
        fires = (mean >= 3) & (_div(c("n0"), mean) >= 2) & (c("first") <= self.ago(28))
        return weekly.filter(fires).join(self.aged(34), on="account_id", how="semi")

    def headcount_growth(self) -> pl.LazyFrame:
        m = self.t["measures"].filter(
            (c("metric") == "headcount") & (c("day") <= self.d) & (c("day") > self.ago(180))
        )
        ends = m.group_by("account_id").agg(
            new=c("value").max_by("day"), old=c("value").min_by("day"), n=c("day").n_unique()
        )
        return ends.filter((c("n") >= 2) & (_div(c("new") - c("old"), c("old")) >= 0.2))

    def beyond_first_use(self) -> pl.LazyFrame:
        used = self.events.filter((c("kind") == "used") & c("feature").is_not_null())
        used = used.join(self.aged(90), on="account_id")
        age = (c("day") - c("created_on")).dt.total_days()
        counts = used.group_by("account_id", "feature").agg(
            now=(c("day") > self.ago(30)).sum(), start=age.is_between(0, 29).sum()
        )
        new = counts.filter((c("now") >= 5) & (c("start") == 0)).group_by("account_id").agg(n=pl.len())
        return new.filter(c("n") >= 2)

    def seats_added(self) -> pl.LazyFrame:
        members = self.members.filter(c("role") == "member")
        new = self.present.filter((c("role") == "member") & (c("joined_on") > self.ago(14)))
        before = members.select("account_id", "user_id", joined_before="joined_on", left_before="left_on")
        again = new.join(before, on=["account_id", "user_id"]).filter(
            (c("joined_before") < c("joined_on"))
            & (c("left_before").is_null() | (c("left_before") > c("joined_on").dt.offset_by("-30d")))
        )
        first = new.join(again, on=["account_id", "user_id", "joined_on"], how="anti")
        return first.group_by("account_id").agg(n=c("user_id").n_unique()).filter(c("n") >= 2)

    def seats_active(self) -> pl.LazyFrame:
        seated = self.present.filter(c("role") == "member").select("account_id", "user_id").unique()
        used = self.lately("used", 30).select("account_id", "user_id").unique().with_columns(active=pl.lit(1))
        counts = (
            seated.join(used, on=["account_id", "user_id"], how="left")
            .group_by("account_id")
            .agg(taken=pl.len(), active=c("active").count())
        )
        counts = counts.join(self.plan.select("account_id", "seats"), on="account_id")
        return counts.filter((_div(c("taken"), c("seats")) > 0.8) & (_div(c("active"), c("taken")) > 0.8))

    def guests_accumulating(self) -> pl.LazyFrame:
        guests = self.present.filter(c("role") == "guest").group_by("account_id")
        counts = guests.agg(n=c("user_id").n_unique(), new=_users(c("joined_on") > self.ago(30)))
        return counts.filter((c("n") >= 3) & (c("new") >= 2))

    def invites(self) -> pl.LazyFrame:
        roles = self.members.group_by("account_id", "user_id").agg(guest=(c("role") == "guest").all())
        guests = roles.filter(c("guest")).select("account_id", "user_id")
        sent = self.lately("invited", 30).join(guests, on=["account_id", "user_id"], how="anti")
        counts = sent.group_by("account_id").agg(n=pl.len(), people=c("user_id").count())
        return counts.filter((c("n") >= 2) & (c("people") >= 1))

    def new_team(self) -> pl.LazyFrame:
        used = self.events.filter((c("kind") == "used") & c("team").is_not_null())
        firsts = used.group_by("account_id", "team").agg(first=c("day").min())
        new = firsts.filter(c("first") > self.ago(30)).select("account_id").unique()
        there = self.present.filter(c("team").is_not_null()).select("account_id", "team")
        teams = pl.concat([firsts.select("account_id", "team"), there]).unique()
        many = teams.group_by("account_id").agg(n=pl.len()).filter(c("n") >= 2)
        return new.join(many, on="account_id", how="semi").join(self.aged(60), on="account_id", how="semi")

    def capability_request(self) -> pl.LazyFrame:
        return self.of_higher(self.asked("capability_request")).select("account_id").unique()

    def paywall_attempts(self) -> pl.LazyFrame:
        tries = self.of_higher(self.lately("blocked", 14)).group_by("account_id", "feature")
        counts = tries.agg(n=pl.len(), days=c("day").n_unique())
        return counts.filter((c("n") >= 3) & (c("days") >= 2)).select("account_id").unique()

    def premium_preview(self) -> pl.LazyFrame:
        seen = (
            self.of_higher(self.lately("previewed", 30)).group_by("account_id").agg(n=c("feature").n_unique())
        )
        return seen.filter(c("n") >= 2)

    def repeated_workaround(self) -> pl.LazyFrame:
        seen = self.lately("workaround", 30).group_by("account_id", "feature").agg(n=pl.len())
        told = self.asked("workaround").group_by("account_id", "feature").agg(n=c("ticket_id").n_unique())
        both = pl.concat([seen, told]).filter(c("feature").is_not_null())
        totals = both.group_by("account_id", "feature").agg(c("n").sum()).filter(c("n") >= 3)
        return totals.select("account_id").unique()

    def support_time_up(self) -> pl.LazyFrame:
        t = self.t["tickets"].with_columns(day=c("opened_at").dt.date())
        t = t.filter((c("day") <= self.d) & (c("day") > self.ago(60)))
        late = c("day") > self.ago(30)
        sums = t.group_by("account_id").agg(
            now=c("minutes").filter(late).sum().round(9), before=c("minutes").filter(~late).sum().round(9)
        )
        sums = sums.filter((c("before") >= 60) & (_div(c("now"), c("before")) >= 1.3))
        p = self.periods.sort("account_id", "product", "starts_on", "subscription_id")
        p = p.with_columns(was=c("plan_id").shift(1).over("account_id", "product"))
        changed = c("was").is_not_null() & (c("was") != c("plan_id"))
        since = p.group_by("account_id").agg(
            change=c("starts_on").filter(changed).max(), start=c("starts_on").min()
        )
        steady = since.filter(pl.coalesce("change", "start") <= self.ago(59))
        return sums.join(steady, on="account_id", how="semi")

    def out_of_scope_asks(self) -> pl.LazyFrame:
        asked = self.asked("out_of_scope").group_by("account_id").agg(n=c("ticket_id").n_unique())
        return asked.filter(c("n") >= 2)

    def hard_deadline(self) -> pl.LazyFrame:
        return self.asked("deadline").filter(c("deadline_on") > self.d).select("account_id").unique()

    def faster_turnaround(self) -> pl.LazyFrame:
        return self.asked("faster").select("account_id").unique()

    def budget_language(self) -> pl.LazyFrame:
        return self.asked("budget").select("account_id").unique()

    def renewal_window(self) -> pl.LazyFrame:
        due = self.plan.filter(c("renews_on").is_between(self.ago(-60), self.ago(-90)))
        still = c("ends_on").is_null() | (c("ends_on") > self.d)
        cancelling = self.periods.filter(still & c("cancel_on").is_not_null()).select("account_id")
        return due.join(cancelling, on="account_id", how="anti")

    def product_page_visits(self) -> pl.LazyFrame:
        views = self.lately("viewed", 30).join(self.others, on=["account_id", "product"])
        many = views.group_by("account_id", "product").agg(n=pl.len()).filter(c("n") >= 3)
        busy = self.shares.filter(c("core") & (c("s0") >= 0.5)).select("account_id")
        return many.select("account_id").unique().join(busy, on="account_id", how="semi")

    def product_use_case_ask(self) -> pl.LazyFrame:
        asked = self.asked("use_case").join(self.others, on=["account_id", "product"], how="semi")
        return asked.select("account_id").unique()
