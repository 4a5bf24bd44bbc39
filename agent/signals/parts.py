"""Leaves sorted by the pass over the facts that can answer them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agent.signals.cells import asks_ever, fits
from agent.signals.formula import Aggregate, Grain, Test
from agent.signals.relations import BESIDE, OF_THE_DAY

FLAGS = {"in_plan", "higher"}


class How(StrEnum):
    """What the passes differ in."""

    WINDOW = "window"
    "Rows of a bounded window, or for one day any rows: one row of the relation for each day that looks at it."
    FIRST = "first"
    "The first row ever, which is the same whatever the day."
    START = "start"
    "The account's first days, which are the same whatever the day."
    ALL = "all"
    "Every row up to D."
    MEASURED = "measured"
    "Measures, which are gathered by account and metric already."
    FEATURES = "features"
    "Rows counted by feature first, so that the plan is asked once a feature and not once a row."


@dataclass(frozen=True)
class Part:
    """Leaves that one pass answers: of one kind, counting the different values of one column (`of`) or of none."""

    how: How
    of: str | None = None
    beside: frozenset[str] = frozenset()
    tests: tuple[Test, ...] = ()
    reach: int | None = None
    leaves: tuple[Aggregate, ...] = field(default=(), compare=False)

    @property
    def within(self) -> int | None:
        """Days back that the widest window reaches; None when one has no bound."""
        if self.how is How.ALL or any(leaf.oldest is None for leaf in self.leaves):
            return None
        return 1 + max(leaf.oldest or 0 for leaf in self.leaves)


def sorted_into_parts(leaves: Iterable[Aggregate], grain: Grain, *, many_days: bool) -> list[Part]:
    """The parts of one relation's leaves, in a stable order."""
    parts: dict[Part, list[Aggregate]] = {}
    for leaf in leaves:
        parts.setdefault(_part_of(leaf, grain, many_days=many_days), []).append(leaf)
    return [replace(part, leaves=tuple(found)) for part, found in parts.items()]


def columns_of(leaves: Iterable[Aggregate]) -> set[str]:
    """The relation's columns that the leaves read."""
    named = {column for leaf in leaves for column, _, _ in leaf.tests}
    return named | {leaf.of for leaf in leaves if leaf.of}


def _part_of(leaf: Aggregate, grain: Grain, *, many_days: bool) -> Part:
    columns = columns_of([leaf])
    of = {"distinct": leaf.of, "days": "day"}.get(leaf.how)
    fixed = not columns & OF_THE_DAY
    if leaf.since_start and fixed:
        return Part(How.START, of, tests=leaf.tests)
    if leaf.since_start:
        return Part(How.ALL, of, frozenset(columns & BESIDE))
    if (
        grain is Grain.ACCOUNT
        and leaf.relation == "events"
        and columns & FLAGS
        and not columns & (BESIDE - FLAGS)
        and (leaf.how in ("count", "ever") or (leaf.how == "distinct" and leaf.of == "feature"))
    ):
        return Part(How.FEATURES)
    beside = frozenset(columns & BESIDE)
    if grain is Grain.ACCOUNT and fits(leaf):
        if many_days and asks_ever(leaf):
            return Part(How.FIRST)
        # One pass for each reach and metric: only its own cells are looked at from each day.
        return Part(How.MEASURED, reach=leaf.oldest, tests=leaf.tests) if many_days else Part(How.MEASURED)
    if (
        many_days
        and leaf.how in ("age_of_first", "ever")
        and leaf.oldest is None
        and not leaf.newest
        and fixed
    ):
        return Part(How.FIRST)
    if many_days and leaf.oldest is None:
        return Part(How.ALL, of, beside, _steady(leaf))
    if leaf.relation == "measures" and many_days:
        return Part(How.WINDOW, of, beside, leaf.tests)
    return Part(How.WINDOW, of, beside)


def _steady(leaf: Aggregate) -> tuple[Test, ...]:
    """The leaf's tests that say the same on every day."""
    return tuple(test for test in leaf.tests if test[0] not in OF_THE_DAY)
