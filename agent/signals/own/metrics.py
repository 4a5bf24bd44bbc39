"""Metrics that triggers name, held against those the company has."""

from __future__ import annotations

from collections.abc import Iterator

from agent.foundation.errors import ConfigError
from agent.signals.catalogue import PlanBook
from agent.signals.formula import Grain
from agent.signals.library import Entry, Library
from agent.signals.own.unfit import nearest

SEATS = "seats"


def metrics_named(entry: Entry) -> tuple[str, ...]:
    """The metrics a trigger is about by name, in its order; empty for one that looks at any."""
    if entry.rule.grain is Grain.METRIC:
        return entry.rule.only
    return tuple(dict.fromkeys(_measures_named(entry)))


def check_metrics(library: Library, book: PlanBook) -> None:
    """Raises ConfigError for a trigger about a metric that the metrics table does not have: it could never fire.

    Silent while that table is empty, because then nothing has been read yet.
    """
    known = [metric.metric for metric in book.metrics]
    if not known:
        return
    for entry in library.entries:
        if not entry.own or entry.rule.grain is not Grain.METRIC:
            continue
        for name in entry.rule.only:
            if name not in known and name != SEATS:
                where = (
                    f"outgrown.toml: triggers.{entry.name}" if entry.where == "outgrown.toml" else entry.where
                )
                near = nearest(name, [*known, SEATS]).rstrip(".?")
                raise ConfigError(
                    f"{where}: there is no metric '{name}' in the metrics table{near}; name one that is there, or add it "
                    "to your metrics export."
                )


def _measures_named(entry: Entry) -> Iterator[str]:
    """The values that selections of measures ask of their metric column."""
    for formula in (entry.rule.fires, entry.rule.value):
        for leaf in formula.leaves():
            for column, sign, values in getattr(leaf, "tests", ()):
                if column == "metric" and sign == "=":
                    yield from (str(value) for value in values)
