"""An evaluation in plain words: what a founder should know before any table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from evals.quality.comparison import Comparison, Outcome
from evals.quality.drafts import blocks, own_drafts
from evals.quality.measures import LACKING, Unit, percent, spending, written
from evals.quality.result import CaseResult, Rate, RuleResult, Run

BY_CHANCE = 0.025
"How often an interval of 95% calls a measure worse that is not."
TARGETS: Mapping[str, float] = {"figures": 0.99, "overall": 0.97}
MOST_FALSE_ALARMS = 0.02
OVERALL, FIGURES = "overall", "figures"
TOLD = 6
"Names in a sentence before the rest is only counted."


@dataclass(frozen=True)
class Tile:
    """One figure of the summary."""

    figure: str
    what: str


def verdict(run: Run, against: Comparison | None) -> str:
    """The first sentence: how the evaluation stands to its baseline, else how many drafts pass."""
    if against is None:
        return passing(run)
    if not against.worse:
        return f"Nothing is worse than the baseline beyond its interval ({_times(against.comparisons, 'measure')} compared)."
    return f"Worse than the baseline: {against.worse_in_words}."


def findings(run: Run, against: Comparison | None) -> list[str]:
    """What the figures say, one sentence each."""
    said = [] if against is None else [by_chance(against), passing(run)]
    said += [standin(run), stood_in(run), *checked(run), spent(run), edited(run)]
    return [sentence for sentence in said if sentence]


def passing(run: Run) -> str:
    """How many drafts pass every guardrail, and what blocks the others."""
    drafts = list(own_drafts(run).values())
    if not drafts:
        return "No drafts were written."
    clear = rate(not blocks(one) for one in drafts)
    blocking = Counter(rule for one in drafts for rule in blocks(one))
    why = (
        f"; blocked by {_listed([f'{rule} ({n})' for rule, n in blocking.most_common()])}" if blocking else ""
    )
    return f"{clear.good} of {_times(clear.of, 'draft')} pass every guardrail ({in_words(clear)}){why}."


def standin(run: Run) -> str:
    """A warning where no real model spoke."""
    if not run.is_standin:
        return ""
    return (
        "Model and judge were the scripted stand-in: guardrails and checker are told truly, tone, preferences, "
        "tokens and cost say nothing about a real model."
    )


def stood_in(run: Run) -> str:
    """How often the template stood in for the model, and why."""
    drafts = own_drafts(run)
    if run.writer != "model" or not drafts:
        return ""
    why = Counter(one.fell_back for one in drafts.values() if one.fell_back)
    if not why:
        return "Every draft is in the model's own words; the template never stood in."
    reasons = _listed([f"{reason} ({n})" for reason, n in why.most_common()])
    return (
        f"The template stood in for the model in {why.total()} of {_times(len(drafts), 'draft')}: {reasons}."
    )


def checked(run: Run) -> list[str]:
    """What the checker caught, and where it cried wolf."""
    if run.checker is None:
        return []
    rows, said = {one.rule: one for one in run.checker.rules}, []
    for name, what in ((OVERALL, "planted faults"), (FIGURES, "wrong figures")):
        one = rows.get(name)
        if one and one.recall.of:
            aim = TARGETS[name]
            met = "met" if (one.recall.share or 0) >= aim else "missed"
            said.append(
                f"The checker caught {one.recall.good} of {one.recall.of} {what} ({in_words(one.recall)}; "
                f"target {percent(aim)}, {met})."
            )
    one = rows.get(OVERALL)
    if one and one.false_alarms.of:
        met = "met" if (one.false_alarms.share or 0) <= MOST_FALSE_ALARMS else "missed"
        said.append(
            f"It blocked {one.false_alarms.good} of {one.false_alarms.of} clean drafts ({in_words(one.false_alarms)}; "
            f"target at most {percent(MOST_FALSE_ALARMS)}, {met})."
        )
    return said


def edited(run: Run) -> str:
    """How much of the workspace's own drafts was changed before they were sent."""
    if run.edits is None or not run.edits.sent or run.edits.mean is None:
        return ""
    return (
        f"Of {_times(run.edits.sent, 'draft')} that this workspace sent, {run.edits.unchanged} went out unchanged; "
        f"on average {percent(run.edits.mean)} of the text was changed first."
    )


