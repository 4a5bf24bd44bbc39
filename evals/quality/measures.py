"""What a measure is called, which way is better, and how its figures are written."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path

from evals.quality.result import Document
from evals.quality.scorers import MEASURES

FILE = Path(__file__).with_name("measures.toml")
LACKING = "–"


class Unit(StrEnum):
    """How a figure is written."""

    SHARE = "share"
    POINTS = "points"
    COUNT = "count"
    TOKENS = "tokens"
    MONEY = "money"
    SECONDS = "seconds"


class Measure(Document):
    """One measure of a draft."""

    title: str
    unit: Unit = Unit.POINTS
    direction: int = 1
    "Which way is better: up (1), down (-1), neither (0)."
    margin: float = 0.0
    "How much worse, as a share of the baseline, is still let pass."
    gates: bool = True


def score(name: str) -> Measure:
    """The measure behind a score; one that measures.toml does not name is shown under its own name."""
    direction = MEASURES.get(name, 1)
    found = _known("scores").get(name) or Measure(title=name.replace("_", " ").capitalize())
    return found.model_copy(update={"direction": direction, "gates": found.gates and direction != 0})


def spending() -> dict[str, Measure]:
    """What a draft takes, by field of CaseResult."""
    return _known("spending", direction=-1)


def written(value: float | None, unit: Unit, currency: str = "") -> str:
    """A figure for people: '97.3%', '0.84', '1,204'; a dash for none."""
    if value is None or not math.isfinite(value):
        return LACKING
    return _WRITTEN[unit](value) + (f" {currency}" if currency and unit is Unit.MONEY else "")


def signed(value: float | None, unit: Unit) -> str:
    """A difference: '+1.2 points' of per cent, '-0.13'; a dash for none."""
    if value is None or not math.isfinite(value):
        return LACKING
    size = f"{abs(value) * 100:.1f}" if unit is Unit.SHARE else written(abs(value), unit)
    if not any(digit in size for digit in "123456789"):
        return size
    return f"{'+' if value > 0 else '−'}{size}"


def percent(value: float) -> str:
    """0.9731 as '97.3%', and never 100% or 0% for what is not quite."""
    near = round(value * 100, 4)
    text = next(
        text
        for digits in range(1, 5)
        if float(text := f"{near:.{digits}f}") not in (0, 100) or near in (0, 100)
    )
    return f"{text.removesuffix('.0')}%"


def _money(value: float) -> str:
    """Millionths as a small sum: '0.00042'."""
    return f"{value / 1_000_000:,.2f}" if abs(value) >= 10_000_000 else f"{value / 1_000_000:.5f}"


_WRITTEN: dict[Unit, Callable[[float], str]] = {
    Unit.SHARE: percent,
    Unit.POINTS: lambda value: f"{value:.2f}",
    Unit.COUNT: lambda value: f"{value:,.0f}",
    Unit.TOKENS: lambda value: f"{value:,.0f}",
    Unit.MONEY: _money,
    Unit.SECONDS: lambda value: f"{value:.2f} s",
}


@cache
def _known(table: str, direction: int = 1) -> dict[str, Measure]:
    with FILE.open("rb") as file:
        found = tomllib.load(file)[table]
    return {name: Measure(**({"direction": direction} | values)) for name, values in found.items()}
