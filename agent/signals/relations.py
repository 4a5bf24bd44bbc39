"""The fact tables as known at the end of day D, with the few derived columns that triggers select on.

Every relation carries `account_id` (and `as_of`, where there are many days) and, where it is dated, `age`: whole
days from the row's day to D, never negative. Nothing dated after D is read; an end that lies after D is not known
yet and counts as open (rule book §1). Columns that cost a join are there only when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any

import ibis

from agent.signals.catalogue import PlanBook
from agent.signals.joins import left_join
from agent.signals.scratch import Script
from agent.signals.source import ASK_SCHEMA, ASKS, FLAGS, Numbered, Source
from agent.signals.spine import Spine
from agent.signals.subscriptions import MAIN, Subscriptions

NOT_USAGE = {"health_score", "nps", "headcount"}
"Measures that say something about the account and are no use of the product (rule book §2)."
BESIDE = {"in_plan", "higher", "other_product", "by_guest", "used_age"}
"Columns that cost a join."
OF_THE_DAY = BESIDE | {"age", "present", "left_age", "open", "overdue", "days_ahead"}
"Columns whose value differs from one D to another."


Either = Callable[[Any], Any]
"From a relation's rows, whatever their day, to a condition on their plain columns; None for no condition."


def every(_: Any) -> None:
    """No condition."""


def only(t: Any, either: Either) -> Any:
    """The rows of `t` for which the condition holds."""
    condition = either(t)
    return t if condition is None else t.filter(condition)


class Relations:
    """Lazy Ibis relations; small ones that several others need are scratch tables, so that nothing runs twice."""

    def __init__(
        self, source: Source, spine: Spine, scratch: Script, numbers: Numbered | None = None
    ) -> None:
        self.source = source
        self.numbers = numbers
        self.spine = spine
        self.scratch = scratch
        self.subscriptions = Subscriptions(source, spine, scratch)
        self.base: Any = None
        "The account grain's attributes, as soon as they are written."
        self.measured: Any = None
        "The measures, gathered by account and metric, as soon as it is known what asks for them."
        self.by_feature: Any = None
        "What the account's events come to by feature, with what the plan says of it, as soon as it is written."
        self.by_user: Any = None
        "Who used the product lately, with `used_age`, where that has been looked at already."
        self.used_within: int | None = None
        "Days back that anybody asks for a member's last use."

    @property
    def keys(self) -> list[str]:
        """The columns that name an account on a day."""
        return list(self.spine.keys)

    @cached_property
    def accounts(self) -> Any:
        """Accounts that existed on D, with their age in days."""
        t = self.spine.known(self.source.tables["accounts"], "created_on")
        return t.mutate(age_days=self.spine.age(t, "created_on"))

    def rows(self, name: str, wanted: Collection[str], within: int | None, either: Either = every) -> Any:
        """A relation with the `wanted` columns, at most `within` days back, of rows for which `either` holds."""
        make: Callable[..., Any] = getattr(self, f"_{name}")
        return make(wanted, within, either)

    def undated(self, name: str) -> Any:
        """A relation's rows whatever their day, with `day`: for what depends on no D."""
        return getattr(self, f"_{name}_ever")

    def since_start(self, t: Any) -> Any:
        """`t` with `since_start`: days from the account's creation to the row's day."""
        a = self.source.tables["accounts"].select("account_id", "created_on")
        joined = t.inner_join(a, "account_id")
        return joined.mutate(since_start=joined.day.delta(joined.created_on, unit="day").cast("int64"))

    # What the plans say of a feature or a product.

    def flagged(self, t: Any, feature: str | None, product: str | None) -> Any:
        """`t` with in_plan and higher by its `feature` column, and other_product by its `product` column."""
        names = list(t.columns)
        t = self.subscriptions.with_plan(t)
        added = []
        if feature is not None:
            flags = self.scratch.given(FLAGS, PlanBook.FLAG_SCHEMA)
            joined = t.left_join(flags, [("plan_now", "plan_id"), (feature, "flagged")])
            t = joined.select(*t.columns, "in_plan", "higher")
            t = t.mutate(in_plan=t.in_plan.fill_null(False), higher=t.higher.fill_null(False))
            added += ["in_plan", "higher"]
        if product is not None:
            sold = self.source.book.sold_products()
            held = self.subscriptions.products_held.rename(holder="account_id")
            on: list[Any] = [("account_id", "holder"), (product, "held")]
            if "as_of" in self.keys:
                held = held.rename(held_on="as_of")
                on.append(("as_of", "held_on"))
            t = t.left_join(held, on).select(*t.columns, "held")
            other = t[product].isin(sold) & (t[product] != t.own_product.fill_null(MAIN)) & t.held.isnull()
            t = t.mutate(other_product=other.fill_null(False) if sold else ibis.literal(False))
            added += ["other_product"]
        return t.select(*names, *added)

    def _beside(self, t: Any, wanted: Collection[str]) -> Any:
        feature = "feature" if {"in_plan", "higher"} & set(wanted) else None
        product = "product" if "other_product" in wanted else None
        return self.flagged(t, feature, product) if feature or product else t

    # Events.

    @cached_property
    def _events_ever(self) -> Any:
        t = self.source.tables["events"]
        t = t.select("account_id", "user_id", "kind", "feature", "team", "product", "at")
        return t.mutate(day=t["at"].date())

    def _events(self, wanted: Collection[str], within: int | None, either: Either = every) -> Any:
        """What happened by D, with its age, the plan's view of its feature, and whether a guest did it."""
        t = self.spine.moment_floor(only(self._events_ever, either), "at", within)
        t = self.spine.known(t, "day", within).drop("at")
        t = t.mutate(age=self.spine.age(t, "day"))
        return self._beside(self._with_guests(t) if "by_guest" in wanted else t, wanted)

    def _with_guests(self, t: Any) -> Any:
        """`t` with by_guest: whether the user was a guest by D, and never a member."""
        m = self.source.tables["members"].semi_join(t, ["account_id", "user_id"])
        roles = m.group_by("account_id", "user_id").aggregate(
            member_from=m.joined_on.min(where=m.role == "member"),
            guest_from=m.joined_on.min(where=m.role == "guest"),
        )
        t = left_join(t, roles, ["account_id", "user_id"])
        today = self.spine.on(t)
        guest = (t.guest_from <= today).fill_null(False) & ~(t.member_from <= today).fill_null(False)
        return t.mutate(by_guest=guest).drop("guest_from", "member_from")

    # Members.

    @cached_property
    def _members_ever(self) -> Any:
        """Each stay of a person, whether it is their only one, and whether they only came back."""
        t = self.source.tables["members"]
        t = t.select("account_id", "user_id", "role", "team", "joined_on", "left_on")
        t = self.scratch.view(t.mutate(member=t.role == "member", guest=t.role != "member", day=t.joined_on))
        # Most people come once: only the others are worth a look at what went before.
        several = t.group_by("account_id", "user_id").aggregate(stays=t.count())
        several = self.scratch.table(several.filter(several.stays > 1))
        once = t.anti_join(several, ["account_id", "user_id"])
        once = once.mutate(rejoined=ibis.literal(False), once=ibis.literal(True))
        t = t.semi_join(several, ["account_id", "user_id"])
        window = ibis.window(group_by=[t.account_id, t.user_id], order_by=[t.joined_on], preceding=(None, 1))
        t = t.mutate(
            left_before=t.left_on.max(where=t.member).over(window),
            open_before=ibis.ifelse(t.left_on.isnull() & t.member, 1, 0).max().over(window),
        )
        # Someone who was a member on any of the 30 days before joining has not been added.
        back = (t.open_before == 1) | (t.left_before > t.joined_on - ibis.interval(days=30))
        t = t.mutate(rejoined=back.fill_null(False), once=ibis.literal(False))
        columns = ["account_id", "user_id", "team", "day", "left_on", "member", "guest", "rejoined", "once"]
        return self.scratch.table(once.select(*columns).union(t.select(*columns)))

    def _members(self, wanted: Collection[str], within: int | None, either: Either = every) -> Any:
        """People who had joined by D: their role, whether still there, whether they only came back, last use."""
        t = self.spine.known(only(self._members_ever, either), "day", within)
        t = t.mutate(age=self.spine.age(t, "day"), left_age=self.spine.age(t, "left_on"))
        t = t.mutate(present=t.left_age.isnull() | (t.left_age < 0))
        if "used_age" in wanted:
            # Whoever asks for a last use asks for a late one: those without do not count.
            last = self.last_used
            t = t.inner_join(last, [*self.keys, "user_id"]).select(*t.columns, "used_age")
        return t

    @cached_property
    def last_used(self) -> Any:
        """(account, user): days since the last use, for those who used it lately enough for anybody to ask."""
        if self.by_user is not None:
            return self.by_user.select(*self.keys, "user_id", "used_age")
        used = self._events((), self.used_within, lambda t: (t.kind == "used") & t.user_id.notnull())
        return used.group_by(*self.keys, "user_id").aggregate(used_age=used.age.min())

    # Tickets and what they ask for.

    @cached_property
    def _tickets_ever(self) -> Any:
        t = self.source.tables["tickets"]
        # Newest first; of two tickets of one moment, the unhappier one.
        order = -t.opened_at.epoch_seconds().cast("float64") * 4 + t.sentiment.fill_null(0.0)
        return t.select(
            "account_id", "ticket_id", "minutes", "sentiment", "priority", "topic", "feature",
            day=t.opened_at.date(), closed_on=t.closed_at.date(), order=order,
        )  # fmt: skip

    def _tickets(self, wanted: Collection[str], within: int | None, either: Either = every) -> Any:
        """Tickets opened by D; one closed after D is open."""
        t = self.spine.known(only(self._tickets_ever, either), "day", within)
        still = t.closed_on.isnull() | (t.closed_on > self.spine.on(t))
        return self._beside(t.mutate(age=self.spine.age(t, "day"), open=still), wanted)

    @cached_property
    def _asks_ever(self) -> Any:
        t = self.numbered(self.scratch.given(ASKS, ASK_SCHEMA))
        return t.mutate(day=t.opened_on)

    def _asks(self, wanted: Collection[str], within: int | None, either: Either = every) -> Any:
        """What the tickets opened by D ask for, one row per ticket and class."""
        t = self.spine.known(only(self._asks_ever, either), "day", within)
        t = t.mutate(age=self.spine.age(t, "day"), days_ahead=-self.spine.age(t, "deadline_on"))
        return self._beside(t, wanted)

    # Measures and invoices.

    @cached_property
    def _measures_ever(self) -> Any:
        return self.with_usage(self.numbered(self.by_name))

    @property
    def by_name(self) -> Any:
        """The measures, with accounts by id."""
        return self.source.tables["measures"].select("account_id", "day", "metric", "value")

    def numbered(self, t: Any) -> Any:
        """`t` with accounts by number, where this evaluation has them so."""
        return t if self.numbers is None else self.numbers.of(t)

    def with_usage(self, t: Any) -> Any:
        """`t`, which has metrics, with `usage`: whether the metric is a use of the product."""
        usage = sorted({metric.metric for metric in self.source.book.metrics} - NOT_USAGE)
        return t.mutate(usage=t.metric.isin(usage) if usage else ibis.literal(False))

    def _measures(self, _wanted: Collection[str], within: int | None, either: Either = every) -> Any:
        """Every measure by D."""
        t = self.spine.known(only(self._measures_ever, either), "day", within)
        t = t.mutate(age=self.spine.age(t, "day"))
        return t.mutate(order=t.age)

    @cached_property
    def _invoices_ever(self) -> Any:
        t = self.source.tables["invoices"]
        return t.select("account_id", "invoice_id", "due_on", "paid_on", "status", day=t.issued_on)

    def _invoices(self, _wanted: Collection[str], within: int | None, either: Either = every) -> Any:
        """Invoices issued by D; one paid after D was still open on D."""
        t = self.spine.known(only(self._invoices_ever, either), "day", within)
        later = (t.status == "paid") & t.paid_on.notnull() & (t.paid_on > self.spine.on(t))
        return t.mutate(
            age=self.spine.age(t, "day"),
            overdue=self.spine.age(t, "due_on"),
            open=(t.status == "open") | later,
        )

    # Attributes of the account that come from elsewhere.

    @cached_property
    def teams(self) -> Any:
        """How many different teams of an account have used the product or have members now."""
        e = self._events_ever
        e = e.filter((e.kind == "used") & e.team.notnull())
        first = e.group_by("account_id", "team").aggregate(day=e.day.min())
        used = self.spine.known(first, "day").select(*self.keys, "team")
        m = self._members((), None)
        m = m.filter(m.present & m.team.notnull()).select(*self.keys, "team")
        both = used.union(m)
        return self.scratch.table(both.group_by(*self.keys).aggregate(teams=both.team.nunique()))

    @cached_property
    def metrics(self) -> Any:
        """What the metrics mean, with a reading's length in days: a flow's period, a gauge's week."""
        t = self.source.tables["metrics"]
        flow = t.kind == "flow"
        days = ibis.cases((~flow, 7), (t.per == "day", 1), (t.per == "week", 7), else_=30)
        return t.select(
            "metric", flow=flow, core=ibis.ifelse(t.core, 1, 0).cast("int64"), period=days.cast("int64")
        )
