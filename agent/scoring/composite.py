"""The composite score of rule book §4: usage, health, growth and commercial, each with its terms."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from agent.scoring import columns
from agent.scoring.assessment import Part, Term, Tier
from agent.signals.formula import Leaf

Row = dict[str, Any]
WEIGHTS = {"usage": 0.40, "health": 0.25, "growth": 0.20, "commercial": 0.15}
TIERS = ((75, Tier.EXPANSION_READY), (50, Tier.LIKELY), (25, Tier.POTENTIAL), (0, Tier.NOT_READY))
HIGH, MIDDLE, FULL = 0.80, 0.50, 1.0
DISCOUNT_ALLOWED = 20
DERIVED_HEALTH = 7.0


def read(row: Row, leaf: Leaf) -> Any:
    """The value of a leaf in an account's row."""
    return row[leaf.column]


def parts(row: Row, fired: Collection[str], *, past_due: bool, support_known: bool) -> dict[str, Part]:
    """The four dimensions; one without data has no score, and the others share its weight.

    `fired` are the triggers that fired; `support_known` says whether the company has any tickets at all.
    """
    scores = {
        "usage": usage(row),
        "health": health(row, support_known=support_known),
        "growth": growth(row, fired),
        "commercial": commercial(row, fired, past_due=past_due),
    }
    known = sum(WEIGHTS[name] for name, (score, _) in scores.items() if score is not None)
    return {
        name: Part(
            score=None if score is None else round(score, 6),
            weight=0.0 if score is None else round(WEIGHTS[name] / known, 6),
            terms=tuple(terms),
        )
        for name, (score, terms) in scores.items()
    }


def composite(dimensions: dict[str, Part]) -> float | None:
    """0 to 100, to four decimals; None when no dimension has data."""
    known = {name: part.score for name, part in dimensions.items() if part.score is not None}
    if not known:
        return None
    weight = sum(WEIGHTS[name] for name in known)
    return round(10 * sum(WEIGHTS[name] * score for name, score in known.items()) / weight, 4)


def tier(score: float | None) -> Tier | None:
    """The tier of a composite."""
    return None if score is None else next(name for bound, name in TIERS if score >= bound)


Scored = tuple[float | None, list[Term]]


def usage(row: Row) -> Scored:
    """How full the plan is: the highest utilisation of a core metric, else of any limited one."""
    seen = read(row, columns.USES_EVER) or read(row, columns.AMOUNTS_EVER)
    if not seen:
        return None, []
    if not read(row, columns.USES) and not read(row, columns.AMOUNTS):
        return 0.0, [Term(name="no_use", amount=0, says=f"no use in the last {columns.USE_DAYS} days")]
    share = row["core_utilisation"] if row["core_utilisation"] is not None else row["any_utilisation"]
    if share is None:
        return None, []
    teams, tried = row["teams"], read(row, columns.HIGHER_TRIED)
    shown = f"highest utilisation {share:.1%}"
    fullest = max(share, row["any_utilisation"] or 0.0)
    if fullest >= FULL and teams >= 2 and tried:
        says = f"a ceiling reached ({fullest:.1%}), {teams} teams, a higher plan's feature tried"
        return 10.0, [Term(name="at_ceiling", amount=10, says=says)]
    if share > HIGH and teams >= 2:
        return 8.0, [Term(name="high_with_teams", amount=8, says=f"{shown}, {teams} teams")]
    if share > HIGH:
        return 7.0, [Term(name="high", amount=7, says=shown)]
    if share >= MIDDLE:
        score = 4 + 2 * (share - MIDDLE) / (HIGH - MIDDLE)
        return score, [
            Term(name="middle", amount=round(score, 6), says=f"{shown}: 4 to 6 between 50% and 80%")
        ]
    score = 1 + 2 * share / MIDDLE
    return score, [Term(name="low", amount=round(score, 6), says=f"{shown}: 1 to 3 below 50%")]


def health(row: Row, *, support_known: bool) -> Scored:
    """The health score where there is one, else what NPS and tickets suggest."""
    measured = read(row, columns.HEALTH_SCORE)
    if measured is not None:
        score = min(10.0, max(0.0, measured / 10))
        return score, [Term(name="health_score", amount=score, says=f"health score {measured:g}")]
    nps, sentiment = read(row, columns.NPS), read(row, columns.SENTIMENT)
    if nps is None and not support_known:
        return None, []
    terms = [Term(name="base", amount=DERIVED_HEALTH, says="no health score: 7 to begin with")]
    if nps is not None and nps >= 9:
        terms.append(Term(name="promoter", amount=1, says=f"newest NPS {nps:g}"))
    if nps is not None and nps <= 6:
        terms.append(Term(name="detractor", amount=-3, says=f"newest NPS {nps:g}"))
    if sentiment is not None and sentiment < -0.3:
        terms.append(
            Term(name="sentiment", amount=-2, says=f"mean ticket sentiment {sentiment:.2f} in 30 days")
        )
    if read(row, columns.URGENT_OPEN_LONG):
        terms.append(Term(name="urgent_ticket", amount=-1, says="an urgent ticket open more than 3 days"))
    return min(10.0, max(0.0, sum(term.amount for term in terms))), terms


def growth(row: Row, fired: Collection[str]) -> Scored:
    """What the growth and team triggers found."""
    seen = (columns.MEMBERS_EVER, columns.EVENTS_EVER, columns.AMOUNTS_EVER, columns.HEADCOUNTS_EVER)
    if not any(read(row, leaf) for leaf in seen):
        return None, []
    terms = [
        Term(name=name, amount=amount, says=f"{name} fired")
        for name, amount in (("seats_added", 3), ("new_team", 2), ("headcount_growth", 2))
        if name in fired
    ]
    doubled = [name for name in ("wau_doubled", "usage_doubled_since_start") if name in fired]
    if doubled:
        terms.append(Term(name="doubled", amount=3, says=f"{' and '.join(doubled)} fired"))
    return min(10.0, sum(term.amount for term in terms)), terms


def commercial(row: Row, fired: Collection[str], *, past_due: bool) -> Scored:
    """Timing and terms of the subscription."""
    if row["plan_id"] is None:
        return None, []
    if past_due:
        return 0.0, [Term(name="past_due", amount=0, says="payment is past due")]
    terms = [Term(name="base", amount=3, says="a subscription in force")]
    if "renewal_window" in fired:
        terms.append(Term(name="renewal_window", amount=3, says=f"renews in {row['days_to_renewal']} days"))
    if row["term"] == "year":
        terms.append(Term(name="yearly", amount=2, says="yearly term"))
    if (row["discount_pct"] or 0) <= DISCOUNT_ALLOWED:
        terms.append(Term(name="no_discount", amount=2, says="no discount above 20%"))
    return sum(term.amount for term in terms), terms
