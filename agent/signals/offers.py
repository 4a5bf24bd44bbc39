"""What the findings of an account point to among the plans: the higher plan that has the feature, or relieves the pressure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import Any

import ibis

from agent.signals.catalogue import PlanBook
from agent.signals.cells import SEATS
from agent.signals.expressions import DECIMALS, expression
from agent.signals.formula import Grain, Reading
from agent.signals.joins import left_join
from agent.signals.library import Entry, Library
from agent.signals.scratch import Script

COMFORTABLE = 0.80
"An upgrade must bring utilisation down to this (rule book §5)."
UPGRADES, RELIEFS = "given_upgrades", "given_reliefs"
SCHEMAS: dict[str, dict[str, str]] = {
    UPGRADES: {"plan_id": "string", "brings": "string", "upgrade_place": "int64"},
    RELIEFS: {"as_of": "date", "plan_id": "string", "metric": "string", "place": "int64", "more": "float64"},
}
FEATURE_TRIGGERS = ("capability_request", "paywall_attempts", "premium_preview")
PRODUCT_TRIGGERS = ("product_page_visits", "product_use_case_ask")
PRESSURE_TRIGGERS = ("plan_limit_pressure", "near_ceiling")
HITS = "limit_hits"
SHOWN = ("feature_place", "offered_product", "relief_place")


def upgrade_rows(book: PlanBook) -> list[dict[str, Any]]:
    """(plan, feature): the place, among the plans above it, of the lowest one that has the feature."""
    rows = []
    for plan in book.plans:
        found: dict[str, int] = {}
        for place, higher in enumerate(book.higher_plans(plan)):
            for feature in book.features_of(higher.plan_id):
                found.setdefault(feature, place)
        rows += [{"plan_id": plan.plan_id, "brings": f, "upgrade_place": p} for f, p in sorted(found.items())]
    return rows


def relief_rows(book: PlanBook, days: Sequence[date]) -> list[dict[str, Any]]:
    """(day, plan, metric, higher plan): its ceiling, for those that say anything about the metric."""
    rows = []
    metrics = sorted({ceiling.metric for ceiling in book.ceilings})
    for day in days:
        for plan in book.plans:
            for place, higher in enumerate(book.higher_plans(plan)):
                for metric in metrics:
                    stated, ceiling = book.ceiling_of(higher.plan_id, metric, day)
                    if stated:
                        rows.append(
                            {"as_of": day, "plan_id": plan.plan_id, "metric": metric, "place": place, "more": ceiling}
                        )  # fmt: skip
    return rows


def about(library: Library, play: str, built_in: Sequence[str], grain: Grain) -> list[Entry]:
    """The triggers, in order, whose key tells what the play offers: the rule book's, then the founder's own."""
    names = {entry.name: entry for entry in library.entries}
    own = [entry for entry in library.entries if entry.play == play and entry.rule.grain is grain]
    return [*(names[name] for name in built_in if name in names), *own]


def tells_use(entry: Entry) -> bool:
    """Whether a trigger of the founder's own says how much of its metric is in use."""
    return any(quote.figure_id == "used" for quote in entry.rule.quotes)


