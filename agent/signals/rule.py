"""What a trigger is: a rule with its value, its bound, its words and the figures it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import overload

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
    only: tuple[str, ...] = ()
    "Where the grain is finer than the account: the only features, metrics … it is about; empty for all."


@dataclass(frozen=True)
class Trigger:
    """A named kind of rule: `build` takes the parameters of the trigger library."""

    name: str
    build: Callable[..., Rule]
    summary: str
    group: str | None = None
    "The group a trigger of the founder's own names in its code; built-in ones have theirs in the library."
    points: int | None = None
    "What that group is worth, where the trigger brings a new one."
    play: str | None = None
    "The play whose condition it satisfies by itself."


TRIGGERS: dict[str, Trigger] = {}
"The built-in triggers, by name."
_registry: ContextVar[dict[str, Trigger]] = ContextVar("registry", default=TRIGGERS)

Build = Callable[..., Rule]


@overload
def trigger(build: Build) -> Build: ...
@overload
def trigger(
    *, group: str | None = None, points: int | None = None, play: str | None = None
) -> Callable[[Build], Build]: ...
def trigger(
    build: Build | None = None,
    *,
    group: str | None = None,
    points: int | None = None,
    play: str | None = None,
) -> Build | Callable[[Build], Build]:
    """Register a function that describes a trigger under its own name.

    As `@trigger(group="growth")` it says where a trigger of the founder's own belongs; `points` makes a new group of
    that name, and `play` names the play whose condition the trigger satisfies by itself.
    """

    def register(build: Build) -> Build:
        said = (build.__doc__ or "").strip().splitlines()
        name = build.__name__
        summary = said[0] if said else name.replace("_", " ")
        if name in _registry.get():
            raise ValueError(f"there are two triggers called '{name}'")
        _registry.get()[name] = Trigger(name, build, summary, group, points, play)
        return build

    return register if build is None else register(build)


@contextmanager
def gathering() -> Iterator[dict[str, Trigger]]:
    """Triggers registered in the block, and nowhere else."""
    found: dict[str, Trigger] = {}
    token = _registry.set(found)
    try:
        yield found
    finally:
        _registry.reset(token)


def window(days: int, figure_id: str = "window") -> Quote:
    """The length of a window as a figure, so that it may be quoted."""
    return Quote(figure_id, "the days looked at", Const(days), Show.DAYS)