def spent(run: Run) -> str:
    """What a draft takes on average."""
    drafts = list(own_drafts(run).values())
    if not any(one.calls for one in drafts):
        return "No model was asked for the drafts, so they cost nothing." if drafts else ""
    mean = {name: fmean(float(getattr(one, name)) for one in drafts) for name in spending()}
    cost = (
        f"{written(mean['cost_micro'], Unit.MONEY, run.currency)}"
        if mean["cost_micro"]
        else "no price is known for the model"
    )
    return (
        f"A draft takes {mean['calls']:.2f} calls, {mean['tokens_in']:,.0f} tokens in (of which "
        f"{mean['tokens_cached']:,.0f} cached), {mean['tokens_out']:,.0f} out and {mean['seconds']:.2f} s; cost: {cost}."
    )


def by_chance(against: Comparison) -> str:
    """How to read many comparisons at once."""
    expected = against.comparisons * BY_CHANCE
    about = "fewer than one" if expected < 1 else f"about {expected:.0f}"
    told = [row for row in against.rows if row.fails]
    sure = sum(row.is_certain for row in told)
    how_many = (
        f"Of the {len(told)}, {sure}"
        if len(told) > 1
        else "The one that is worse"
        if sure
        else "None that is worse"
    )
    more = f" {how_many} would also fail an interval widened for that many." if told else ""
    return (
        f"Each difference stands against its own 95% interval; of {_times(against.comparisons, 'measure')} without "
        f"any real change {about} would look worse by chance.{more}"
    )


def tiles(run: Run) -> list[Tile]:
    """The figures of the summary."""
    drafts = list(own_drafts(run).values())
    found = []
    if drafts:
        clear = rate(not blocks(one) for one in drafts)
        found.append(Tile(f"{clear.good}/{clear.of}", "drafts pass every guardrail"))
        if run.writer == "model":
            found.append(
                Tile(f"{sum(one.fell_back is not None for one in drafts)}", "times the template stood in")
            )
    overall = next((one for one in run.checker.rules if one.rule == OVERALL), None) if run.checker else None
    if overall and overall.recall.share is not None:
        found.append(Tile(percent(overall.recall.share), f"of {overall.recall.of} planted faults caught"))
    if overall and overall.false_alarms.share is not None:
        found.append(
            Tile(percent(overall.false_alarms.share), f"of {overall.false_alarms.of} clean drafts blocked")
        )
    if any(one.calls for one in drafts):
        tokens = fmean(one.tokens_in + one.tokens_out for one in drafts)
        found.append(Tile(f"{tokens:,.0f}", "tokens a draft"))
        cost = fmean(one.cost_micro for one in drafts)
        if cost:
            found.append(Tile(written(cost, Unit.MONEY), f"{run.currency or 'of the price table'} a draft"))
    return found


def rate(of: Iterable[bool]) -> Rate:
    """So many of so many."""
    seen = list(of)
    return Rate(good=sum(seen), of=len(seen))


def in_words(of: Rate) -> str:
    """'97.5%, 95% interval 91.3% to 99.3%'."""
    if of.share is None:
        return LACKING
    low, high = of.interval
    return f"{percent(of.share)}, 95% interval {percent(low)} to {percent(high)}"


def mean_of(drafts: Iterable[CaseResult], name: str) -> tuple[float, float, float, int] | None:
    """(mean, least, most, how many) of a score; None where no draft has it."""
    values = [one.scores.get(name) for one in drafts]
    real = [value for value in values if value is not None and math.isfinite(value)]
    return (fmean(real), min(real), max(real), len(real)) if real else None


def is_sum(one: RuleResult) -> bool:
    """Whether the row sums up others."""
    return one.rule in (OVERALL, FIGURES)


def telling(against: Comparison) -> int:
    """How many measures differ beyond their interval."""
    return sum(row.outcome in (Outcome.WORSE, Outcome.BETTER) for row in against.rows)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return f"{'; '.join(names[:TOLD])}{more}"


def _times(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
