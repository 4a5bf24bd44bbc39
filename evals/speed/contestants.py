"""Who takes part in the benchmark: what is measured, on which files, and up to which size."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from evals.speed import floor, ours, queries
from evals.speed.catalogue import AS_OF
from evals.speed.stopwatch import Timed, timed
from evals.speed.world import DAYS, HISTORY, generate

WEEKLY = tuple(AS_OF - timedelta(days=7 * week) for week in reversed(range(26)))


@dataclass(frozen=True)
class Files:
    """A generated world and what is exported from it."""

    folder: Path
    accounts: int
    days: int = DAYS
    clustered: bool = True

    @property
    def name(self) -> str:
        """What tells this world from others."""
        return f"world-{self.accounts}-{self.days}{'' if self.clustered else '-scattered'}"

    @property
    def facts(self) -> Path:
        """The DuckDB file."""
        return self.folder / f"{self.name}.duckdb"

    @property
    def parquet(self) -> Path:
        """The folder of Parquet files for polars."""
        return self.folder / f"{self.name}.parquet"

    @property
    def profiles(self) -> Path:
        """The file of wide rows for the rule engines."""
        return self.folder / f"{self.name}.profiles"

    def make(self) -> float:
        """Generate what is not there yet; answers how many seconds that took."""
        from evals.speed.asks import keep_asks

        started = time.perf_counter()
        if not self.facts.exists():
            unready = self.facts.with_suffix(".unready")
            generate(unready, self.accounts, days=self.days, clustered=self.clustered)
            keep_asks(unready)
            unready.replace(self.facts)
        return time.perf_counter() - started

    def make_parquet(self) -> None:
        """Export the tables, unless they are there."""
        from evals.speed.polars_lazy import export

        if not self.parquet.exists():
            unready = self.parquet.with_suffix(".unready")
            export(self.facts, unready)
            unready.replace(self.parquet)

    def make_profiles(self) -> None:
        """Export the profiles, unless they are there."""
        from evals.speed.rule_engines import export

        if not self.profiles.exists():
            unready = self.profiles.with_suffix(".unready")
            export(self.facts, unready, AS_OF)
            unready.replace(self.profiles)


@dataclass(frozen=True)
class Contestant:
    """One measured thing."""

    label: str
    section: str
    run: Callable[[Files], Timed | None]
    at_most: int = 1_000_000
    "Accounts above which it is not run."
    needs: str = ""
    "A package of the bench extra."

    @property
    def can_run(self) -> bool:
        """Whether the package it needs is installed."""
        return not self.needs or find_spec(self.needs) is not None


def _floor(files: Files) -> Timed:
    import duckdb  # noqa: F401 - an import is no part of what is measured

    return timed(lambda: floor.one_date(files.facts, AS_OF))


def _floor_by_account(files: Files) -> Timed:
    import duckdb  # noqa: F401

    return timed(lambda: floor.one_date(files.facts, AS_OF, by_account=True))


def _ours(files: Files) -> Timed:
    import ibis.backends.duckdb  # noqa: F401 - an import is no part of what is measured

    import agent.scoring.setwise  # noqa: F401

    return timed(lambda: ours.one_date(files.facts, AS_OF))


def _again(files: Files) -> Timed:
    import agent.scoring.setwise  # noqa: F401

    ours.again(files.facts, AS_OF)
    return timed(lambda: ours.again(files.facts, AS_OF))


def _many(files: Files) -> Timed:
    import agent.scoring.setwise  # noqa: F401

    return timed(lambda: ours.many_dates(files.facts, WEEKLY))


def _queries(files: Files) -> Timed:
    import duckdb  # noqa: F401

    return timed(lambda: queries.one_date(files.facts, AS_OF))


def _queries_many(files: Files) -> Timed:
    import duckdb  # noqa: F401

    return timed(lambda: sum(queries.one_date(files.facts, day) for day in WEEKLY))


def _polars(files: Files) -> Timed:
    from evals.speed import polars_lazy

    return timed(lambda: polars_lazy.one_date(files.parquet, AS_OF))


def _python(files: Files) -> Timed:
    from evals.speed import python_loop

    return timed(lambda: python_loop.one_date(files.facts, AS_OF))


def _tickets(files: Files) -> Timed:
    from evals.speed.asks import tickets_per_second

    rate = tickets_per_second(files.facts)
    return Timed(1000 / rate, 1000 / rate, round(rate))


def _rules(package: str) -> Callable[[Files], Timed]:
    def run(files: Files) -> Timed:
        from evals.speed import rule_engines

        return rule_engines.measured(getattr(rule_engines, package), files.profiles)

    return run


def _our_rules(files: Files) -> Timed:
    seconds = ours.rules_alone(files.profiles)
    return Timed(seconds, seconds, 0)


ONE, MANY, AGAIN, RULES, TEXT = "one date", "26 weekly dates", "nothing new", "rules alone", "tickets"
CONTESTANTS: dict[str, Contestant] = {
    "floor": Contestant("(a) floor: each table read once", ONE, _floor),
    "floor_by_account": Contestant("    the same, grouped by account", ONE, _floor_by_account),
    "ours": Contestant("(b) ours: triggers, scores, holds, plays, ranking", ONE, _ours),
    "queries": Contestant("(c) one SQL query per trigger, points", ONE, _queries),
    "polars": Contestant("(d) polars lazy, points", ONE, _polars, needs="polars"),
    "python": Contestant("(e) a Python loop, points", ONE, _python, at_most=10_000),
    "floor_history": Contestant("(a) floor, one date", MANY, _floor, at_most=100_000),
    "ours_history": Contestant("(b) ours, one date", MANY, _ours, at_most=100_000),
    "many": Contestant("(b) ours, 26 dates", MANY, _many, at_most=100_000),
    "queries_many": Contestant("(c) 26 x one SQL query per trigger", MANY, _queries_many, at_most=10_000),
    "again": Contestant("(b) ours again, nothing new since", AGAIN, _again),
    "our_rules": Contestant("(b) ours", RULES, _our_rules, at_most=100_000),
    "rule_engine": Contestant(
        "rule-engine", RULES, _rules("rule_engine"), at_most=100_000, needs="rule_engine"
    ),
    "zen_table": Contestant(
        "zen-engine, decision table", RULES, _rules("zen_table"), at_most=100_000, needs="zen"
    ),
    "zen_expression": Contestant(
        "zen-engine, one expression", RULES, _rules("zen_expression"), at_most=100_000
    ),
    "tickets": Contestant(
        "phrase rules, 1,000 tickets; found: tickets a second", TEXT, _tickets, at_most=10_000
    ),
}


def files_of(name: str, folder: Path, accounts: int, *, clustered: bool = True) -> Files:
    """The files a contestant reads."""
    days = HISTORY if CONTESTANTS[name].section == MANY else DAYS
    return Files(folder, accounts, days, clustered)
