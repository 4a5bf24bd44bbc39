"""The plans, their features and ceilings: a few rows that fit in memory and are looked up often."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from agent.facts.tables import Ceiling, Metric, Plan, PlanFeature


@dataclass(frozen=True)
class PlanBook:
    """All plans, features, plan ceilings and metrics of the company."""

    FLAG_SCHEMA: ClassVar[dict[str, str]] = {
        "plan_id": "string",
        "flagged": "string",
        "in_plan": "boolean",
        "higher": "boolean",
    }

    plans: tuple[Plan, ...]
    features: tuple[PlanFeature, ...]
    ceilings: tuple[Ceiling, ...] = ()
    metrics: tuple[Metric, ...] = ()
    extra_products: tuple[str, ...] = ()
    "Products sold without a plan of their own, by outgrown.toml."
    _by_id: dict[str, Plan] = field(init=False, repr=False, compare=False)
    _features: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {plan.plan_id: plan for plan in self.plans})
        sets: dict[str, set[str]] = {}
        for row in self.features:
            sets.setdefault(row.plan_id, set()).add(row.feature)
        object.__setattr__(self, "_features", {plan: frozenset(names) for plan, names in sets.items()})

    def plan(self, plan_id: str | None) -> Plan | None:
        """The plan of that id, if there is one."""
        return self._by_id.get(plan_id or "")

    def metric(self, name: str) -> Metric | None:
        """What a metric means, if it is known."""
        return next((metric for metric in self.metrics if metric.metric == name), None)

    def features_of(self, plan_id: str | None) -> frozenset[str]:
        """What a plan includes."""
        return self._features.get(plan_id or "", frozenset())

    def all_features(self) -> tuple[str, ...]:
        """Every feature some plan includes, sorted."""
        return tuple(sorted({row.feature for row in self.features}))

    def sold_products(self) -> tuple[str, ...]:
        """Products with a plan that is sold, sorted."""
        return tuple(sorted({plan.product for plan in self.plans if plan.sold} | set(self.extra_products)))

    def higher_plans(self, current: Plan | None) -> tuple[Plan, ...]:
        """Sold plans of the same product above `current`, lowest first.

        Of equal tiers, one in the same currency and priced the same way (per seat or not) goes first, then the cheapest.
        """
        if current is None:
            return ()
        above = [p for p in self.plans if p.sold and p.product == current.product and p.tier > current.tier]
        return tuple(
            sorted(
                above,
                key=lambda p: (
                    p.tier,
                    p.currency != current.currency,
                    p.per_seat != current.per_seat,
                    p.price_minor,
                    p.plan_id,
                ),
            )
        )

    def entry_plan(self, product: str) -> Plan | None:
        """The lowest sold plan of a product."""
        sold = [plan for plan in self.plans if plan.sold and plan.product == product]
        return min(sold, key=lambda plan: (plan.tier, plan.price_minor, plan.plan_id), default=None)

    def ceiling_of(self, plan_id: str, metric: str, day: date) -> tuple[bool, float | None]:
        """(whether the plan says anything about the metric on `day`, its ceiling; None is unlimited)."""
        rows = [
            c
            for c in self.ceilings
            if c.plan_id == plan_id
            and c.metric == metric
            and (c.from_on is None or c.from_on <= day)
            and (c.to_on is None or c.to_on > day)
        ]
        if not rows:
            return False, None
        newest = max(rows, key=lambda c: c.from_on or date.min)
        return True, newest.ceiling

    def flag_rows(self) -> list[dict[str, Any]]:
        """For each plan and feature: is it in the plan, and does a higher sold plan have it while this one does not?"""
        rows = []
        for plan in self.plans:
            own = self.features_of(plan.plan_id)
            above: set[str] = set()
            for higher in self.higher_plans(plan):
                above |= self.features_of(higher.plan_id)
            for feature in sorted(own | above):
                rows.append(
                    {
                        "plan_id": plan.plan_id,
                        "flagged": feature,
                        "in_plan": feature in own,
                        "higher": feature not in own,
                    }
                )
        return rows
