"""What a trigger is: a rule with its value, its bound, its words and the figures it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from agent.signals.formula import Const, Formula, Grain


class Show(StrEnum):
    """How a figure is shown to a customer."""

    COUNT = "count"
    SHARE = "share"
    TIMES = "times"
    DAYS = "days"
    DATE = "date"
    "So many days after D, shown as the date."


@dataclass(frozen=True)
class Quote:
    """A figure of a rule: its id, what it counts, its formula, and how it is shown."""

    figure_id: str
    label: str
    formula: Formula
    show: Show = Show.COUNT
    noun: tuple[str, str] | None = None
    "Singular and plural of what is counted; the label's place holders {metric}, {feature}, … are allowed."


@dataclass(frozen=True)
class Rule:
    """A trigger with its parameters filled in: pure description, evaluated by the engine."""

    value: Formula
    threshold: float
    unit: str
    fires: Formula
    says: str
    quotes: tuple[Quote, ...]
    oldest: int
    "First day looked at: D minus this many days."
    newest: int = 0
    grain: Grain = Grain.ACCOUNT
    at_least_keys: int = 1
    "How many features, metrics … must satisfy `fires` for the trigger to fire."
    account_fires: Formula | None = None
    "What must hold for the account besides, where the grain is finer."
    needs: tuple[str, ...] = ()
    "Fact tables it reads."


@dataclass(frozen=True)
class Trigger:
    """A named kind of rule: `build` takes the parameters of the trigger library."""

    name: str
    build: Callable[..., Rule]
    summary: str


TRIGGERS: dict[str, Trigger] = {}


def trigger(build: Callable[..., Rule]) -> Callable[..., Rule]:
    """Register a function that describes a trigger under its own name."""
    summary = (build.__doc__ or "").strip().splitlines()[0]
    TRIGGERS[build.__name__] = Trigger(build.__name__, build, summary)
    return build


def window(days: int, figure_id: str = "window") -> Quote:
    """The length of a window as a figure, so that it may be quoted."""
    return Quote(figure_id, "the days looked at", Const(days), Show.DAYS)
