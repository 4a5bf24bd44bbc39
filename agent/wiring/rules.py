"""The triggers of a workspace beside its facts: what each needs, whether that is there, and whom it fired for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from agent.foundation.errors import NotFound, OutgrownError
from agent.foundation.warehouse import fetch, scalar
from agent.signals.catalogue import PlanBook
from agent.signals.formula import CeilingOn
from agent.signals.library import Entry, library_of
from agent.signals.own.metrics import SEATS, metrics_named
from agent.signals.own.unfit import nearest
from agent.signals.world import plain_source, read_book
from agent.wiring.looking import Looking


@dataclass(frozen=True)
class MetricLine:
    """A metric that a trigger names: whether the company has it, its values, and its ceilings where those matter."""

    metric: str
    is_known: bool
    rows: int | None
    ceilings: int | None


@dataclass(frozen=True)
class TriggerLine:
    """One trigger of the library, and what the facts say about it."""

    entry: Entry
    is_on: bool
    points: int
    tables: dict[str, int | None]
    "Rows by table it needs; None while there are no facts."
    metrics: tuple[MetricLine, ...]
    fired: int | None
    "Accounts it fired for on the day; None where it was not looked at."


@dataclass(frozen=True)
class TriggerList:
    """Every trigger, on and off, as of one day; `problem` is why nothing could be counted."""

    as_of: date
    triggers: tuple[TriggerLine, ...]
    groups: dict[str, int]
    problem: str = ""


@dataclass(frozen=True)
class Seen:
    """What is in the facts: rows by table, the plan book, and values and ceilings by metric."""

    tables: dict[str, int] = field(default_factory=dict)
    book: PlanBook | None = None
    values: dict[str, int] = field(default_factory=dict)
    ceilings: dict[str, int] = field(default_factory=dict)


class Ruling(Looking):
    """What answers about the rules themselves."""

    def triggers(self, name: str | None = None) -> TriggerList:
        """Every trigger, or the one of that name; whom they fired for is counted on the live day and not recorded.

        Raises NotFound for a name that no trigger has.
        """
        library = library_of(self.settings)
        entries = [(entry, True) for entry in library.entries] + [(entry, False) for entry in library.off]
        if name is not None:
            names = [entry.name for entry, _ in entries]
            if name not in names:
                raise NotFound(f"There is no trigger '{name}'{nearest(name, names)}")
            entries = [(entry, on) for entry, on in entries if entry.name == name]
        seen = self._seen([entry for entry, _ in entries])
        fired, problem = self._fired()
        lines = tuple(
            TriggerLine(
                entry,
                on,
                library.points[entry.group],
                {table: seen.tables.get(table) for table in entry.rule.needs},
                tuple(_metric(metric, entry, seen) for metric in metrics_named(entry)),
                fired[entry.name] if on and fired is not None else None,
            )
            for entry, on in entries
        )
        return TriggerList(self.live_day, lines, dict(library.points), problem)

    def _seen(self, entries: Sequence[Entry]) -> Seen:
        """Rows of every table and metric that the triggers need; nothing while there are no facts."""
        if not self.workspace.facts_file.is_file():
            return Seen()
        metrics = sorted({metric for entry in entries for metric in metrics_named(entry)})
        with self.warehouse() as warehouse:
            needed = sorted({table for entry in entries for table in entry.rule.needs})
            rows = {table: int(scalar(warehouse.table(table).count())) for table in needed}
            by_metric = []
            for name in ("measures", "ceilings"):
                t = warehouse.table(name)
                t = t.filter(t.metric.isin(metrics or [""]))
                counts = fetch(t.group_by("metric").aggregate(number=t.count()))
                by_metric.append({row["metric"]: int(row["number"]) for row in counts})
            return Seen(rows, read_book(plain_source(warehouse).tables), *by_metric)

    def _fired(self) -> tuple[Counter[str] | None, str]:
        """Accounts by trigger on the live day, or why that cannot be said."""
        try:
            result = self.look()
        except OutgrownError as error:
            return None, str(error)
        return Counter(name for one in result.accounts for name in {f.trigger for f in one.findings}), ""


def _metric(metric: str, entry: Entry, seen: Seen) -> MetricLine:
    if metric == SEATS:
        return MetricLine(metric, is_known=True, rows=None, ceilings=None)
    if seen.book is None:
        return MetricLine(metric, is_known=False, rows=None, ceilings=None)
    limited = any(isinstance(leaf, CeilingOn) for leaf in entry.rule.fires.leaves())
    return MetricLine(
        metric,
        is_known=seen.book.metric(metric) is not None or metric in seen.values,
        rows=seen.values.get(metric, 0),
        ceilings=seen.ceilings.get(metric, 0) if limited else None,
    )
