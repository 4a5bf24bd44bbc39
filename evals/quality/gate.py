"""The gate: an evaluation held against an earlier one, measure by measure and case by case."""

from __future__ import annotations

from agent.foundation.errors import InputError
from evals.quality import differences
from evals.quality.comparison import CaseChange, Comparison, Outcome, Row
from evals.quality.differences import USUAL, Interval
from evals.quality.drafts import blocks, own_drafts, verdict
from evals.quality.measured import Measured, Pairs, given, measured, spent
from evals.quality.result import CaseResult, CheckerResult, Miss, Run

NOISE = 1e-9
"A difference below this is arithmetic, not a change."


def compare(old: Run, new: Run) -> Comparison:
    """`new` held against `old`; only what both measured is compared, and the notes say what was left out.

    Raises InputError when the two have nothing in common: a gate that compares nothing must not open.
    """
    before, after = own_drafts(old), own_drafts(new)
    common = tuple(case_id for case_id in after if case_id in before)
    pairs = [(before[case_id], after[case_id]) for case_id in common]
    asked = measured(old, new, pairs)
    if not any(one.around(USUAL) for one in asked):
        raise InputError(
            "The evaluation and its baseline have no case and no checker in common, so nothing can be compared; "
            "evaluate the same cases again and take that as the baseline."
        )
    asked += spent(pairs, is_alike=(old.writer, old.model) == (new.writer, new.model))
    level = differences.corrected(sum(one.measure.gates and one.around(USUAL) is not None for one in asked))
    missed_before, missed_now = (
        (_misses(old.checker), _misses(new.checker)) if old.checker and new.checker else ({}, {})
    )
    return Comparison(
        old_made_at=old.made_at,
        new_made_at=new.made_at,
        common=common,
        only_old=tuple(case_id for case_id in before if case_id not in after),
        only_new=tuple(case_id for case_id in after if case_id not in before),
        rows=tuple(_row(one, level) for one in asked),
        not_measured=_not_measured(old.checker, new.checker),
        changes=_changes(pairs),
        newly_missed=tuple(miss for key, miss in missed_now.items() if key not in missed_before),
        no_longer_missed=tuple(miss for key, miss in missed_before.items() if key not in missed_now),
        notes=tuple(notes(old, new)),
    )


def notes(old: Run, new: Run) -> list[str]:
    """What else differs between the two, which the figures may be owed to."""
    said = []
    for what, was, is_now in (
        ("writer", old.writer, new.writer),
        ("model", old.model or "none", new.model or "none"),
        ("judge", old.judge or "none", new.judge or "none"),
        ("version", old.version, new.version),
    ):
        if was != is_now:
            said.append(f"The {what} was {was} and is {is_now}.")
    if old.is_standin != new.is_standin:
        which = "baseline" if old.is_standin else "new evaluation"
        said.append(
            f"The {which} was made with the scripted stand-in: its words, tone and tokens tell nothing of a real model."
        )
    for name in sorted(old.prompts.keys() | new.prompts.keys()):
        hashes = old.prompts.get(name), new.prompts.get(name)
        if hashes[0] != hashes[1]:
            how = (
                f"changed ({hashes[0]} to {hashes[1]})"
                if all(hashes)
                else "is new"
                if hashes[1]
                else "is gone"
            )
            said.append(f"The prompt {name} {how}.")
    if not set(own_drafts(old)) & set(own_drafts(new)):
        said.append("The two have no case in common; drafts are not compared.")
    if (old.checker is None) != (new.checker is None):
        said.append(
            f"The {'baseline' if old.checker is None else 'new evaluation'} did not run the checker; it is not compared."
        )
    elif (
        old.checker
        and new.checker
        and (old.checker.planted, old.checker.clean) != (new.checker.planted, new.checker.clean)
    ):
        said.append(
            f"The checker read {new.checker.planted} planted and {new.checker.clean} clean drafts, "
            f"{old.checker.planted} and {old.checker.clean} before."
        )
    scores_of = [{name for one in own_drafts(run).values() for name in given(one)} for run in (old, new)]
    if lost := sorted(scores_of[0] - scores_of[1]):
        said.append(f"Scored in the baseline and not now, so not compared: {', '.join(lost)}.")
    return said


def _row(one: Measured, level: float) -> Row:
    interval = one.around(USUAL)
    outcome = _outcome(one, interval)
    return Row(
        part=one.part,
        name=one.name,
        title=one.measure.title,
        unit=one.measure.unit,
        direction=one.measure.direction,
        old=one.old,
        new=one.new,
        counts=one.counts,
        difference=one.new - one.old,
        interval=interval,
        outcome=outcome,
        gates=one.measure.gates,
        is_certain=outcome in (Outcome.WORSE, Outcome.BETTER) and _outcome(one, one.around(level)) is outcome,
    )


def _outcome(one: Measured, interval: Interval | None) -> Outcome:
    if interval is None:
        return Outcome.UNSURE
    low, high = interval
    if one.measure.direction == 0:
        return Outcome.SAME if low <= NOISE and high >= -NOISE else Outcome.OTHER
    if one.measure.direction < 0:
        low, high = -high, -low
    if high < -NOISE:
        return Outcome.WORSE if high < -one.measure.margin * abs(one.old) - NOISE else Outcome.WITHIN
    return Outcome.BETTER if low > NOISE else Outcome.SAME


def _misses(found: CheckerResult) -> dict[tuple[str, str], Miss]:
    return {(miss.draft_id, miss.rule): miss for miss in found.misses}


def _not_measured(old: CheckerResult | None, new: CheckerResult | None) -> tuple[str, ...]:
    """A rule that is taken out must not count as one that holds."""
    if old is None or new is None:
        return ()
    now = {one.rule for one in new.rules if one.recall.of}
    return tuple(one.rule for one in old.rules if one.recall.of and one.rule not in now)


def _changes(pairs: Pairs) -> tuple[CaseChange, ...]:
    """The cases whose verdict is another now; those that became worse first."""
    found = []
    for old, new in pairs:
        # Where another writer wrote, that the template stood in is no change of the verdict.
        was, is_now = (_faults(one, is_alike=old.writer == new.writer) for one in (old, new))
        if was == is_now:
            continue
        outcome = Outcome.WORSE if is_now - was else Outcome.BETTER
        said = verdict(old), verdict(new)
        found.append(
            CaseChange(case_id=new.case_id, was=said[0], is_now=said[1], outcome=outcome, old=old, new=new)
        )
    return tuple(sorted(found, key=lambda one: one.outcome is not Outcome.WORSE))


def _faults(case: CaseResult, *, is_alike: bool) -> set[str]:
    return blocks(case) | ({"fell back"} if is_alike and case.fell_back else set())
