"""From profile to one offer, rule book §5: the first play that matches and has something to offer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.facts.tables import Plan
from agent.foundation.settings import OfferSetting, Settings
from agent.scoring.assessment import Offer, OfferKind
from agent.signals.catalogue import PlanBook
from agent.signals.finding import Finding
from agent.signals.formula import Grain
from agent.signals.names import readable
from agent.signals.offers import COMFORTABLE, FEATURE_TRIGGERS, HITS, PRESSURE_TRIGGERS, PRODUCT_TRIGGERS

Row = dict[str, Any]
SEATS = "seats"


@dataclass(frozen=True)
class Choice:
    """The play and its offer; a play without an offer means that nothing sold relieves the pressure."""

    play: str | None
    offer: Offer | None
    matched: str | None = None
    "The first play whose condition holds, offer or none."


@dataclass(frozen=True)
class Seller:
    """What the company sells: plans, their ceilings and features, and the further offers of outgrown.toml."""

    book: PlanBook
    settings: Settings

    def choose(self, row: Row, findings: Sequence[Finding], day: Any) -> Choice:
        """The first play whose condition holds and which has an offer; else the first that merely matched."""
        fired = {finding.trigger for finding in findings}
        own = {finding.play for finding in findings if finding.play}
        matched: str | None = None
        for play, condition in CONDITIONS.items():
            if play not in own and not all(fired & one_of for one_of in condition):
                continue
            matched = matched or play
            offer: Offer | None = getattr(self, f"_{play}")(row, findings, day)
            if offer is not None:
                return Choice(play, offer, matched)
        return Choice(matched, None, matched)

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
        for finding in _about(findings, "feature", FEATURE_TRIGGERS):
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
        for finding in _about(findings, "cross_sell", PRODUCT_TRIGGERS):
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
        for finding in _about(findings, "capacity", PRESSURE_TRIGGERS):
            used = _figure(finding, "used")
            if used is not None and finding.about in (None, Grain.METRIC.value):
                pressed.setdefault(finding.key or "", used)
        hit = any(finding.trigger == HITS or finding.play == "capacity" for finding in findings)
        if hit and not pressed and row.get("fullest_metric"):
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


def _about(findings: Sequence[Finding], play: str, built_in: Sequence[str]) -> list[Finding]:
    """The findings that tell what a play offers: the rule book's in its order, then the founder's own."""
    by_name = {finding.trigger: finding for finding in findings}
    named = [by_name[name] for name in built_in if name in by_name]
    return [*named, *(finding for finding in findings if finding.play == play)]


def _figure(finding: Finding, figure_id: str) -> float | None:
    for figure in finding.figures:
        if figure.figure_id == figure_id and isinstance(figure.value, int | float):
            return float(figure.value)
    return None


CONDITIONS: dict[str, tuple[frozenset[str], ...]] = {
    "deadline": (frozenset({"hard_deadline", "faster_turnaround"}),),
    "scope": (frozenset({"out_of_scope_asks"}),),
    "service": (
        frozenset({"support_time_up", "repeated_workaround"}),
        frozenset({"seats_added", "new_team"}),
    ),
    "seats": (frozenset({"seats_active"}), frozenset({"seats_added", "invites", "guests_accumulating"})),
    "feature": (frozenset({"capability_request", "paywall_attempts", "premium_preview"}),),
    "capacity": (frozenset({"plan_limit_pressure", "near_ceiling", "limit_hits"}),),
    "cross_sell": (frozenset({"product_page_visits", "product_use_case_ask"}),),
}
"Each play's condition: of every set at least one trigger has fired."
PLAYS = tuple(CONDITIONS)


def relief(play: str | None) -> str:
    """What a play would relieve, for a hold's sentence."""
    return (
        "nothing sold answers what was found"
        if play is None
        else f"nothing sold answers the {readable(play)} play"
    )
