"""What two evaluations look like side by side, as one JSON document."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import computed_field

from evals.quality.measures import Unit
from evals.quality.result import CaseResult, Document, Miss


class Part(StrEnum):
    """The parts of an evaluation, in the order in which they are read."""

    GUARDRAILS = "guardrails"
    CAUGHT = "caught"
    FALSE_ALARMS = "false_alarms"
    SCORES = "scores"
    PREFERENCES = "preferences"
    AGREEMENT = "agreement"
    CLASSIFIER = "classifier"
    SPENDING = "spending"


PARTS = {
    Part.GUARDRAILS: "Drafts that pass a guardrail",
    Part.CAUGHT: "Planted faults the checker caught",
    Part.FALSE_ALARMS: "Clean drafts the checker blocked",
    Part.SCORES: "Scores of the drafts",
    Part.PREFERENCES: "Preferred in pairs",
    Part.AGREEMENT: "Judges against the founder's decisions",
    Part.CLASSIFIER: "The two ticket classifiers",
    Part.SPENDING: "What a draft takes",
}


class Outcome(StrEnum):
    """How a measure stands to the baseline."""

    WORSE = "worse"
    WITHIN = "worse, within the margin"
    "Beyond its interval, by less than is let pass."
    BETTER = "better"
    SAME = "no telling difference"
    OTHER = "different"
    "Beyond its interval, of a measure that is no better either way."
    UNSURE = "cannot be told"
    "Too few cases for an interval."


class Row(Document):
    """One measure, before and after."""

    part: Part
    name: str
    title: str
    unit: Unit
    direction: int
    "Which way is better: up (1), down (-1), neither (0)."
    old: float
    new: float
    counts: tuple[str, str] = ("", "")
    "What the two figures rest on: '58 of 60', '60 drafts'."
    difference: float
    interval: tuple[float, float] | None = None
    "Of the difference, 95%."
    outcome: Outcome
    gates: bool = True
    "False for what is shown and never the reason to fail."
    is_certain: bool = False
    "Worse or better also by the wider interval that allows for how many measures were compared."

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fails(self) -> bool:
        """Whether this row alone makes the gate close."""
        return self.gates and self.outcome is Outcome.WORSE


class CaseChange(Document):
    """A case whose verdict is another than before, with both texts."""

    case_id: str
    was: str
    "'passes', or what blocked it; and why the template stood in."
    is_now: str
    outcome: Outcome
    old: CaseResult
    new: CaseResult


class Comparison(Document):
    """One evaluation held against an earlier one."""

    old_made_at: datetime
    new_made_at: datetime
    common: tuple[str, ...]
    "Cases that both have; only these are compared."
    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    rows: tuple[Row, ...]
    not_measured: tuple[str, ...] = ()
    "Rules of the checker that the baseline measured and this evaluation, though it ran the checker, did not."
    changes: tuple[CaseChange, ...] = ()
    newly_missed: tuple[Miss, ...] = ()
    "Planted faults that pass now, and clean drafts that are blocked now."
    no_longer_missed: tuple[Miss, ...] = ()
    notes: tuple[str, ...] = ()
    "What else differs between the two, each in one sentence."

    @computed_field  # type: ignore[prop-decorator]
    @property
    def comparisons(self) -> int:
        """How many measures could have closed the gate."""
        return sum(row.gates and row.interval is not None for row in self.rows)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def worse(self) -> tuple[str, ...]:
        """What closes the gate; empty when it stays open."""
        lost = tuple(f"{PARTS[Part.CAUGHT]}: {rule} is no longer measured" for rule in self.not_measured)
        return lost + tuple(f"{PARTS[row.part]}: {row.title}" for row in self.rows if row.fails)

    @property
    def worse_in_words(self) -> str:
        """The same as one sentence's end, part by part."""
        said = [f"{rule} is no longer measured by the checker" for rule in self.not_measured]
        for part in PARTS:
            if rows := [row.title for row in self.rows if row.fails and row.part is part]:
                said.append(f"{PARTS[part].lower()} ({', '.join(rows)})")
        return "; ".join(said)
