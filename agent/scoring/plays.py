"""From profile to one offer, rule book §5: the first play that matches and has something to offer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.facts.tables import Plan
from agent.foundation.settings import OfferSetting, Settings
from agent.scoring.assessment import Offer, OfferKind
from agent.signals.catalogue import PlanBook
from agent.signals.finding import Finding
from agent.signals.names import readable

Row = dict[str, Any]
COMFORTABLE = 0.80
SEATS = "seats"


@dataclass(frozen=True)
class Choice:
    """The play and its offer; a play without an offer means that nothing sold relieves the pressure."""

    play: str | None
    offer: Offer | None


@dataclass(frozen=True)
class Seller:
    """What the company sells: plans, their ceilings and features, and the further offers of outgrown.toml."""

    book: PlanBook
    settings: Settings

    def choose(self, row: Row, findings: Sequence[Finding], day: Any) -> Choice:
        """The first play whose condition holds and which has an offer; else the first that merely matched."""
        fired = {finding.trigger for finding in findings}
        matched: str | None = None
        for play, applies in _PLAYS.items():
            if not applies(fired):
                continue
            matched = matched or play
            offer: Offer | None = getattr(self, f"_{play}")(row, findings, day)
            if offer is not None:
                return Choice(play, offer)
        return Choice(matched, None)

    def _deadline(self, row: Row, findings: Sequence[Finding], _day: Any) -> Offer | None:
        sprint = self._listed(OfferKind.SPRINT_PACKAGE, row)
        if sprint is not None or not _of(findings, "faster_turnaround"):
            return sprint
        faster = set(self.settings.scoring.faster_service) - self.book.features_of(row["plan_id"])
        for plan in self.book.higher_plans(self.book.plan(row["plan_id"])):
            if faster & self.book.features_of(plan.plan_id):
                return self._upgrade(row, plan, feature=min(faster & self.book.features_of(plan.plan_id)))
        return None

    def _scope(self, row: Row, _findings: Sequence[Finding], _day: Any) -> Offer | None:
        return self._listed(OfferKind.SCOPE_AGREEMENT, row)

    def _service(self, row: Row, _findings: Sequence[Finding], _day: Any) -> Offer | None:
        return self._listed(OfferKind.SERVICE_ADDON, row)

    def _seats(self, row: Row, _findings: Sequence[Finding], _day: Any) -> Offer | None:
        return self._listed(OfferKind.SEAT_EXPANSION, row)

    def _feature(self, row: Row, findings: Sequence[Finding], _day: Any) -> Offer | None:
        for trigger in ("capability_request", "paywall_attempts", "premium_preview"):
            for finding in _of(findings, trigger):
                for plan in self.book.higher_plans(self.book.plan(row["plan_id"])):
                    if finding.key in self.book.features_of(plan.plan_id):
                        return self._upgrade(row, plan, feature=finding.key)
        return None

    def _capacity(self, row: Row, findings: Sequence[Finding], day: Any) -> Offer | None:
        higher = self.book.higher_plans(self.book.plan(row["plan_id"]))
        # What no higher plan speaks of, such as seats bought apart, no plan can relieve.
        pressure = {
            metric: used
            for metric, used in self._pressure(row, findings).items()
            if any(self.book.ceiling_of(plan.plan_id, metric, day)[0] for plan in higher)
        }
        if not pressure:
            return None
        for plan in higher:
            if all(self._relieves(plan, metric, used, day) for metric, used in pressure.items()):
                metric = next(iter(pressure))
                _, ceiling = self.book.ceiling_of(plan.plan_id, metric, day)
                return self._upgrade(row, plan, ceiling=ceiling, metric=metric)
        return None

    def _cross_sell(self, row: Row, findings: Sequence[Finding], _day: Any) -> Offer | None:
        for trigger in ("product_page_visits", "product_use_case_ask"):
            for finding in _of(findings, trigger):
                product = finding.key or ""
                plan = self.book.entry_plan(product)
                if plan is not None:
                    return self._upgrade(row, plan, kind=OfferKind.CROSS_SELL)
                listed = self._listed(OfferKind.CROSS_SELL, row, product=product)
                if listed is not None:
                    return listed
        return None

    def _pressure(self, row: Row, findings: Sequence[Finding]) -> dict[str, float]:
        """Metrics under pressure and how much of each is in use; limit hits without a metric mean the fullest one."""
        pressed: dict[str, float] = {}
        for trigger in ("plan_limit_pressure", "near_ceiling"):
            for finding in _of(findings, trigger):
                pressed.setdefault(finding.key or "", _figure(finding, "used"))
        if not pressed and _of(findings, "limit_hits") and row.get("fullest_metric"):
            pressed[row["fullest_metric"]] = float(row["fullest_used"])
        return pressed

    def _relieves(self, plan: Plan, metric: str, used: float, day: Any) -> bool:
        """Whether the plan brings utilisation to 80% or less; a plan silent about a metric promises nothing."""
        stated, ceiling = self.book.ceiling_of(plan.plan_id, metric, day)
        return stated and (ceiling is None or (ceiling > 0 and round(used / ceiling, 9) <= COMFORTABLE))

    def _upgrade(
        self, row: Row, plan: Plan, *, kind: OfferKind = OfferKind.PLAN_UPGRADE, feature: str | None = None,
        ceiling: float | None = None, metric: str | None = None,
    ) -> Offer:  # fmt: skip
        seats = int(row["seats"] or 1) if plan.per_seat else 1
        now = (
            int(row["mrr_minor"] or 0)
            if kind is OfferKind.PLAN_UPGRADE and row["currency"] == plan.currency
            else 0
        )
        return Offer(
            kind=kind,
            plan_id=plan.plan_id,
            name=plan.name,
            price_minor=plan.price_minor,
            currency=plan.currency,
            per="seat and month" if plan.per_seat else "month",
            benefit=self.settings.benefits.get(plan.plan_id, ""),
            adds_monthly_minor=max(0, plan.price_minor * seats - now),
            ceiling=ceiling,
            ceiling_metric=metric,
            feature=feature,
        )

    def _listed(self, kind: OfferKind, row: Row, product: str | None = None) -> Offer | None:
        """The first offer of that kind in outgrown.toml, one in the account's currency before others."""
        found = [
            o
            for o in self.settings.offers
            if o.kind == kind and (product is None or o.product in (None, product))
        ]
        if not found:
            return None
        chosen = next((offer for offer in found if offer.currency == row["currency"]), found[0])
        return Offer(
            kind=kind,
            name=chosen.name,
            price_minor=chosen.price_minor,
            currency=chosen.currency,
            per=chosen.per,
            benefit=chosen.benefit,
            adds_monthly_minor=chosen.price_minor if chosen.per == "month" else 0,
            seats=_seats_in(chosen),
        )


