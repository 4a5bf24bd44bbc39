"""What one evaluation found, as one JSON document that later ones are held against."""

from __future__ import annotations

import math
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, computed_field

Z = 1.959963984540054
"Two-sided 95%."


class Document(BaseModel):
    """A document that does not change once made."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Rate(Document):
    """So many of so many, with Wilson's 95% interval."""

    good: int
    of: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def share(self) -> float | None:
        """None for none of none."""
        return self.good / self.of if self.of else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def interval(self) -> tuple[float, float]:
        """(low, high); the whole line for none of none."""
        if not self.of:
            return 0.0, 1.0
        p, n = self.good / self.of, self.of
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


class CaseResult(Document):
    """One case, written to by one writer, and what the scorers gave it."""

    case_id: str
    writer: str
    "'template', 'model' (falls back to the template) or 'plain' (a plain upsell prompt, for comparison)."
    subject: str
    body: str
    scores: dict[str, float | None]
    "By scorer; None where a scorer has nothing to say of the case."
    nearest: str | None = None
    "The case of another account whose draft by this writer comes nearest to this one."
    violations: tuple[str, ...] = ()
    "'rule:level' of each."
    fell_back: str | None = None
    "Why the template stands in for the model, where it does."
    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost_micro: int = 0


class RuleResult(Document):
    """How well one guardrail, or kind of fault, is caught."""

    rule: str
    recall: Rate
    "Of drafts with this one fault planted, how many were blocked by the rule meant (or, for `overall`, by any)."
    false_alarms: Rate
    "Of clean drafts, on how many this rule raised a block."


class Miss(Document):
    """A planted fault that passed, or a clean draft that was blocked."""

    draft_id: str
    rule: str
    kind: str
    text: str
    said: str = ""


class CheckerResult(Document):
    """The checker, checked."""

    planted: int
    clean: int
    rules: tuple[RuleResult, ...]
    "One a rule, then 'figures' (all kinds of wrong figure) and 'overall'."
    misses: tuple[Miss, ...] = ()


class Preference(Document):
    """One writer against another on the same briefs, each pair judged in both orders."""

    writer: str
    against: str
    wins: int
    losses: int
    ties: int
    "Pairs whose two orders disagree count as ties."
    flipped: int
    "Pairs whose verdict changed with the order: how much the judge goes by place."


class Agreement(Document):
    """A judge against the founder's own decisions."""

    judge: str
    labels: int
    kappa: float | None
    "Cohen's kappa; None with too few labels or only one class."
    interval: tuple[float, float] | None = None


class Edits(Document):
    """How much of a workspace's drafts was changed before they were sent."""

    sent: int
    unchanged: int
    mean: float | None
    "Of the drafts' edit distances: 0 for a text sent as it was written, 1 for one with nothing left of it."
    by_draft: dict[str, float] = Field(default_factory=dict)


class Run(Document):
    """One evaluation, whole."""

    made_at: datetime
    version: str
    writer: str
    model: str | None = None
    judge: str | None = None
    is_standin: bool = False
    "Whether model and judge were the scripted stand-in: then tone and preference say nothing about a real model."
    prompts: dict[str, str] = Field(default_factory=dict)
    "Content hash by prompt."
    cases: tuple[CaseResult, ...] = ()
    sameness: float | None = None
    "Mean over the cases of the overlap of word 4-grams with the nearest draft to another account, names and figures apart."
    checker: CheckerResult | None = None
    preferences: tuple[Preference, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    edits: Edits | None = None
    "None without a workspace."
    currency: str = ""
    "Of the costs; empty where the price table names none."
    classifier: dict[str, float | int | None] = Field(default_factory=dict)
    "Agreement of the two ticket classifiers: tickets, agreeing, kappa by class name, …"
