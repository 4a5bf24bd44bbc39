"""Judges that are models: a score by a rubric, and a choice between two drafts that are shown in both orders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from agent.drafting.brief import Brief
from agent.drafting.message import Message
from agent.foundation.errors import OutgrownError
from agent.foundation.llm.port import Model, NoAnswer, Task, Usage
from agent.foundation.prompts import prompt
from evals.quality.result import Preference
from evals.quality.shown import escaped, facts_of

RUBRICS = Path(__file__).with_name("rubrics")
JUDGE_PROMPT, PAIR_PROMPT = "judge", "judge_pair"
SCORE = "judge_"
"What the score of a judge is called: 'judge_teammate'."


class Grade(BaseModel):
    """A judge's score of one email."""

    reason: str = Field(description="One or two sentences that point at words of the email.")
    score: Literal[1, 2, 3, 4, 5] = Field(description="By the rubric's anchors.")


class Choice(BaseModel):
    """A judge's choice between two emails."""

    reason: str = Field(description="One or two sentences that point at words of the emails.")
    better: Literal["first", "second", "tie"] = Field(
        description="The email that serves the customer better."
    )


@dataclass(frozen=True)
class Rubric:
    """What one judge goes by: one Markdown file of rubrics/."""

    name: str
    title: str
    text: str

    @property
    def content_hash(self) -> str:
        """Twelve hex digits over the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @property
    def score(self) -> str:
        """What its score is called among the scores of a case."""
        return f"{SCORE}{self.name}"


@dataclass(frozen=True)
class Graded:
    """What a judge made of one email; no score where the model gave no answer."""

    score: int | None
    reason: str
    usage: Usage


class Verdict(StrEnum):
    """How a pair came out for the writer asked about."""

    WIN = "win"
    LOSS = "loss"
    TIE = "tie"


AS_SHOWN = {"first": Verdict.WIN, "second": Verdict.LOSS, "tie": Verdict.TIE}
SWAPPED = {"first": Verdict.LOSS, "second": Verdict.WIN, "tie": Verdict.TIE}


@dataclass(frozen=True)
class Judged:
    """How a pair came out; no verdict where the model gave no answer."""

    verdict: Verdict | None
    flipped: bool
    "Whether the two orders disagree: the judge went, in part at least, by place."
    reasons: tuple[str, ...]
    usage: Usage


@cache
def rubrics() -> tuple[Rubric, ...]:
    """Every rubric, by name.

    Raises OutgrownError for a file without a title or without an anchor for each score.
    """
    return tuple(_rubric(path) for path in sorted(RUBRICS.glob("*.md")))


def _rubric(path: Path) -> Rubric:
    text = path.read_text(encoding="utf-8").strip()
    title, _, _ = text.partition("\n")
    lacking = [score for score in range(1, 6) if f"\n- {score}: " not in text]
    if not title.startswith("# ") or lacking:
        raise OutgrownError(
            f"{path.name} must begin with '# Title' and hold anchors '- 1: …' to '- 5: …'; mend it."
        )
    return Rubric(path.stem, title.removeprefix("# "), text)


def grade(rubric: Rubric, message: Message, brief: Brief, model: Model) -> Graded:
    """The model's score of a message by a rubric, 1 to 5."""
    lines = prompt(JUDGE_PROMPT).lines(rubric=rubric.text, facts=facts_of(brief), email=escaped(message.text))
    try:
        answer = model.ask(Task.JUDGE, lines, Grade, about=brief.recipient.account_id)
    except NoAnswer as none:
        return Graded(None, f"No score: {none}", none.usage)
    return Graded(answer.value.score, answer.value.reason, answer.usage)


def prefer(message: Message, against: Message, brief: Brief, model: Model) -> Judged:
    """Which of two messages about one brief serves better, asked in both orders.

    A pair whose two orders disagree is a tie, and flipped.
    """
    usage = Usage()
    reasons: list[str] = []
    verdicts: list[Verdict] = []
    for pair, said in (((message, against), AS_SHOWN), ((against, message), SWAPPED)):
        choice, more = _choose(*pair, brief, model)
        usage += more
        if choice is None:
            return Judged(None, False, tuple(reasons), usage)
        verdicts.append(said[choice.better])
        reasons.append(choice.reason)
    flipped = verdicts[0] is not verdicts[1]
    return Judged(Verdict.TIE if flipped else verdicts[0], flipped, tuple(reasons), usage)


def _choose(first: Message, second: Message, brief: Brief, model: Model) -> tuple[Choice | None, Usage]:
    lines = prompt(PAIR_PROMPT).lines(
        facts=facts_of(brief), first=escaped(first.text), second=escaped(second.text)
    )
    try:
        answer = model.ask(Task.JUDGE, lines, Choice, about=brief.recipient.account_id)
    except NoAnswer as none:
        return None, none.usage
    return answer.value, answer.usage


def preference(writer: str, against: str, judged: Iterable[Judged]) -> Preference:
    """How a writer did against another; pairs without a verdict are not counted."""
    told = [one for one in judged if one.verdict is not None]
    count = {verdict: sum(1 for one in told if one.verdict is verdict) for verdict in Verdict}
    return Preference(
        writer=writer,
        against=against,
        wins=count[Verdict.WIN],
        losses=count[Verdict.LOSS],
        ties=count[Verdict.TIE],
        flipped=sum(1 for one in told if one.flipped),
    )


def judge_hashes() -> dict[str, str]:
    """Content hash of every rubric, by 'rubric:NAME'."""
    return {f"rubric:{rubric.name}": rubric.content_hash for rubric in rubrics()}
