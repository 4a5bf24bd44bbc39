"""The second computation: every figure again, in plain Python, from one account's own source rows.

Shares with the engine the formula tree and the rule book, and no code, so that each checks the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from agent.facts.tables import TABLES, Metric
from agent.signals.catalogue import PlanBook
from agent.signals.finding import SourceRow
from agent.signals.formula import (
    Aggregate,
    Attribute,
    CeilingOn,
    Const,
    FirstRow,
    Formula,
    Grain,
    IsCore,
    Level,
    Op,
    Reading,
)

Row = dict[str, Any]
SEATS = "seats"
MAIN = "main"
STATUS_ORDER = ("active", "past_due", "trialing", "paused", "canceled")
PERIOD_DAYS = {"day": 1, "week": 7, "month": 30}
HIDDEN = {"text"}
"A customer's own words stay with the ticket: they are never copied into a figure's rows."


@dataclass
class Outcome:
    """A recomputed value, and the rows it came from."""

    value: float | None
    rows: list[Row] = field(default_factory=list)


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


@dataclass
class Evidence:
    """All of one account's rows dated up to D, by table; `asks` are its tickets' classes."""

    as_of: date
    account: Row
    tables: dict[str, list[Row]]
    asks: list[Row]
    book: PlanBook

    def compute(self, formula: Formula, grain: Grain = Grain.ACCOUNT, key: str = "") -> Outcome:
        """The formula's value for the account (and its metric, feature, … `key`), with the rows it rests on."""
        if isinstance(formula, Const):
            return Outcome(float(formula.value))
        if isinstance(formula, Op):
            left, right = self.compute(formula.left, grain, key), self.compute(formula.right, grain, key)
            return Outcome(_operate(formula.sign, left.value, right.value), left.rows + right.rows)
        if isinstance(formula, Aggregate):
            return self._aggregate(formula, grain, key)
        if isinstance(formula, Attribute):
            return self._attribute(formula.name)
        return self._metric_leaf(formula, key)

    # Subscriptions.

    def _periods(self) -> list[Row]:
        return [row for row in self.tables["subscriptions"] if row["starts_on"] <= self.as_of]

    def plan_row(self, days_ago: int = 0) -> Row | None:
        """The subscription period that counts as the account's plan so many days before D."""
        day = self.as_of - timedelta(days=days_ago)
        rows = [
            row
            for row in self._periods()
            if row["starts_on"] <= day and (row["ends_on"] is None or row["ends_on"] > day)
        ]

        def order(row: Row) -> tuple[Any, ...]:
            plan = self.book.plan(row["plan_id"])
            product, tier = (plan.product, plan.tier) if plan else (MAIN, 0)
            place = STATUS_ORDER.index(row["status"]) if row["status"] in STATUS_ORDER else 9
            return (product != MAIN, place, -tier, -row["starts_on"].toordinal(), row["subscription_id"])

        return min(rows, key=order, default=None)

    def _product_of(self, plan_id: str | None) -> str:
        plan = self.book.plan(plan_id)
        return plan.product if plan else MAIN

    def _plan_days(self) -> int | None:
        changes, starts = [], []
        by_product: dict[str, list[Row]] = {}
        for row in sorted(self._periods(), key=lambda r: (r["starts_on"], r["subscription_id"])):
            by_product.setdefault(self._product_of(row["plan_id"]), []).append(row)
            starts.append(row["starts_on"])
        for rows in by_product.values():
            changes += [b["starts_on"] for a, b in pairwise(rows) if a["plan_id"] != b["plan_id"]]
        since = max(changes) if changes else min(starts, default=None)
        return None if since is None else (self.as_of - since).days

    # Attributes of the account.

    def _attribute(self, name: str) -> Outcome:
        plan = self.plan_row()
        plan_rows = [_from("subscriptions", plan)] if plan else []
        if name == "age_days":
            return Outcome((self.as_of - self.account["created_on"]).days, [_from("accounts", self.account)])
        if name == "seats":
            return Outcome(plan["seats"] if plan else None, plan_rows)
        if name == "days_to_renewal":
            renews = plan["renews_on"] if plan else None
            return Outcome((renews - self.as_of).days if renews else None, plan_rows)
        if name == "plan_features":
            features = self.book.features_of(plan["plan_id"]) if plan else frozenset()
            rows = (
                [_from("plan_features", {"plan_id": plan["plan_id"], "feature": f}) for f in sorted(features)]
                if plan
                else []
            )
            return Outcome(len(features), rows)
        if name == "teams":
            used = [r for r in self._events() if r["kind"] == "used" and r["team"]]
            there = [r for r in self._members() if r["present"] and r["team"]]
            names = {r["team"] for r in used} | {r["team"] for r in there}
            firsts = {r["team"]: r for r in sorted(used + there, key=lambda r: -r["age"])}
            return Outcome(len(names), [firsts[name] for name in sorted(firsts)])
        if name == "plan_days":
            return Outcome(self._plan_days(), [_from("subscriptions", row) for row in self._periods()])
        raise KeyError(name)

    # Relations, enriched the way the rule book words its conditions.

    @cached_property
    def _own_features(self) -> frozenset[str]:
        plan = self.plan_row()
        return self.book.features_of(plan["plan_id"]) if plan else frozenset()

    @cached_property
    def _higher_features(self) -> set[str]:
        plan = self.plan_row()
        higher = self.book.higher_plans(self.book.plan(plan["plan_id"])) if plan else ()
        return {name for one in higher for name in self.book.features_of(one.plan_id)} - self._own_features

    @cached_property
    def _other_products(self) -> set[str]:
        plan = self.plan_row()
        own = self._product_of(plan["plan_id"]) if plan else MAIN
        held = {
            self._product_of(row["plan_id"])
            for row in self._periods()
            if row["ends_on"] is None or row["ends_on"] > self.as_of
        }
        return set(self.book.sold_products()) - held - {own}

    def _flagged(self, row: Row) -> Row:
        row["in_plan"] = row.get("feature") in self._own_features
        row["higher"] = row.get("feature") in self._higher_features
        row["other_product"] = row.get("product") in self._other_products
        return row

    @cached_property
    def _roles(self) -> dict[str, set[str]]:
        roles: dict[str, set[str]] = {}
        for row in self.tables["members"]:
            if row["joined_on"] <= self.as_of:
                roles.setdefault(row["user_id"], set()).add(row["role"])
        return roles

    def _events(self) -> list[Row]:
        return self._cached_events

    @cached_property
    def _cached_events(self) -> list[Row]:
        rows = []
        for source in self.tables["events"]:
            day = _day(source["at"])
            if day > self.as_of:
                continue
            row = {**source, **_from("events", source), "day": day, "age": (self.as_of - day).days}
            row["since_start"] = (day - self.account["created_on"]).days
            row["by_guest"] = self._roles.get(source["user_id"] or "", set()) == {"guest"}
            rows.append(self._flagged(row))
        return rows

    def _members(self) -> list[Row]:
        return self._cached_members

    @cached_property
    def _cached_members(self) -> list[Row]:
        last_used: dict[str, int] = {}
        for event in self._events():
            if event["kind"] == "used" and event["user_id"]:
                last_used[event["user_id"]] = min(event["age"], last_used.get(event["user_id"], event["age"]))
        rows = []
        for source in self.tables["members"]:
            joined, left = source["joined_on"], source["left_on"]
            if joined > self.as_of:
                continue
            earlier = [
                other
                for other in self.tables["members"]
                if other["user_id"] == source["user_id"]
                and other["role"] == "member"
                and other["joined_on"] < joined
            ]
            row = {**source, **_from("members", source), "day": joined, "age": (self.as_of - joined).days}
            row["left_age"] = None if left is None else (self.as_of - left).days
            row["present"] = left is None or left > self.as_of
            row["member"], row["guest"] = source["role"] == "member", source["role"] == "guest"
            row["rejoined"] = any(
                o["left_on"] is None or o["left_on"] > joined - timedelta(days=30) for o in earlier
            )
            row["used_age"] = last_used.get(source["user_id"])
            rows.append(row)
        return rows

    def _tickets(self) -> list[Row]:
        rows = []
        for source in self.tables["tickets"]:
            day = _day(source["opened_at"])
            if day <= self.as_of:
                rows.append(
                    {**source, **_from("tickets", source), "day": day, "age": (self.as_of - day).days}
                )
                closed = source["closed_at"]
                rows[-1]["open"] = closed is None or _day(closed) > self.as_of
        return rows

    def _asks(self) -> list[Row]:
        rows = []
        for source in self.asks:
            day = source["opened_on"]
            if day > self.as_of:
                continue
            ahead = source["deadline_on"]
            shown = {
                name: source[name]
                for name in ("ticket_id", "opened_on", "ticket_class", "feature", "deadline_on")
            }
            row = {**source, "_table": "tickets", "_row": shown, "day": day, "age": (self.as_of - day).days}
            row["days_ahead"] = None if ahead is None else (ahead - self.as_of).days
            rows.append(self._flagged(row))
        return rows

    def _measures(self) -> list[Row]:
        return self._cached_measures

    @cached_property
    def _cached_measures(self) -> list[Row]:
        return [
            {
                **source,
                **_from("measures", source),
                "age": (self.as_of - source["day"]).days,
                "since_start": (source["day"] - self.account["created_on"]).days,
            }
            for source in self.tables["measures"]
            if source["day"] <= self.as_of
        ]

    def _is_over(self, days: int) -> bool:
        """Whether the account's day of that number lies behind."""
        return bool((self.as_of - self.account["created_on"]).days >= days)

    # Aggregates.

    def _aggregate(self, leaf: Aggregate, grain: Grain, key: str) -> Outcome:
        if leaf.since_start and not self._is_over(leaf.newest):
            return Outcome(None)
        rows: list[Row] = getattr(self, f"_{leaf.relation}")()
        chosen = [row for row in rows if _selected(leaf, row)]
        if grain is not Grain.ACCOUNT:
            chosen = [row for row in chosen if row[grain.value] == key]
        values = [row[leaf.of] for row in chosen if leaf.of and row[leaf.of] is not None]
        match leaf.how:
            case "count":
                return Outcome(len(chosen), chosen)
            case "ever":
                return Outcome(float(bool(chosen)), chosen)
            case "days":
                return Outcome(len({row["day"] for row in chosen}), chosen)
            case "distinct":
                return Outcome(len(set(values)), chosen)
            case "sum":
                return Outcome(round(sum(values), 9), chosen)
            case "mean":
                return Outcome(round(sum(values) / len(values), 9) if values else None, chosen)
            case "min":
                return Outcome(min(values, default=None), chosen)
            case "newest" | "oldest":
                known = sorted(
                    (row for row in chosen if row[leaf.of] is not None), key=lambda row: row["age"]
                )
                if not known:
                    return Outcome(None)
                row = known[0] if leaf.how == "newest" else known[-1]
                return Outcome(row[leaf.of], [row])
            case "age_of_first":
                first = max(chosen, key=lambda row: row["age"], default=None)
                return Outcome(first["age"] if first else None, [first] if first else [])
        raise ValueError(leaf.how)

    # Metrics.

    def _metric_leaf(self, leaf: Formula, name: str) -> Outcome:
        metric = self.book.metric(name)
        if isinstance(leaf, IsCore):
            return Outcome(float(bool(metric and metric.core)))
        if isinstance(leaf, CeilingOn):
            return self._ceiling(name, 7 * leaf.week)
        if isinstance(leaf, Reading) and name == SEATS:
            return self._seats_taken(7 * leaf.week)
        if metric is None:
            return Outcome(None)
        rows = [row for row in self._measures() if row["metric"] == name]
        if isinstance(leaf, FirstRow):
            first = min(rows, key=lambda row: row["day"], default=None)
            return Outcome(first["since_start"] if first else None, [first] if first else [])
        if isinstance(leaf, Reading):
            return _reading(metric, rows, 7 * leaf.week)
        if isinstance(leaf, Level):
            low, high = sorted((leaf.oldest, leaf.newest))
            if leaf.since_start and not self._is_over(high):
                return Outcome(None)
            measure = "since_start" if leaf.since_start else "age"
            chosen = [row for row in rows if low <= row[measure] <= high]
            if not chosen:
                return Outcome(None)
            total = sum(row["value"] for row in chosen)
            return Outcome(round(total if metric.kind == "flow" else total / len(chosen), 9), chosen)
        raise TypeError(leaf)

    def _seats_taken(self, days_ago: int) -> Outcome:
        ever = [row for row in self._members() if row["member"]]
        if not ever:
            return Outcome(None)
        there = [
            row
            for row in ever
            if row["age"] >= days_ago and (row["left_age"] is None or row["left_age"] < days_ago)
        ]
        return Outcome(len({row["user_id"] for row in there}), there)

    def _ceiling(self, metric: str, days_ago: int) -> Outcome:
        plan = self.plan_row(days_ago)
        if metric == SEATS:
            seats = plan["seats"] if plan else None
            return Outcome(seats or None, [_from("subscriptions", plan)] if plan else [])
        day = self.as_of - timedelta(days=days_ago)
        rows = [
            row
            for row in self.tables["ceilings"]
            if row["metric"] == metric
            and (row["from_on"] is None or row["from_on"] <= day)
            and (row["to_on"] is None or row["to_on"] > day)
        ]
        own = [row for row in rows if row["account_id"] == self.account["account_id"]]
        by_plan = [row for row in rows if plan and row["plan_id"] == plan["plan_id"]]
        chosen = own or by_plan
        if not chosen:
            return Outcome(None)
        newest = max(row["from_on"] or date.min for row in chosen)
        latest = [row for row in chosen if (row["from_on"] or date.min) == newest]
        row = min(latest, key=lambda row: float("inf") if row["ceiling"] is None else row["ceiling"])
        return Outcome(row["ceiling"] or None, [_from("ceilings", row)])


