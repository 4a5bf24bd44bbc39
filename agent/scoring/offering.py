"""Plays and offers for many accounts at once: which offer answers, and what it adds a month (rule book §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from agent.foundation.arrays import Column
from agent.foundation.settings import OfferSetting, Settings
from agent.scoring.assessment import OfferKind
from agent.scoring.replay import NONE
from agent.signals.catalogue import PlanBook


@dataclass(frozen=True)
class Answer:
    """One way in which a play can be answered, for every entry."""

    kind: OfferKind
    available: Column
    "Whether it is there."
    adds: Column
    "Monthly revenue it adds, minor units."


class Offering:
    """What the company sells, looked up for columns of accounts; `plays.Seller` does it for one."""

    def __init__(self, book: PlanBook, settings: Settings, found: dict[str, Column], faster: Column) -> None:
        self.book = book
        self.settings = settings
        self.found = found
        self.faster = faster
        self.number = len(found["points"])

    def answers(self, play: str) -> Iterator[Answer]:
        """The ways in which a play can be answered, the first that is available first."""
        match play:
            case "deadline":
                yield self._listed(OfferKind.SPRINT_PACKAGE)
                yield self._upgrade(np.where(self.faster, self._faster, NONE))
            case "scope":
                yield self._listed(OfferKind.SCOPE_AGREEMENT)
            case "service":
                yield self._listed(OfferKind.SERVICE_ADDON)
            case "seats":
                yield self._listed(OfferKind.SEAT_EXPANSION)
            case "feature":
                yield self._upgrade(self.found["feature_place"])
            case "capacity":
                yield self._upgrade(self.found["relief_place"])
            case "cross_sell":
                yield self._product()

    @cached_property
    def _plans(self) -> Column:
        """Each entry's plan as a place in the book, NONE without one."""
        place = {plan.plan_id: number for number, plan in enumerate(self.book.plans)}
        return np.fromiter(
            (place.get(one, NONE) for one in self.found["plan_id"]), dtype="int64", count=self.number
        )

    @cached_property
    def _above(self) -> Column:
        """By plan and place among the plans above it, the plan there; NONE beyond the last, and for no plan."""
        rows = [
            [self.book.plans.index(higher) for higher in self.book.higher_plans(plan)]
            for plan in self.book.plans
        ]
        deepest = max((len(row) for row in rows), default=0) + 1
        return np.array([[*row, *[NONE] * (deepest - len(row))] for row in [*rows, []]], dtype="int64")

    @cached_property
    def _faster(self) -> Column:
        """For each entry the place of the lowest higher plan with a faster service than its own."""
        wanted = set(self.settings.scoring.faster_service)
        places = []
        for plan in self.book.plans:
            missing = wanted - self.book.features_of(plan.plan_id)
            higher = [missing & self.book.features_of(one.plan_id) for one in self.book.higher_plans(plan)]
            places.append(next((number for number, has in enumerate(higher) if has), NONE))
        return np.array([*places, NONE], dtype="int64")[self._plans]

    def _upgrade(self, place: Column) -> Answer:
        offered = self._above[self._plans, place]
        return Answer(
            OfferKind.PLAN_UPGRADE, (place != NONE) & (offered != NONE), self._adds(offered, replaces=True)
        )

    def _adds(self, offered: Column, *, replaces: bool) -> Column:
        plans = self.book.plans
        price = np.array([*(plan.price_minor for plan in plans), 0], dtype="int64")[offered]
        per_seat = np.array([*(bool(plan.per_seat) for plan in plans), False])[offered]
        # A text column, so that an account without a currency matches no plan.
        currency = np.array([*(plan.currency for plan in plans), None], dtype=object)[offered]
        seats = np.where(per_seat, np.maximum(self.found["seats"], 1), 1)
        paid = np.where(self.found["currency"] == currency, self.found["mrr_minor"], 0) if replaces else 0
        return np.maximum(0, price * seats - paid)

    def _listed(self, kind: OfferKind, product: str | None = None) -> Answer:
        """The first offer of that kind in outgrown.toml, one in the account's currency before others."""
        offers = [
            o
            for o in self.settings.offers
            if o.kind == kind and (product is None or o.product in (None, product))
        ]
        adds = np.full(self.number, _monthly(offers[0]) if offers else 0, dtype="int64")
        for offer in reversed(offers):
            adds = np.where(self.found["currency"] == offer.currency, _monthly(offer), adds)
        return Answer(kind, np.full(self.number, bool(offers)), adds)

    def _product(self) -> Answer:
        """The first product asked about that is sold: its entry plan, else an offer of its own."""
        available, adds = np.zeros(self.number, dtype=bool), np.zeros(self.number, dtype="int64")
        named = self.found["offered_product"]
        for entry in np.flatnonzero(named != ""):
            for product in named[entry].split("\n"):
                if product and product in self._products:
                    available[entry], adds[entry] = True, self._products[product][entry]
                    break
        return Answer(OfferKind.CROSS_SELL, available, adds)

    @cached_property
    def _products(self) -> dict[str, Column]:
        """By product that can be offered: what that adds."""
        found: dict[str, Column] = {}
        for product in self.book.sold_products():
            plan = self.book.entry_plan(product)
            if plan is not None:
                offered = np.full(self.number, self.book.plans.index(plan))
                found[product] = self._adds(offered, replaces=False)
            else:
                listed = self._listed(OfferKind.CROSS_SELL, product)
                if listed.available.any():
                    found[product] = listed.adds
        return found


def _monthly(offer: OfferSetting) -> int:
    return offer.price_minor if offer.per == "month" else 0
