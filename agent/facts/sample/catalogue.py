"""What the sample company sells, as rows of the reference tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.facts.sample.stories import read_data

Row = dict[str, Any]


@dataclass(frozen=True)
class PlanSold:
    """A plan with what it allows."""

    plan_id: str
    price_minor: int
    seats: int
    ceilings: dict[str, int]
    features: tuple[str, ...]


def read_plans() -> tuple[dict[str, PlanSold], dict[str, list[Row]]]:
    """The plans by id, and the rows of `plans`, `ceilings`, `plan_features` and `metrics`."""
    data = read_data("catalogue.toml")
    sold = {
        plan["plan_id"]: PlanSold(
            plan["plan_id"], plan["price_minor"], plan["seats"], plan["ceilings"], tuple(plan["features"])
        )
        for plan in data["plans"]
    }
    plans = [
        {
            "plan_id": plan["plan_id"],
            "name": plan["name"],
            "tier": plan["tier"],
            "price_minor": plan["price_minor"],
            "currency": "EUR",
            "per_seat": False,
            "product": plan.get("product", "main"),
            "sold": plan.get("sold", True),
        }
        for plan in data["plans"]
    ]
    ceilings = [
        {"plan_id": plan.plan_id, "metric": metric, "ceiling": ceiling}
        for plan in sold.values()
        for metric, ceiling in plan.ceilings.items()
    ]
    features = [
        {"plan_id": plan.plan_id, "feature": feature} for plan in sold.values() for feature in plan.features
    ]
    return sold, {"plans": plans, "ceilings": ceilings, "plan_features": features, "metrics": data["metrics"]}