def _seats_in(offer: OfferSetting) -> int | None:
    if offer.kind != OfferKind.SEAT_EXPANSION.value:
        return None
    number = re.search(r"\d+", offer.name)
    return offer.seats or (int(number.group()) if number else None)


def _of(findings: Iterable[Finding], trigger: str) -> list[Finding]:
    return [finding for finding in findings if finding.trigger == trigger]


def _figure(finding: Finding, figure_id: str) -> float:
    value = next(figure.value for figure in finding.figures if figure.figure_id == figure_id)
    assert isinstance(value, int | float)  # noqa: S101 - readings are numbers
    return float(value)


_PLAYS: dict[str, Callable[[set[str]], object]] = {
    "deadline": lambda fired: fired & {"hard_deadline", "faster_turnaround"},
    "scope": lambda fired: "out_of_scope_asks" in fired,
    "service": lambda fired: (
        fired & {"support_time_up", "repeated_workaround"} and fired & {"seats_added", "new_team"}
    ),
    "seats": lambda fired: (
        "seats_active" in fired and fired & {"seats_added", "invites", "guests_accumulating"}
    ),
    "feature": lambda fired: fired & {"capability_request", "paywall_attempts", "premium_preview"},
    "capacity": lambda fired: fired & {"plan_limit_pressure", "near_ceiling", "limit_hits"},
    "cross_sell": lambda fired: fired & {"product_page_visits", "product_use_case_ask"},
}
PLAYS = tuple(_PLAYS)


def relief(play: str | None) -> str:
    """What a play would relieve, for a hold's sentence."""
    return (
        "nothing sold answers what was found"
        if play is None
        else f"nothing sold answers the {readable(play)} play"
    )
