"""What two evaluations both measured, each measure with an interval around its difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from evals.quality import differences
from evals.quality.comparison import Part
from evals.quality.differences import USUAL, Interval
from evals.quality.drafts import ELSEWHERE, blocks
from evals.quality.measures import Measure, Unit, score, spending
from evals.quality.result import CaseResult, CheckerResult, Preference, Rate, Run
from evals.quality.scorers import GUARDRAILS

Around = Callable[[float], Interval | None]
Pairs = Sequence[tuple[CaseResult, CaseResult]]
EVERY = "every_guardrail"
COUNTED = {"tickets", "agreeing", "kappa low", "kappa high"}
"What is told of the classifiers and is no measure by itself."


@dataclass(frozen=True)
class Measured:
    """A measure before and after, and how to draw an interval around their difference at any level."""

    part: Part
    name: str
    measure: Measure
    old: float
    new: float
    around: Around
    counts: tuple[str, str] = ("", "")


def measured(old: Run, new: Run, pairs: Pairs) -> list[Measured]:
    """Every measure that both have; `pairs` are the drafts of the cases that both have."""
    found = [*_guardrails(pairs), *_checker(old.checker, new.checker), *_scores(pairs), *_edits(old, new)]
    found += [*_preferences(old, new), *_agreements(old, new), *_classifiers(old, new)]
    return found


def _guardrails(pairs: Pairs) -> list[Measured]:
    """All guardrails together, whether they let the draft pass; then each; then the model's own words."""
    if not pairs:
        return []
    named = dict.fromkeys(GUARDRAILS)
    named |= dict.fromkeys(sorted(rule for pair in pairs for one in pair for rule in blocks(one)))
    found = [_yes_or_no(pairs, EVERY, "Every guardrail", lambda one: not blocks(one))]
    found += [_yes_or_no(pairs, rule, rule, _passes(rule)) for rule in named]
    if all(one.writer == "model" for pair in pairs for one in pair):
        found.append(
            _yes_or_no(pairs, "own_words", "The template did not stand in", lambda one: not one.fell_back)
        )
    return found


def _passes(rule: str) -> Callable[[CaseResult], bool]:
    return lambda one: rule not in blocks(one)


def _yes_or_no(pairs: Pairs, name: str, title: str, holds: Callable[[CaseResult], bool]) -> Measured:
    was, is_now = [holds(old) for old, _ in pairs], [holds(new) for _, new in pairs]
    return Measured(
        Part.GUARDRAILS,
        name,
        Measure(title=title, unit=Unit.SHARE),
        sum(was) / len(pairs),
        sum(is_now) / len(pairs),
        lambda level: differences.of_paired_rates(was, is_now, level),
        (f"{sum(was)} of {len(pairs)}", f"{sum(is_now)} of {len(pairs)}"),
    )


def _checker(old: CheckerResult | None, new: CheckerResult | None) -> list[Measured]:
    if old is None or new is None:
        return []
    before, found = {one.rule: one for one in old.rules}, []
    for part, is_good in ((Part.CAUGHT, True), (Part.FALSE_ALARMS, False)):
        for one in new.rules:
            was = before.get(one.rule)
            if was is not None:
                rates = (was.recall, one.recall) if is_good else (was.false_alarms, one.false_alarms)
                measure = Measure(title=one.rule, unit=Unit.SHARE, direction=1 if is_good else -1)
                found += _rates(part, one.rule, measure, *rates)
    return found


def _rates(part: Part, name: str, measure: Measure, old: Rate, new: Rate) -> list[Measured]:
    if not old.of or not new.of:
        return []
    return [_shares(part, name, measure, (old.good, old.of), (new.good, new.of))]


def _shares(
    part: Part, name: str, measure: Measure, old: tuple[float, int], new: tuple[float, int]
) -> Measured:
    return Measured(
        part,
        name,
        measure,
        old[0] / old[1],
        new[0] / new[1],
        lambda level: differences.of_rates(old, new, level),
        (f"{old[0]:g} of {old[1]}", f"{new[0]:g} of {new[1]}"),
    )


def _scores(pairs: Pairs) -> list[Measured]:
    """Every score that both evaluations gave, over the cases to which both gave it."""
    named = dict.fromkeys(
        name for pair in pairs for one in pair for name in one.scores if name not in ELSEWHERE
    )
    found = []
    for name in named:
        both = [
            (given(old)[name], given(new)[name])
            for old, new in pairs
            if name in given(old) and name in given(new)
        ]
        found += _means(Part.SCORES, name, score(name), both)
    return found


def spent(pairs: Pairs, *, is_alike: bool) -> list[Measured]:
    """What a draft takes; another writer or model has another price, which is no fault of the prompts."""
    found = []
    for name, measure in spending().items():
        both = [(float(getattr(old, name)), float(getattr(new, name))) for old, new in pairs]
        if any(value for pair in both for value in pair):
            gates = measure.gates and is_alike
            found += _means(Part.SPENDING, name, measure.model_copy(update={"gates": gates}), both)
    return found