class Pointers:
    """Writes the steps that find the plans."""

    def __init__(self, script: Script, keys: list[str], library: Library) -> None:
        self.script = script
        self.keys = keys
        self.library = library

    def strongest(self, fired: Any, entry: Entry, **more: Any) -> Any:
        """For each account the key on which the trigger fired most strongly, seats last, ties by key."""
        t = fired.filter(fired[f"fires_{entry.name}"])
        order = [t.key == SEATS, ibis.desc(t[f"value_{entry.name}"]), t.key]
        t = t.mutate(
            place=ibis.row_number().over(group_by=[t[key] for key in self.keys], order_by=order), **more
        )
        return self.script.view(t.filter(t.place == 0).select(*self.keys, "key", *more))

    def with_places(self, wide: Any, fired: dict[Grain, Any]) -> Any:
        """`wide` with the places of the plans that its findings point to, and the product."""
        wide = self._feature(wide, fired.get(Grain.FEATURE))
        wide = self._product(wide, fired.get(Grain.PRODUCT))
        return left_join(wide, self._relief(wide, fired.get(Grain.METRIC)), self.keys)

    def _named(self, wide: Any, fired: Any, entries: list[Entry], stem: str) -> tuple[Any, list[str]]:
        names = []
        for entry in entries if fired is not None else []:
            name = f"{stem}_{entry.name}"
            one = self.strongest(fired, entry).rename({name: "key"})
            wide = left_join(wide, one, self.keys)
            # The finer rows may have fired where the account as a whole has not.
            wide = wide.mutate(
                **{name: ibis.ifelse(wide[f"fires_{entry.name}"], wide[name], ibis.null("string"))}
            )
            names.append(name)
        return wide, names

    def _feature(self, wide: Any, fired: Any) -> Any:
        entries = about(self.library, "feature", FEATURE_TRIGGERS, Grain.FEATURE)
        wide, names = self._named(wide, fired, entries, "feature_of")
        given = self.script.given(UPGRADES, SCHEMAS[UPGRADES])
        places = []
        for name in names:
            place = f"place_{name}"
            columns = list(wide.columns)
            upgrades = given.select(paid="plan_id", brings="brings", **{place: "upgrade_place"})
            wide = wide.left_join(upgrades, [("plan_id", "paid"), (name, "brings")]).select(*columns, place)
            places.append(place)
        found = ibis.coalesce(*[wide[p] for p in places]) if places else ibis.null("int64")
        return wide.mutate(feature_place=found)

    def _product(self, wide: Any, fired: Any) -> Any:
        entries = about(self.library, "cross_sell", PRODUCT_TRIGGERS, Grain.PRODUCT)
        wide, names = self._named(wide, fired, entries, "product_of")
        # Several are given with commas: which of them is sold is for the play to say.
        shown = [wide[name].fill_null("") for name in names]
        found = reduce(lambda a, b: a + "\n" + b, shown) if shown else ibis.literal("")
        return wide.mutate(offered_product=found)

    def _relief(self, wide: Any, fired: Any) -> Any:
        """The lowest higher plan that brings every metric under pressure to 80% or less."""
        wide = self.script.table(wide)
        entries = [
            entry
            for entry in about(self.library, "capacity", PRESSURE_TRIGGERS, Grain.METRIC)
            if not entry.own or tells_use(entry)
        ]
        hits = [
            e for e in self.library.entries if e.name == HITS or (e.play == "capacity" and e not in entries)
        ]
        pressed = []
        for entry in entries if fired is not None else []:
            used = next(
                (quote.formula for quote in entry.rule.quotes if quote.figure_id == "used"), Reading(0)
            )
            one = self.strongest(fired, entry, used=expression(used, fired).cast("float64"))
            pressed.append(one.select(*self.keys, metric="key", used="used"))
        if hits:
            hit = ibis.or_(*[wide[f"fires_{entry.name}"] for entry in hits])
            others = [~wide[f"fires_{entry.name}"] for entry in entries]
            spare = wide.filter(hit, wide.fullest_metric.notnull(), *others)
            pressed.append(spare.select(*self.keys, metric="fullest_metric", used="fullest_used"))
        if not pressed:
            return wide.select(*self.keys).mutate(relief_place=ibis.null("int64"))
        rows = reduce(lambda a, b: a.union(b), pressed).distinct()
        rows = rows.inner_join(wide.select(*self.keys, "plan_id"), self.keys)
        given = self.script.given(RELIEFS, SCHEMAS[RELIEFS])
        on = ["plan_id", "metric", *[key for key in self.keys if key == "as_of"]]
        r = self.script.table(
            rows.inner_join(given, on).select(*self.keys, "metric", "used", "place", "more")
        )
        share = (r.used / r.more.nullif(0.0)).round(DECIMALS)
        r = r.mutate(relieves=r.more.isnull() | (share <= COMFORTABLE).fill_null(False))
        total = r.group_by(*self.keys).aggregate(metrics=r.metric.nunique())
        places = r.group_by(*self.keys, "place").aggregate(relieved=r.metric.nunique(where=r.relieves))
        fitting = places.inner_join(total, self.keys)
        fitting = fitting.filter(fitting.relieved == fitting.metrics)
        return self.script.view(fitting.group_by(*self.keys).aggregate(relief_place=fitting.place.min()))
