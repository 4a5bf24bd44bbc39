"""The brief's figures made ready to be held against a text: what each is, counts and was measured in."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.money import marked
from agent.drafting.guardrails.quantities import quantities
from agent.drafting.guardrails.units import (
    OWN_CURRENCY,
    SECONDS,
    TIME_UNITS,
    Kind,
    Quantity,
)
from agent.drafting.guardrails.words import stem
from agent.signals.finding import Figure

BOUNDS = frozenset(
    {
        "ceiling",
        "threshold",
        "included",
        "allowance",
        "allowed",
        "price",
        "floor",
        "cap",
        "bar",
        "quota",
        "seats",
    }
)
"Last words of the ids of figures that are a bound and no measurement."
PERIODS = ("day", "week", "month", "quarter", "year")


class Entry(NamedTuple):
    """One figure as it may be said."""

    figure_id: str
    kind: Kind | None
    "None for a date."
    values: tuple[float, ...]
    "As displayed, and as measured."
    exact: float
    unit: str
    stems: frozenset[str]
    "Of its unit, label and id."
    counts: frozenset[str]
    "Of its unit alone: what it counts."
    is_bound: bool
    "A ceiling, threshold or price: something else may be over or under it."
    is_offer: bool
    day: date | None
    window: tuple[date, date]
    rates: frozenset[str]
    decimals: int = 0


def entry_of(figure: Figure, brief: Brief) -> Entry:
    """A figure of the brief, ready to be held against what a text says."""
    unit = plain(figure.unit)
    display = plain(figure.display)
    words = f"{unit} {plain(figure.label)} {plain(figure.figure_id)}".replace("_", " ").split()
    stems = frozenset(stem(word.strip(".,;:()'\"")) for word in words if len(word) > 1)
    counts = frozenset(stem(word) for word in re.findall(r"[a-z]+", unit))
    is_offer = figure.figure_id.startswith("offer")
    is_bound = is_offer or figure.figure_id.split("_")[-1] in BOUNDS
    rates = frozenset(
        period
        for period in PERIODS
        if any(f"{lead} {period}" in " ".join(words) for lead in ("a", "per", "each", "every"))
    )
    rates |= frozenset(
        name
        for word, name in (("monthly", "month"), ("weekly", "week"), ("daily", "day"), ("yearly", "year"))
        if word in words
    )
    shown = _shown(marked(display, display.upper(), brief).lower if unit == "money" else display)
    window = (figure.first_day, figure.last_day)
    if isinstance(figure.value, date):
        return Entry(
            figure.figure_id, None, (), 0, "", stems, counts, is_bound, is_offer, figure.value, window, rates
        )
    value = float(figure.value)
    kind, exact, code = Kind.COUNT, value, ""
    single = shown[0] if len(shown) == 1 else None
    if unit == "share":
        kind, exact = Kind.SHARE, value * 100
        # What it is a share of, its finding's other figures count: 87% of the exports.
        stems |= {
            stem(word)
            for finding in brief.findings
            if any(one.figure_id == figure.figure_id for one in finding.figures)
            for one in finding.figures
            if one.unit not in ("share", "ratio", "days", "money", "date")
            for word in re.findall(r"[a-z]+", plain(one.unit))
            if len(word) > 2
        }
    elif unit in ("percent", "%"):
        kind = Kind.SHARE
    elif unit == "ratio":
        kind = Kind.MULTIPLE
    elif unit == "money":
        kind = Kind.MONEY
        code = single.unit if single and single.kind is Kind.MONEY else OWN_CURRENCY
        code = brief.offer.currency if code == OWN_CURRENCY else code
        exact = value / 10 ** _exponent(code)
    elif unit in TIME_UNITS:
        kind, exact = Kind.DURATION, value * SECONDS[TIME_UNITS[unit]]
    elif single and single.kind in (Kind.DURATION, Kind.SHARE):
        kind = single.kind
        exact = single.values[0]
    displayed = [
        value
        for one in shown
        for value in one.values
        if one.kind in (kind, Kind.TIMES, Kind.COUNT) or kind is Kind.MONEY
    ]
    decimals = max((one.decimals for one in shown), default=0)
    return Entry(
        figure.figure_id,
        kind,
        tuple(displayed),
        exact,
        code,
        stems,
        counts,
        is_bound,
        is_offer,
        None,
        window,
        rates,
        decimals,
    )


@lru_cache(maxsize=1024)
def _shown(display: str) -> tuple[Quantity, ...]:
    return tuple(quantities(display, []))


def offer_price(brief: Brief) -> Entry:
    """The price as the offer itself states it."""
    offer, none = brief.offer, frozenset[str]()
    amount = offer.price_minor / 10 ** _exponent(offer.currency)
    window = (brief.as_of, brief.as_of)
    return Entry(
        "offer", Kind.MONEY, (amount,), amount, offer.currency, none, none, True, True, None, window, none
    )


def _exponent(code: str) -> int:
    """Digits of the minor unit."""
    # Here and not above: it brings Babel with it, which takes a tenth of a second.
    from agent.signals.display import EXPONENTS

    return EXPONENTS.get(code, 2)