def _means(part: Part, name: str, measure: Measure, values: Sequence[tuple[float, float]]) -> list[Measured]:
    both = [pair for pair in values if all(map(math.isfinite, pair))]
    if not both:
        return []
    apart = [round(new - old, 12) for old, new in both]
    said = f"{len(both)} draft{'s' * (len(both) != 1)}"
    around: Around = lambda level: differences.of_means(apart, level)  # noqa: E731 - typed, and used once
    if all(value in (0.0, 1.0) for pair in both for value in pair):
        was, is_now = [old == 1 for old, _ in both], [new == 1 for _, new in both]
        around = lambda level: differences.of_paired_rates(was, is_now, level)  # noqa: E731 - as above
    old, new = fmean(old for old, _ in both), fmean(new for _, new in both)
    return [Measured(part, name, measure, old, new, around, (said, said))]


def given(case: CaseResult) -> dict[str, float]:
    """The scores that are numbers."""
    return {name: value for name, value in case.scores.items() if value is not None and math.isfinite(value)}


def _edits(old: Run, new: Run) -> list[Measured]:
    """What the founder changed before sending: of other drafts each time, so shown and no reason to fail."""
    means = [run.edits.mean if run.edits else None for run in (old, new)]
    if not all(map(_is_number, means)):
        return []
    was, now = (float(mean or 0) for mean in means)
    return [Measured(Part.SCORES, "edit_distance", score("edit_distance"), was, now, lambda _: None)]


def _preferences(old: Run, new: Run) -> list[Measured]:
    before, found = {(one.writer, one.against): one for one in old.preferences}, []
    for one in new.preferences:
        was = before.get((one.writer, one.against))
        if was is not None and _pairs_of(was) and _pairs_of(one):
            measure = Measure(title=f"{one.writer} against {one.against}", unit=Unit.SHARE)
            name = f"{one.writer}:{one.against}"
            found.append(_shares(Part.PREFERENCES, name, measure, preferred(was), preferred(one)))
    return found


def _pairs_of(one: Preference) -> int:
    return one.wins + one.losses + one.ties


def preferred(one: Preference) -> tuple[float, int]:
    """(wins, pairs); a tie is half a win."""
    return one.wins + one.ties / 2, _pairs_of(one)


def _agreements(old: Run, new: Run) -> list[Measured]:
    before, found = {one.judge: one for one in old.agreements}, []
    for one in new.agreements:
        was = before.get(one.judge)
        if was is None or was.kappa is None or one.kappa is None:
            continue
        apart = (
            differences.of_estimates(was.kappa, was.interval, one.kappa, one.interval)
            if was.interval and one.interval
            else None
        )
        counts = (f"{was.labels} labels", f"{one.labels} labels")
        measure = Measure(title=f"{one.judge} (kappa)")
        around = partial(_at_usual, apart)
        found.append(Measured(Part.AGREEMENT, one.judge, measure, was.kappa, one.kappa, around, counts))
    return found


def _at_usual(apart: Interval | None, level: float) -> Interval | None:
    # Kappa's intervals come at 95% and are not drawn anew, so such a row stands at that level only.
    return apart if level == USUAL else None


def _classifiers(old: Run, new: Run) -> list[Measured]:
    """On how many tickets the two agree, and what else both evaluations tell of them, classes aside."""
    was, now, found = old.classifier, new.classifier, []
    for name, value in now.items():
        before = was.get(name)
        if name in COUNTED or ":" in name or not (_is_number(before) and _is_number(value)):
            continue
        measure = Measure(title=name.replace("_", " ").capitalize())
        # Without an interval of each there is none of their difference: shown, and no reason to fail.
        apart, ends = None, [(one.get(f"{name} low"), one.get(f"{name} high")) for one in (was, now)]
        if all(_is_number(end) for pair in ends for end in pair):
            around = [(float(low or 0), float(high or 0)) for low, high in ends]
            apart = differences.of_estimates(float(before or 0), around[0], float(value or 0), around[1])
        usual = partial(_at_usual, apart)
        found.append(Measured(Part.CLASSIFIER, name, measure, float(before or 0), float(value or 0), usual))
    counts = [(one.get("agreeing"), one.get("tickets")) for one in (was, now)]
    if all(_is_number(good) and of for good, of in counts):
        measure = Measure(title="Tickets on which they agree", unit=Unit.SHARE)
        pairs = [(float(good or 0), int(of or 0)) for good, of in counts]
        found.insert(0, _shares(Part.CLASSIFIER, "agreeing", measure, pairs[0], pairs[1]))
    return found


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
