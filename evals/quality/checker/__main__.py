"""`python -m evals.quality.checker`: the checker's table, by rule and by kind of fault, and what it missed."""

from __future__ import annotations

import argparse
from collections import Counter

from evals.quality.checker.corpus import Half, planted_drafts
from evals.quality.checker.measuring import measure
from evals.quality.result import CheckerResult, Rate


def main() -> None:
    """Print the table of all texts, or of one half."""
    options = argparse.ArgumentParser(description="How well the guardrails catch planted faults.")
    options.add_argument("--half", choices=[half.value for half in Half], help="only the texts of one half")
    options.add_argument("--misses", action="store_true", help="print every text that was missed or stopped")
    given = options.parse_args()
    halves = (Half(given.half),) if given.half else tuple(Half)
    result = measure(halves=halves)
    lines = [shown(result), by_kind(result, halves)]
    if given.misses:
        lines += [
            f"\n--- {miss.draft_id} ({miss.kind}), {miss.rule}\n{miss.text}\n>>> {miss.said or 'nothing said'}"
            for miss in result.misses
        ]
    print("\n".join(lines))  # noqa: T201


def shown(result: CheckerResult) -> str:
    """The table, one line a rule."""
    lines = [f"{result.planted} drafts with a planted fault, {result.clean} clean ones", ""]
    lines.append(f"{'rule':20}{'caught':>10}{'recall, 95%':>26}{'false alarms':>15}")
    for one in result.rules:
        lines.append(
            f"{one.rule:20}{one.recall.good:>6}/{one.recall.of:<4}{_rate(one.recall):>25}"
            f"{one.false_alarms.good:>10}/{one.false_alarms.of}"
        )
    return "\n".join(lines)


def by_kind(result: CheckerResult, halves: tuple[Half, ...]) -> str:
    """How many of every kind of fault were caught by the rule meant."""
    planted = Counter(one.kind for one in planted_drafts() if one.draft.half in halves)
    missed = Counter(miss.kind for miss in result.misses)
    lines = ["", f"{'kind of fault':20}{'caught':>10}"]
    lines += [f"{kind:20}{of - missed[kind]:>6}/{of}" for kind, of in planted.items()]
    return "\n".join(lines)


def _rate(rate: Rate) -> str:
    if rate.share is None:
        return "-"
    low, high = rate.interval
    return f"{rate.share:.3f}  {low:.3f} to {high:.3f}"


if __name__ == "__main__":
    main()
