"""Scores and holds of rule book §4 and §6 as formulas over the profile, for all accounts and days at once.

`composite` and `holds` say the same for one account, with reasons; each checks the other in the tests.
"""

from __future__ import annotations

from functools import reduce

from agent.scoring import columns
from agent.scoring.composite import DERIVED_HEALTH, DISCOUNT_ALLOWED, FULL, HIGH, MIDDLE, WEIGHTS
from agent.scoring.holds import ANGRY, CHANGE_DAYS, UNHEALTHY_DERIVED, UNHEALTHY_SCORE, YOUNG_DAYS
from agent.signals.formula import Attribute, Const, Formula, Op
from agent.signals.library import Library
from agent.signals.logic import Among, If, IsKnown, Not, Rounded, Unknown

ZERO, ONE = Const(0.0), Const(1.0)
FACT_HOLDS = (
    "unhealthy", "open_escalation", "past_due", "leaving", "trial", "too_new", "just_changed", "test_account",
)  # fmt: skip
"Holds that the facts alone decide, whatever is offered."


def decisions(library: Library) -> dict[str, Formula]:
    """Columns in an order in which each may read those before it: the dimensions, the composite, the fact holds."""
    made: dict[str, Formula] = {"late": _late()}
    made["score_usage"] = Rounded(_usage(), 6)
    made["score_health"] = Rounded(_health(), 6)
    made["score_growth"] = Rounded(_growth(library), 6)
    made["score_commercial"] = Rounded(_commercial(library), 6)
    made["composite"] = _composite()
    made |= {f"holds_{name}": formula for name, formula in _holds().items()}
    bits: list[Formula] = [
        If(Attribute(f"holds_{name}"), Const(float(1 << place)), ZERO)
        for place, name in enumerate(FACT_HOLDS)
    ]
    made["fact_holds"] = _sum(bits)
    return made


def _equals(formula: Formula, value: str | float) -> Formula:
    return Op("=", formula, Const(value))


def _positive(formula: Formula) -> Formula:
    return formula > 0


def _sum(formulas: list[Formula]) -> Formula:
    return reduce(lambda a, b: a + b, formulas)


def _any(formulas: list[Formula]) -> Formula:
    return reduce(lambda a, b: a | b, formulas)


def _fired(name: str, library: Library) -> Formula:
    known = any(entry.name == name for entry in library.entries)
    return Attribute(f"fires_{name}") if known else Const(False)


def _default(formula: Formula, value: float) -> Formula:
    return If(IsKnown(formula), formula, Const(value))


def _clipped(formula: Formula, low: float, high: float) -> Formula:
    return If(formula < low, Const(low), If(formula > high, Const(high), formula))


def _late() -> Formula:
    return If(Attribute("any_past_due"), Const(True), columns.OVERDUE_INVOICES > 0)


def _usage() -> Formula:
    core, anything = Attribute("core_utilisation"), Attribute("any_utilisation")
    share = If(IsKnown(core), core, anything)
    fullest = If(anything > share, anything, share)
    teams = Attribute("teams") >= 2
    seen = _any([_positive(columns.USES_EVER), _positive(columns.AMOUNTS_EVER)])
    used = _any([_positive(columns.USES), _positive(columns.AMOUNTS)])
    filled = If(
        share > HIGH,
        If(teams, Const(8.0), Const(7.0)),
        If(
            share >= MIDDLE, Const(4.0) + (share - MIDDLE) * (2 / (HIGH - MIDDLE)), ONE + share * (2 / MIDDLE)
        ),
    )
    at_ceiling = (fullest >= FULL) & teams & _positive(columns.HIGHER_TRIED)
    scored = If(IsKnown(share), If(at_ceiling, Const(10.0), filled), Unknown())
    return If(seen, If(used, scored, ZERO), Unknown())


def _health() -> Formula:
    measured = columns.HEALTH_SCORE
    derived = _clipped(
        Const(DERIVED_HEALTH)
        + If(columns.NPS >= 9, ONE, ZERO)
        - If(columns.NPS <= 6, Const(3.0), ZERO)
        - If(columns.SENTIMENT < -0.3, Const(2.0), ZERO)
        - If(_positive(columns.URGENT_OPEN_LONG), ONE, ZERO),
        0.0,
        10.0,
    )
    known = _any([IsKnown(columns.NPS), Attribute("support_age") >= 0])
    return If(IsKnown(measured), _clipped(measured * 0.1, 0.0, 10.0), If(known, derived, Unknown()))


def _growth(library: Library) -> Formula:
    seen = (columns.MEMBERS_EVER, columns.EVENTS_EVER, columns.AMOUNTS_EVER, columns.HEADCOUNTS_EVER)
    doubled = _any([_fired("wau_doubled", library), _fired("usage_doubled_since_start", library)])
    total = _sum(
        [
            If(condition, Const(amount), ZERO)
            for condition, amount in (
                (_fired("seats_added", library), 3.0),
                (_fired("new_team", library), 2.0),
                (_fired("headcount_growth", library), 2.0),
                (doubled, 3.0),
            )
        ],
    )
    return If(_any([_positive(leaf) for leaf in seen]), total, Unknown())


def _commercial(library: Library) -> Formula:
    total = (
        Const(3.0)
        + If(_fired("renewal_window", library), Const(3.0), ZERO)
        + If(_equals(Attribute("term"), "year"), Const(2.0), ZERO)
        + If(_default(Attribute("discount_pct"), 0.0) <= DISCOUNT_ALLOWED, Const(2.0), ZERO)
    )
    return If(IsKnown(Attribute("plan_id")), If(Attribute("late"), ZERO, total), Unknown())


def _composite() -> Formula:
    scores = {name: Attribute(f"score_{name}") for name in WEIGHTS}
    weighted = [_default(score, 0.0) * WEIGHTS[name] for name, score in scores.items()]
    weight: list[Formula] = [If(IsKnown(score), Const(WEIGHTS[name]), ZERO) for name, score in scores.items()]
    total, of = _sum(weighted), _sum(weight)
    return Rounded(total * 10.0 / of, 4)


def _holds() -> dict[str, Formula]:
    health, measured = Attribute("score_health"), columns.HEALTH_SCORE
    status, change = Attribute("status"), Attribute("plan_change_age")
    ended = Not(IsKnown(status)) & IsKnown(Attribute("last_end_age"))
    return {
        "unhealthy": If(IsKnown(measured), measured < UNHEALTHY_SCORE, health < UNHEALTHY_DERIVED),
        "open_escalation": If(_positive(columns.URGENT_OPEN), Const(True), columns.NEWEST_SENTIMENT <= ANGRY),
        "past_due": Attribute("late"),
        "leaving": _any(
            [
                IsKnown(Attribute("cancel_on")),
                If(Among(status, ("canceled", "paused")), Const(True), Const(False)),
                ended,
                _positive(columns.UNHAPPY_ASKS),
            ]
        ),
        "trial": _equals(status, "trialing"),
        "too_new": Attribute("age_days") < YOUNG_DAYS,
        "just_changed": If(IsKnown(change), change < CHANGE_DAYS, Const(False)),
        "test_account": Attribute("is_test"),
    }