def _reading(metric: Metric, rows: list[Row], newest: int) -> Outcome:
    if metric.kind == "gauge":
        week = [row for row in rows if newest <= row["age"] <= newest + 6]
        row = min(week, key=lambda row: row["age"], default=None)
        return Outcome(row["value"] if row else None, [row] if row else [])
    if not any(row["age"] >= newest for row in rows):
        return Outcome(None)
    period = PERIOD_DAYS[metric.per or "month"]
    chosen = [row for row in rows if newest <= row["age"] < newest + period]
    return Outcome(round(sum(row["value"] for row in chosen), 9), chosen)


def _selected(leaf: Aggregate, row: Row) -> bool:
    if leaf.since_start:
        if not (leaf.oldest or 0) <= row["since_start"] <= leaf.newest:
            return False
    elif row["age"] < leaf.newest or (leaf.oldest is not None and row["age"] > leaf.oldest):
        return False
    return all(_passes(row[column], sign, values) for column, sign, values in leaf.tests)


def _passes(value: Any, sign: str, values: tuple[Any, ...]) -> bool:
    if sign == "=":
        return value in values
    if value is None:
        return False
    return bool({"<=": value <= values[0], "<": value < values[0], ">": value > values[0]}[sign])


def _operate(sign: str, left: float | None, right: float | None) -> float | None:
    if sign == "and":
        return None if left is None or right is None else float(bool(left) and bool(right))
    if left is None or right is None:
        return None
    if sign == "/":
        return round(left / right, 9) if right else None
    results: dict[str, float] = {
        "+": left + right, "-": left - right, "*": left * right, ">=": left >= right, ">": left > right,
        "<=": left <= right, "<": left < right, "or": bool(left) or bool(right),
    }  # fmt: skip
    return float(results[sign])


def _from(table: str, row: Row) -> Row:
    return {"_table": table, "_row": row}


def source_rows(rows: Iterable[Row], limit: int) -> tuple[tuple[SourceRow, ...], int]:
    """The different source rows among `rows`, oldest first, at most `limit` of them, and how many there are."""
    found: dict[tuple[str, str], SourceRow] = {}
    for row in rows:
        table, values = row["_table"], {k: v for k, v in row["_row"].items() if k not in HIDDEN}
        keys = TABLES[table].KEY
        key = "/".join("" if values.get(name) is None else str(values.get(name)) for name in keys)
        found.setdefault((table, key), SourceRow(table=table, key=key, values=values))
    ordered = [found[place] for place in sorted(found)]
    return tuple(ordered[:limit]), len(ordered)
